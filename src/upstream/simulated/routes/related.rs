//! What else belongs to a company: those it is named with, and the tickers it had before.

use serde_json::{Value, json};

use super::super::answer::Refusal;
use super::super::market::universe::{Instrument, Market};
use super::super::noise::Dice;
use super::super::table::{Call, Object};
use super::tickers::{cik, composite_figi, list_date};

/// How many companies are named as related.
const RELATED: u64 = 10;

pub(super) const OBJECTS: &[Object] =
    &[Object::new("/v1/related-companies/{ticker}", related), Object::new("/vX/reference/tickers/{ticker}/events", events)];

fn dice_of(stock: &Instrument) -> Dice {
    Dice(stock.key).of(&[0x7265_6c61])
}

fn related(call: &Call<'_>) -> Result<Value, Refusal> {
    let universe = &call.view.exchange.universe;
    let stock = universe.find(call.segment("ticker")).filter(|found| found.market == Market::Stocks).ok_or(Refusal::NotFound)?;
    let others: Vec<&Instrument> = universe.of(Market::Stocks).take(100).filter(|other| other.ticker != stock.ticker).collect();
    let start = dice_of(stock).below(1, 100);
    // Every seventh of the first hundred: a step without a common factor names none twice before all are named.
    let named = (0..RELATED.min(others.len() as u64)).map(|turn| {
        let other = others[((start + turn * 7) % others.len() as u64) as usize];
        json!({"ticker": other.ticker})
    });
    let mut rows: Vec<Value> = named.collect();
    rows.dedup();
    Ok(json!({"status": "OK", "stock_symbol": stock.ticker, "results": rows}))
}

fn events(call: &Call<'_>) -> Result<Value, Refusal> {
    if call.parameters.text("types").is_some_and(|types| types.split(',').any(|kind| kind != "ticker_change")) {
        return Err(Refusal::BadParameter("types must be ticker_change".to_owned()));
    }
    let asked = call.segment("ticker");
    let stocks = call.view.exchange.universe.of(Market::Stocks);
    let mut stocks = stocks.filter(|stock| stock.ticker == asked || composite_figi(stock) == asked);
    let stock = stocks.next().ok_or(Refusal::NotFound)?;
    let change = |ticker: &str, date: String| json!({"type": "ticker_change", "date": date, "ticker_change": {"ticker": ticker}});
    let mut events = vec![change(&stock.ticker, list_date(stock))];
    let dice = dice_of(stock);
    if dice.one_in(2, 4) || stock.ticker == "META" {
        let day = format!("{}-{:02}-{:02}", 2_021 + dice.below(3, 4), 1 + dice.below(4, 12), 1 + dice.below(5, 28));
        let former = if stock.ticker == "META" { "FB".to_owned() } else { format!("{}Q", stock.ticker) };
        events = vec![change(&stock.ticker, day), change(&former, list_date(stock))];
    }
    let mut results = json!({"name": stock.name, "composite_figi": composite_figi(stock), "events": events});
    if stock.kind != "ETF" {
        results["cik"] = cik(stock).into();
    }
    Ok(json!({"status": "OK", "results": results}))
}
