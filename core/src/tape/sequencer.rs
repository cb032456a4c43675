//! The only giver of positions.

use std::collections::HashMap;
use std::sync::Arc;

use super::batch::{Batch, Entry};
use super::event::{Draft, Event};
use super::position::{Epoch, Position, Seq};
use super::window::{Limits, Window};
use crate::market::Topic;
use crate::time::Millis;

/// The tape itself: the master window, the next position, and what is waiting to be told to the copies.
#[derive(Debug)]
pub struct Tape {
    window: Window,
    identities: HashMap<String, Known>,
    pending: Vec<Entry>,
}

/// The version of a thing that is on the tape.
#[derive(Debug)]
struct Known {
    seq: Seq,
    fingerprint: u64,
    history: bool,
}

impl Tape {
    /// An empty tape. `epoch` must be random.
    #[must_use]
    pub fn new(epoch: Epoch, limits: Limits) -> Self {
        Self { window: Window::new(epoch, limits), identities: HashMap::new(), pending: Vec::new() }
    }

    /// What is on the tape.
    #[must_use]
    pub const fn window(&self) -> &Window {
        &self.window
    }

    /// The place of the newest entry.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.window.position()
    }

    /// Puts an event on the tape and gives its place. An event whose identity is on the tape already is not put there
    /// again; a changed version is, marked as updated, and so is one that no reader was sent, because one topic's first look
    /// found it as history before another topic saw it come.
    pub fn publish(&mut self, draft: Draft, now: Millis) -> Option<Arc<Event>> {
        let known = draft.identity.as_ref().and_then(|identity| Some((self.identities.get(&identity.key)?, identity)));
        let updated = known.is_some_and(|(known, identity)| known.fingerprint != identity.fingerprint);
        if known.is_some_and(|(known, _)| !updated && (draft.history || !known.history)) {
            return None;
        }
        let seq = self.window.head() + 1;
        let event = Arc::new(Event::new(draft, self.window.epoch(), seq, updated, now));
        if let Some(identity) = &event.identity {
            let known = Known { seq, fingerprint: identity.fingerprint, history: event.history };
            self.identities.insert(identity.key.clone(), known);
        }
        self.apply(Entry::Event(Arc::clone(&event)), now);
        Some(event)
    }

    /// Marks that a topic is recorded from here on.
    pub fn watch(&mut self, topic: Topic, resumed: bool, now: Millis) {
        let seq = self.window.head() + 1;
        self.apply(Entry::Watched { topic, seq, resumed }, now);
    }

    /// Marks that a topic is no longer recorded.
    pub fn unwatch(&mut self, topic: Topic, now: Millis) {
        let seq = self.window.head() + 1;
        self.apply(Entry::Unwatched { topic, seq }, now);
    }

    /// What has happened since the last call, for the copies.
    pub fn take_batch(&mut self, now: Millis) -> Option<Batch> {
        let entries = std::mem::take(&mut self.pending);
        (!entries.is_empty()).then_some(Batch { epoch: self.window.epoch(), at: now, entries })
    }

    /// Forgets topics of which nothing is known.
    pub fn forget_unused(&mut self) {
        self.window.forget_unused(|_| false);
    }

    fn apply(&mut self, entry: Entry, now: Millis) {
        for gone in self.window.apply(&entry, now) {
            if let Some(identity) = &gone.identity
                && self.identities.get(&identity.key).is_some_and(|known| known.seq == gone.seq)
            {
                self.identities.remove(&identity.key);
            }
        }
        self.pending.push(entry);
    }
}
