//! When the New York stock market trades: its hours, with the closures that the upstream announced.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;

use super::status::MarketPhase;
use crate::time::Millis;

/// New York times of day, hour and minute (polygon.md §5.5).
const RESET: (i8, i8) = (3, 30);
const PRE: (i8, i8) = (4, 0);
const OPEN: (i8, i8) = (9, 30);
const CLOSE: (i8, i8) = (16, 0);
const AFTER: (i8, i8) = (20, 0);
/// On a half day the regular session ends at 13:00 and what follows it at 17:00.
const EARLY_CLOSE: (i8, i8) = (13, 0);
const EARLY_AFTER: (i8, i8) = (17, 0);

/// New York hour at which currencies stop trading on Friday and begin again on Sunday.
const FOREX_HOUR: i8 = 17;

/// No run of closed days is as long as this many.
const MAX_CLOSED_DAYS: usize = 15;

/// Announced days that are kept: a few years of them.
pub const MAX_SPECIAL_DAYS: usize = 100;

/// What is special about a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closure {
    /// No trading.
    WholeDay,
    /// The regular session ends early: at this moment where one was told, else at 13:00.
    Early(Option<Millis>),
}

/// A day that does not go like every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecialDay {
    /// New York date.
    pub date: Date,
    /// How it goes.
    pub closure: Closure,
}

/// The moments of one day of trading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradingDay {
    /// When the upstream clears yesterday's snapshots: 03:30.
    pub reset: Millis,
    /// When trading before the session begins: 04:00.
    pub pre: Millis,
    /// When the regular session begins: 09:30.
    pub open: Millis,
    /// When it ends: 16:00, on a half day 13:00.
    pub close: Millis,
    /// When trading after it ends: 20:00, on a half day 17:00.
    pub after: Millis,
}

impl TradingDay {
    fn phase(&self, now: Millis) -> MarketPhase {
        match now {
            now if now < self.pre || now >= self.after => MarketPhase::Closed,
            now if now < self.open => MarketPhase::Pre,
            now if now < self.close => MarketPhase::Regular,
            _ => MarketPhase::After,
        }
    }
}

#[derive(Clone, Debug)]
enum Times {
    NewYork(TimeZone),
    /// Nothing ever changes by the clock.
    Always(MarketPhase),
}

/// The trading days. Clones are cheap enough for once a minute.
#[derive(Clone, Debug)]
pub struct Calendar {
    hours: Times,
    special: BTreeMap<Date, Closure>,
}

impl Calendar {
    /// The hours of every week, without any closure. `new_york`: the zone `America/New_York`.
    #[must_use]
    pub const fn weekly(new_york: TimeZone) -> Self {
        Self { hours: Times::NewYork(new_york), special: BTreeMap::new() }
    }

    /// A market that is always in this session.
    #[must_use]
    pub const fn always(phase: MarketPhase) -> Self {
        Self { hours: Times::Always(phase), special: BTreeMap::new() }
    }

    /// Takes the place of what was announced before; of one day told twice a whole closure wins.
    pub fn announce(&mut self, days: &[SpecialDay]) {
        self.special.clear();
        for day in days.iter().take(MAX_SPECIAL_DAYS) {
            let kept = self.special.entry(day.date).or_insert(day.closure);
            if day.closure == Closure::WholeDay {
                *kept = Closure::WholeDay;
            }
        }
    }

    /// The moments of a New York date; `None` when nobody trades on it, or when the market has no hours.
    #[must_use]
    pub fn day(&self, date: Date) -> Option<TradingDay> {
        if matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
            return None;
        }
        let at = |(hour, minute)| self.moment(date, hour, minute);
        let (reset, pre, open) = (at(RESET)?, at(PRE)?, at(OPEN)?);
        let (close, after) = match self.special.get(&date) {
            Some(Closure::WholeDay) => return None,
            Some(Closure::Early(told)) => {
                let usual = at(CLOSE)?;
                let close = told.filter(|told| (open..=usual).contains(told)).or_else(|| at(EARLY_CLOSE))?;
                (close, at(EARLY_AFTER)?.max(close))
            }
            None => (at(CLOSE)?, at(AFTER)?),
        };
        Some(TradingDay { reset, pre, open, close, after })
    }

    /// The session that a moment falls in.
    #[must_use]
    pub fn phase(&self, now: Millis) -> MarketPhase {
        if let Times::Always(phase) = self.hours {
            return phase;
        }
        let Some(local) = self.local(now) else { return MarketPhase::Closed };
        if self.special.contains_key(&local.date()) {
            return self.day(local.date()).map_or(MarketPhase::Closed, |day| day.phase(now));
        }
        // Asked for with every price: the clock on the wall is enough for a day like any other.
        let time = (local.hour(), local.minute());
        match time {
            _ if matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday) => MarketPhase::Closed,
            time if time < PRE || time >= AFTER => MarketPhase::Closed,
            time if time < OPEN => MarketPhase::Pre,
            time if time < CLOSE => MarketPhase::Regular,
            _ => MarketPhase::After,
        }
    }

    /// When the next regular session begins, after `now`.
    #[must_use]
    pub fn next_open(&self, now: Millis) -> Option<Millis> {
        self.next(now, |day| day.open)
    }

    /// When the regular session that runs or comes next ends, after `now`.
    #[must_use]
    pub fn next_close(&self, now: Millis) -> Option<Millis> {
        self.next(now, |day| day.close)
    }

    /// When trading of any kind begins next, after `now`: half past nine less the hours before it.
    #[must_use]
    pub fn next_trading(&self, now: Millis) -> Option<Millis> {
        self.next(now, |day| day.pre)
    }

    /// When the upstream next clears what it holds of the day before, after `now`.
    #[must_use]
    pub fn next_reset(&self, now: Millis) -> Option<Millis> {
        self.next(now, |day| day.reset)
    }

    /// When trading of any kind last ended, at or before `now`.
    #[must_use]
    pub fn last_end(&self, now: Millis) -> Option<Millis> {
        let days = std::iter::successors(self.date(now), |date| date.yesterday().ok()).take(MAX_CLOSED_DAYS);
        days.filter_map(|date| self.day(date)).map(|day| day.after).find(|end| *end <= now)
    }

    /// The New York date of a moment; `None` when the market has no hours.
    #[must_use]
    pub fn date(&self, now: Millis) -> Option<Date> {
        self.local(now).map(DateTime::date)
    }

    /// Whether currencies trade: from Sunday 17:00 to Friday 17:00 New York.
    #[must_use]
    pub fn forex_is_open(&self, now: Millis) -> bool {
        let Some(local) = self.local(now) else { return true };
        match local.weekday() {
            Weekday::Saturday => false,
            Weekday::Friday => local.hour() < FOREX_HOUR,
            Weekday::Sunday => local.hour() >= FOREX_HOUR,
            _ => true,
        }
    }

    const fn new_york(&self) -> Option<&TimeZone> {
        match &self.hours {
            Times::NewYork(zone) => Some(zone),
            Times::Always(_) => None,
        }
    }

    fn local(&self, now: Millis) -> Option<DateTime> {
        let moment = i64::try_from(now.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok())?;
        Some(self.new_york()?.to_datetime(moment))
    }

    fn next(&self, now: Millis, of: impl Fn(TradingDay) -> Millis) -> Option<Millis> {
        let days = std::iter::successors(self.date(now), |date| date.tomorrow().ok()).take(MAX_CLOSED_DAYS);
        days.filter_map(|date| self.day(date)).map(of).find(|moment| *moment > now)
    }

    fn moment(&self, date: Date, hour: i8, minute: i8) -> Option<Millis> {
        let moment = self.new_york()?.to_timestamp(date.at(hour, minute, 0, 0)).ok()?;
        u64::try_from(moment.as_millisecond()).ok().map(Millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Millis {
        Millis::parse_rfc3339(text).unwrap()
    }

    fn new_york() -> Calendar {
        let mut calendar = Calendar::weekly(TimeZone::get("America/New_York").unwrap());
        calendar.announce(&[
            SpecialDay { date: Date::constant(2026, 11, 26), closure: Closure::WholeDay },
            SpecialDay { date: Date::constant(2026, 11, 27), closure: Closure::Early(Some(at("2026-11-27T18:00:00Z"))) },
            SpecialDay { date: Date::constant(2026, 12, 24), closure: Closure::Early(None) },
        ]);
        calendar
    }

    #[test]
    fn each_moment_of_a_day_has_its_session() {
        for (moment, phase) in [
            ("2026-03-10T07:59:59Z", MarketPhase::Closed),
            ("2026-03-10T08:00:00Z", MarketPhase::Pre),
            ("2026-03-10T13:29:59.999Z", MarketPhase::Pre),
            ("2026-03-10T13:30:00Z", MarketPhase::Regular),
            ("2026-03-10T20:00:00Z", MarketPhase::After),
            ("2026-03-11T00:00:00Z", MarketPhase::Closed),
        ] {
            assert_eq!(new_york().phase(at(moment)), phase, "{moment}");
        }
    }

    #[test]
    fn the_hours_follow_new_york_over_both_changes_of_its_clock() {
        // Friday before and Monday after the clock goes forward on 8 March, and back on 1 November 2026.
        for (now, open) in [
            ("2026-03-06T22:00:00Z", "2026-03-09T13:30:00Z"),
            ("2026-03-06T12:00:00Z", "2026-03-06T14:30:00Z"),
            ("2026-10-30T21:00:00Z", "2026-11-02T14:30:00Z"),
            ("2026-10-30T12:00:00Z", "2026-10-30T13:30:00Z"),
        ] {
            assert_eq!(new_york().next_open(at(now)), Some(at(open)), "{now}");
        }
        assert_eq!(new_york().next_reset(at("2026-03-08T12:00:00Z")), Some(at("2026-03-09T07:30:00Z")));
        assert_eq!(new_york().next_reset(at("2026-11-01T12:00:00Z")), Some(at("2026-11-02T08:30:00Z")));
    }

    #[test]
    fn a_holiday_is_closed_and_the_day_after_it_ends_early() {
        let calendar = new_york();
        assert_eq!(calendar.phase(at("2026-11-26T16:00:00Z")), MarketPhase::Closed);
        assert_eq!(calendar.next_open(at("2026-11-26T16:00:00Z")), Some(at("2026-11-27T14:30:00Z")));
        assert_eq!(calendar.next_close(at("2026-11-25T22:00:00Z")), Some(at("2026-11-27T18:00:00Z")));
        for (moment, phase) in [
            ("2026-11-27T17:59:59Z", MarketPhase::Regular),
            ("2026-11-27T18:00:00Z", MarketPhase::After),
            ("2026-11-27T22:00:00Z", MarketPhase::Closed),
            ("2026-12-24T18:00:00Z", MarketPhase::After),
        ] {
            assert_eq!(calendar.phase(at(moment)), phase, "{moment}");
        }
    }

    #[test]
    fn a_weekend_lasts_from_friday_evening_to_monday_morning() {
        let (calendar, saturday) = (new_york(), at("2026-03-14T15:00:00Z"));
        assert_eq!(calendar.phase(saturday), MarketPhase::Closed);
        assert_eq!(calendar.last_end(saturday), Some(at("2026-03-14T00:00:00Z")));
        assert_eq!(calendar.next_reset(saturday), Some(at("2026-03-16T07:30:00Z")));
        assert_eq!(calendar.next_trading(saturday), Some(at("2026-03-16T08:00:00Z")));
        assert_eq!(calendar.next_open(saturday), Some(at("2026-03-16T13:30:00Z")));
    }

    #[test]
    fn an_early_close_that_makes_no_sense_is_thirteen_oclock_and_a_whole_closure_wins() {
        let mut calendar = new_york();
        let (date, whole) = (Date::constant(2026, 12, 24), Closure::WholeDay);
        calendar.announce(&[SpecialDay { date, closure: Closure::Early(Some(at("2026-12-31T18:00:00Z"))) }]);
        assert_eq!(calendar.day(date).unwrap().close, at("2026-12-24T18:00:00Z"));
        let early = SpecialDay { date, closure: Closure::Early(None) };
        calendar.announce(&[early, SpecialDay { date, closure: whole }, early]);
        assert_eq!(calendar.day(date), None);
    }

    #[test]
    fn a_market_that_never_rests_has_no_next_opening() {
        let calendar = Calendar::always(MarketPhase::Regular);
        assert_eq!(calendar.phase(at("2026-03-14T15:00:00Z")), MarketPhase::Regular);
        assert_eq!(
            (calendar.next_open(Millis(0)), calendar.next_reset(Millis(0)), calendar.last_end(Millis(0))),
            (None, None, None)
        );
    }

    #[test]
    fn currencies_rest_from_friday_to_sunday_five_oclock() {
        for (moment, open) in [
            ("2026-03-13T20:59:59Z", true),
            ("2026-03-13T21:00:00Z", false),
            ("2026-03-14T12:00:00Z", false),
            ("2026-03-15T20:59:59Z", false),
            ("2026-03-15T21:00:00Z", true),
            ("2026-11-01T21:59:59Z", false), // the Sunday on which the clock goes back
            ("2026-11-01T22:00:00Z", true),
        ] {
            assert_eq!(new_york().forex_is_open(at(moment)), open, "{moment}");
        }
    }

    proptest! {
        #[test]
        fn the_clock_on_the_wall_and_the_moments_of_the_day_say_the_same(ms in 1_600_000_000_000u64..2_000_000_000_000) {
            let (calendar, now) = (new_york(), Millis(ms));
            let by_moments = calendar.day(calendar.date(now).unwrap()).map_or(MarketPhase::Closed, |day| day.phase(now));
            prop_assert_eq!(calendar.phase(now), by_moments);
        }

        #[test]
        fn the_next_moments_lie_ahead_and_agree_with_the_session(ms in 1_600_000_000_000u64..2_000_000_000_000) {
            let (calendar, now) = (new_york(), Millis(ms));
            let (open, trading) = (calendar.next_open(now).unwrap(), calendar.next_trading(now).unwrap());
            prop_assert!(open > now && trading > now);
            prop_assert_eq!(calendar.phase(open), MarketPhase::Regular);
            prop_assert_eq!(calendar.phase(trading), MarketPhase::Pre);
            prop_assert!(calendar.phase(open.minus(1)) != MarketPhase::Regular);
            prop_assert!(calendar.phase(calendar.next_close(now).unwrap()) == MarketPhase::After);
            prop_assert!(calendar.last_end(now).unwrap() <= now);
        }
    }
}
