//! What does a snapshot of stocks, coins or currencies say of each symbol? Every part of it but the ticker may be missing: what
//! is there depends on the plan and the hour (polygon.md §4.4, §4.6).

use serde::Deserialize;
use serde_json::Number;
use tickgate_core::market::Quote;
use tickgate_core::ports::UpstreamError;

use super::Reading;
use super::rows::{self, change, price, volume};

#[derive(Deserialize)]
struct Row {
    ticker: String,
    #[serde(rename = "todaysChange")]
    change: Option<f64>,
    #[serde(rename = "todaysChangePerc")]
    change_percent: Option<f64>,
    updated: Option<Number>,
    day: Option<Bar>,
    #[serde(rename = "prevDay")]
    previous: Option<Bar>,
    min: Option<Minute>,
    #[serde(rename = "lastTrade")]
    trade: Option<Trade>,
    #[serde(rename = "lastQuote")]
    quote: Option<Spread>,
}

#[derive(Deserialize)]
struct Bar {
    c: Option<f64>,
    v: Option<f64>,
}

#[derive(Deserialize)]
struct Minute {
    c: Option<f64>,
    /// What the day has traded so far.
    av: Option<f64>,
    t: Option<Number>,
}

#[derive(Deserialize)]
struct Trade {
    p: Option<f64>,
    s: Option<f64>,
    t: Option<Number>,
}

/// Currencies call bid and ask `b` and `a`, all others `p` and `P`.
#[derive(Deserialize)]
struct Spread {
    p: Option<f64>,
    b: Option<f64>,
    #[serde(rename = "P")]
    upper: Option<f64>,
    a: Option<f64>,
}

/// Reads the quotes of a snapshot. A symbol that is not in it, or without any price, is left out.
///
/// # Errors
/// `InvalidResponse`, as [`rows::read`].
pub(in super::super) fn quotes(body: &[u8], reading: Reading<'_>) -> Result<Vec<Quote>, UpstreamError> {
    Ok(rows::read::<Row>(body, "snapshots")?.iter().filter_map(|row| row.quote(reading)).collect())
}

impl Row {
    fn quote(&self, reading: Reading<'_>) -> Option<Quote> {
        let (day, previous) = (self.day.as_ref(), self.previous.as_ref());
        let (minute, trade, spread) = (self.min.as_ref(), self.trade.as_ref(), self.quote.as_ref());
        let previous_close = price(previous.and_then(|bar| bar.c));
        let price_now = price(trade.and_then(|trade| trade.p))
            .or_else(|| price(minute.and_then(|minute| minute.c)))
            .or_else(|| price(day.and_then(|bar| bar.c)))
            .or(previous_close)?;
        let told = (self.change.unwrap_or_default(), self.change_percent.unwrap_or_default());
        let (change, change_percent) = change(price_now, previous_close).unwrap_or(told);
        // Before the open the day is all zeros while its minutes already count.
        let volume = price(day.and_then(|bar| bar.v)).or_else(|| volume(minute.and_then(|minute| minute.av))).unwrap_or_default();
        let times =
            [self.updated.as_ref(), trade.and_then(|trade| trade.t.as_ref()), minute.and_then(|minute| minute.t.as_ref())];
        Some(Quote {
            symbol: reading.symbol(&self.ticker)?,
            price: price_now,
            size: price(trade.and_then(|trade| trade.s)),
            bid: price(spread.and_then(|spread| spread.p.or(spread.b))),
            ask: price(spread.and_then(|spread| spread.upper.or(spread.a))),
            change,
            change_percent,
            volume,
            as_of: reading.as_of(times),
            source: reading.source,
            delayed: reading.delayed,
        })
    }
}
