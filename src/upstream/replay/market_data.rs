//! What did the market look like at a moment of a recording? What pollers are told, of what has been played so far.

use std::sync::Arc;

use serde::Deserialize;
use tickgate_core::market::{Article, Market, MarketPhase, MarketStatus, Quote, Source, Symbol, Topic};
use tickgate_core::ports::{MarketData, NewsQuery, PortFuture, UpstreamError};
use tickgate_core::tape::Kind;
use tickgate_core::time::Millis;

use super::format::Recorded;
use super::player::Playhead;
use super::recording::Recording;

/// A recording as an upstream.
#[derive(Clone, Debug)]
pub struct ReplayMarket {
    recording: Arc<Recording>,
    playhead: Playhead,
}

impl ReplayMarket {
    /// The market of a recording, as far as it has been played.
    #[must_use]
    pub const fn new(recording: Arc<Recording>, playhead: Playhead) -> Self {
        Self { recording, playhead }
    }

    fn played(&self) -> &[Recorded] {
        &self.recording.events[..self.playhead.played().min(self.recording.events.len())]
    }

    fn quote(&self, symbol: &Symbol) -> Option<Quote> {
        let topic = Topic::Prices(symbol.clone());
        let found = self.played().iter().rev().find(|event| event.kind == Kind::Price && event.topics.contains(&topic))?;
        let item: PriceItem = serde_json::from_str(&found.body).ok()?;
        Some(Quote {
            symbol: symbol.clone(),
            price: item.price,
            size: item.size,
            bid: item.bid,
            ask: item.ask,
            change: item.change,
            change_percent: item.change_percent,
            volume: item.volume,
            as_of: found.as_of,
            source: item.source,
            delayed: true,
        })
    }

    fn articles(&self, query: &NewsQuery) -> Vec<Article> {
        let topic = query.symbol.clone().map_or(Topic::AllNews, Topic::News);
        let news = self.played().iter().filter(|event| event.kind == Kind::News && event.topics.contains(&topic));
        let wanted = news.filter(|event| query.from.is_none_or(|from| event.as_of >= from)).filter_map(article);
        if query.from.is_some() {
            return wanted.take(query.limit).collect();
        }
        let all: Vec<Article> = wanted.collect();
        all[all.len().saturating_sub(query.limit)..].to_vec()
    }

    /// The session that the newest played status says, or else the first of the recording.
    fn status(&self) -> MarketStatus {
        let is_status = |event: &&Recorded| event.kind == Kind::Status && event.topics.contains(&Topic::Status);
        let found = self.played().iter().rev().find(is_status).or_else(|| self.recording.events.iter().find(is_status));
        let item = found.and_then(|event| serde_json::from_str::<Status>(&event.body).ok());
        let began = Millis::parse_rfc3339(&self.recording.header.recorded_at).unwrap_or_default();
        MarketStatus {
            market: item.as_ref().and_then(|item| item.market.clone()).unwrap_or_else(|| "closed".to_owned()),
            phase: item.map_or(MarketPhase::Closed, |item| item.session),
            server_time: found.map_or(began, |event| event.as_of),
            forex_open: None,
            special_days: None,
        }
    }
}

#[derive(Deserialize)]
struct PriceItem {
    price: f64,
    #[serde(default)]
    size: Option<f64>,
    #[serde(default)]
    bid: Option<f64>,
    #[serde(default)]
    ask: Option<f64>,
    change: f64,
    change_percent: f64,
    volume: f64,
    source: Source,
}

#[derive(Deserialize)]
struct ArticleItem {
    id: String,
    title: String,
    url: String,
    publisher: String,
    #[serde(default)]
    tickers: Vec<String>,
    #[serde(default)]
    sentiment: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    image_url: Option<String>,
    source: Source,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    market: Option<String>,
    session: MarketPhase,
}

fn article(event: &Recorded) -> Option<Article> {
    let item: ArticleItem = serde_json::from_str(&event.body).ok()?;
    Some(Article {
        id: item.id,
        title: item.title,
        url: item.url,
        publisher: item.publisher,
        published: event.as_of,
        tickers: item.tickers.iter().filter_map(|ticker| ticker.parse().ok()).collect(),
        sentiment: item.sentiment,
        description: item.description,
        image_url: item.image_url,
        source: item.source,
    })
}

impl MarketData for ReplayMarket {
    fn quotes<'a>(&'a self, _: Market, symbols: &'a [Symbol]) -> PortFuture<'a, Result<Vec<Quote>, UpstreamError>> {
        let quotes = symbols.iter().filter_map(|symbol| self.quote(symbol)).collect();
        Box::pin(std::future::ready(Ok(quotes)))
    }

    fn quote_calls(&self, _: usize) -> u64 {
        0
    }

    fn news(&self, query: NewsQuery) -> PortFuture<'_, Result<Vec<Article>, UpstreamError>> {
        Box::pin(std::future::ready(Ok(self.articles(&query))))
    }

    fn market_status(&self) -> PortFuture<'_, Result<MarketStatus, UpstreamError>> {
        Box::pin(std::future::ready(Ok(self.status())))
    }
}
