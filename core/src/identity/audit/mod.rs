//! The audit: who did what, to whom, from where, with what outcome. How rows are chained, so that a missing one shows, is
//! [`crate::ports::AuditLog`]'s.
//!
//! | file | the question it answers |
//! |---|---|
//! | `action` | which things are written down, and what are they called |
//! | `entry` | what is written down of one of them |
//! | `filter` | which rows does somebody want to see |

mod action;
mod entry;
mod filter;
#[cfg(test)]
mod tests;

pub use action::{AuditAction, Outcome};
pub use entry::{Actor, ActorError, AuditEntry, MAX_DETAIL_CHARS, MAX_DETAILS, MAX_TARGET_CHARS, NewEntry};
pub use filter::AuditFilter;
