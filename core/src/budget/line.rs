//! Who waits: polls in one queue, callers in a queue each, and the callers take turns.

use std::collections::{HashMap, VecDeque};

use super::scheduler::Ticket;
use super::{MAX_WAITING, MAX_WAITING_PER_CALLER, MAX_WAITING_POLLS, Payer};
use crate::access::Principal;
use crate::time::Millis;

/// One call that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) ticket: Ticket,
    pub(super) deadline: Millis,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// The payer has all of its own.
    Own,
    /// Everybody together has all.
    All,
}

/// All calls that wait.
#[derive(Debug, Default)]
pub(super) struct Line {
    polls: VecDeque<Waiting>,
    callers: HashMap<Principal, VecDeque<Waiting>>,
    /// Everyone in `callers`, who is next first.
    turns: VecDeque<Principal>,
    owners: HashMap<Ticket, Payer>,
}

impl Line {
    pub(super) fn len(&self) -> usize {
        self.owners.len()
    }

    pub(super) fn polls(&self) -> usize {
        self.polls.len()
    }

    pub(super) fn calls(&self) -> usize {
        self.owners.len() - self.polls.len()
    }

    /// Whether there is a place for one more call of this payer.
    pub(super) fn has_place(&self, payer: &Payer) -> Result<(), NoPlace> {
        match payer {
            Payer::Polling | Payer::Status if self.polls.len() >= MAX_WAITING_POLLS => Err(NoPlace::Own),
            Payer::Caller(who) if self.callers.get(who).is_some_and(|own| own.len() >= MAX_WAITING_PER_CALLER) => {
                Err(NoPlace::Own)
            }
            Payer::Caller(_) if self.calls() >= MAX_WAITING => Err(NoPlace::All),
            _ => Ok(()),
        }
    }

    /// How many calls of the payer's side go out before one more of its own would.
    pub(super) fn ahead(&self, payer: &Payer) -> usize {
        let who = match payer {
            Payer::Status => return 0,
            Payer::Polling => return self.polls.len(),
            Payer::Caller(who) => who,
        };
        let own = self.callers.get(who).map_or(0, VecDeque::len);
        // Of everyone whose turn comes first, one more than of those after it.
        let mut before = own + 1;
        let mut ahead = own;
        for other in &self.turns {
            if other == who {
                before = own;
            } else {
                ahead += self.callers.get(other).map_or(0, VecDeque::len).min(before);
            }
        }
        ahead
    }

    pub(super) fn push(&mut self, payer: Payer, waiting: Waiting) {
        match &payer {
            Payer::Status => self.polls.push_front(waiting),
            Payer::Polling => self.polls.push_back(waiting),
            Payer::Caller(who) => {
                let own = self.callers.entry(who.clone()).or_default();
                if own.is_empty() {
                    self.turns.push_back(who.clone());
                }
                own.push_back(waiting);
            }
        }
        self.owners.insert(waiting.ticket, payer);
    }

    /// Takes out the poll or the call whose turn it is.
    pub(super) fn pop(&mut self, poll: bool) -> Option<Waiting> {
        let waiting = if poll { self.polls.pop_front() } else { self.pop_call() }?;
        self.owners.remove(&waiting.ticket);
        Some(waiting)
    }

    fn pop_call(&mut self) -> Option<Waiting> {
        let who = self.turns.pop_front()?;
        let own = self.callers.get_mut(&who)?;
        let waiting = own.pop_front();
        if own.is_empty() {
            self.callers.remove(&who);
        } else {
            self.turns.push_back(who);
        }
        waiting
    }

    /// Takes out all calls that must go out before this moment.
    pub(super) fn leave_before(&mut self, moment: Millis) -> Vec<Ticket> {
        let all = self.polls.iter().chain(self.callers.values().flatten());
        let mut tickets: Vec<Ticket> = all.filter(|waiting| waiting.deadline < moment).map(|waiting| waiting.ticket).collect();
        tickets.sort_unstable();
        for ticket in &tickets {
            self.leave(*ticket);
        }
        tickets
    }

    /// Takes out a call whose maker has left.
    pub(super) fn leave(&mut self, ticket: Ticket) -> bool {
        match self.owners.remove(&ticket) {
            None => return false,
            Some(Payer::Polling | Payer::Status) => self.polls.retain(|waiting| waiting.ticket != ticket),
            Some(Payer::Caller(who)) => {
                if let Some(own) = self.callers.get_mut(&who) {
                    own.retain(|waiting| waiting.ticket != ticket);
                    if own.is_empty() {
                        self.callers.remove(&who);
                        self.turns.retain(|other| *other != who);
                    }
                }
            }
        }
        true
    }
}
