//! Which New York weekdays are no trading days, and which end early. A few rules stand for the whole calendar: Good
//! Friday and the holidays of January and February are left out.

use jiff::civil::{Date, Weekday};

/// What a holiday does to the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closure {
    WholeDay,
    /// Trading ends at 13:00.
    Early,
}

/// One holiday of the stock market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holiday {
    pub(crate) date: Date,
    pub(crate) name: &'static str,
    pub(crate) closure: Closure,
}

/// Lists the holidays of a year in order.
pub(crate) fn of_year(year: i16) -> Vec<Holiday> {
    let nth = |month, nth, weekday| {
        Date::new(year, month, 1).and_then(|first| first.nth_weekday_of_month(nth, weekday)).expect("the month has this weekday")
    };
    let fixed = |month, day| observed(Date::new(year, month, day).expect("the day exists in every year"));
    let thanksgiving = nth(11, 4, Weekday::Thursday);
    let whole = |date, name| Holiday { date, name, closure: Closure::WholeDay };
    vec![
        whole(fixed(1, 1), "New Year's Day"),
        whole(nth(5, -1, Weekday::Monday), "Memorial Day"),
        whole(fixed(7, 4), "Independence Day"),
        whole(nth(9, 1, Weekday::Monday), "Labor Day"),
        whole(thanksgiving, "Thanksgiving"),
        Holiday {
            date: thanksgiving.tomorrow().expect("a day in November has a next one"),
            name: "Thanksgiving",
            closure: Closure::Early,
        },
        whole(fixed(12, 25), "Christmas"),
    ]
}

/// Finds the holiday of a date.
pub(crate) fn on(date: Date) -> Option<Holiday> {
    of_year(date.year()).into_iter().find(|holiday| holiday.date == date)
}

/// Moves a weekend holiday to the weekday that is kept instead. A Saturday New Year is not kept at all by the exchange;
/// leaving it on the Saturday says so.
fn observed(date: Date) -> Date {
    let moved = match date.weekday() {
        Weekday::Sunday => date.tomorrow(),
        Weekday::Saturday if date.month() != 1 => date.yesterday(),
        _ => Ok(date),
    };
    moved.expect("a holiday is far from the ends of the calendar")
}
