//! What was paid for a future: bars of any resolution, every trade, every quote.

use serde_json::{Value, json};

use super::super::super::answer::Refusal;
use super::super::super::market::bars::{BarRange, Timespan, walk};
use super::super::super::market::calendar::{date_of_number, day_number};
use super::super::super::market::futures::Contract;
use super::super::super::market::prices::Series;
use super::super::super::market::universe::Instrument;
use super::super::super::noise::rounded;
use super::super::super::table::{Call, nanos};
use super::super::ticks::{self, ByTime, TickRow};
use super::super::trades::{NANOS_PER_MS, newest};
use super::in_version;

/// Hands a contract's prices to a rule; nothing pins them.
pub(super) fn with_series<R>(call: &Call<'_>, contract: &Contract, rule: impl FnOnce(Series<'_>, &Instrument) -> R) -> R {
    let instrument = contract.instrument(call.view.exchange.seed);
    rule(Series { instrument: &instrument, calendar: &call.view.exchange.calendar, pins: &[] }, &instrument)
}

/// Gives the date of the session a moment falls into.
pub(super) fn session_end(at_ms: i64) -> String {
    date_of_number(at_ms.div_euclid(86_400_000)).to_string()
}

/// Reads a resolution such as `1min`, `5mins` or `1session`.
fn resolution(text: &str) -> Option<(u32, Timespan)> {
    let unit = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let multiplier = text[..text.len() - unit.len()].parse().ok().filter(|count| (1..=10_000).contains(count))?;
    let timespan = match unit.trim_end_matches('s') {
        "sec" | "second" => Timespan::Second,
        "min" | "minute" => Timespan::Minute,
        "hour" => Timespan::Hour,
        "session" | "day" => Timespan::Day,
        "week" => Timespan::Week,
        "month" => Timespan::Month,
        "quarter" => Timespan::Quarter,
        "year" => Timespan::Year,
        _ => return None,
    };
    Some((multiplier, timespan))
}

/// However deep a cursor says that it is, no more bars than these are made.
const MAX_BARS: usize = 1_000_000;

pub(super) fn bars(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let text = call.parameters.text("resolution").unwrap_or("1session");
    let bad = || {
        Refusal::BadParameter("resolution must be a number and sec, min, hour, session, week, month, quarter or year".to_owned())
    };
    let (multiplier, timespan) = resolution(text).ok_or_else(bad)?;
    let Some(contract) = Contract::find(call.segment("ticker"), call.today()) else { return Ok(Vec::new()) };
    let (from_ns, to_ns) = call.wanted.span("window_start");
    let begun_ms = day_number(contract.first_trade) * 86_400_000;
    let within = |ns| ticks::millis_within(ns, begun_ms, call.view.now_ms);
    let range = BarRange { timespan, multiplier, from_ms: within(from_ns), to_ms: within(to_ns), descending: !ascending(call) };
    let enough = wanted_bars(call);
    Ok(with_series(call, &contract, |series, _| {
        let found = walk(series, range, call.view.now_ms).take(enough);
        let row = found.map(|bar| {
            let price = |price: f64| contract.round(price);
            let mut row = json!({
                "ticker": contract.ticker,
                "open": price(bar.spread.open),
                "high": price(bar.spread.high),
                "low": price(bar.spread.low),
                "close": price(bar.spread.close),
                "volume": bar.turnover.volume as u64,
                "dollar_volume": rounded(bar.turnover.volume * bar.average(), 2),
                "window_start": bar.start_ms * NANOS_PER_MS,
                "session_end_date": session_end(bar.start_ms),
            });
            row[in_version(call, "transaction_count", "transactions")] = bar.turnover.trades.into();
            // A session is settled when it is over.
            if timespan == Timespan::Day && bar.start_ms + 86_400_000 <= call.view.now_ms {
                row["settlement_price"] = price(bar.spread.close).into();
            }
            row
        });
        row.collect()
    }))
}

fn ascending(call: &Call<'_>) -> bool {
    let sort = call.parameters.text("sort").unwrap_or_default();
    sort.ends_with(".asc") || (!sort.ends_with(".desc") && call.parameters.text("order") == Some("asc"))
}

/// Says how many bars the pages so far and one more bar need: a walk of seconds must not make all of them.
fn wanted_bars(call: &Call<'_>) -> usize {
    let limit = call.parameters.limit(1_000, 50_000).unwrap_or(1_000);
    call.skip.saturating_add(limit).saturating_add(1).min(MAX_BARS)
}

pub(super) fn trades(call: &Call<'_>) -> Result<Value, Refusal> {
    list_ticks(call, trade_row)
}

pub(super) fn quotes(call: &Call<'_>) -> Result<Value, Refusal> {
    list_ticks(call, quote_row)
}

/// A session is a day, so that its date is a stretch of times.
const BY_TIME: ByTime = ("timestamp", &[nanos("timestamp"), nanos("session_end_date").at("timestamp")]);

fn list_ticks(call: &Call<'_>, row: TickRow) -> Result<Value, Refusal> {
    let Some(contract) = Contract::find(call.segment("ticker"), call.today()) else { return Ok(json!({"status": "OK"})) };
    let page = with_series(call, &contract, |series, _| ticks::page(call, series, BY_TIME, row))?;
    let mut body = json!({"status": "OK"});
    if !page.rows.is_empty() {
        body["results"] = page.rows.into();
    }
    if let Some(next_url) = page.next_url {
        body["next_url"] = next_url.into();
    }
    Ok(body)
}

fn trade_row(series: Series<'_>, tick_ms: i64) -> Value {
    let trade = newest(series, tick_ms);
    json!({
        "ticker": series.instrument.ticker,
        "timestamp": trade.at_ns,
        "session_end_date": session_end(tick_ms),
        "price": trade.price,
        "size": trade.size,
    })
}

fn quote_row(series: Series<'_>, tick_ms: i64) -> Value {
    let quote = newest(series, tick_ms).quote(series.instrument);
    json!({
        "ticker": series.instrument.ticker,
        "timestamp": quote.at_ns,
        "session_end_date": session_end(tick_ms),
        "ask_price": quote.ask,
        "ask_size": quote.ask_size,
        "ask_timestamp": quote.at_ns,
        "bid_price": quote.bid,
        "bid_size": quote.bid_size,
        "bid_timestamp": quote.at_ns - 250_000,
    })
}
