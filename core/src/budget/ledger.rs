//! What is known of a budget's past: all that must outlive the actor that keeps it, or calls would go out twice.

use super::breaker::{Breaker, BreakerState};
use super::meter::Meter;
use super::pause::Pause;
use super::recent::Recent;
use super::{BudgetView, MAX_AT_ONCE, WINDOW_MS, poll_share};
use crate::ports::UpstreamErrorKind;
use crate::time::Millis;

/// The seconds of a window.
const WINDOW_SECONDS: usize = (WINDOW_MS / 1_000) as usize;

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The upstream answered; a refusal is an answer too.
    Answered,
    /// It said that it is too much, and perhaps for how many ms.
    Limited(Option<u64>),
    /// It is ill: it cannot be reached, says so, is silent or talks nonsense.
    Failed,
    /// Nobody knows: whoever asked has left, or had too little time to wait for an answer.
    Unknown,
}

impl Outcome {
    /// What an answer or a failure says of the upstream. `asked_ms`: how long it asked to be left alone.
    #[must_use]
    pub const fn of(failure: Option<UpstreamErrorKind>, asked_ms: Option<u64>) -> Self {
        match failure {
            Some(UpstreamErrorKind::RateLimited) => Self::Limited(asked_ms),
            Some(UpstreamErrorKind::Unavailable | UpstreamErrorKind::Timeout | UpstreamErrorKind::InvalidResponse) => {
                Self::Failed
            }
            // A call that was never made tells nothing.
            Some(UpstreamErrorKind::Budget) => Self::Unknown,
            _ => Self::Answered,
        }
    }
}

/// The calls of the last window, the pause and the breaker.
#[derive(Clone, Debug)]
pub struct Ledger {
    per_minute: u32,
    all: Meter,
    polls: Meter,
    /// What callers may have while polls wait: half. Otherwise their bursts would leave polls, which are spaced, the crumbs.
    contended: Meter,
    /// Calls of the last window, to the second.
    made: Recent<WINDOW_SECONDS>,
    pub(super) pause: Pause,
    pub(super) breaker: Breaker,
}

impl Ledger {
    /// Nothing spent. `per_minute`: what the plan allows, at least 1.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        let by_minute = per_minute <= MAX_AT_ONCE;
        let meter = if by_minute { Meter::windowed } else { Meter::paced };
        Self {
            per_minute: per_minute.max(1),
            all: meter(per_minute),
            contended: meter(per_minute.div_ceil(2)),
            // Evenly spaced, so that polls leave gaps for callers.
            polls: Meter::paced(poll_share(per_minute)),
            made: Recent::new(),
            pause: Pause::new(by_minute),
            breaker: Breaker::new(),
        }
    }

    /// How it stands.
    #[must_use]
    pub fn view(&self, now: Millis) -> BudgetView {
        let breaker = self.breaker.state(now);
        let paused_until = Some(self.pause.until()).filter(|until| *until > now);
        let held = paused_until.is_some() || breaker == BreakerState::Open;
        let remaining = if held { 0 } else { self.remaining(now) };
        let next_at = self.next_call_at(false, now).max(self.breaker.admits(now).err().unwrap_or(now));
        let refills_at = if held { Some(next_at) } else { self.all.refills_at(now).or_else(|| self.made.ebbs_at(now)) };
        BudgetView { per_minute: self.per_minute, remaining, next_at, refills_at, paused_until, breaker }
    }

    fn remaining(&self, now: Millis) -> u32 {
        self.per_minute.saturating_sub(self.all.made(now).unwrap_or_else(|| self.made.total(now)))
    }

    /// When the next poll may go out, the breaker aside.
    pub(super) fn next_poll_at(&self, now: Millis) -> Millis {
        self.all.next_at(now).max(self.polls.next_at(now)).max(self.pause.until())
    }

    /// When the next call of a caller may go out, the breaker aside, and whether polls wait too.
    pub(super) fn next_call_at(&self, contended: bool, now: Millis) -> Millis {
        let at = self.all.next_at(now).max(self.pause.until());
        if contended { at.max(self.contended.next_at(now)) } else { at }
    }

    /// A call goes out.
    pub(super) fn take(&mut self, poll: bool, now: Millis) {
        self.all.take(now);
        self.made.count(now);
        if poll { self.polls.take(now) } else { self.contended.take(now) }
    }

    /// What came of a call that was granted, as a probe or not. Gives the end of the pause that all calls make, if it was a 429.
    pub(super) fn settle(&mut self, probe: bool, outcome: Outcome, now: Millis) -> Option<Millis> {
        match outcome {
            Outcome::Answered => {
                self.pause.answered(now);
                self.breaker.outcome(probe, true, now);
                None
            }
            Outcome::Failed => {
                self.breaker.outcome(probe, false, now);
                None
            }
            Outcome::Limited(asked_ms) => {
                self.breaker.outcome(probe, true, now);
                let until = self.pause.limited(asked_ms, now);
                self.all.empty(until);
                Some(until)
            }
            Outcome::Unknown => {
                if probe {
                    self.breaker.probe_lost(now);
                }
                None
            }
        }
    }
}
