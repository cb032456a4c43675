//! Snapshots: what a ticker did today, in its last minute and in its last trade, for one, several or all; and the movers.

use actix_web::{HttpRequest, web};
use serde_json::{Value, json};

use super::super::answer::{Answer, Refusal};
use super::super::market::bars::{Bar, Hours, bar};
use super::super::market::calendar::TradingDay;
use super::super::market::prices::{Series, TICK_MS};
use super::super::market::universe::{Instrument, Market};
use super::super::market::volume;
use super::super::parameters::Parameters;
use super::super::state::{State, View};
use super::trades::{self, Trade};

/// How many movers there are at most.
const MOVERS: usize = 20;

pub(crate) async fn list(state: web::Data<State>, path: web::Path<(String, String)>, request: HttpRequest) -> Answer {
    let parameters = Parameters::of(request.query_string());
    segment(&path.0, &path.1).and_then(|market| list_of(&state.view(), market, &parameters)).into()
}

pub(crate) async fn one(state: web::Data<State>, path: web::Path<(String, String, String)>) -> Answer {
    segment(&path.0, &path.1).and_then(|market| one_of(&state.view(), market, &path.2)).into()
}

pub(crate) async fn movers(state: web::Data<State>, path: web::Path<(String, String, String)>) -> Answer {
    segment(&path.0, &path.1).map(|market| movers_of(&state.view(), market, path.2 == "gainers")).into()
}

/// Reads the part of the path that names a market.
pub(crate) fn segment(locale: &str, market: &str) -> Result<Market, Refusal> {
    match (locale, market) {
        ("us", "stocks") => Ok(Market::Stocks),
        ("global", "crypto") => Ok(Market::Crypto),
        ("global", "forex") => Ok(Market::Forex),
        _ => Err(Refusal::NotFound),
    }
}

/// Answers the snapshots of the tickers asked for, or of all. Unknown ones are left out.
pub(crate) fn list_of(view: &View<'_>, market: Market, parameters: &Parameters) -> Result<Value, Refusal> {
    // Nothing over the counter is simulated, so either value answers the same.
    parameters.flag("include_otc", false)?;
    let universe = &view.exchange.universe;
    let chosen: Vec<&Instrument> = match parameters.text("tickers") {
        Some(tickers) => tickers.split(',').filter_map(|ticker| known(view, market, ticker.trim())).collect(),
        None => universe.of(market).collect(),
    };
    let tickers: Vec<Value> = chosen.into_iter().map(|instrument| snapshot(view, instrument)).collect();
    Ok(json!({"status": "OK", "count": tickers.len(), "tickers": tickers}))
}

/// Answers the snapshot of one ticker.
pub(crate) fn one_of(view: &View<'_>, market: Market, ticker: &str) -> Result<Value, Refusal> {
    let instrument = known(view, market, ticker).ok_or(Refusal::NotFound)?;
    Ok(json!({"status": "OK", "ticker": snapshot(view, instrument)}))
}

/// Answers the snapshots of those that gained, or lost, most since the last close.
pub(crate) fn movers_of(view: &View<'_>, market: Market, gainers: bool) -> Value {
    let changes = view.exchange.universe.of(market).filter_map(|instrument| {
        let change = view.with_series(instrument, |series| {
            let today = series.calendar.last_day(market, view.now_ms);
            let before = series.calendar.day_before(market, today.date);
            series.price_at(view.now_ms) / series.price_at(before.close_ms - 1) - 1.0
        });
        (if gainers { change > 0.0 } else { change < 0.0 }).then_some((change.abs(), instrument))
    });
    let mut moved: Vec<(f64, &Instrument)> = changes.collect();
    moved.sort_by(|(left, _), (right, _)| right.total_cmp(left));
    let tickers: Vec<Value> = moved.into_iter().take(MOVERS).map(|(_, instrument)| snapshot(view, instrument)).collect();
    json!({"status": "OK", "tickers": tickers})
}

fn known<'a>(view: &View<'a>, market: Market, ticker: &str) -> Option<&'a Instrument> {
    view.exchange.universe.find(ticker).filter(|instrument| instrument.market == market)
}

fn snapshot(view: &View<'_>, instrument: &Instrument) -> Value {
    view.with_series(instrument, |series| read(series, view.now_ms))
}

fn read(series: Series<'_>, now_ms: i64) -> Value {
    let instrument = series.instrument;
    let today = series.calendar.last_day(instrument.market, now_ms);
    let before = series.calendar.day_before(instrument.market, today.date);
    let today_bar = bar(series, today.open_ms, today.close_ms, Hours::Regular, now_ms);
    let before_bar = bar(series, before.open_ms, before.close_ms, Hours::Regular, now_ms);
    let trade = trades::newest(series, now_ms);
    let closed = before_bar.map_or(trade.price, |bar| bar.spread.close);
    let change = trade.price - closed;
    let mut body = json!({
        "ticker": instrument.ticker,
        "todaysChange": rounded(change),
        "todaysChangePerc": rounded(change / closed * 100.0),
        "updated": trade.at_ns,
        "day": whole_day(instrument, today_bar.as_ref()),
        "min": minute(series, &today, &trade, now_ms),
        "prevDay": whole_day(instrument, before_bar.as_ref()),
    });
    if instrument.market != Market::Forex {
        body["lastTrade"] = json!({
            "c": trade.conditions, "i": trade.id, "p": trade.price, "s": trade.size, "t": trade.at_ns, "x": trade.exchange,
        });
    }
    match instrument.market {
        Market::Stocks => {
            let quote = trade.quote(instrument);
            body["lastQuote"] = json!({
                "P": quote.ask, "S": quote.ask_size, "p": quote.bid, "s": quote.bid_size, "t": quote.at_ns,
            });
        }
        Market::Forex => {
            let quote = trade.quote(instrument);
            body["lastQuote"] = json!({"a": quote.ask, "b": quote.bid, "t": quote.at_ns / 1_000_000, "x": 48});
        }
        Market::Crypto | Market::Indices => {}
    }
    body
}

/// Writes a day; all zeros, as upstream, before its regular session has begun.
fn whole_day(instrument: &Instrument, bar: Option<&Bar>) -> Value {
    let Some(bar) = bar else {
        return json!({"o": 0, "h": 0, "l": 0, "c": 0, "v": 0, "vw": 0});
    };
    json!({
        "o": bar.spread.open,
        "h": bar.spread.high,
        "l": bar.spread.low,
        "c": bar.spread.close,
        "v": amount(instrument, bar.turnover.volume),
        "vw": bar.average(),
    })
}

/// Writes the minute of the newest trade. `av` is what the day has traded so far.
fn minute(series: Series<'_>, today: &TradingDay, trade: &Trade, now_ms: i64) -> Value {
    let instrument = series.instrument;
    let start_ms = trade.at_ms().div_euclid(60_000) * 60_000;
    let so_far = volume::between(instrument, today, today.pre_ms, (now_ms + 1).min(today.after_ms));
    let traded = bar(series, start_ms, start_ms + 60_000, Hours::Extended, now_ms);
    // A pin outside trading hours is a trade without a minute of trading around it.
    let spread = traded.map(|bar| bar.spread).or_else(|| series.spread(trade.at_ms(), trade.at_ms() + TICK_MS));
    let (volume, trades) = traded.map_or((0.0, 0), |bar| (bar.turnover.volume, bar.turnover.trades));
    let price = |pick: fn(&super::super::market::prices::Spread) -> f64| spread.as_ref().map_or(trade.price, pick);
    json!({
        "av": amount(instrument, so_far.volume),
        "o": price(|spread| spread.open),
        "h": price(|spread| spread.high),
        "l": price(|spread| spread.low),
        "c": price(|spread| spread.close),
        "v": amount(instrument, volume),
        "vw": traded.map_or(trade.price, |bar| bar.average()),
        "t": start_ms,
        "n": trades,
    })
}

/// Writes an amount: whole for shares, decimal for coins.
pub(crate) fn amount(instrument: &Instrument, volume: f64) -> Value {
    if instrument.market == Market::Crypto { rounded(volume).into() } else { (volume as u64).into() }
}

fn rounded(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}
