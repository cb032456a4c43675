//! Who is known now: keys, people and ended sign-ins in memory, and how they come, change and go.
//!
//! | file | the question it answers |
//! |---|---|
//! | `directory` | which keys and people are good at this moment, and when did one of them change |
//! | `entry` | what is in memory of one key |
//! | `feed` | how does the memory follow the store, whoever wrote to it |
//! | `keys` | how is a key made, shown, rotated and revoked |
//! | `people` | who has an account, what may they do, how are they erased |
//! | `retention` | how long is what happened kept, and who finishes what was left in the middle |
//! | `links` | how does a key reach its owner under a link that opens once |
//! | `shown` | what does a key look like to those who may see it |
//! | `uses` | which keys were used, told to the store now and then |
//! | `audit` | how does what happened get into the audit log |
//! | `refused` | which refusals are worth a row of it |
//! | `search` | which rows of it does somebody want to see |
//!
//! Why it is so: `docs/decisions/0023-who-is-known.md`.

mod audit;
mod directory;
mod entry;
mod feed;
mod keys;
mod links;
mod people;
mod refused;
mod retention;
mod search;
mod shown;
#[cfg(test)]
mod tests;
mod uses;

pub use audit::{AuditMetrics, AuditQueue, AuditWriter, Happening, Who};
pub use directory::{Departed, Directory, Fall, TOKEN_LIFE_MS};
pub use entry::KeyEntry;
pub use feed::follow;
pub use keys::{By, KeyError, KeyService, MAX_KEYS_PER_OWNER, Rotated};
pub use links::{KeyLinks, LinkFault, LinkHandedOut, LinkParts, MAX_WAITING_LINKS};
pub use people::{
    Belongings, PeopleError, PeoplePage, PeopleService, PeopleWanted, Place, PlaceError, StillHeld, follow_departures,
};
pub use refused::{Refusal, Refusals};
pub use retention::{Retention, purge_audit};
pub use search::{RowsFound, RowsWanted, search};
pub use shown::shown_key;
pub use uses::{write_last_uses, write_uses};
