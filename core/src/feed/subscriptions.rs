//! What is wanted of a connection, by reference count, against what the server has acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use super::channel::Channel;
use crate::market::Symbol;
use crate::time::Millis;

/// Channels of one message: keeps it under 3 KiB, however long the symbols are.
pub(super) const MAX_CHANNELS_PER_MESSAGE: usize = 100;

/// The subscriptions of one connection.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    wanted: BTreeMap<Channel, u32>,
    /// Asked for and not yet answered, with the moment of asking.
    asked: BTreeMap<Channel, Millis>,
    held: BTreeSet<Channel>,
    /// Refused or left unanswered, and when to ask again.
    denied: BTreeMap<Channel, Millis>,
}

impl Subscriptions {
    pub(super) fn want(&mut self, channels: &[Channel]) {
        for channel in channels {
            *self.wanted.entry(channel.clone()).or_default() += 1;
        }
    }

    /// Takes wants back; those that never were are ignored. Gives the channels that the server is to be told of.
    pub(super) fn release(&mut self, channels: &[Channel]) -> Vec<Channel> {
        let mut gone = Vec::new();
        for channel in channels {
            let Some(count) = self.wanted.get_mut(channel) else { continue };
            *count -= 1;
            if *count == 0 {
                self.wanted.remove(channel);
                // The server may hold what it did not answer for.
                let known =
                    self.held.remove(channel) | self.asked.remove(channel).is_some() | self.denied.remove(channel).is_some();
                if known {
                    gone.push(channel.clone());
                }
            }
        }
        gone
    }

    pub(super) fn is_unwanted(&self) -> bool {
        self.wanted.is_empty()
    }

    /// What is wanted and neither held, asked for nor denied: asks for it now.
    pub(super) fn ask(&mut self, now: Millis) -> Vec<Channel> {
        self.denied.retain(|channel, until| *until > now && self.wanted.contains_key(channel));
        let missing = |channel: &&Channel| {
            !self.held.contains(*channel) && !self.asked.contains_key(*channel) && !self.denied.contains_key(*channel)
        };
        let ask: Vec<Channel> = self.wanted.keys().filter(missing).cloned().collect();
        self.asked.extend(ask.iter().map(|channel| (channel.clone(), now)));
        ask
    }

    /// The server has subscribed it, or sends it. Says whether that is news.
    pub(super) fn acknowledged(&mut self, channel: &Channel) -> bool {
        let was_open = self.asked.remove(channel).is_some() | self.denied.remove(channel).is_some();
        was_open && self.wanted.contains_key(channel) && self.held.insert(channel.clone())
    }

    /// Whether what comes could answer something: a channel that was held already is not acknowledged again.
    pub(super) fn awaits_answers(&self) -> bool {
        !self.asked.is_empty() || !self.denied.is_empty()
    }

    /// Denies what is asked for and named in a refusal.
    pub(super) fn denied_by(&mut self, message: &str, until: Millis) -> Vec<Channel> {
        let words: BTreeSet<&str> = message.split([' ', ',', ';', '"', '\'', '(', ')']).collect();
        let named: Vec<Channel> =
            self.asked.keys().filter(|channel| words.contains(channel.to_string().as_str())).cloned().collect();
        self.deny(&named, until);
        named
    }

    /// Denies what was asked for before a moment and never answered.
    pub(super) fn unanswered(&mut self, before: Millis, until: Millis) -> Vec<Channel> {
        let late: Vec<Channel> = self.asked.iter().filter(|(_, asked)| **asked <= before).map(|(name, _)| name.clone()).collect();
        self.deny(&late, until);
        late
    }

    fn deny(&mut self, channels: &[Channel], until: Millis) {
        for channel in channels {
            self.asked.remove(channel);
            self.denied.insert(channel.clone(), until);
        }
    }

    /// The moment of the oldest question without an answer.
    pub(super) fn oldest_question(&self) -> Option<Millis> {
        self.asked.values().min().copied()
    }

    /// When something denied is asked for again.
    pub(super) fn next_denial_over(&self) -> Option<Millis> {
        self.denied.values().min().copied()
    }

    pub(super) fn holds_any(&self) -> bool {
        !self.held.is_empty()
    }

    /// The symbols whose price comes.
    pub(super) fn covered(&self) -> impl Iterator<Item = &Symbol> {
        self.held.iter().filter(|channel| channel.gives_price()).map(|channel| &channel.symbol)
    }

    /// The connection is gone. What was denied stays denied until its time is over.
    pub(super) fn lost(&mut self) {
        self.asked.clear();
        self.held.clear();
    }

    pub(super) fn held(&self) -> impl Iterator<Item = &Channel> {
        self.held.iter()
    }
}
