//! When is a product traded, and what has a contract done today? Trading pauses for an hour in New York's evening.

use jiff::civil::{Date, Weekday};
use serde_json::{Value, json};

use super::super::super::answer::Refusal;
use super::super::super::market::SessionMode;
use super::super::super::market::bars::{Hours, bar};
use super::super::super::market::calendar::{date_of_number, day_number, previous, timestamp};
use super::super::super::market::futures::{Contract, PRODUCTS, Product};
use super::super::super::market::universe::Market;
use super::super::super::noise::{Dice, mix_text, rounded};
use super::super::super::table::Call;
use super::super::trades::{NANOS_PER_MS, newest};
use super::prices::with_series;

/// How many sessions are on the schedule, before today and after.
const SCHEDULED_DAYS: i64 = 14;

/// New York's hours at which a session begins (on the day before), and ends.
const OPENS: i8 = 18;
const CLOSES: i8 = 17;

pub(super) fn schedules(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let calendar = &call.view.exchange.calendar;
    let asked = call.segment("product_code");
    if !asked.is_empty() && Product::find(asked).is_none() {
        return Err(Refusal::NoData);
    }
    let today = day_number(call.today());
    let dates: Vec<Date> = (today - SCHEDULED_DAYS..=today + SCHEDULED_DAYS)
        .map(date_of_number)
        .filter(|date| !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday))
        .filter(|date| call.admits_date("session_end_date", *date))
        .collect();
    let products = PRODUCTS.iter().filter(|product| asked.is_empty() || product.code == asked);
    let rows = products.flat_map(|product| {
        dates.iter().map(move |&date| {
            let event = |name: &str, date, hour, minute| {
                json!({"event": name, "timestamp": timestamp(calendar.new_york_ms(date, hour, minute)).to_string()})
            };
            json!({
                "session_end_date": date.to_string(),
                "product_code": product.code,
                "product_name": product.name,
                "trading_venue": product.venue,
                "schedule": [
                    event("pre_open", previous(date), OPENS - 1, 45),
                    event("open", previous(date), OPENS, 0),
                    event("close", date, CLOSES, 0),
                ],
            })
        })
    });
    Ok(rows.collect())
}

pub(super) fn statuses(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let calendar = &call.view.exchange.calendar;
    let now = timestamp(call.view.now_ms).to_zoned_datetime(calendar.new_york().clone());
    let status = match (now.weekday(), now.hour()) {
        _ if calendar.mode() == SessionMode::Open => "open",
        (Weekday::Saturday, _) => "close",
        (Weekday::Sunday, hour) if hour < OPENS => "close",
        (Weekday::Friday, hour) if hour >= CLOSES => "close",
        (_, hour) if hour == CLOSES => "pause",
        _ => "open",
    };
    let row = |product: &Product| {
        json!({
            "product_code": product.code,
            "name": product.name,
            "trading_venue": product.venue,
            "session_end_date": call.today().to_string(),
            "timestamp": now.timestamp().to_string(),
            "market_event": status,
            "market_status": status,
        })
    };
    Ok(PRODUCTS.iter().map(row).collect())
}

pub(super) fn exchanges(_call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let venues = [
        ("4", "XCME", "Chicago Mercantile Exchange", "CME"),
        ("5", "XCBT", "Chicago Board of Trade", "CBOT"),
        ("6", "XNYM", "New York Mercantile Exchange", "NYMEX"),
        ("7", "XCEC", "Commodity Exchange, Inc.", "COMEX"),
    ];
    let row = |(id, mic, name, acronym): (&str, &str, &str, &str)| json!({"id": id, "type": "exchange", "locale": "us", "name": name, "acronym": acronym, "mic": mic, "operating_mic": "XCME"});
    Ok(venues.map(row).into())
}

/// Writes what a snapshot is filtered and sorted by; [`dress`] writes the rest when the page is cut.
pub(super) fn snapshots(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let today = call.today();
    let contracts = PRODUCTS.iter().flat_map(|product| product.contracts(today));
    Ok(contracts.map(|contract| json!({"ticker": contract.ticker, "product_code": contract.product.code})).collect())
}

pub(super) fn dress(call: &Call<'_>, row: &mut Value) {
    let ticker = row["ticker"].as_str().unwrap_or_default();
    let Some(contract) = Contract::find(ticker, call.today()) else { return };
    let now_ms = call.view.now_ms;
    let dice = Dice(mix_text(call.view.exchange.seed, ticker));
    with_series(call, &contract, |series, instrument| {
        let today = series.calendar.last_day(Market::Forex, now_ms);
        let trade = newest(series, now_ms);
        let quote = trade.quote(instrument);
        let price = |price: f64| contract.round(price);
        let settled = price(series.price_at(today.open_ms - 1));
        let minute_ms = trade.at_ms().div_euclid(60_000) * 60_000;
        row["details"] = json!({
            "open_interest": 1_000 + dice.below(1, 500_000),
            "settlement_date": day_number(contract.last_trade) * 86_400_000 * NANOS_PER_MS,
        });
        row["last_trade"] = json!({"last_updated": trade.at_ns, "price": price(trade.price), "size": trade.size});
        row["last_quote"] = json!({
            "ask": price(quote.ask + contract.product.tick / 2.0),
            "ask_size": quote.ask_size,
            "ask_timestamp": quote.at_ns,
            "bid": price(quote.bid - contract.product.tick / 2.0),
            "bid_size": quote.bid_size,
            "bid_timestamp": quote.at_ns,
            "last_updated": quote.at_ns,
        });
        if let Some(minute) = bar(series, minute_ms, minute_ms + 60_000, Hours::Extended, now_ms) {
            row["last_minute"] = json!({
                "open": price(minute.spread.open),
                "high": price(minute.spread.high),
                "low": price(minute.spread.low),
                "close": price(minute.spread.close),
                "volume": minute.turnover.volume as u64,
                "last_updated": trade.at_ns,
            });
        }
        if let Some(session) = bar(series, today.open_ms, today.close_ms, Hours::Regular, now_ms) {
            let close = price(session.spread.close);
            row["session"] = json!({
                "change": rounded(close - settled, 6),
                "change_percent": rounded((close / settled - 1.0) * 100.0, 4),
                "open": price(session.spread.open),
                "high": price(session.spread.high),
                "low": price(session.spread.low),
                "close": close,
                "previous_settlement": settled,
                "settlement_price": settled,
                "volume": session.turnover.volume as u64,
            });
        }
    });
}
