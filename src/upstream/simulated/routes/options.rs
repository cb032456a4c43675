//! Options: which contracts there are, and what each is doing.

use serde_json::{Value, json};

use super::super::answer::Refusal;
use super::super::market::bars::{Bar, Hours, bar};
use super::super::market::options::{Contract, Worth, contracts, has_options};
use super::super::market::prices::Series;
use super::super::market::universe::{Instrument, Market};
use super::super::noise::{Dice, mix_text, rounded};
use super::super::state::View;
use super::super::table::{Call, Filter, Object, Table, date, number, text};
use super::trades;

const CHAIN: &[Filter] = &[
    number("strike_price").at("details.strike_price"),
    date("expiration_date").at("details.expiration_date"),
    text("contract_type").at("details.contract_type"),
    text("ticker").at("details.ticker"),
];
const CONTRACTS: &[Filter] =
    &[text("underlying_ticker"), text("ticker"), text("contract_type"), date("expiration_date"), number("strike_price")];

pub(super) const TABLES: &[Table] = &[
    Table::new("/v3/snapshot/options/{underlying}", chain)
        .filters(CHAIN)
        .sorts(&["details.ticker", "details.expiration_date", "details.strike_price"])
        .limit(10, 250)
        .dressed(dress),
    Table::new("/v3/reference/options/contracts", listed).filters(CONTRACTS).sorts(&[
        "ticker",
        "underlying_ticker",
        "expiration_date",
        "strike_price",
    ]),
];
pub(super) const OBJECTS: &[Object] = &[
    Object::new("/v3/snapshot/options/{underlying}/{contract}", one_snapshot),
    Object::new("/v3/reference/options/contracts/{contract}", one_contract),
];

/// Without an underlying, contracts of this many stocks are listed.
const UNDERLYINGS: usize = 20;

/// Far from the price a contract has no greeks upstream.
const LEAST_DELTA: f64 = 0.01;

fn details(contract: &Contract) -> Value {
    json!({
        "contract_type": if contract.is_call { "call" } else { "put" },
        "exercise_style": if contract.underlying.starts_with("I:") { "european" } else { "american" },
        "expiration_date": contract.expires.to_string(),
        "shares_per_contract": 100,
        "strike_price": whole_if_even(contract.strike),
        "ticker": contract.ticker,
    })
}

/// As upstream: a strike of 240 has no decimal point.
fn whole_if_even(number: f64) -> Value {
    if number.fract() == 0.0 { (number as i64).into() } else { number.into() }
}

fn reference(contract: &Contract) -> Value {
    let mut row = details(contract);
    row["cfi"] = if contract.is_call { "OCASPS" } else { "OPASPS" }.into();
    row["primary_exchange"] = "BATO".into();
    row["underlying_ticker"] = contract.underlying.as_str().into();
    row
}

fn listed(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let expired = call.parameters.flag("expired", false)?;
    let today = match call.parameters.text("as_of") {
        Some(text) => text.parse().map_err(|_| Refusal::BadParameter("as_of must be a date such as 2026-03-10".to_owned()))?,
        None => call.today(),
    };
    let universe = &call.view.exchange.universe;
    if let Some(ticker) = call.parameters.text("ticker") {
        return Ok(Contract::find(universe, ticker, today).iter().map(reference).collect());
    }
    let names = |instrument: &&Instrument| {
        has_options(instrument) && call.wanted.admits("underlying_ticker", &instrument.ticker.as_str().into())
    };
    let bound = if call.wanted.restricts("underlying_ticker") { usize::MAX } else { UNDERLYINGS };
    let underlyings = universe.all().iter().filter(names).take(bound);
    Ok(underlyings.flat_map(|stock| contracts(stock, today, expired)).map(|contract| reference(&contract)).collect())
}

fn find(call: &Call<'_>) -> Option<Contract> {
    Contract::find(&call.view.exchange.universe, call.segment("contract"), call.today())
}

fn one_contract(call: &Call<'_>) -> Result<Value, Refusal> {
    let contract = find(call).ok_or(Refusal::NotFound)?;
    Ok(json!({"status": "OK", "results": reference(&contract)}))
}

fn one_snapshot(call: &Call<'_>) -> Result<Value, Refusal> {
    let asked = call.segment("underlying");
    let contract = find(call).filter(|contract| contract.underlying == asked).ok_or(Refusal::NotFound)?;
    let results = snapshot(&call.view, &contract).ok_or(Refusal::NotFound)?;
    Ok(json!({"status": "OK", "results": results}))
}

fn chain(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let universe = &call.view.exchange.universe;
    let underlying = universe.find(call.segment("underlying")).filter(|found| has_options(found));
    let all = underlying.map(|underlying| contracts(underlying, call.today(), false)).unwrap_or_default();
    Ok(all.iter().map(|contract| json!({"details": details(contract)})).collect())
}

fn dress(call: &Call<'_>, row: &mut Value) {
    let ticker = row["details"]["ticker"].as_str().unwrap_or_default();
    let contract = Contract::find(&call.view.exchange.universe, ticker, call.today());
    if let Some(whole) = contract.and_then(|contract| snapshot(&call.view, &contract)) {
        *row = whole;
    }
}

/// What a contract's figures are read from.
struct Reading<'a> {
    contract: &'a Contract,
    underlying: &'a Instrument,
    /// The price of the underlying, and when it was paid.
    spot: f64,
    at_ns: i64,
    today: Option<Bar>,
    before: Option<Bar>,
    /// The years to expiry: now, and at the close before.
    years: (f64, f64),
    day_ns: i64,
    worth: Worth,
}

impl<'a> Reading<'a> {
    fn of(series: Series<'_>, underlying: &'a Instrument, contract: &'a Contract, now_ms: i64) -> Self {
        let calendar = series.calendar;
        let today = calendar.last_day(underlying.market, now_ms);
        let before = calendar.day_before(underlying.market, today.date);
        let day_bar =
            |day: &super::super::market::calendar::TradingDay| bar(series, day.open_ms, day.close_ms, Hours::Regular, now_ms);
        let close_ms = calendar.new_york_ms(contract.expires, 16, 0);
        let trade = trades::newest(series, now_ms);
        let years = (contract.years_left(close_ms, now_ms), contract.years_left(close_ms, before.close_ms));
        Self {
            contract,
            underlying,
            spot: trade.price,
            at_ns: trade.at_ns,
            today: day_bar(&today),
            before: day_bar(&before),
            years,
            day_ns: calendar.midnight_ms(Market::Stocks, today.date) * trades::NANOS_PER_MS,
            worth: contract.worth(underlying, trade.price, years.0),
        }
    }

    fn price(&self, spot: f64) -> f64 {
        rounded(self.contract.worth(self.underlying, spot, self.years.0).price, 2).max(0.01)
    }

    fn dice(&self) -> Dice {
        Dice(mix_text(self.underlying.key, &self.contract.ticker))
    }

    fn day(&self) -> Value {
        let close = self.price(self.spot);
        let closed = self.before.map_or(self.spot, |bar| bar.spread.close);
        let previous = rounded(self.contract.worth(self.underlying, closed, self.years.1).price, 2).max(0.01);
        let at = |pick: fn(&Bar) -> f64| self.today.as_ref().map_or(close, |bar| self.price(pick(bar)));
        let (top, bottom) = (at(|bar| bar.spread.high), at(|bar| bar.spread.low));
        let open = at(|bar| bar.spread.open);
        json!({
            "change": rounded(close - previous, 2),
            "change_percent": rounded((close / previous - 1.0) * 100.0, 2),
            "close": close,
            // A put is dearest when its underlying is cheapest.
            "high": top.max(bottom).max(close).max(open),
            "last_updated": self.day_ns,
            "low": top.min(bottom).min(close).min(open),
            "open": open,
            "previous_close": previous,
            "volume": 1 + self.dice().below(1, 2_000),
            "vwap": rounded((open + close + top + bottom) / 4.0, 4),
        })
    }

    fn last_quote(&self) -> Value {
        let price = self.price(self.spot);
        let half = rounded((price * 0.01).max(0.01), 2);
        let (bid, ask) = (rounded((price - half).max(0.0), 2), rounded(price + half, 2));
        json!({
            "ask": ask,
            "ask_size": 1 + self.dice().below(2, 90),
            "bid": bid,
            "bid_size": 1 + self.dice().below(3, 90),
            "last_updated": self.at_ns + 113_000_000,
            "midpoint": rounded((bid + ask) / 2.0, 4),
            "timeframe": "REAL-TIME",
        })
    }

    fn underlying_asset(&self) -> Value {
        let (field, break_even) = (if self.underlying.market == Market::Indices { "value" } else { "price" }, self.break_even());
        let mut asset = json!({
            "change_to_break_even": rounded(break_even - self.spot, 4),
            "last_updated": self.at_ns,
            "ticker": self.underlying.ticker,
            "timeframe": "REAL-TIME",
        });
        asset[field] = self.spot.into();
        asset
    }

    fn break_even(&self) -> f64 {
        let price = self.price(self.spot);
        rounded(self.contract.strike + if self.contract.is_call { price } else { -price }, 4)
    }

    fn row(&self) -> Value {
        let worth = &self.worth;
        let mut row = json!({
            "break_even_price": self.break_even(),
            "day": self.day(),
            "details": details(self.contract),
            "greeks": {},
            "last_quote": self.last_quote(),
            "open_interest": self.dice().below(4, 12_000),
            "underlying_asset": self.underlying_asset(),
        });
        if worth.delta.abs() > LEAST_DELTA && worth.delta.abs() < 1.0 - LEAST_DELTA {
            let [delta, gamma, theta, vega] = [worth.delta, worth.gamma, worth.theta, worth.vega].map(|greek| rounded(greek, 6));
            row["greeks"] = json!({"delta": delta, "gamma": gamma, "theta": theta, "vega": vega});
            row["implied_volatility"] = rounded(self.contract.volatility(self.underlying), 6).into();
        }
        // What was never traded has no last trade.
        if !self.dice().one_in(5, 8) {
            row["last_trade"] = json!({
                "conditions": [209],
                "exchange": 316,
                "price": self.price(self.spot),
                "sip_timestamp": self.at_ns,
                "size": 1 + self.dice().below(6, 20),
                "timeframe": "REAL-TIME",
            });
        }
        row
    }
}

/// Writes what a contract is doing; nothing of an expired one.
pub(super) fn snapshot(view: &View<'_>, contract: &Contract) -> Option<Value> {
    let calendar = &view.exchange.calendar;
    if contract.expires < calendar.date_of(Market::Stocks, view.now_ms) {
        return None;
    }
    let underlying = view.exchange.universe.find(&contract.underlying)?;
    Some(view.with_series(underlying, |series| Reading::of(series, underlying, contract, view.now_ms).row()))
}
