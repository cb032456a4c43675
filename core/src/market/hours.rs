//! What the market is doing now: the upstream's last word on it, carried on by the calendar.

use super::calendar::{Calendar, SpecialDay};
use super::status::{MarketPhase, MarketStatus};
use super::symbol::Market;
use crate::time::Millis;

/// How far the upstream's bell may be from ours, in ms: it is heard once a minute, and a word that came with the bell but speaks of the
/// moment before would hold for that long.
const BELL_MS: u64 = 60_000;

/// A moment in the life of the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The session; `None` until the upstream has been heard: then nothing may be held back or kept for long.
    pub phase: Option<MarketPhase>,
    /// When it ended, if the market is closed and the calendar knows.
    pub closed_since: Option<Millis>,
    /// When the upstream next clears what it holds of the day before: 03:30 of the next trading day.
    pub next_reset: Option<Millis>,
    /// When trading of any kind begins next: 04:00 of the next trading day.
    pub next_trading: Option<Millis>,
    /// When the next regular session begins.
    pub next_open: Option<Millis>,
    /// When the regular session that runs or comes next ends.
    pub next_close: Option<Millis>,
}

impl Session {
    /// A market that never rests.
    pub const OPEN: Self = Self {
        phase: Some(MarketPhase::Regular),
        closed_since: None,
        next_reset: None,
        next_trading: None,
        next_open: None,
        next_close: None,
    };

    /// Whether the market is known to be closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.phase == Some(MarketPhase::Closed)
    }
}

/// The hours of every market.
///
/// The upstream's word is heard once a minute. Where it agreed with the calendar, the calendar goes on alone, so that the bell
/// is met to the millisecond; where it did not (a closure that nobody announced), the word holds until the next one. Around the bell
/// either side of it is agreement.
#[derive(Clone, Debug)]
pub struct Hours {
    calendar: Calendar,
    heard: Option<Heard>,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    phase: MarketPhase,
    agreed: bool,
    forex_open: Option<bool>,
}

impl Hours {
    /// The hours of a calendar; nothing has been heard.
    #[must_use]
    pub const fn new(calendar: Calendar) -> Self {
        Self { calendar, heard: None }
    }

    /// Takes the upstream's word, told at `now`.
    pub fn hear(&mut self, status: &MarketStatus, now: Millis) {
        if let Some(days) = &status.special_days {
            self.calendar.announce(days);
        }
        let agreed = [now.minus(BELL_MS), now, now.plus(BELL_MS)].iter().any(|at| self.calendar.phase(*at) == status.phase);
        self.heard = Some(Heard { phase: status.phase, agreed, forex_open: status.forex_open });
    }

    /// Takes closures that were announced.
    pub fn announce(&mut self, days: &[SpecialDay]) {
        self.calendar.announce(days);
    }

    /// The stock market's phase, by the calendar alone until the upstream is heard.
    #[must_use]
    pub fn phase(&self, now: Millis) -> MarketPhase {
        match self.heard {
            Some(Heard { phase, agreed: false, .. }) => phase,
            _ => self.calendar.phase(now),
        }
    }

    /// The stock market's phase; `None` until the upstream is heard.
    #[must_use]
    pub fn known_phase(&self, now: Millis) -> Option<MarketPhase> {
        self.heard.map(|_| self.phase(now))
    }

    /// The moment of the stock market.
    #[must_use]
    pub fn session(&self, now: Millis) -> Session {
        let phase = self.known_phase(now);
        // Of a day that goes otherwise than the calendar says, nobody knows when it ended.
        let by_calendar = self.heard.is_some_and(|heard| heard.agreed);
        let closed = phase == Some(MarketPhase::Closed) && by_calendar;
        Session {
            phase,
            closed_since: if closed { self.calendar.last_end(now) } else { None },
            next_reset: self.calendar.next_reset(now),
            next_trading: self.calendar.next_trading(now),
            next_open: self.calendar.next_open(now),
            next_close: self.calendar.next_close(now),
        }
    }

    /// Whether a market is known to rest now. Crypto never does; currencies keep hours of their own, futures are not polled.
    #[must_use]
    pub fn rests(&self, market: Market, now: Millis) -> bool {
        match market {
            Market::Crypto => false,
            Market::Forex => {
                self.heard.is_some_and(|heard| !heard.forex_open.unwrap_or_else(|| self.calendar.forex_is_open(now)))
            }
            Market::Stocks | Market::Options | Market::Indices => self.known_phase(now) == Some(MarketPhase::Closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    fn at(text: &str) -> Millis {
        Millis::parse_rfc3339(text).unwrap()
    }

    fn hours() -> Hours {
        Hours::new(Calendar::weekly(TimeZone::get("America/New_York").unwrap()))
    }

    #[test]
    fn until_the_upstream_is_heard_the_session_is_not_known_and_the_calendar_speaks() {
        let saturday = at("2026-03-14T15:00:00Z");
        assert_eq!((hours().session(saturday).phase, hours().phase(saturday)), (None, MarketPhase::Closed));
        assert!(!hours().rests(Market::Stocks, saturday));
    }

    #[test]
    fn a_word_that_agrees_is_carried_on_by_the_calendar() {
        let mut hours = hours();
        hours.hear(&MarketStatus::new("extended-hours", false, true, Millis(0)), at("2026-03-10T23:59:30Z"));
        let night = at("2026-03-11T00:00:00Z");
        assert_eq!(hours.session(night).phase, Some(MarketPhase::Closed));
        assert_eq!(hours.session(night).closed_since, Some(night));
        assert!(hours.rests(Market::Stocks, night) && hours.rests(Market::Options, night) && !hours.rests(Market::Crypto, night));
        assert_eq!(hours.session(at("2026-03-11T08:00:00Z")).phase, Some(MarketPhase::Pre));
    }

    #[test]
    fn a_closure_that_nobody_announced_holds_until_the_next_word() {
        let (mut hours, noon) = (hours(), at("2026-03-10T16:00:00Z"));
        hours.hear(&MarketStatus::new("closed", false, false, Millis(0)), noon);
        let session = hours.session(noon.plus(30_000));
        assert_eq!((session.phase, session.closed_since), (Some(MarketPhase::Closed), None));
        hours.hear(&MarketStatus::new("open", false, false, Millis(0)), noon.plus(60_000));
        assert_eq!(hours.phase(noon.plus(60_000)), MarketPhase::Regular);
    }

    #[test]
    fn a_word_that_lags_behind_the_bell_or_comes_before_it_is_no_disagreement() {
        let bell = at("2026-03-10T13:30:00Z");
        for (word, told) in [("extended-hours", bell.plus(2_000)), ("open", bell.minus(2_000))] {
            let mut hours = hours();
            hours.hear(&MarketStatus::new(word, word != "open", false, Millis(0)), told);
            assert_eq!((hours.phase(bell.minus(1)), hours.phase(bell)), (MarketPhase::Pre, MarketPhase::Regular), "{word}");
        }
        let mut hours = hours();
        hours.hear(&MarketStatus::new("extended-hours", true, false, Millis(0)), bell.plus(61_000));
        assert_eq!(hours.phase(bell.plus(62_000)), MarketPhase::Pre, "an opening that is put off");
    }

    #[test]
    fn currencies_rest_when_the_upstream_says_so() {
        let mut hours = hours();
        let mut status = MarketStatus::new("closed", false, false, Millis(0));
        let saturday = at("2026-03-14T15:00:00Z");
        hours.hear(&status, saturday);
        assert!(hours.rests(Market::Forex, saturday), "by the clock");
        for open in [true, false] {
            status.forex_open = Some(open);
            hours.hear(&status, saturday);
            assert_eq!(hours.rests(Market::Forex, saturday), !open);
        }
    }
}
