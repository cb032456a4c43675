//! Session and upstream health, for every answer to name: one writer, the status stream.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tickgate_core::market::cadence::{Pace, pace};
use tickgate_core::market::{Calendar, Hours, MarketPhase, MarketStatus, Session, Source, Topic};
use tickgate_core::ports::UpstreamErrorKind;
use tickgate_core::time::Millis;

use crate::clock::Clock;

/// How late a plan shows the market that delays it, in ms: its trading begins and ends this much later.
const DELAY_MS: u64 = 900_000;

/// How the upstream does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing has been asked yet.
    Unknown,
    /// The last polls were answered.
    Ok,
    /// The last poll of some kind failed.
    Degraded(UpstreamErrorKind),
}

impl Health {
    /// A bounded label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Degraded(_) => "degraded",
        }
    }
}

#[derive(Debug)]
struct Seen {
    hours: Hours,
    health: Health,
    /// The session of a second: each call asks for it, and bells ring at whole seconds.
    session: Option<(u64, Session)>,
}

/// The state of the market as last seen. Clones share it.
#[derive(Clone, Debug)]
pub struct MarketState {
    seen: Arc<RwLock<Seen>>,
    clock: Clock,
    source: Source,
    delayed: bool,
}

impl MarketState {
    /// A market without hours: in `phase` until the upstream says otherwise. `source` and `delayed` describe the upstream and
    /// its plan.
    #[must_use]
    pub fn new(phase: MarketPhase, source: Source, delayed: bool) -> Self {
        Self::by(Calendar::always(phase), Clock::start(), source, delayed)
    }

    /// A market that follows a calendar, as far as the upstream agrees.
    #[must_use]
    pub fn by(calendar: Calendar, clock: Clock, source: Source, delayed: bool) -> Self {
        let seen = Seen { hours: Hours::new(calendar), health: Health::Unknown, session: None };
        Self { seen: Arc::new(RwLock::new(seen)), clock, source, delayed }
    }

    /// The market session.
    #[must_use]
    pub fn phase(&self) -> MarketPhase {
        self.seen().hours.phase(self.clock.now())
    }

    /// This moment in the life of the stock market.
    #[must_use]
    pub fn session(&self) -> Session {
        let now = self.clock.now();
        let second = now.0 / 1_000;
        if let Some((_, session)) = self.seen().session.filter(|(of, _)| *of == second) {
            return session;
        }
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        let session = seen.hours.session(now);
        seen.session = Some((second, session));
        session
    }

    /// How the upstream does.
    #[must_use]
    pub fn health(&self) -> Health {
        self.seen().health
    }

    /// Where numbers come from that were polled just now.
    #[must_use]
    pub const fn source(&self) -> Source {
        self.source
    }

    /// Whether the plan delays them.
    #[must_use]
    pub const fn delayed(&self) -> bool {
        self.delayed
    }

    /// The session that the data falls in which is shown now: on a plan that delays, that of a quarter of an hour ago.
    pub(crate) fn shown_phase(&self) -> MarketPhase {
        self.seen().hours.phase(self.clock.now().minus(self.delay_ms()))
    }

    /// How a topic is polled now.
    pub(crate) fn pace(&self, topic: &Topic) -> Pace {
        pace(topic, &self.seen().hours, self.clock.now().minus(self.delay_ms()))
    }

    /// When paces change next by the clock.
    pub(crate) fn bell(&self) -> Option<Millis> {
        let session = self.seen().hours.session(self.clock.now().minus(self.delay_ms()));
        let bell = [session.next_trading, session.next_open].into_iter().flatten().min();
        bell.map(|bell| bell.plus(self.delay_ms()))
    }

    /// The interval at which a topic is polled now for someone who asks for `interval_ms`, in ms.
    pub(super) fn paced_ms(&self, topic: &Topic, interval_ms: u64) -> u64 {
        match self.pace(topic) {
            Pace::Times(times) => interval_ms.saturating_mul(times),
            // It is the interval at which it will be polled.
            Pace::Rests => interval_ms,
        }
    }

    pub(super) fn hear(&self, status: &MarketStatus) {
        let now = self.clock.now();
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        seen.hours.hear(status, now);
        seen.session = None;
    }

    pub(super) fn fare(&self, failing: Option<UpstreamErrorKind>) {
        self.seen.write().unwrap_or_else(PoisonError::into_inner).health = failing.map_or(Health::Ok, Health::Degraded);
    }

    const fn delay_ms(&self) -> u64 {
        if self.delayed { DELAY_MS } else { 0 }
    }

    fn seen(&self) -> RwLockReadGuard<'_, Seen> {
        self.seen.read().unwrap_or_else(PoisonError::into_inner)
    }
}
