//! The scheduler: who asked is granted, kept waiting or refused.

use std::cmp::Ordering;

use super::line::{Line, NoPlace, Waiting};
use super::{BudgetView, Ledger, Outcome, Payer, Refusal};
use crate::time::Millis;

/// Names a call that waits. Whoever asks chooses one that nobody else has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What becomes of a call that waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes out now. A probe's outcome decides whether others may.
    Granted {
        /// Whether it is the one call that tells whether an ill upstream has recovered.
        probe: bool,
    },
    /// It does not.
    Refused(Refusal),
}

/// The budget of one upstream key.
#[derive(Debug)]
pub struct Budget {
    ledger: Ledger,
    line: Line,
    /// Whether the last call that went out was a poll's: then it is a caller's turn.
    poll_was_last: bool,
}

impl Budget {
    /// Goes on from what is known of the past.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger, line: Line::default(), poll_was_last: false }
    }

    /// What must be kept over a restart.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How it stands.
    #[must_use]
    pub fn view(&self, now: Millis) -> BudgetView {
        self.ledger.view(now)
    }

    /// How many calls wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.line.len()
    }

    /// Queues a call; [`Budget::advance`] says what becomes of it.
    ///
    /// # Errors
    /// At once when it cannot go out before its deadline as things stand, or there is no place for it.
    pub fn ask(&mut self, ticket: Ticket, payer: Payer, deadline: Millis, now: Millis) -> Result<(), Refusal> {
        if let Err(at) = self.ledger.breaker.admits(now) {
            return Err(Refusal::Broken(at));
        }
        if let Err(no_place) = self.line.has_place(&payer) {
            let at = self.next_due(now).unwrap_or(now);
            return Err(if no_place == NoPlace::Own { Refusal::TooMany(at) } else { Refusal::Full(at) });
        }
        self.line.hear(&payer, now);
        let at = self.forecast(&payer, now);
        if at > deadline {
            return Err(self.late(at, now));
        }
        self.line.push(payer, Waiting { ticket, deadline });
        Ok(())
    }

    /// Whoever made the call waits no more. Gives whether it was still waiting.
    pub fn leave(&mut self, ticket: Ticket) -> bool {
        self.line.leave(ticket)
    }

    /// What came of a call that was granted. Gives the end of the pause that all calls make, if it was a 429.
    pub fn settle(&mut self, probe: bool, outcome: Outcome, now: Millis) -> Option<Millis> {
        self.ledger.settle(probe, outcome, now)
    }

    /// Says what becomes of calls that waited, in order.
    pub fn advance(&mut self, now: Millis) -> Vec<(Ticket, Verdict)> {
        let mut verdicts = Vec::new();
        let paused = self.ledger.pause.until();
        if paused > now {
            let hopeless = self.line.leave_before(paused);
            verdicts.extend(hopeless.into_iter().map(|ticket| (ticket, Verdict::Refused(Refusal::Paused(paused)))));
        }
        while self.line.len() > 0 {
            let probe = match self.ledger.breaker.admits(now) {
                Ok(probe) => probe,
                Err(at) => {
                    self.refuse_all(Refusal::Broken(at), &mut verdicts);
                    break;
                }
            };
            let Some((poll, _)) = self.next(self.line.polls(), self.line.calls(), now).filter(|(_, at)| *at <= now) else {
                break;
            };
            let Some((payer, waiting)) = self.line.pop(poll) else { break };
            let is_late = waiting.deadline < now;
            self.line.over(&payer, (!is_late).then_some(now));
            if is_late {
                verdicts.push((waiting.ticket, Verdict::Refused(self.late(now, now))));
                continue;
            }
            self.ledger.take(poll, now);
            self.poll_was_last = poll;
            if probe {
                self.ledger.breaker.probe(now);
            }
            verdicts.push((waiting.ticket, Verdict::Granted { probe }));
        }
        verdicts
    }

    /// When [`Budget::advance`] has something to say again; `None` while nobody waits.
    #[must_use]
    pub fn next_due(&self, now: Millis) -> Option<Millis> {
        self.next(self.line.polls(), self.line.calls(), now).map(|(_, at)| at)
    }

    /// Whether the next to go out is a poll, and when, with so many waiting on each side: the side that may go first, and if both
    /// may, the one that did not go last.
    fn next(&self, polls: usize, calls: usize, now: Millis) -> Option<(bool, Millis)> {
        next_of(&self.ledger, self.poll_was_last, polls, calls, now)
    }

    /// When one more call of this payer would go out if nobody else came: what would happen is played through.
    fn forecast(&self, payer: &Payer, now: Millis) -> Millis {
        let poll = !matches!(payer, Payer::Caller(_));
        let wanted = self.line.ahead(payer) + 1;
        let (mut polls, mut calls) = if poll { (wanted, self.line.calls()) } else { (self.line.polls(), wanted) };
        if wanted == 1 && self.line.len() == 0 {
            return if poll { self.ledger.next_poll_at(now) } else { self.ledger.next_call_at(false, now) };
        }
        let (mut ledger, mut poll_was_last, mut at) = (self.ledger.clone(), self.poll_was_last, now);
        while let Some((is_poll, next)) = next_of(&ledger, poll_was_last, polls, calls, at) {
            (at, poll_was_last) = (next, is_poll);
            ledger.take(is_poll, at);
            let left = if is_poll { &mut polls } else { &mut calls };
            *left -= 1;
            if is_poll == poll && *left == 0 {
                break;
            }
        }
        at
    }

    /// Why a call that could go out at `at` comes too late.
    fn late(&self, at: Millis, now: Millis) -> Refusal {
        if self.ledger.pause.until() > now { Refusal::Paused(at) } else { Refusal::Spent(at) }
    }

    fn refuse_all(&mut self, refusal: Refusal, verdicts: &mut Vec<(Ticket, Verdict)>) {
        for poll in [true, false] {
            while let Some((payer, waiting)) = self.line.pop(poll) {
                self.line.over(&payer, None);
                verdicts.push((waiting.ticket, Verdict::Refused(refusal)));
            }
        }
    }
}

fn next_of(ledger: &Ledger, poll_was_last: bool, polls: usize, calls: usize, now: Millis) -> Option<(bool, Millis)> {
    let poll = (polls > 0).then(|| (true, ledger.next_poll_at(now)));
    let call = (calls > 0).then(|| (false, ledger.next_call_at(polls > 0, now)));
    match (poll, call) {
        (Some(poll), Some(call)) => Some(match poll.1.cmp(&call.1) {
            Ordering::Less => poll,
            Ordering::Equal if !poll_was_last => poll,
            _ => call,
        }),
        (poll, call) => poll.or(call),
    }
}
