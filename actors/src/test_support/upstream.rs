//! A scripted upstream.

use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tickgate_core::market::{Article, Market as MarketOf, MarketStatus, Quote, Source, Symbol};
use tickgate_core::ports::{MarketData, NewsQuery, PortFuture, UpstreamError, UpstreamErrorKind};
use tickgate_core::time::Millis;

use crate::supervisor::MarketDataFactory;

/// What an upstream does instead of answering.
#[derive(Clone, Copy)]
pub(crate) enum Turn {
    Fails(UpstreamErrorKind),
    /// It is not asked: it is left alone for so many ms.
    LeftAlone(u64),
    Panics,
}

/// One call of the upstream.
#[derive(PartialEq, Eq)]
enum Call {
    Quotes(Vec<Symbol>),
    News,
    Status,
}

#[derive(Default)]
struct Script {
    calls: Vec<Call>,
    turns: VecDeque<Turn>,
    unknown: HashSet<Symbol>,
    prices: HashMap<Symbol, f64>,
    begins: u64,
    articles: Vec<Article>,
    latency: Duration,
    status: Option<MarketStatus>,
}

/// A scripted upstream: it knows every symbol but those that it was told not to know, every price that was not set differs from
/// the one before, and it has the articles that were published. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Upstream(Arc<Mutex<Script>>);

impl Upstream {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the next calls for quotes or news do instead of answering.
    pub(crate) fn next(&self, turns: impl IntoIterator<Item = Turn>) {
        self.script().turns.extend(turns);
    }

    pub(crate) fn knows_not(&self, symbol: &str) {
        self.script().unknown.insert(symbol.parse().unwrap());
    }

    /// It knows the symbol after all.
    pub(crate) fn knows(&self, symbol: &str) {
        self.script().unknown.remove(&symbol.parse().unwrap());
    }

    /// What the symbol costs from now on.
    pub(crate) fn sets(&self, symbol: &str, price: f64) {
        self.script().prices.insert(symbol.parse().unwrap(), price);
    }

    /// Its data is from after this moment; each call's is a millisecond newer than that of the one before.
    pub(crate) fn begins(&self, at: Millis) {
        self.script().begins = at.0;
    }

    /// Publishes articles, or new versions of them.
    pub(crate) fn publishes(&self, articles: impl IntoIterator<Item = Article>) {
        for article in articles {
            let mut script = self.script();
            script.articles.retain(|known| known.id != article.id);
            script.articles.push(article);
        }
    }

    /// It answers again from now on.
    pub(crate) fn forget_turns(&self) {
        self.script().turns.clear();
    }

    pub(crate) fn turns_left(&self) -> usize {
        self.script().turns.len()
    }

    /// Makes clients of this upstream.
    pub(crate) fn factory(&self) -> MarketDataFactory {
        let upstream = self.clone();
        Arc::new(move |_| Rc::new(upstream.clone()))
    }

    /// Each call takes this long.
    pub(crate) fn takes(&self, latency: Duration) {
        self.script().latency = latency;
    }

    /// What it says of the market from now on.
    pub(crate) fn says(&self, status: MarketStatus) {
        self.script().status = Some(status);
    }

    /// How many calls asked for prices.
    pub(crate) fn all_quote_calls(&self) -> usize {
        self.script().calls.iter().filter(|call| matches!(call, Call::Quotes(_))).count()
    }

    /// How many calls asked for this symbol's price.
    pub(crate) fn quote_calls(&self, symbol: &str) -> usize {
        let symbol: Symbol = symbol.parse().unwrap();
        self.script().calls.iter().filter(|call| matches!(call, Call::Quotes(symbols) if symbols.contains(&symbol))).count()
    }

    pub(crate) fn news_calls(&self) -> usize {
        self.script().calls.iter().filter(|call| matches!(call, Call::News)).count()
    }

    async fn take_turn(&self, call: Call) -> Result<u64, UpstreamError> {
        let (latency, turn, number) = {
            let mut script = self.script();
            let turn = if call == Call::Status { None } else { script.turns.pop_front() };
            script.calls.push(call);
            (script.latency, turn, script.calls.len() as u64)
        };
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        match turn {
            None => Ok(number),
            Some(Turn::Fails(kind)) => Err(UpstreamError::new(kind, "as the script says")),
            Some(Turn::LeftAlone(ms)) => {
                Err(UpstreamError::new(UpstreamErrorKind::Unavailable, "as the script says").retry_after(ms))
            }
            Some(Turn::Panics) => panic!("the upstream client panics, as the script says"),
        }
    }
}

impl MarketData for Upstream {
    fn quotes<'a>(&'a self, _: MarketOf, symbols: &'a [Symbol]) -> PortFuture<'a, Result<Vec<Quote>, UpstreamError>> {
        Box::pin(async move {
            let number = self.take_turn(Call::Quotes(symbols.to_vec())).await?;
            let script = self.script();
            let known = symbols.iter().filter(|symbol| !script.unknown.contains(symbol));
            let price = |symbol| script.prices.get(symbol).copied().unwrap_or_else(|| f64::from(u32::try_from(number).unwrap()));
            Ok(known.map(|symbol| quote(symbol, Millis(script.begins + number), price(symbol))).collect())
        })
    }

    fn quote_calls(&self, symbols: usize) -> u64 {
        symbols.div_ceil(100) as u64
    }

    fn news(&self, query: NewsQuery) -> PortFuture<'_, Result<Vec<Article>, UpstreamError>> {
        Box::pin(async move {
            self.take_turn(Call::News).await?;
            let mut articles = self.script().articles.clone();
            articles.retain(|article| query.symbol.as_ref().is_none_or(|symbol| article.tickers.contains(symbol)));
            articles.sort_by_key(|article| article.published);
            match query.from {
                Some(from) => {
                    articles.retain(|article| article.published >= from);
                    articles.truncate(query.limit);
                }
                None => drop(articles.drain(..articles.len().saturating_sub(query.limit))),
            }
            Ok(articles)
        })
    }

    fn market_status(&self) -> PortFuture<'_, Result<MarketStatus, UpstreamError>> {
        Box::pin(async move {
            self.take_turn(Call::Status).await?;
            Ok(self.script().status.clone().unwrap_or_else(|| MarketStatus::new("open", false, false, Millis(0))))
        })
    }
}

fn quote(symbol: &Symbol, as_of: Millis, price: f64) -> Quote {
    Quote {
        symbol: symbol.clone(),
        price,
        size: None,
        bid: None,
        ask: None,
        change: 0.0,
        change_percent: 0.0,
        volume: 0.0,
        as_of,
        source: Source::Poll,
        delayed: false,
    }
}

/// An article that names these symbols.
pub(crate) fn article(id: &str, published: Millis, symbols: &[&str]) -> Article {
    Article {
        id: id.into(),
        title: format!("title of {id}"),
        url: String::new(),
        publisher: "Wire".into(),
        published,
        tickers: symbols.iter().map(|symbol| symbol.parse().unwrap()).collect(),
        sentiment: None,
        description: String::new(),
        image_url: None,
        source: Source::Poll,
    }
}
