//! What does the universal snapshot say of each index or option? Items can fail one by one inside a good answer.

use serde::Deserialize;
use serde_json::Number;
use tickgate_core::market::Quote;
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};

use super::Reading;
use super::rows::{self, change, price, volume};

#[derive(Deserialize)]
struct Row {
    ticker: String,
    /// Why there is nothing else: `NOT_FOUND`, `NOT_ENTITLED`.
    error: Option<String>,
    /// The value of an index.
    value: Option<f64>,
    last_updated: Option<Number>,
    timeframe: Option<String>,
    session: Option<Session>,
    last_trade: Option<Trade>,
    last_quote: Option<Spread>,
    last_minute: Option<Minute>,
}

#[derive(Deserialize)]
struct Session {
    change: Option<f64>,
    change_percent: Option<f64>,
    close: Option<f64>,
    previous_close: Option<f64>,
    volume: Option<f64>,
}

#[derive(Deserialize)]
struct Trade {
    price: Option<f64>,
    size: Option<f64>,
    sip_timestamp: Option<Number>,
    last_updated: Option<Number>,
    timeframe: Option<String>,
}

#[derive(Deserialize)]
struct Spread {
    bid: Option<f64>,
    ask: Option<f64>,
}

#[derive(Deserialize)]
struct Minute {
    close: Option<f64>,
    last_updated: Option<Number>,
}

/// Reads the quotes of a universal snapshot. An item with an error, or without any price, is left out.
///
/// # Errors
/// `NotEntitled` when no item could be read and one says so; `InvalidResponse`, as [`rows::read`].
pub(super) fn quotes(body: &[u8], reading: Reading<'_>) -> Result<Vec<Quote>, UpstreamError> {
    let rows = rows::read::<Row>(body, "snapshots")?;
    let quotes: Vec<Quote> = rows.iter().filter_map(|row| row.quote(reading)).collect();
    let is_unentitled = |row: &Row| row.error.as_deref().is_some_and(|error| matches!(error, "NOT_ENTITLED" | "NOT_AUTHORIZED"));
    if quotes.is_empty() && rows.iter().any(is_unentitled) {
        let message =
            "the gateway's upstream plan does not include these symbols: ask for others, or its operator for a larger plan";
        return Err(UpstreamError::new(UpstreamErrorKind::NotEntitled, message));
    }
    Ok(quotes)
}

impl Row {
    fn quote(&self, reading: Reading<'_>) -> Option<Quote> {
        if self.error.is_some() {
            return None;
        }
        let (session, trade, minute) = (self.session.as_ref(), self.last_trade.as_ref(), self.last_minute.as_ref());
        let previous_close = price(session.and_then(|session| session.previous_close));
        let price_now = price(trade.and_then(|trade| trade.price))
            .or_else(|| price(self.value))
            .or_else(|| price(minute.and_then(|minute| minute.close)))
            .or_else(|| price(session.and_then(|session| session.close)))
            .or(previous_close)?;
        let told = session.map(|session| (session.change.unwrap_or_default(), session.change_percent.unwrap_or_default()));
        let (change, change_percent) = change(price_now, previous_close).or(told).unwrap_or_default();
        let traded = trade.and_then(|trade| trade.sip_timestamp.as_ref().or(trade.last_updated.as_ref()));
        let times = [self.last_updated.as_ref(), traded, minute.and_then(|minute| minute.last_updated.as_ref())];
        let timeframes = [self.timeframe.as_deref(), trade.and_then(|trade| trade.timeframe.as_deref())];
        Some(Quote {
            symbol: reading.symbol(&self.ticker)?,
            price: price_now,
            size: price(trade.and_then(|trade| trade.size)),
            bid: price(self.last_quote.as_ref().and_then(|spread| spread.bid)),
            ask: price(self.last_quote.as_ref().and_then(|spread| spread.ask)),
            change,
            change_percent,
            volume: volume(session.and_then(|session| session.volume)).unwrap_or_default(),
            as_of: reading.as_of(times),
            source: reading.source,
            delayed: reading.delayed || timeframes.contains(&Some("DELAYED")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tickgate_core::market::{Source, Symbol};
    use tickgate_core::time::Millis;

    /// When the answers here came: after the data in them.
    const FETCHED: Millis = Millis(1_773_167_500_000);
    const ERRORS: &str = include_str!("../../../../tests/fixtures/polygon/errors.json");

    fn read(body: &serde_json::Value, symbols: &[&str]) -> Result<Vec<Quote>, UpstreamError> {
        let symbols: Vec<Symbol> = symbols.iter().map(|symbol| symbol.parse().unwrap()).collect();
        let reading = Reading { symbols: &symbols, source: Source::Poll, delayed: false, fetched: FETCHED };
        quotes(body.to_string().as_bytes(), reading)
    }

    #[test]
    fn an_item_that_failed_is_missing_and_the_others_are_there() {
        let fixtures: serde_json::Value = serde_json::from_str(ERRORS).unwrap();
        let quotes = read(&fixtures["200_per_item_error"]["body"], &["AAPL", "NOSUCH", "I:SPX"]).unwrap();
        assert_eq!(quotes.len(), 1);
        let quote = &quotes[0];
        assert_eq!((quote.symbol.as_str(), quote.price, quote.size, quote.volume), ("AAPL", 239.85, Some(40.0), 41_220_118.0));
        assert!((quote.change - 0.52).abs() < 1e-9 && (quote.change_percent - 0.2173).abs() < 1e-4);
        assert_eq!((quote.as_of, quote.bid, quote.delayed), (Millis(1_773_167_467_294), None, false));
    }

    #[test]
    fn an_index_has_a_value_and_an_option_may_be_late() {
        let body = serde_json::json!({"status": "OK", "results": [
            {"ticker": "I:SPX", "type": "indices", "value": 5_800.5, "last_updated": 1_773_167_467_294_080_343u64,
                "session": {"previous_close": 5_800.0}},
            {"ticker": "O:AAPL260417C00240000", "last_quote": {"bid": 5.35, "ask": 5.45}, "session": {"close": 5.4, "volume": 812},
                "last_trade": {"price": 0, "timeframe": "DELAYED"}},
            {"ticker": 7},
        ]});
        let quotes = read(&body, &["I:SPX", "O:AAPL260417C00240000"]).unwrap();
        assert_eq!((quotes[0].price, quotes[0].change, quotes[0].as_of), (5_800.5, 0.5, Millis(1_773_167_467_294)));
        assert_eq!((quotes[1].price, quotes[1].bid, quotes[1].as_of, quotes[1].delayed), (5.4, Some(5.35), FETCHED, true));
    }

    #[test]
    fn nothing_but_refusals_says_that_the_plan_is_too_small() {
        let body = serde_json::json!({"status": "OK", "results": [{"ticker": "I:SPX", "error": "NOT_ENTITLED", "message": "m"}]});
        assert_eq!(read(&body, &["I:SPX"]).unwrap_err().kind, UpstreamErrorKind::NotEntitled);
        let body = serde_json::json!({"status": "OK", "results": [{"ticker": "I:NOSUCH", "error": "NOT_FOUND"}]});
        assert_eq!(read(&body, &["I:NOSUCH"]), Ok(vec![]));
    }
}
