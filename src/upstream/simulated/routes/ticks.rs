//! Every trade and every quote of a symbol, tick by tick, and the newest quote. Times are nanoseconds of the epoch, beyond
//! what a double holds. Ticks are walked from where a page begins, so that a page costs what it holds.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::answer::Refusal;
use super::super::market::calendar::FIRST_DAY;
use super::super::market::prices::Series;
use super::super::market::universe::{Instrument, Market};

use super::super::parameters::{Parameters, next_url};

use super::super::table::{Call, Filter, Object, Wanted, nanos};
use super::trades::{self, NANOS_PER_MS};

const DEFAULT_LIMIT: usize = 1_000;
const MAX_LIMIT: usize = 50_000;

pub(super) const OBJECTS: &[Object] = &[
    Object::new("/v3/trades/{ticker}", |call| list(call, trade_row)),
    Object::new("/v3/quotes/{ticker}", |call| list(call, quote_row)),
    Object::new("/v2/last/nbbo/{ticker}", last_quote),
];

/// What the next page must know: the query, the moment of the first page, and the tick it goes on with.
#[derive(Debug, Serialize, Deserialize)]
struct TickCursor {
    query: std::collections::BTreeMap<String, String>,
    at_ms: i64,
    from_ms: i64,
}

/// Which ticks a page holds.
pub(super) struct TickPage {
    pub(super) rows: Vec<Value>,
    pub(super) next_url: Option<String>,
}

/// The field of a row's time, and by which names a query may ask for it.
pub(super) type ByTime = (&'static str, &'static [Filter]);

const BY_SIP_TIME: ByTime = ("sip_timestamp", &[nanos("timestamp").at("sip_timestamp")]);

/// How a tick becomes a row.
pub(super) type TickRow = fn(Series<'_>, i64) -> Value;

fn list(call: &Call<'_>, row: TickRow) -> Result<Value, Refusal> {
    let known = call.view.exchange.universe.find(call.segment("ticker"));
    // Of an unknown ticker there are no trades; that is no error upstream.
    let Some(instrument) = known.filter(|instrument| instrument.market != Market::Indices) else {
        return Ok(json!({"status": "OK", "results": []}));
    };
    let page = call.view.with_series(instrument, |series| page(call, series, BY_SIP_TIME, row))?;
    let mut body = json!({"status": "OK", "results": page.rows});
    if let Some(next_url) = page.next_url {
        body["next_url"] = next_url.into();
    }
    Ok(body)
}

/// Gives the moment a walk over pages began at; a cursor from elsewhere could name one outside the calendar.
pub(super) fn moment_of(call: &Call<'_>, at_ms: Option<i64>) -> Result<i64, Refusal> {
    let at_ms = at_ms.unwrap_or(call.view.now_ms);
    let known = (0..=call.view.now_ms).contains(&at_ms);
    if known { Ok(at_ms) } else { Err(Refusal::BadParameter("cursor is not valid".to_owned())) }
}

/// Reads one page of ticks.
pub(super) fn page(call: &Call<'_>, series: Series<'_>, (field, filters): ByTime, row: TickRow) -> Result<TickPage, Refusal> {
    let cursor = call.parameters.cursor::<TickCursor>()?;
    let parameters = cursor.as_ref().map_or_else(|| call.parameters.clone(), |cursor| Parameters::from(cursor.query.clone()));
    let limit = parameters.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
    if parameters.text("sort").is_some_and(|sort| !sort.starts_with("timestamp")) {
        return Err(Refusal::BadParameter("sort must be timestamp".to_owned()));
    }
    let ascending = parameters.text("sort") == Some("timestamp.asc");
    let descending = parameters.descending("order", !ascending)?;
    let wanted = Wanted::of(&parameters, filters)?;
    let at_ms = moment_of(call, cursor.as_ref().map(|cursor| cursor.at_ms))?;
    let (first_ms, last_ms) = bounds(&wanted, field, series, at_ms);
    let mut tick_ms = match cursor {
        Some(cursor) => cursor.from_ms.max(first_ms - 1).min(last_ms),
        None if descending => series.trade_ms(last_ms),
        None => series.next_trade_ms(first_ms - 1),
    };
    let mut rows = Vec::new();
    while rows.len() < limit && (first_ms..=last_ms).contains(&tick_ms) {
        let row = row(series, tick_ms);
        if wanted.admits_row(&row) {
            rows.push(row);
        }
        tick_ms = if descending { series.trade_ms(tick_ms - 1) } else { series.next_trade_ms(tick_ms) };
    }
    let more = (first_ms..=last_ms).contains(&tick_ms) && wanted.admits_row(&row(series, tick_ms));
    let cursor = TickCursor { query: parameters.shareable(), at_ms, from_ms: tick_ms };
    Ok(TickPage { rows, next_url: more.then(|| next_url(&call.path, &cursor)) })
}

/// Turns nanoseconds into milliseconds no earlier than one moment and no later than another, which wins.
pub(super) fn millis_within(ns: i128, earliest_ms: i64, latest_ms: i64) -> i64 {
    let millis = ns.div_euclid(i128::from(NANOS_PER_MS));
    millis.max(i128::from(earliest_ms)).min(i128::from(latest_ms)) as i64
}

/// Finds the stretch that the conditions leave: they cannot be asked for their ends, but halving finds them.
fn bounds(wanted: &Wanted, field: &str, series: Series<'_>, now_ms: i64) -> (i64, i64) {
    let earliest_ms = series.calendar.midnight_ms(series.instrument.market, FIRST_DAY);
    if !wanted.restricts(field) {
        return (earliest_ms, now_ms);
    }
    let (from_ns, to_ns) = wanted.span(field);
    // A row's time is up to a millisecond after its tick.
    if from_ns > to_ns {
        (1, 0)
    } else {
        let within = |ns| millis_within(ns, earliest_ms, now_ms);
        ((within(from_ns) - 1).max(earliest_ms), within(to_ns))
    }
}

fn trade_row(series: Series<'_>, tick_ms: i64) -> Value {
    let trade = trades::newest(series, tick_ms);
    let instrument = series.instrument;
    let dice = trade.dice();
    let mut row = json!({
        "exchange": trade.exchange,
        "id": trade.id,
        "participant_timestamp": trade.participant_ns(),
        "price": trade.price,
        "size": trade.size,
    });
    if let Some(conditions) = &trade.conditions {
        row["conditions"] = json!(conditions);
    }
    row["sip_timestamp"] = trade.at_ns.into();
    if instrument.market == Market::Stocks {
        row["sequence_number"] = trade.sequence.into();
        row["tape"] = tape(instrument).into();
        if dice.one_in(20, 4) {
            row["trf_id"] = (200 + dice.below(6, 4)).into();
            row["trf_timestamp"] = (trade.at_ns - 100_000).into();
        }
        if dice.one_in(21, 200) {
            row["correction"] = 1.into();
        }
        row["decimal_size"] = format!("{}.0", trade.size).into();
    }
    row
}

fn quote_row(series: Series<'_>, tick_ms: i64) -> Value {
    let instrument = series.instrument;
    let trade = trades::newest(series, tick_ms);
    let quote = trade.quote(instrument);
    let dice = trade.dice();
    let mut row = json!({
        "ask_exchange": 1 + dice.below(13, 20),
        "ask_price": quote.ask,
        "ask_size": quote.ask_size,
        "bid_exchange": 1 + dice.below(14, 20),
        "bid_price": quote.bid,
        "bid_size": quote.bid_size,
        "participant_timestamp": quote.at_ns - 250_000,
        "sip_timestamp": quote.at_ns,
    });
    if instrument.market == Market::Stocks {
        row["sequence_number"] = trade.sequence.into();
        row["tape"] = tape(instrument).into();
        if dice.one_in(15, 3) {
            row["conditions"] = json!([1]);
            row["indicators"] = json!([604]);
        }
    }
    row
}

pub(super) fn tape(instrument: &Instrument) -> u8 {
    if instrument.exchange == "XNAS" { 3 } else { 1 }
}

fn last_quote(call: &Call<'_>) -> Result<Value, Refusal> {
    let view = &call.view;
    let known = view.exchange.universe.find(call.segment("ticker")).filter(|found| found.market == Market::Stocks);
    let instrument = known.ok_or(Refusal::NotFound)?;
    let trade = view.with_series(instrument, |series| trades::newest(series, view.now_ms));
    let (quote, dice) = (trade.quote(instrument), trade.dice());
    let results = json!({
        "T": instrument.ticker,
        "p": quote.bid,
        "s": quote.bid_size,
        "x": 1 + dice.below(14, 20),
        "P": quote.ask,
        "S": quote.ask_size,
        "X": 1 + dice.below(13, 20),
        "c": [1],
        "i": [604],
        "z": tape(instrument),
        "t": quote.at_ns,
        "y": quote.at_ns - 250_000,
        "q": trade.sequence,
    });
    Ok(json!({"status": "OK", "results": results}))
}
