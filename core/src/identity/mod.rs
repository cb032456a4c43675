//! Who somebody is, by which credential, and what an OAuth client may ask: the rules of accounts, keys, tokens and the audit.
//!
//! | file | the question it answers |
//! |---|---|
//! | `user` | who is a person here, what may they do, and when may that change |
//! | `user_change` | what may be asked to change of a person, and what is wrong with the asking |
//! | `api_key` | how is an API key written, is it good, who may make one |
//! | `refresh` | is a refresh token live, sent again or reused |
//! | `oauth` | what may an MCP client ask of the authorization server, and what does it get |
//! | `oidc` | who signed in at the provider, and does the callback belong to this browser |
//! | `audit` | what happened, and is a row missing |
//! | `browser_session` | is a browser still signed in |
//! | `ticket` | may an event stream be opened with this |
//! | `once` | what is given out to be brought back once, soon |
//! | `id` | what are people, families and sessions called |
//! | `hash` | how is a secret kept and compared |
//! | `token_text` (`base62`) | what does a secret look like that is handed out |
//!
//! Nothing here knows a clock, a socket or a store: times, random bits and keys are arguments. Records are written by `serde`
//! and read by older and newer versions: fields that are not known are skipped, fields that are missing have a default.

pub mod api_key;
pub mod audit;
mod base62;
mod browser_session;
mod hash;
mod id;
pub mod oauth;
pub mod oidc;
mod once;
pub mod refresh;
mod ticket;
mod token_text;
mod user;
mod user_change;
#[cfg(test)]
mod user_tests;

pub use browser_session::{BrowserSession, SessionOver};
pub use hash::{HashKey, HashKeys, SecretHash};
pub use id::{AuditId, ConnectionId, FamilyId, IdError, SessionId, UserId};
pub use once::{Once, OnceRandom, OnceRecord, PresentedOnce};
pub use ticket::{PASS_MS, StreamPass, StreamTicket};
pub use user::{AccountKey, AdminEmails, Identity, LOCAL_ISSUER, Role, RoleError, RoleSource, User, UserRefusal};
pub use user_change::UserChange;
