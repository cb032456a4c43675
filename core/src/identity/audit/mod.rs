//! The audit: who did what, to whom, from where, with what outcome, and whether a row is missing.
//!
//! | file | the question it answers |
//! |---|---|
//! | `action` | which things are written down, and what are they called |
//! | `entry` | what is written down of one of them |
//! | `filter` | which rows does somebody want to see |
//! | `chain` | which bytes are hashed, and is the chain whole |
//! | `checkpoint` | where may a chain begin and end, signed |

mod action;
mod chain;
mod checkpoint;
mod entry;
mod filter;
#[cfg(test)]
mod tests;

pub use action::{AuditAction, Outcome};
pub use chain::{AuditRow, Break, BreakKind, CANONICAL_VERSION, Verified, Verifier, canonical, next_hash, verify};
pub use checkpoint::{Checkpoint, CheckpointKind};
pub use entry::{Actor, ActorError, AuditEntry, MAX_DETAIL_CHARS, MAX_DETAILS, MAX_TARGET_CHARS, NewEntry};
pub use filter::AuditFilter;
