//! Averages and oscillators, computed from the same bars that the aggregates are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::answer::Refusal;
use super::super::market::bars::{Bar, BarRange, Timespan, walk};
use super::super::market::calendar::FIRST_DAY;
use super::super::market::indicators::{divergence, exponential_average, relative_strength, simple_average};
use super::super::parameters::{NEXT_URL_BASE, Parameters, next_url};
use super::super::table::{Call, Object, Wanted, nanos};
use super::aggregates::row;
use super::ticks::{millis_within, moment_of};
use super::trades::NANOS_PER_MS;

const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 5_000;
const MAX_WINDOW: usize = 1_000;

pub(super) const OBJECTS: &[Object] = &[
    Object::new("/v1/indicators/sma/{ticker}", |call| answer(call, Method::SimpleAverage)),
    Object::new("/v1/indicators/ema/{ticker}", |call| answer(call, Method::ExponentialAverage)),
    Object::new("/v1/indicators/rsi/{ticker}", |call| answer(call, Method::RelativeStrength)),
    Object::new("/v1/indicators/macd/{ticker}", |call| answer(call, Method::Divergence)),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    SimpleAverage,
    ExponentialAverage,
    RelativeStrength,
    Divergence,
}

/// What the next page must know.
#[derive(Debug, Serialize, Deserialize)]
struct IndicatorCursor {
    query: BTreeMap<String, String>,
    skip: usize,
    at_ms: i64,
}

/// What is to be computed from what.
struct Question {
    method: Method,
    timespan: (Timespan, String),
    /// One length, or the fast, the slow and the signal's.
    windows: Vec<usize>,
    price: fn(&Bar) -> f64,
    adjusted: bool,
    expanded: bool,
    descending: bool,
    limit: usize,
}

fn bad(text: impl Into<String>) -> Refusal {
    Refusal::BadParameter(text.into())
}

fn window(parameters: &Parameters, name: &str, default: usize) -> Result<usize, Refusal> {
    let Some(text) = parameters.text(name) else { return Ok(default) };
    let window = text.parse().ok().filter(|window| (1..=MAX_WINDOW).contains(window));
    window.ok_or_else(|| bad(format!("{name} must be between 1 and {MAX_WINDOW}")))
}

impl Question {
    fn of(parameters: &Parameters, method: Method) -> Result<Self, Refusal> {
        let span = parameters.text("timespan").unwrap_or("day");
        let timespan =
            span.parse().map_err(|()| bad("timespan must be one of second, minute, hour, day, week, month, quarter, year"))?;
        let price: fn(&Bar) -> f64 = match parameters.text("series_type").unwrap_or("close") {
            "close" => |bar| bar.spread.close,
            "open" => |bar| bar.spread.open,
            "high" => |bar| bar.spread.high,
            "low" => |bar| bar.spread.low,
            _ => return Err(bad("series_type must be one of open, high, low, close")),
        };
        let windows = match method {
            Method::SimpleAverage | Method::ExponentialAverage => vec![window(parameters, "window", 50)?],
            Method::RelativeStrength => vec![window(parameters, "window", 14)?],
            Method::Divergence => vec![
                window(parameters, "short_window", 12)?,
                window(parameters, "long_window", 26)?,
                window(parameters, "signal_window", 9)?,
            ],
        };
        if method == Method::Divergence && windows[0] >= windows[1] {
            return Err(bad("short_window must be less than long_window"));
        }
        Ok(Self {
            method,
            timespan: (timespan, span.to_owned()),
            windows,
            price,
            adjusted: parameters.flag("adjusted", true)?,
            expanded: parameters.flag("expand_underlying", false)?,
            descending: parameters.descending("order", true)?,
            limit: parameters.limit(DEFAULT_LIMIT, MAX_LIMIT)?,
        })
    }

    /// How many bars are needed before the first value. An exponential average forgets a price to a part in a billion after
    /// some eleven windows; the one of relative strength forgets half as fast.
    fn run_up(&self) -> usize {
        let longest: usize = self.windows.iter().sum();
        match self.method {
            Method::SimpleAverage => longest,
            Method::ExponentialAverage | Method::Divergence => longest * 11,
            Method::RelativeStrength => longest * 22,
        }
    }

    /// Computes one value for each of the newest bars; all slices end with the newest.
    fn values(&self, bars: &[Bar]) -> Vec<Value> {
        let prices: Vec<f64> = bars.iter().map(self.price).collect();
        let plain = |values: Vec<f64>| values.into_iter().map(|value| json!({"value": value})).collect::<Vec<_>>();
        let mut values = match self.method {
            Method::SimpleAverage => plain(simple_average(&prices, self.windows[0])),
            Method::ExponentialAverage => plain(exponential_average(&prices, self.windows[0])),
            Method::RelativeStrength => plain(relative_strength(&prices, self.windows[0])),
            Method::Divergence => divergence(&prices, self.windows[0], self.windows[1], self.windows[2])
                .into_iter()
                .map(|found| json!({"value": found.value, "signal": found.signal, "histogram": found.value - found.signal}))
                .collect(),
        };
        let before = bars.len() - values.len();
        for (value, bar) in values.iter_mut().zip(&bars[before..]) {
            value["timestamp"] = bar.start_ms.into();
        }
        values
    }
}

fn answer(call: &Call<'_>, method: Method) -> Result<Value, Refusal> {
    let cursor = match call.parameters.cursor::<IndicatorCursor>()? {
        Some(cursor) => cursor,
        None => IndicatorCursor { query: call.parameters.shareable(), skip: 0, at_ms: call.view.now_ms },
    };
    let parameters = Parameters::from(cursor.query.clone());
    let question = Question::of(&parameters, method)?;
    let wanted = Wanted::of(&parameters, &[nanos("timestamp")])?;
    let now_ms = moment_of(call, Some(cursor.at_ms))?;
    let bars = newest_bars(call, &question, &wanted, cursor.skip, now_ms);
    let url = underlying_url(call, &question, &bars);
    let in_range = |value: &Value| {
        let at_ns = value["timestamp"].as_i64().unwrap_or_default().saturating_mul(NANOS_PER_MS);
        wanted.admits("timestamp", &at_ns.into())
    };
    let mut values: Vec<Value> = question.values(&bars).into_iter().filter(in_range).collect();
    if question.descending {
        values.reverse();
    }
    let beyond = cursor.skip.saturating_add(question.limit);
    let more = values.len() > beyond;
    let page: Vec<Value> = values.into_iter().skip(cursor.skip).take(question.limit).collect();
    let mut results = json!({"underlying": {"url": url}});
    if question.expanded && !bars.is_empty() {
        let known = call.view.exchange.universe.find(call.segment("ticker"));
        let rows: Vec<Value> = known.iter().flat_map(|instrument| bars.iter().rev().map(|bar| row(instrument, bar))).collect();
        results["underlying"]["aggregates"] = rows.into();
    }
    if !page.is_empty() {
        results["values"] = page.into();
    }
    let mut body = json!({"status": "OK", "results": results});
    if more {
        body["next_url"] = next_url(&call.path, &IndicatorCursor { skip: beyond, ..cursor }).into();
    }
    Ok(body)
}

/// Reads the bars that this page and its run-up need, the oldest first. Ascending from a start needs all from there.
fn newest_bars(call: &Call<'_>, question: &Question, wanted: &Wanted, skip: usize, now_ms: i64) -> Vec<Bar> {
    let Some(instrument) = call.view.exchange.universe.find(call.segment("ticker")) else { return Vec::new() };
    call.view.with_series(instrument, |series| {
        let (from_ns, to_ns) = wanted.span("timestamp");
        let first_ms = series.calendar.midnight_ms(instrument.market, FIRST_DAY);
        let within = |ns| millis_within(ns, first_ms, now_ms);
        let (from_ms, to_ms) = (within(from_ns), within(to_ns));
        let range =
            |from_ms, to_ms, descending| BarRange { timespan: question.timespan.0, multiplier: 1, from_ms, to_ms, descending };
        let needed = skip.saturating_add(question.limit).saturating_add(1).min(MAX_BARS);
        let newest_first = |to_ms, count: usize| walk(series, range(first_ms, to_ms, true), now_ms).take(count);
        let mut bars: Vec<Bar> = if question.descending {
            newest_first(to_ms, needed + question.run_up()).collect()
        } else {
            let asked: Vec<Bar> = walk(series, range(from_ms, to_ms, false), now_ms).take(needed + question.run_up()).collect();
            asked.into_iter().rev().chain(newest_first(from_ms - 1, question.run_up())).collect()
        };
        bars.reverse();
        bars.dedup_by_key(|bar| bar.start_ms);
        bars
    })
}

/// However deep a cursor says that it is, no more values than these are made.
const MAX_BARS: usize = 100_000;

/// Says where the bars came from.
fn underlying_url(call: &Call<'_>, question: &Question, bars: &[Bar]) -> String {
    let (from, to) = (bars.first().map_or(0, |bar| bar.start_ms), bars.last().map_or(0, |bar| bar.start_ms));
    let (ticker, span) = (call.segment("ticker"), &question.timespan.1);
    let adjusted = if question.adjusted { "" } else { "&adjusted=false" };
    format!("{NEXT_URL_BASE}/v2/aggs/ticker/{ticker}/range/1/{span}/{from}/{to}?limit=50000&sort=desc{adjusted}")
}
