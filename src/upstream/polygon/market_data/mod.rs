//! What do the upstream's answers say in the market's own words? The port that pollers use: which calls a question takes, and
//! what to do where the plan has no snapshots.

mod memory;
mod news;
mod previous;
mod rows;
mod snapshot;
mod status;
mod universal;

use serde_json::Number;
use tickgate_core::budget::{MAX_AT_ONCE, Payer};
use tickgate_core::market::{Article, Market, MarketStatus, Quote, Source, Symbol};
use tickgate_core::ports::{MarketData, NewsQuery, PortFuture, UpstreamError, UpstreamErrorKind};
use tickgate_core::time::Millis;

use super::client::{Path, PolygonClient, UpstreamAnswer, UpstreamCall};
pub(super) use memory::Memory;
#[cfg(test)]
pub(super) use {news::articles as read_articles, snapshot::quotes as read_snapshot};

/// How long a question of a poller may take, retries and waiting for the budget included.
const DEADLINE_MS: u64 = 10_000;

/// How much longer a poll waits for its turn where calls are few: topics that are due together would else be refused but for the
/// first, and each time the same ones.
const PATIENCE_MS: u64 = 600_000;

/// Symbols in one call; pollers ask for no more at once.
const SYMBOLS_PER_CALL: usize = 100;

/// What has to be known to read quotes out of an answer.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    /// The symbols asked for; others are not taken.
    pub(super) symbols: &'a [Symbol],
    pub(super) source: Source,
    pub(super) delayed: bool,
    /// The time of data that has none.
    pub(super) fetched: Millis,
}

impl Reading<'_> {
    /// Finds a symbol that was asked for.
    fn symbol(&self, ticker: &str) -> Option<Symbol> {
        self.symbols.iter().find(|symbol| symbol.as_str() == ticker).cloned()
    }

    /// The time of the data: the newest of these that can be one, else that of the fetch.
    fn as_of<const N: usize>(&self, times: [Option<&Number>; N]) -> Millis {
        let believed = times.into_iter().filter_map(rows::moment).filter(|time| self.source.believes(*time, self.fetched));
        believed.max().unwrap_or(self.fetched)
    }
}

impl PolygonClient {
    async fn ask(
        &self,
        path: Path,
        query: Vec<(&'static str, String)>,
        deadline: Millis,
    ) -> Result<UpstreamAnswer, UpstreamError> {
        self.ask_for(Payer::Polling, path, query, deadline).await
    }

    async fn ask_for(
        &self,
        payer: Payer,
        path: Path,
        query: Vec<(&'static str, String)>,
        deadline: Millis,
    ) -> Result<UpstreamAnswer, UpstreamError> {
        self.get(UpstreamCall { path, query, payer, deadline, request_id: None }).await
    }

    fn deadline(&self) -> Millis {
        self.clock.now().plus(DEADLINE_MS + if self.has_few_calls() { PATIENCE_MS } else { 0 })
    }

    /// Whether polls wait for their turn as a matter of course.
    fn has_few_calls(&self) -> bool {
        self.quota.view().per_minute <= MAX_AT_ONCE
    }

    async fn quotes_of(&self, market: Market, symbols: &[Symbol]) -> Result<Vec<Quote>, UpstreamError> {
        if symbols.is_empty() {
            return Ok(Vec::new());
        }
        if self.settings.plan.has_snapshots() && !self.memory.is_denied(market, self.clock.now()) {
            match self.snapshots(market, symbols).await {
                Err(error) if error.kind == UpstreamErrorKind::NotEntitled => {
                    tracing::warn!(
                        market = market.as_str(),
                        "the upstream plan has no snapshots here: showing the previous close"
                    );
                    self.memory.deny(market, self.clock.now());
                }
                outcome => return outcome,
            }
        }
        Box::pin(self.previous_closes(symbols)).await
    }

    async fn snapshots(&self, market: Market, symbols: &[Symbol]) -> Result<Vec<Quote>, UpstreamError> {
        let tickers = symbols.iter().map(Symbol::as_str).collect::<Vec<_>>().join(",");
        let locale = match market {
            Market::Stocks => Some("us"),
            Market::Crypto | Market::Forex => Some("global"),
            Market::Indices | Market::Options => None,
        };
        let (path, query) = match locale {
            Some(locale) => {
                let values = [("locale", locale), ("market", market.as_str())];
                (Path::new("/v2/snapshot/locale/{locale}/markets/{market}/tickers", &values)?, vec![("tickers", tickers)])
            }
            // Without a limit it answers ten; 250 is the most it takes.
            None => (Path::new("/v3/snapshot", &[])?, vec![("ticker.any_of", tickers), ("limit", "250".to_owned())]),
        };
        let answer = self.ask(path, query, self.deadline()).await?;
        let reading = Reading { symbols, source: self.settings.source, delayed: answer.delayed, fetched: answer.fetched };
        match locale {
            Some(_) => {
                let mut quotes = snapshot::quotes(&answer.body, reading)?;
                quotes.extend(Box::pin(self.not_yet_traded(symbols, &quotes)).await?);
                Ok(quotes)
            }
            None => universal::quotes(&answer.body, reading),
        }
    }
}

impl MarketData for PolygonClient {
    fn quotes<'a>(&'a self, market: Market, symbols: &'a [Symbol]) -> PortFuture<'a, Result<Vec<Quote>, UpstreamError>> {
        Box::pin(self.quotes_of(market, symbols))
    }

    fn quote_calls(&self, symbols: usize) -> u64 {
        // The question names no market, so a market without snapshots counts for all.
        let in_one_call = self.settings.plan.has_snapshots() && !self.memory.is_any_denied(self.clock.now());
        (if in_one_call { symbols.div_ceil(SYMBOLS_PER_CALL) } else { symbols }) as u64
    }

    fn news(&self, query: NewsQuery) -> PortFuture<'_, Result<Vec<Article>, UpstreamError>> {
        Box::pin(self.news_of(query))
    }

    fn market_status(&self) -> PortFuture<'_, Result<MarketStatus, UpstreamError>> {
        Box::pin(self.status_now())
    }
}
