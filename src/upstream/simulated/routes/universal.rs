//! Snapshots across asset classes: the universal one, indices, and summaries. An item can fail alone inside a good answer.

use serde_json::{Value, json};

use super::super::answer::Refusal;
use super::super::market::bars::{Hours, bar};
use super::super::market::calendar::Phase;
use super::super::market::options::Contract;
use super::super::market::universe::{Instrument, Market};
use super::super::noise::rounded;
use super::super::state::View;
use super::super::table::{Call, Filter, Table, text};
use super::snapshots::amount;
use super::tickers::{branding, market_name};
use super::{options, trades};

/// How many tickers upstream takes in one question.
const MAX_TICKERS: usize = 250;

/// An index that upstream has and no simulated plan includes: an item that is not entitled.
pub(super) const UNENTITLED: &str = "I:NDX";

const BY_TICKER: &[Filter] = &[text("ticker")];

pub(super) const TABLES: &[Table] = &[
    Table::new("/v3/snapshot", all).filters(BY_TICKER).sorts(&["ticker"]).limit(10, 250).dressed(dress),
    Table::new("/v3/snapshot/indices", indices).filters(BY_TICKER).sorts(&["ticker"]).limit(10, 250).dressed(dress),
    Table::new("/v1/summaries", summaries).filters(BY_TICKER).sorts(&["ticker"]).limit(10, 250).dressed(summarise),
];

fn all(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    const TYPES: [&str; 5] = ["stocks", "options", "crypto", "fx", "indices"];
    if call.parameters.text("type").is_some_and(|kind| !TYPES.contains(&kind)) {
        return Err(Refusal::BadParameter(format!("type must be one of {}", TYPES.join(", "))));
    }
    let mut rows = named(call).unwrap_or_else(|| Ok(call.view.exchange.universe.all().iter().map(placeholder).collect()))?;
    if let Some(kind) = call.parameters.text("type") {
        rows.retain(|row| row["type"] == kind || row.get("error").is_some());
    }
    Ok(rows)
}

fn indices(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let named = named(call).unwrap_or_else(|| Ok(call.view.exchange.universe.of(Market::Indices).map(placeholder).collect()))?;
    // Other asset classes do not exist here.
    let answer = |row: Value| if row["type"] == "indices" || row.get("error").is_some() { row } else { unknown(&row["ticker"]) };
    Ok(named.into_iter().map(answer).collect())
}

fn summaries(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    named(call).unwrap_or_else(|| Err(Refusal::BadParameter("ticker.any_of must name at least one ticker".to_owned())))
}

fn unknown(ticker: &Value) -> Value {
    json!({"ticker": ticker, "error": "NOT_FOUND", "message": "Ticker not found."})
}

/// Writes what a row is filtered and sorted by; [`dress`] writes the rest when the page is cut.
fn placeholder(instrument: &Instrument) -> Value {
    json!({"ticker": instrument.ticker, "type": market_name(instrument.market)})
}

/// Makes a row of each ticker that is named, known or not.
fn named(call: &Call<'_>) -> Option<Result<Vec<Value>, Refusal>> {
    let list = call.parameters.text("ticker.any_of")?;
    let tickers: Vec<&str> = list.split(',').map(str::trim).filter(|ticker| !ticker.is_empty()).collect();
    if tickers.len() > MAX_TICKERS {
        return Some(Err(Refusal::BadParameter(format!("ticker.any_of must be a list of at most {MAX_TICKERS} values"))));
    }
    let universe = &call.view.exchange.universe;
    let rows = tickers.into_iter().map(|ticker| {
        if ticker == UNENTITLED {
            json!({"ticker": ticker, "error": "NOT_ENTITLED", "message": "Not entitled to this ticker."})
        } else if let Some(instrument) = universe.find(ticker) {
            placeholder(instrument)
        } else if Contract::find(universe, ticker, call.today()).is_some_and(|contract| contract.expires >= call.today()) {
            json!({"ticker": ticker, "type": "options"})
        } else {
            unknown(&ticker.into())
        }
    });
    Some(Ok(rows.collect()))
}

fn dress(call: &Call<'_>, row: &mut Value) {
    let ticker = row["ticker"].as_str().unwrap_or_default();
    if row.get("error").is_some() {
        return;
    }
    let whole = match call.view.exchange.universe.find(ticker) {
        Some(instrument) => Some(of_instrument(&call.view, instrument)),
        None => of_contract(call, ticker),
    };
    if let Some(whole) = whole {
        *row = whole;
    }
}

fn summarise(call: &Call<'_>, row: &mut Value) {
    dress(call, row);
    let Some(fields) = row.as_object_mut() else { return };
    let price = fields.get("value").or_else(|| fields.get("session").and_then(|session| session.get("close"))).cloned();
    for field in ["value", "last_trade", "last_quote", "last_minute", "greeks", "underlying_asset", "timeframe", "last_updated"] {
        fields.remove(field);
    }
    for field in ["break_even_price", "implied_volatility", "open_interest"] {
        fields.remove(field);
    }
    if let Some(details) = fields.remove("details") {
        fields.insert("options".to_owned(), details);
    }
    if let Some(price) = price {
        fields.insert("price".to_owned(), price);
    }
    let known = fields.get("ticker").and_then(Value::as_str).and_then(|ticker| call.view.exchange.universe.find(ticker));
    if let Some(stock) = known.filter(|known| known.market == Market::Stocks) {
        let pictures = branding(stock);
        let (logo, icon) = (format!("{pictures}/2026-03-01_logo.svg"), format!("{pictures}/2026-03-01_icon.png"));
        fields.insert("branding".to_owned(), json!({"logo_url": logo, "icon_url": icon}));
    }
}

fn market_status(view: &View<'_>, market: Market) -> &'static str {
    match (market, view.exchange.calendar.phase(view.now_ms)) {
        (Market::Crypto | Market::Forex, _) => "open",
        (Market::Indices, Phase::Regular) => "regular_trading",
        (Market::Stocks, Phase::Regular) => "open",
        (_, Phase::Pre) => "early_trading",
        (_, Phase::After) => "late_trading",
        (_, Phase::Closed) => "closed",
    }
}

fn of_instrument<'a>(view: &View<'a>, instrument: &'a Instrument) -> Value {
    let market = instrument.market;
    let mut row = json!({
        "ticker": instrument.ticker,
        "type": market_name(market),
        "name": instrument.name,
        "market_status": market_status(view, market),
    });
    view.with_series(instrument, |series| {
        let today = series.calendar.last_day(market, view.now_ms);
        let before = series.calendar.day_before(market, today.date);
        let trade = trades::newest(series, view.now_ms);
        let closed = series.price_at(before.close_ms - 1);
        let regular = bar(series, today.open_ms, today.close_ms, Hours::Regular, view.now_ms);
        let at = |pick: fn(&super::super::market::bars::Bar) -> f64| regular.as_ref().map_or(trade.price, pick);
        let change = |from: f64, to: f64| (rounded(to - from, 4), rounded((to / from - 1.0) * 100.0, 4));
        let (moved, moved_percent) = change(closed, trade.price);
        let mut session = json!({
            "change": moved,
            "change_percent": moved_percent,
            "open": at(|bar| bar.spread.open),
            "high": at(|bar| bar.spread.high),
            "low": at(|bar| bar.spread.low),
            "close": trade.price,
            "previous_close": closed,
        });
        if market != Market::Indices {
            session["volume"] = amount(instrument, regular.as_ref().map_or(0.0, |bar| bar.turnover.volume));
        }
        if market == Market::Stocks && today.pre_ms < today.open_ms {
            let (early, early_percent) = change(closed, series.price_at(today.open_ms.min(view.now_ms + 1) - 1));
            session["early_trading_change"] = early.into();
            session["early_trading_change_percent"] = early_percent.into();
            if view.now_ms >= today.close_ms {
                let (late, late_percent) = change(at(|bar| bar.spread.close), trade.price);
                session["late_trading_change"] = late.into();
                session["late_trading_change_percent"] = late_percent.into();
            }
        }
        row["session"] = session;
        add_last(&mut row, instrument, &trade);
    });
    row
}

/// Adds the last trade and quote, or the value of an index.
fn add_last(row: &mut Value, instrument: &Instrument, trade: &trades::Trade) {
    let quote = trade.quote(instrument);
    if instrument.market == Market::Indices {
        row["value"] = trade.price.into();
        row["last_updated"] = trade.at_ns.into();
        row["timeframe"] = "REAL-TIME".into();
        return;
    }
    if instrument.market != Market::Forex {
        row["last_trade"] = json!({
            "id": trade.id,
            "price": trade.price,
            "size": trade.size,
            "exchange": trade.exchange,
            "conditions": trade.conditions.clone().unwrap_or_default(),
            "last_updated": trade.at_ns,
            "timeframe": "REAL-TIME",
        });
    }
    if instrument.market != Market::Crypto {
        row["last_quote"] = json!({
            "ask": quote.ask,
            "ask_size": quote.ask_size,
            "bid": quote.bid,
            "bid_size": quote.bid_size,
            "last_updated": quote.at_ns,
            "timeframe": "REAL-TIME",
        });
    }
}

/// Turns the snapshot of a contract into a row among other assets.
fn of_contract(call: &Call<'_>, ticker: &str) -> Option<Value> {
    let contract = Contract::find(&call.view.exchange.universe, ticker, call.today())?;
    let mut row = options::snapshot(&call.view, &contract)?;
    let fields = row.as_object_mut()?;
    let mut session = fields.remove("day")?;
    for field in ["last_updated", "vwap"] {
        session.as_object_mut()?.remove(field);
    }
    let mut details = fields.remove("details")?;
    details.as_object_mut()?.remove("ticker");
    details["underlying_ticker"] = contract.underlying.as_str().into();
    let side = if contract.is_call { "Call" } else { "Put" };
    row["session"] = session;
    row["details"] = details;
    row["ticker"] = ticker.into();
    row["type"] = "options".into();
    row["name"] = format!("{} ${} {side}", contract.underlying, contract.strike).into();
    let status = market_status(&call.view, Market::Stocks);
    row["market_status"] = if status == "open" { "open" } else { "closed" }.into();
    Some(row)
}
