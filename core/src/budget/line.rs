//! Who waits: polls in one queue, callers in a queue each, and the callers take turns: first whose last turn is longest ago, also when
//! that one was refused in the meantime and comes back. Who asks more often than others gets no more turns by it.

use std::collections::{HashMap, VecDeque};

use super::scheduler::Ticket;
use super::{MAX_WAITING, MAX_WAITING_PER_CALLER, MAX_WAITING_POLLS, Payer};
use crate::access::Principal;
use crate::time::Millis;

/// Callers whose last turn is remembered. Beyond them newcomers are not, and begin at the end each time they come.
const MAX_REMEMBERED: usize = MAX_WAITING;

/// A caller that has not been heard of for so long begins anew: several times as long as a spent budget sends anyone away.
const REMEMBERED_MS: u64 = 600_000;

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
    /// Everyone in `callers` with when its last turn was, who is next first.
    turns: VecDeque<(Millis, Principal)>,
    /// When each caller had its last turn, or first asked if it had none.
    last_turns: HashMap<Principal, Millis>,
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
        let place = self.turns.iter().position(|(_, other)| other == who).unwrap_or_else(|| self.place_of(who));
        let others = self.turns.iter().enumerate().filter(|(_, (_, other))| other != who);
        let waiting = others.map(|(at, (_, other))| {
            let before = if at < place { own + 1 } else { own };
            self.callers.get(other).map_or(0, VecDeque::len).min(before)
        });
        own + waiting.sum::<usize>()
    }

    /// Notes that a caller has come, whether or not it is let in: from then on its turn gets nearer.
    pub(super) fn hear(&mut self, payer: &Payer, now: Millis) {
        let Payer::Caller(who) = payer else { return };
        if self.last_turns.contains_key(who) {
            return;
        }
        if self.last_turns.len() >= MAX_REMEMBERED {
            self.last_turns.retain(|_, turn| now.since(*turn) < REMEMBERED_MS);
        }
        if self.last_turns.len() < MAX_REMEMBERED {
            self.last_turns.insert(who.clone(), now);
        }
    }

    /// Where in `turns` a caller stands that is not there: before all whose last turn was later.
    fn place_of(&self, who: &Principal) -> usize {
        match self.last_turns.get(who) {
            Some(turn) => self.turns.partition_point(|(other, _)| other <= turn),
            None => self.turns.len(),
        }
    }

    pub(super) fn push(&mut self, payer: Payer, waiting: Waiting) {
        match &payer {
            Payer::Status => self.polls.push_front(waiting),
            Payer::Polling => self.polls.push_back(waiting),
            Payer::Caller(who) => {
                if !self.callers.contains_key(who) {
                    self.take_turns(who);
                }
                self.callers.entry(who.clone()).or_default().push_back(waiting);
            }
        }
        self.owners.insert(waiting.ticket, payer);
    }

    /// Takes out the poll or the call whose turn it is, with who pays for it. [`Line::over`] has to follow.
    pub(super) fn pop(&mut self, poll: bool) -> Option<(Payer, Waiting)> {
        let waiting = if poll {
            self.polls.pop_front()
        } else {
            let (_, who) = self.turns.pop_front()?;
            self.callers.get_mut(&who)?.pop_front()
        }?;
        self.owners.remove(&waiting.ticket).map(|payer| (payer, waiting))
    }

    /// The turn of a payer is over: at this moment, if its call went out. If it came too late, its next call has that turn.
    pub(super) fn over(&mut self, payer: &Payer, went_out: Option<Millis>) {
        let Payer::Caller(who) = payer else { return };
        if let (Some(now), Some(turn)) = (went_out, self.last_turns.get_mut(who)) {
            *turn = now;
        }
        if self.callers.get(who).is_some_and(VecDeque::is_empty) {
            self.callers.remove(who);
        } else {
            self.take_turns(who);
        }
    }

    /// Puts a caller among those who take turns.
    fn take_turns(&mut self, who: &Principal) {
        let place = self.place_of(who);
        let newest = self.turns.back().map_or(Millis(0), |(turn, _)| *turn);
        let turn = self.last_turns.get(who).copied().unwrap_or(newest);
        self.turns.insert(place, (turn, who.clone()));
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
                        self.turns.retain(|(_, other)| *other != who);
                    }
                }
            }
        }
        true
    }
}
