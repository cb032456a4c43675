//! Is the upstream so ill that asking it is a waste of everyone's time?

use serde::Serialize;

use super::recent::Recent;
use crate::time::Millis;

/// How far back failures count, in seconds.
const SECONDS: usize = 30;

/// Failures in that time that open the breaker, if they are at least half of all answers: one bad endpoint among good ones, or one
/// bad answer in a hundred, closes nothing to anybody.
const FAILURES: u32 = 5;

/// How long the upstream is left alone, in ms.
const OPEN_MS: u64 = 30_000;

/// How long the answer to a probe may take, in ms: more than one attempt. After that another call is the probe.
const PROBE_MS: u64 = 10_000;

/// When those whom a probe keeps waiting should ask again, in ms.
const PROBE_RETRY_MS: u64 = 2_000;

/// Whether the upstream is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Calls go out.
    Closed,
    /// Calls are refused.
    Open,
    /// The next call, or the one under way, tells whether it has recovered.
    HalfOpen,
}

impl BreakerState {
    /// A bounded label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Inner {
    Closed,
    /// Until then.
    Open(Millis),
    /// The answer to the probe is due then.
    Probing(Millis),
}

/// The circuit breaker of one upstream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Breaker {
    good: Recent<SECONDS>,
    failed: Recent<SECONDS>,
    inner: Inner,
}

impl Breaker {
    /// Closed.
    pub(super) const fn new() -> Self {
        Self { good: Recent::new(), failed: Recent::new(), inner: Inner::Closed }
    }

    /// How it stands.
    pub(super) const fn state(&self, now: Millis) -> BreakerState {
        match self.inner {
            Inner::Closed => BreakerState::Closed,
            Inner::Open(until) if until.0 > now.0 => BreakerState::Open,
            Inner::Open(_) | Inner::Probing(_) => BreakerState::HalfOpen,
        }
    }

    /// Whether calls may go out, and whether the next one is a probe.
    ///
    /// # Errors
    /// When they may not: the moment from which on it is worth asking again.
    pub(super) fn admits(&self, now: Millis) -> Result<bool, Millis> {
        match self.inner {
            Inner::Closed => Ok(false),
            Inner::Open(until) if until > now => Err(until),
            Inner::Probing(due) if due > now => Err(due.min(now.plus(PROBE_RETRY_MS))),
            Inner::Open(_) | Inner::Probing(_) => Ok(true),
        }
    }

    /// The probe goes out.
    pub(super) const fn probe(&mut self, now: Millis) {
        self.inner = Inner::Probing(now.plus(PROBE_MS));
    }

    /// Nobody will know what came of the probe: the next call is one.
    pub(super) const fn probe_lost(&mut self, now: Millis) {
        if matches!(self.inner, Inner::Probing(_)) {
            self.inner = Inner::Open(now);
        }
    }

    /// What came of a call. While the breaker is not closed only the probe counts: others began before.
    pub(super) fn outcome(&mut self, probe: bool, good: bool, now: Millis) {
        match (self.inner, good) {
            (Inner::Closed, true) => self.good.count(now),
            (Inner::Closed, false) => {
                self.failed.count(now);
                let failed = self.failed.total(now);
                if failed >= FAILURES && failed >= self.good.total(now) {
                    self.inner = Inner::Open(now.plus(OPEN_MS));
                }
            }
            (Inner::Probing(_), true) if probe => *self = Self::new(),
            (Inner::Probing(_), false) if probe => self.inner = Inner::Open(now.plus(OPEN_MS)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(times: u64, every_ms: u64) -> Breaker {
        let mut breaker = Breaker::new();
        for n in 0..times {
            breaker.outcome(false, false, Millis(n * every_ms));
        }
        breaker
    }

    #[test]
    fn five_failures_in_half_a_minute_open_it_and_a_good_probe_closes_it() {
        assert_eq!(failing(4, 100).state(Millis(400)), BreakerState::Closed);
        let mut breaker = failing(5, 100);
        assert_eq!(breaker.admits(Millis(400)), Err(Millis(30_400)));
        breaker.outcome(false, true, Millis(500));
        assert_eq!(breaker.state(Millis(30_399)), BreakerState::Open, "what was under way does not close it");
        assert_eq!(breaker.state(Millis(30_400)), BreakerState::HalfOpen);
        assert_eq!(breaker.admits(Millis(30_400)), Ok(true));
        breaker.probe(Millis(30_400));
        assert_eq!(breaker.admits(Millis(30_500)), Err(Millis(32_500)), "one probe at a time");
        breaker.outcome(true, true, Millis(31_000));
        assert_eq!((breaker.state(Millis(31_000)), breaker.admits(Millis(31_000))), (BreakerState::Closed, Ok(false)));
        breaker.outcome(false, false, Millis(31_001));
        assert_eq!(breaker.state(Millis(31_001)), BreakerState::Closed, "old failures are forgotten");
    }

    #[test]
    fn a_failed_probe_leaves_it_open_and_a_lost_one_is_repeated() {
        let mut breaker = failing(5, 0);
        breaker.probe(Millis(30_000));
        breaker.outcome(true, false, Millis(31_000));
        assert_eq!(breaker.admits(Millis(31_000)), Err(Millis(61_000)));
        breaker.probe(Millis(61_000));
        breaker.probe_lost(Millis(62_000));
        assert_eq!(breaker.admits(Millis(62_000)), Ok(true));
        breaker.probe(Millis(62_000));
        assert_eq!(breaker.admits(Millis(71_999)), Err(Millis(72_000)));
        assert_eq!(breaker.admits(Millis(72_000)), Ok(true), "a probe that nobody reports is given up");
    }

    #[test]
    fn failures_that_are_spread_out_or_few_among_good_answers_open_nothing() {
        assert_eq!(failing(20, 8_000).state(Millis(152_000)), BreakerState::Closed);
        let mut breaker = Breaker::new();
        for n in 0..1_000 {
            breaker.outcome(false, n % 3 != 0, Millis(n * 10));
        }
        assert_eq!(breaker.state(Millis(10_000)), BreakerState::Closed);
    }
}
