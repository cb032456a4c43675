//! Bars: a range page by page, and the last finished session.

use actix_web::{HttpRequest, web};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::answer::{Answer, Refusal};
use super::super::market::bars::{self, Bar, BarRange, Hours, Timespan};
use super::super::market::calendar::{Calendar, TradingDay, next};
use super::super::market::universe::{Instrument, Market};
use super::super::parameters::{Parameters, next_url};
use super::super::state::{State, View};
use super::snapshots::amount;

const DEFAULT_LIMIT: usize = 5_000;
const MAX_LIMIT: usize = 50_000;
const MAX_MULTIPLIER: u32 = 10_000;

/// The part of a range's path behind `/v2/aggs/ticker`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RangePath {
    pub(crate) ticker: String,
    pub(crate) multiplier: String,
    pub(crate) timespan: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

/// What the next page must repeat; where it begins stands in its path.
#[derive(Debug, Serialize, Deserialize)]
struct RangeCursor {
    limit: usize,
    descending: bool,
    adjusted: bool,
}

pub(crate) async fn range(state: web::Data<State>, path: web::Path<RangePath>, request: HttpRequest) -> Answer {
    range_of(&state.view(), &path, &Parameters::of(request.query_string())).into()
}

pub(crate) async fn previous(state: web::Data<State>, path: web::Path<String>, request: HttpRequest) -> Answer {
    previous_of(&state.view(), &path, &Parameters::of(request.query_string())).into()
}

/// Answers one page of bars.
pub(crate) fn range_of(view: &View<'_>, path: &RangePath, parameters: &Parameters) -> Result<Value, Refusal> {
    let bad = |text: &str| Refusal::BadParameter(text.to_owned());
    let timespan: Timespan = path
        .timespan
        .parse()
        .map_err(|()| bad("timespan must be one of second, minute, hour, day, week, month, quarter, year"))?;
    let multiplier = path.multiplier.parse().ok().filter(|multiplier| (1..=MAX_MULTIPLIER).contains(multiplier));
    let multiplier = multiplier.ok_or_else(|| bad("multiplier must be between 1 and 10000"))?;
    let cursor = match parameters.cursor()? {
        Some(cursor) => cursor,
        None => RangeCursor {
            limit: parameters.limit(DEFAULT_LIMIT, MAX_LIMIT)?,
            descending: parameters.descending("sort", false)?,
            adjusted: parameters.flag("adjusted", true)?,
        },
    };
    let instrument = view.exchange.universe.find(&path.ticker);
    let market = instrument.map_or(Market::Stocks, |instrument| instrument.market);
    let calendar = &view.exchange.calendar;
    let from_ms = moment(calendar, market, &path.from, false).ok_or_else(|| bad("from must be a date or milliseconds"))?;
    let to_ms = moment(calendar, market, &path.to, true).ok_or_else(|| bad("to must be a date or milliseconds"))?;
    if from_ms > to_ms {
        return Err(bad("from must not be after to"));
    }
    let Some(instrument) = instrument else {
        return Ok(page(&path.ticker, cursor.adjusted, 0, Vec::new()));
    };
    let range = BarRange { timespan, multiplier, from_ms, to_ms, descending: cursor.descending };
    let base_bars = timespan.base_bars() as usize * multiplier as usize;
    let held = (cursor.limit / base_bars).max(1);
    let mut found: Vec<Bar> =
        view.with_series(instrument, |series| bars::walk(series, range, view.now_ms).take(held + 1).collect());
    let beyond_ms = found.get(held).map(|bar| bar.start_ms);
    found.truncate(held);
    let rows: Vec<Value> = found.iter().map(|bar| row(instrument, bar)).collect();
    let mut body = page(&path.ticker, cursor.adjusted, rows.len() * base_bars, rows);
    if let Some(beyond_ms) = beyond_ms {
        body["next_url"] = next_url(&next_path(path, from_ms, beyond_ms, cursor.descending), &cursor).into();
    }
    Ok(body)
}

/// Answers the bar of the last finished session.
pub(crate) fn previous_of(view: &View<'_>, ticker: &str, parameters: &Parameters) -> Result<Value, Refusal> {
    let adjusted = parameters.flag("adjusted", true)?;
    let Some(instrument) = view.exchange.universe.find(ticker) else {
        return Ok(page(ticker, adjusted, 0, Vec::new()));
    };
    let market = instrument.market;
    let calendar = &view.exchange.calendar;
    let newest = calendar.last_day(market, view.now_ms);
    let day = if newest.close_ms <= view.now_ms { newest } else { calendar.day_before(market, newest.date) };
    let bar = view.with_series(instrument, |series| bars::bar(series, day.open_ms, day.close_ms, Hours::Regular, view.now_ms));
    let rows = bar.map(|bar| {
        let mut row = row(instrument, &bar);
        row["T"] = ticker.into();
        row["t"] = session_end_ms(calendar, market, &day).into();
        row
    });
    Ok(page(ticker, adjusted, usize::from(rows.is_some()), rows.into_iter().collect()))
}

/// Gives the time that the bar of a whole session carries: unlike in a range its close, not its midnight.
pub(super) fn session_end_ms(calendar: &Calendar, market: Market, day: &TradingDay) -> i64 {
    match market {
        Market::Stocks | Market::Indices => day.close_ms.min(calendar.new_york_ms(day.date, 16, 0)),
        Market::Crypto | Market::Forex => day.close_ms - 1,
    }
}

/// Reads an end of the range. A date as the later end means all of that day.
fn moment(calendar: &Calendar, market: Market, text: &str, later_end: bool) -> Option<i64> {
    if let Ok(at_ms) = text.parse::<i64>() {
        return Some(at_ms);
    }
    let date: Date = text.parse().ok().filter(|date: &Date| (1970..=2100).contains(&date.year()))?;
    Some(if later_end { calendar.midnight_ms(market, next(date)) - 1 } else { calendar.midnight_ms(market, date) })
}

/// Makes the path of a range that goes on with the first bar that was not sent.
fn next_path(path: &RangePath, from_ms: i64, beyond_ms: i64, descending: bool) -> String {
    let RangePath { ticker, multiplier, timespan, from, to } = path;
    let beyond = beyond_ms.to_string();
    let (from, to) = match descending {
        false => (&beyond, to),
        // The earliest bar may begin before `from`, and a range must not end before it begins.
        true if beyond_ms < from_ms => (&beyond, &beyond),
        true => (from, &beyond),
    };
    format!("/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}")
}

/// Writes the envelope; a result without rows has no `results` at all.
fn page(ticker: &str, adjusted: bool, queried: usize, rows: Vec<Value>) -> Value {
    let mut body = json!({
        "ticker": ticker,
        "queryCount": queried,
        "resultsCount": rows.len(),
        "adjusted": adjusted,
        "status": "OK",
        "count": rows.len(),
    });
    if !rows.is_empty() {
        body["results"] = Value::Array(rows);
    }
    body
}

/// Writes a bar. An index has a value and no trades.
pub(super) fn row(instrument: &Instrument, bar: &Bar) -> Value {
    let mut row = json!({
        "o": bar.spread.open, "c": bar.spread.close, "h": bar.spread.high, "l": bar.spread.low, "t": bar.start_ms,
    });
    if instrument.market != Market::Indices {
        row["v"] = amount(instrument, bar.turnover.volume);
        row["vw"] = bar.average().into();
        row["n"] = bar.turnover.trades.into();
    }
    row
}
