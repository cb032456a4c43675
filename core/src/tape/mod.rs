//! The tape: one ordered log of market events, and what a reader of it gets next (DESIGN §3).
//!
//! [`Tape`] gives positions and frames each event once. [`Window`] is what is still known of it; every worker keeps a
//! copy by applying the same [`Batch`]es. [`Cursor`] is one reader: replay, live delivery, conflation and the bound on a
//! slow reader are all "what comes after my position in the window", with no queue of its own.

mod batch;
mod cursor;
mod event;
mod gap;
mod gather;
mod position;
mod sequencer;
mod window;

#[cfg(test)]
mod tests;

pub use batch::{Batch, Entry};
pub use cursor::{Cursor, Mode, Next, Start};
pub use event::{Draft, Event, Identity, Kind};
pub use gap::{Gap, GapReason};
pub use gather::{DEFAULT_PRICE_WINDOW_MS, Gather, MAX_WINDOW_MS};
pub use position::{Epoch, MAX_CURSOR_BYTES, Position, PositionError, Seq};
pub use sequencer::Tape;
pub use window::{Limits, TopicId, Window};
