//! API keys: `tg_<prefix>_<secret>`.
//!
//! | file | the question it answers |
//! |---|---|
//! | `text` | how is a key written, and what is none |
//! | `record` | what is kept of a key, is it good now, and how does it get a new secret |
//! | `request` | what may be asked of a new key, and what is wrong with the asking |
//! | `link` | how does a key reach its owner without passing through a transcript |
//! | `policy` | who may make and manage whose keys |

mod link;
mod policy;
mod record;
mod request;
#[cfg(test)]
mod tests;
mod text;

pub use link::{KeyLink, LinkRefusal, LinkedKey};
pub use policy::{KeyForbidden, may_be_given_keys, may_create, may_manage};
pub use record::{ApiKey, GoodKey, KeyRefusal, NewKey, OldSecret};
pub use request::{
    DEFAULT_GRACE_HOURS, KeyRequest, MAX_GRACE_HOURS, MAX_KEY_NAME_CHARS, MAX_LIMIT_PER_MINUTE, MAX_TTL_HOURS, grace_hours,
};
pub use text::{KEY_CHARS, KeyId, KeyIdError, PresentedKey};
