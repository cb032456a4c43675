//! What was each symbol's last close? All that a plan without snapshots shows, one call a symbol.

use serde::Deserialize;
use serde_json::Number;
use tickgate_core::market::{Quote, Symbol};
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};

use super::super::client::{Path, PolygonClient, UpstreamAnswer};
use super::Reading;
use super::rows::{self, price, volume};

#[derive(Deserialize)]
struct Bar {
    c: Option<f64>,
    v: Option<f64>,
    t: Option<Number>,
}

impl PolygonClient {
    /// The previous closes of these symbols. A close that is had is kept, so that a question that fails in the middle goes on
    /// there when it is asked again.
    pub(super) async fn previous_closes(&self, symbols: &[Symbol]) -> Result<Vec<Quote>, UpstreamError> {
        let mut quotes = Vec::with_capacity(symbols.len());
        for symbol in symbols {
            if let Some(known) = self.memory.close(symbol, self.clock.now()) {
                quotes.extend(known);
                continue;
            }
            let path = Path::new("/v2/aggs/ticker/{ticker}/prev", &[("ticker", symbol.as_str())])?;
            let answer = match self.ask(path, Vec::new(), self.deadline()).await {
                Err(error) if error.kind == UpstreamErrorKind::NotFound => {
                    self.memory.keep_close(symbol, None, self.clock.now());
                    continue;
                }
                outcome => outcome?,
            };
            let quote = self.close_of(symbol, &answer)?;
            self.memory.keep_close(symbol, quote.as_ref(), answer.fetched);
            quotes.extend(quote);
        }
        Ok(quotes)
    }

    /// The previous closes of the symbols that a snapshot lacks. Snapshots are cleared each night and a symbol is in them again with
    /// its first trade (polygon.md §5.5), so that one is not there does not say that it does not exist.
    pub(super) async fn not_yet_traded(&self, symbols: &[Symbol], there: &[Quote]) -> Result<Vec<Quote>, UpstreamError> {
        let is_there = |symbol: &&Symbol| there.iter().any(|quote| quote.symbol == **symbol);
        let lacking: Vec<Symbol> = symbols.iter().filter(|symbol| !is_there(symbol)).cloned().collect();
        match self.previous_closes(&lacking).await {
            Err(error) if matches!(error.kind, UpstreamErrorKind::NotEntitled | UpstreamErrorKind::InvalidParams) => {
                Ok(Vec::new())
            }
            outcome => outcome,
        }
    }

    fn close_of(&self, symbol: &Symbol, answer: &UpstreamAnswer) -> Result<Option<Quote>, UpstreamError> {
        let symbols = std::slice::from_ref(symbol);
        let reading = Reading { symbols, source: self.settings.source, delayed: true, fetched: answer.fetched };
        Ok(rows::read::<Bar>(&answer.body, "bars")?.iter().find_map(|bar| bar.quote(symbol, reading)))
    }
}

impl Bar {
    fn quote(&self, symbol: &Symbol, reading: Reading<'_>) -> Option<Quote> {
        Some(Quote {
            symbol: symbol.clone(),
            price: price(self.c)?,
            size: None,
            bid: None,
            ask: None,
            // The price is the previous close itself.
            change: 0.0,
            change_percent: 0.0,
            volume: volume(self.v).unwrap_or_default(),
            as_of: reading.as_of([self.t.as_ref()]),
            source: reading.source,
            delayed: reading.delayed,
        })
    }
}
