//! The last trade of a ticker, and the quote around it. Times are nanoseconds of the epoch, beyond what a double holds.

use actix_web::web;
use serde_json::{Value, json};

use super::super::answer::{Answer, Refusal};
use super::super::market::prices::{Series, TICK_MS};
use super::super::market::universe::{Instrument, Market};
use super::super::noise::{Dice, below, mix, unit};
use super::super::state::{State, View};

pub(super) const NANOS_PER_MS: i64 = 1_000_000;

/// One trade.
pub(crate) struct Trade {
    pub(crate) price: f64,
    pub(crate) size: Value,
    pub(crate) at_ns: i64,
    pub(crate) id: String,
    pub(crate) exchange: u64,
    /// Now and then there are none, which upstream writes as null.
    pub(crate) conditions: Option<Vec<u64>>,
    key: u64,
    pub(super) sequence: i64,
}

/// The best bid and offer around a trade.
pub(crate) struct Quote {
    pub(crate) bid: f64,
    pub(crate) ask: f64,
    pub(crate) bid_size: u64,
    pub(crate) ask_size: u64,
    pub(crate) at_ns: i64,
}

pub(crate) async fn last(state: web::Data<State>, path: web::Path<String>) -> Answer {
    last_of(&state.view(), &path).into()
}

/// Answers the last trade of a stock; other markets have other routes upstream.
pub(crate) fn last_of(view: &View<'_>, ticker: &str) -> Result<Value, Refusal> {
    let instrument =
        view.exchange.universe.find(ticker).filter(|found| found.market == Market::Stocks).ok_or(Refusal::NotFound)?;
    let trade = view.with_series(instrument, |series| newest(series, view.now_ms));
    let key = trade.key;
    let reported_ns = trade.at_ns - 100_000 - below(mix(&[key, 5]), 20_000) as i64;
    let mut results = json!({
        "T": instrument.ticker,
        "i": trade.id,
        "p": trade.price,
        "s": trade.size,
        "ds": format!("{}.0", trade.size),
        "x": trade.exchange,
        "r": 200 + below(mix(&[key, 6]), 4),
        "z": if instrument.exchange == "XNAS" { 3 } else { 1 },
        "t": trade.at_ns,
        "y": trade.participant_ns(),
        "f": reported_ns,
        "q": trade.sequence,
    });
    if let Some(conditions) = &trade.conditions {
        results["c"] = json!(conditions);
    }
    Ok(json!({"status": "OK", "results": results}))
}

/// Reads the newest trade at a moment.
pub(crate) fn newest(series: Series<'_>, now_ms: i64) -> Trade {
    let instrument = series.instrument;
    let at_ms = series.trade_ms(now_ms);
    let tick = at_ms.div_euclid(TICK_MS);
    let key = mix(&[instrument.key, 0x7472_6164, at_ms as u64]);
    let size = if instrument.market == Market::Crypto {
        json!(((0.001 + unit(mix(&[key, 1]))) * 10_000.0).round() / 10_000.0)
    } else {
        json!(1 + below(mix(&[key, 1]), 300))
    };
    // As upstream: an id is unique within a day, a sequence number only grows.
    let id = (tick.rem_euclid(86_400) * 7 + 1_000).to_string();
    Trade {
        price: series.price_at(now_ms),
        size,
        at_ns: at_ms * NANOS_PER_MS + below(mix(&[key, 2]), 500_000) as i64,
        id,
        exchange: 1 + below(mix(&[key, 3]), 20),
        conditions: (below(mix(&[key, 4]), 10) != 0).then(|| vec![12, 37]),
        key,
        sequence: tick * 3 % 1_000_000_000,
    }
}

impl Trade {
    pub(crate) fn at_ms(&self) -> i64 {
        self.at_ns.div_euclid(NANOS_PER_MS)
    }

    /// Everything random about the trade.
    pub(super) fn dice(&self) -> Dice {
        Dice(self.key)
    }

    /// When its venue reported it.
    pub(super) fn participant_ns(&self) -> i64 {
        self.at_ns - 400_000 - below(mix(&[self.key, 7]), 60_000) as i64
    }

    /// Makes the quote the trade was done at: the price lies inside it.
    pub(crate) fn quote(&self, instrument: &Instrument) -> Quote {
        let penny = if self.price < 25.0 { 0.000_1 } else { 0.01 };
        let half = (self.price * 0.000_04).max(penny);
        let size = |salt| 1 + below(mix(&[self.key, salt]), 12);
        Quote {
            bid: instrument.round(self.price - half),
            ask: instrument.round(self.price + half),
            bid_size: size(10),
            ask_size: size(11),
            at_ns: self.at_ns + below(mix(&[self.key, 12]), 400_000) as i64,
        }
    }
}
