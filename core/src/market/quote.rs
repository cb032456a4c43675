//! The latest state of one symbol, and what differs between two observations of it.

use serde::Serialize;

use super::digits::beside;
use super::freshness::{Source, Stamp};
use super::symbol::Symbol;
use crate::time::Millis;

/// What one observation says of a symbol. Prices in the quote currency, sizes and volume in units of the instrument.
#[derive(Clone, Debug, PartialEq)]
pub struct Quote {
    /// The instrument.
    pub symbol: Symbol,
    /// Last price: last trade, else minute close, else day close, else previous close.
    pub price: f64,
    /// Size of the last trade, where the plan shows it.
    pub size: Option<f64>,
    /// Best bid, where the plan shows it.
    pub bid: Option<f64>,
    /// Best ask, where the plan shows it.
    pub ask: Option<f64>,
    /// Price less the previous close.
    pub change: f64,
    /// The same in percent of the previous close.
    pub change_percent: f64,
    /// Volume of the day so far.
    pub volume: f64,
    /// Time of the data.
    pub as_of: Millis,
    /// How it came here.
    pub source: Source,
    /// Whether the plan delays it.
    pub delayed: bool,
}

/// How a new observation relates to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuoteChange {
    /// It says something new: an event.
    Changed,
    /// The same again.
    Same,
    /// It is older than what is known and is dropped: a reader never goes backwards.
    Stale,
}

impl QuoteChange {
    /// Compares `next` with the newest known observation (polygon.md §5.4).
    #[must_use]
    pub fn between(last: Option<&Quote>, next: &Quote) -> Self {
        match last {
            None => Self::Changed,
            Some(last) if next.as_of < last.as_of => Self::Stale,
            Some(last) if next.price != last.price || next.volume != last.volume => Self::Changed,
            Some(last) if next.bid != last.bid || next.ask != last.ask || next.size != last.size => Self::Changed,
            Some(_) => Self::Same,
        }
    }
}

#[derive(Serialize)]
struct QuoteItem<'a> {
    symbol: &'a Symbol,
    price: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bid: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ask: Option<f64>,
    change: f64,
    change_percent: f64,
    volume: f64,
    #[serde(flatten)]
    stamp: Stamp,
}

impl Quote {
    /// The event body of DESIGN §7.3 without its position: a JSON object.
    #[must_use]
    pub fn to_item(&self, phase: super::MarketPhase) -> Vec<u8> {
        let stamp = Stamp { as_of: self.as_of, source: self.source, delayed: self.delayed, session: phase };
        let item = QuoteItem {
            symbol: &self.symbol,
            price: self.price,
            size: self.size,
            bid: self.bid,
            ask: self.ask,
            change: beside(self.price, self.change),
            change_percent: (self.change_percent * 1e4).round() / 1e4,
            volume: self.volume,
            stamp,
        };
        serde_json::to_vec(&item).expect("a quote holds only strings and finite or null numbers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(price: f64, as_of: u64) -> Quote {
        Quote {
            symbol: "AAPL".parse().unwrap(),
            price,
            size: None,
            bid: None,
            ask: None,
            change: 0.1 + 0.2,
            change_percent: 0.0,
            volume: 10.0,
            as_of: Millis(as_of),
            source: Source::Poll,
            delayed: false,
        }
    }

    #[test]
    fn only_a_difference_is_a_change_and_an_older_observation_is_dropped() {
        let known = quote(1.0, 1_000);
        assert_eq!(QuoteChange::between(None, &known), QuoteChange::Changed);
        assert_eq!(QuoteChange::between(Some(&known), &quote(1.0, 2_000)), QuoteChange::Same);
        assert_eq!(QuoteChange::between(Some(&known), &quote(1.1, 1_000)), QuoteChange::Changed);
        assert_eq!(QuoteChange::between(Some(&known), &quote(1.1, 999)), QuoteChange::Stale);
    }

    #[test]
    fn a_change_keeps_the_digits_that_matter_beside_its_price() {
        for (price, previous, said) in [
            (239.85, 239.33, 0.52),
            (1.0851, 1.085_02, 0.000_08),
            (0.000_012_34, 0.000_012_22, 1.2e-7),
            (96_000.5, 95_999.25, 1.25),
        ] {
            let quote = Quote { change: price - previous, ..quote(price, 0) };
            let item: serde_json::Value = serde_json::from_slice(&quote.to_item(super::super::MarketPhase::Regular)).unwrap();
            assert_eq!(item["change"], said, "{price}");
        }
    }

    #[test]
    fn the_largest_change_is_written_as_a_number() {
        let item: serde_json::Value =
            serde_json::from_slice(&Quote { change: 1e308, ..quote(1e308, 0) }.to_item(super::super::MarketPhase::Regular))
                .unwrap();
        assert_eq!(item["change"], 1e308);
    }

    #[test]
    fn an_item_leaves_out_what_the_plan_does_not_show_and_carries_its_freshness() {
        let item: serde_json::Value = serde_json::from_slice(&quote(1.5, 0).to_item(super::super::MarketPhase::Regular)).unwrap();
        assert_eq!(
            item,
            serde_json::json!({"symbol": "AAPL", "price": 1.5, "change": 0.3, "change_percent": 0.0, "volume": 10.0,
                "as_of": "1970-01-01T00:00:00.000Z", "source": "poll", "delayed": false, "session": "regular"})
        );
    }
}
