//! When is a market open? All times are milliseconds of the epoch; New York hours come from the time zone database.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::SessionMode;
use super::holidays::{self, Closure};
use super::universe::Market;

/// What the stock market is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Pre,
    Regular,
    After,
    Closed,
}

/// One day of trading. Extended hours run from `pre_ms` to `after_ms`, the regular session from `open_ms` to `close_ms`;
/// where a market knows no such difference they are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TradingDay {
    pub(crate) date: Date,
    pub(crate) pre_ms: i64,
    pub(crate) open_ms: i64,
    pub(crate) close_ms: i64,
    pub(crate) after_ms: i64,
}

/// The first day any market of the simulator knows.
pub(crate) const FIRST_DAY: Date = Date::constant(2004, 1, 2);

/// The calendar of all markets.
pub(crate) struct Calendar {
    mode: SessionMode,
    new_york: TimeZone,
}

impl Calendar {
    pub(crate) fn new(mode: SessionMode) -> Self {
        let new_york = TimeZone::get("America/New_York").expect("the time zone database is part of the binary");
        Self { mode, new_york }
    }

    pub(crate) fn mode(&self) -> SessionMode {
        self.mode
    }

    pub(crate) fn new_york(&self) -> &TimeZone {
        &self.new_york
    }

    /// Gives the date a moment belongs to: New York's for stocks and indices, UTC's for currencies.
    pub(crate) fn date_of(&self, market: Market, at_ms: i64) -> Date {
        self.zone(market).to_datetime(timestamp(at_ms)).date()
    }

    /// Gives the first moment of a date.
    pub(crate) fn midnight_ms(&self, market: Market, date: Date) -> i64 {
        self.local_ms(&self.zone(market), date, 0, 0)
    }

    /// Gives the moment of a New York time of day.
    pub(crate) fn new_york_ms(&self, date: Date, hour: i8, minute: i8) -> i64 {
        self.local_ms(&self.new_york, date, hour, minute)
    }

    /// Gives the sessions of a date, or nothing on a day without trading.
    pub(crate) fn day(&self, market: Market, date: Date) -> Option<TradingDay> {
        if !self.keeps_hours(market) {
            let start = self.midnight_ms(market, date);
            let end = self.midnight_ms(market, next(date));
            return Some(TradingDay { date, pre_ms: start, open_ms: start, close_ms: end, after_ms: end });
        }
        if matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
            return None;
        }
        let (close, after) = match holidays::on(date).map(|holiday| holiday.closure) {
            Some(Closure::WholeDay) => return None,
            Some(Closure::Early) => (13, 17),
            None => (16, 20),
        };
        Some(TradingDay {
            date,
            pre_ms: self.new_york_ms(date, 4, 0),
            open_ms: self.new_york_ms(date, 9, 30),
            close_ms: self.new_york_ms(date, close, 0),
            after_ms: self.new_york_ms(date, after, 0),
        })
    }

    /// Finds the newest day whose trading has begun.
    pub(crate) fn last_day(&self, market: Market, at_ms: i64) -> TradingDay {
        let today = self.date_of(market, at_ms);
        match self.day(market, today) {
            Some(day) if day.pre_ms <= at_ms => day,
            _ => self.day_before(market, today),
        }
    }

    /// Finds the trading day before a date.
    pub(crate) fn day_before(&self, market: Market, date: Date) -> TradingDay {
        std::iter::successors(Some(previous(date)), |&date| Some(previous(date)))
            .take(10)
            .find_map(|date| self.day(market, date))
            .expect("no run of closed days is ten days long")
    }

    /// Finds the trading day after a date.
    pub(crate) fn day_after(&self, market: Market, date: Date) -> TradingDay {
        std::iter::successors(Some(next(date)), |&date| Some(next(date)))
            .take(10)
            .find_map(|date| self.day(market, date))
            .expect("no run of closed days is ten days long")
    }

    /// Lists the trading days from a date backwards.
    pub(crate) fn days_before(&self, market: Market, date: Date) -> impl Iterator<Item = TradingDay> {
        std::iter::successors(Some(self.day_before(market, date)), move |day| Some(self.day_before(market, day.date)))
    }

    pub(crate) fn phase(&self, at_ms: i64) -> Phase {
        let day = self.last_day(Market::Stocks, at_ms);
        match at_ms {
            at if at >= day.after_ms => Phase::Closed,
            at if at >= day.close_ms => Phase::After,
            at if at >= day.open_ms => Phase::Regular,
            _ => Phase::Pre,
        }
    }

    fn keeps_hours(&self, market: Market) -> bool {
        self.mode == SessionMode::Clock && matches!(market, Market::Stocks | Market::Indices)
    }

    fn zone(&self, market: Market) -> TimeZone {
        match market {
            Market::Stocks | Market::Indices => self.new_york.clone(),
            Market::Crypto | Market::Forex => TimeZone::UTC,
        }
    }

    fn local_ms(&self, zone: &TimeZone, date: Date, hour: i8, minute: i8) -> i64 {
        let moment = zone.to_timestamp(date.at(hour, minute, 0, 0)).expect("dates are far from the ends of the calendar");
        moment.as_millisecond()
    }
}

/// Reads milliseconds of the epoch; what lies outside the calendar becomes its nearest end.
pub(crate) fn timestamp(at_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(at_ms).unwrap_or(if at_ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// Counts the days since 1970-01-01.
pub(crate) fn day_number(date: Date) -> i64 {
    date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24
}

/// Gives the date so many days after 1970-01-01.
pub(crate) fn date_of_number(days: i64) -> Date {
    Date::constant(1970, 1, 1).saturating_add(SignedDuration::from_hours(days.saturating_mul(24)))
}

pub(crate) fn next(date: Date) -> Date {
    date_of_number(day_number(date) + 1)
}

pub(crate) fn previous(date: Date) -> Date {
    date_of_number(day_number(date) - 1)
}
