//! What the tape tells its copies: the same entries in the same order make the same window.

use std::sync::Arc;

use super::event::Event;
use super::position::{Epoch, Seq};
use crate::market::Topic;
use crate::time::Millis;

/// Entries that belong together, made at one moment.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Which life of the tape; a copy of another life starts anew.
    pub epoch: Epoch,
    /// When the batch was made: the copies age by it.
    pub at: Millis,
    /// What happened, in order.
    pub entries: Vec<Entry>,
}

/// One thing that happened to the tape. Each has a place of its own, so that no event shares its place with a hole.
#[derive(Clone, Debug)]
pub enum Entry {
    /// An event.
    Event(Arc<Event>),
    /// From here on the topic is recorded. `resumed`: its source went on where it had stopped, so nothing is missing.
    Watched {
        /// Whose recording began.
        topic: Topic,
        /// The mark's place.
        seq: Seq,
        /// No hole lies before.
        resumed: bool,
    },
    /// From here on the topic is not recorded.
    Unwatched {
        /// Whose recording ended.
        topic: Topic,
        /// The mark's place.
        seq: Seq,
    },
}

impl Entry {
    /// The entry's place.
    #[must_use]
    pub fn seq(&self) -> Seq {
        match self {
            Self::Event(event) => event.seq,
            Self::Watched { seq, .. } | Self::Unwatched { seq, .. } => *seq,
        }
    }
}
