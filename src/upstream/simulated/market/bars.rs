//! Which bars does a range hold? Bars are cut at fixed places of the calendar, read off the price ticks, and walked lazily
//! from either end, so that a page costs what it holds and not what the range could hold.

use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::civil::Date;

use super::calendar::{FIRST_DAY, TradingDay, date_of_number, day_number};
use super::prices::{Series, Spread};
use super::volume::{self, Turnover};

/// The unit a bar's length is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timespan {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl FromStr for Timespan {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "second" => Self::Second,
            "minute" => Self::Minute,
            "hour" => Self::Hour,
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "quarter" => Self::Quarter,
            "year" => Self::Year,
            _ => return Err(()),
        })
    }
}

impl Timespan {
    /// The vendor's `limit` counts base bars (seconds, minutes or days), not the bars that are merged from them.
    pub(crate) fn base_bars(self) -> u32 {
        match self {
            Self::Second | Self::Minute | Self::Day => 1,
            Self::Hour => 60,
            Self::Week => 5,
            Self::Month => 21,
            Self::Quarter => 63,
            Self::Year => 252,
        }
    }

    fn grid(self, multiplier: u32) -> Grid {
        let multiplier = i64::from(multiplier);
        match self {
            Self::Second => Grid::Millis(multiplier * 1_000),
            Self::Minute => Grid::Millis(multiplier * 60_000),
            Self::Hour => Grid::Millis(multiplier * 3_600_000),
            Self::Day => Grid::Days { length: multiplier, shift: 0 },
            // 1970-01-01 was a Thursday, and weeks begin on a Sunday.
            Self::Week => Grid::Days { length: multiplier * 7, shift: 4 },
            Self::Month => Grid::Months(multiplier),
            Self::Quarter => Grid::Months(multiplier * 3),
            Self::Year => Grid::Months(multiplier * 12),
        }
    }
}

/// Where bars are cut.
#[derive(Clone, Copy)]
enum Grid {
    Millis(i64),
    Days { length: i64, shift: i64 },
    Months(i64),
}

impl Grid {
    fn cell_of(self, date: Date) -> i64 {
        match self {
            Self::Millis(_) => unreachable!("a grid of milliseconds is cut without dates"),
            Self::Days { length, shift } => (day_number(date) + shift).div_euclid(length),
            Self::Months(length) => (i64::from(date.year()) * 12 + i64::from(date.month()) - 1).div_euclid(length),
        }
    }

    fn first_date(self, cell: i64) -> Date {
        match self {
            Self::Millis(_) => unreachable!("a grid of milliseconds is cut without dates"),
            Self::Days { length, shift } => date_of_number(cell * length - shift),
            Self::Months(length) => {
                let months = (cell * length).clamp(0, 9_998 * 12);
                Date::new((months / 12) as i16, (months % 12) as i8 + 1, 1).expect("every month has a first day")
            }
        }
    }
}

/// One bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bar {
    pub(crate) start_ms: i64,
    pub(crate) spread: Spread,
    pub(crate) turnover: Turnover,
}

impl Bar {
    /// Gives the average price of its trades, which lies between its extremes.
    pub(crate) fn average(&self) -> f64 {
        ((self.spread.mean * 10_000.0).round() / 10_000.0).clamp(self.spread.low, self.spread.high)
    }
}

/// Which hours of a trading day count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hours {
    Regular,
    Extended,
}

impl Hours {
    fn of(self, day: &TradingDay) -> (i64, i64) {
        match self {
            Self::Regular => (day.open_ms, day.close_ms),
            Self::Extended => (day.pre_ms, day.after_ms),
        }
    }
}

/// Which bars are asked for: those that begin at or after the cell of `from_ms`, and not after `to_ms`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BarRange {
    pub(crate) timespan: Timespan,
    pub(crate) multiplier: u32,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    pub(crate) descending: bool,
}

/// Walks the bars of a range that exist at a moment; the newest may be unfinished.
pub(crate) fn walk<'a>(series: Series<'a>, range: BarRange, now_ms: i64) -> Box<dyn Iterator<Item = Bar> + 'a> {
    let market = series.instrument.market;
    let from_ms = range.from_ms.max(series.calendar.midnight_ms(market, FIRST_DAY));
    let to_ms = range.to_ms.min(now_ms);
    if from_ms > to_ms {
        return Box::new(std::iter::empty());
    }
    let date_of = |at_ms| series.calendar.date_of(market, at_ms);
    match range.timespan.grid(range.multiplier) {
        Grid::Millis(length_ms) => {
            let cells = from_ms.div_euclid(length_ms)..=to_ms.div_euclid(length_ms);
            // The last bar may begin on one date and have its trading on the next.
            let dates = date_of(cells.start() * length_ms)..=date_of((cells.end() + 1) * length_ms - 1);
            let bars = cells_in_hours(series, dates, length_ms, cells, range.descending);
            Box::new(bars.filter_map(move |cell| bar(series, cell * length_ms, (cell + 1) * length_ms, Hours::Extended, now_ms)))
        }
        grid => {
            let cells = ordered(grid.cell_of(date_of(from_ms))..=grid.cell_of(date_of(to_ms)), range.descending);
            let start_ms = move |cell| series.calendar.midnight_ms(market, grid.first_date(cell));
            Box::new(
                cells
                    .map(move |cell| (start_ms(cell), start_ms(cell + 1)))
                    .filter(move |&(start, _)| start <= to_ms)
                    .filter_map(move |(start, end)| bar(series, start, end, Hours::Regular, now_ms)),
            )
        }
    }
}

/// Makes the bar of a stretch of time, or nothing if there was no trading in it.
pub(crate) fn bar(series: Series<'_>, start_ms: i64, end_ms: i64, hours: Hours, now_ms: i64) -> Option<Bar> {
    let calendar = series.calendar;
    let market = series.instrument.market;
    let end_ms = end_ms.min(now_ms + 1);
    if start_ms >= end_ms {
        return None;
    }
    let first = day_number(calendar.date_of(market, start_ms));
    let last = day_number(calendar.date_of(market, end_ms - 1));
    let parts = (first..=last).filter_map(|number| calendar.day(market, date_of_number(number))).filter_map(|day| {
        let (opens_ms, closes_ms) = hours.of(&day);
        let (from_ms, to_ms) = (start_ms.max(opens_ms), end_ms.min(closes_ms));
        let spread = if from_ms < to_ms { series.spread(from_ms, to_ms) } else { None }?;
        Some((spread, volume::between(series.instrument, &day, from_ms, to_ms)))
    });
    let whole = parts.reduce(|(spread, turnover), (later, more)| {
        let volume = turnover.volume + more.volume;
        (spread.then(later), Turnover { volume, trades: turnover.trades + more.trades })
    });
    let (spread, turnover) = whole?;
    // As upstream: where nothing was traded there is no bar. Indices are never traded.
    let traded = turnover.trades > 0 || series.instrument.daily_volume == 0.0;
    traded.then_some(Bar { start_ms, spread, turnover })
}

/// Walks the cells that overlap trading hours, so that a range of seconds skips the nights at once.
fn cells_in_hours<'a>(
    series: Series<'a>,
    dates: RangeInclusive<Date>,
    length_ms: i64,
    cells: RangeInclusive<i64>,
    descending: bool,
) -> impl Iterator<Item = i64> + 'a {
    let market = series.instrument.market;
    let days = day_number(*dates.start())..=day_number(*dates.end());
    let mut walked = None;
    ordered(days, descending)
        .filter_map(move |number| series.calendar.day(market, date_of_number(number)))
        .flat_map(move |day| {
            let first = day.pre_ms.div_euclid(length_ms).max(*cells.start());
            let last = (day.after_ms - 1).div_euclid(length_ms).min(*cells.end());
            ordered(first..=last, descending)
        })
        // A bar of many hours can reach into the next day, which then names it again.
        .filter(move |&cell| walked.replace(cell) != Some(cell))
}

fn ordered(range: RangeInclusive<i64>, descending: bool) -> Box<dyn Iterator<Item = i64>> {
    if descending { Box::new(range.rev()) } else { Box::new(range) }
}
