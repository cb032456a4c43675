//! Which articles are there? They come page by page, and everything in them was written by strangers: text is cleaned, addresses
//! and symbols are taken only if they are such.

use serde::Deserialize;
use serde_json::Value;
use tickgate_core::budget::Payer;
use tickgate_core::market::text::clean;
use tickgate_core::market::{Article, Source, Symbol};
use tickgate_core::ports::{NewsQuery, UpstreamError};
use tickgate_core::time::Millis;
use url::Url;

use super::super::client::{PageCall, Path, PolygonClient};
use super::rows;

/// Pages followed for one question: each costs a call of the budget.
const MAX_PAGES: usize = 5;

/// Most articles of a page upstream.
const MAX_PAGE_ARTICLES: usize = 1_000;

/// Longest id kept, in characters: known ones have 64.
const MAX_ID_CHARS: usize = 256;

/// Longest address kept, in bytes.
const MAX_URL_BYTES: usize = 2_048;

/// Most symbols kept of one article: each makes it appear in one more stream.
const MAX_TICKERS: usize = 100;

#[derive(Deserialize)]
struct Row {
    id: String,
    title: String,
    published_utc: String,
    publisher: Option<Publisher>,
    article_url: Option<String>,
    image_url: Option<String>,
    description: Option<String>,
    tickers: Option<Vec<Value>>,
    insights: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct Publisher {
    name: Option<String>,
}

impl PolygonClient {
    pub(super) async fn news_of(&self, query: NewsQuery) -> Result<Vec<Article>, UpstreamError> {
        let (source, asked) = (self.settings.source, query.symbol.as_ref());
        let deadline = self.deadline();
        let mut answer = self.ask(Path::new("/v2/reference/news", &[])?, parameters(&query), deadline).await?;
        let mut found = articles(&answer.body, asked, source, answer.fetched)?;
        for _ in 1..MAX_PAGES {
            let Some(next) = answer.next.take().filter(|_| found.len() < query.limit) else { break };
            let page = match self.get_page(PageCall { next, payer: Payer::Polling, deadline, request_id: None }).await {
                Ok(page) => articles(&page.body, asked, source, page.fetched).map(|articles| (page, articles)),
                Err(error) => Err(error),
            };
            match page {
                Ok((page, articles)) => {
                    found.extend(articles);
                    answer = page;
                }
                // What was had is a beginning that the next poll goes on from.
                Err(error) => {
                    tracing::debug!(error.kind = error.kind.as_str(), "a further page of news failed: {error}");
                    break;
                }
            }
        }
        found.truncate(query.limit);
        Ok(found)
    }
}

fn parameters(query: &NewsQuery) -> Vec<(&'static str, String)> {
    let mut parameters = Vec::with_capacity(5);
    if let Some(symbol) = &query.symbol {
        parameters.push(("ticker", symbol.to_string()));
    }
    if let Some(from) = query.from {
        // Times of articles have whole seconds.
        parameters.push(("published_utc.gte", Millis(from.0 - from.0 % 1_000).to_string().replace(".000Z", "Z")));
    }
    parameters.push(("order", if query.from.is_some() { "asc" } else { "desc" }.to_owned()));
    parameters.push(("sort", "published_utc".to_owned()));
    parameters.push(("limit", query.limit.clamp(1, MAX_PAGE_ARTICLES).to_string()));
    parameters
}

/// Reads the articles of a page and leaves out malformed ones. `asked` is the symbol whose sentiment is wanted. One that is dated
/// ahead of its time is taken for one of now, or polls would begin there and find nothing until then.
///
/// # Errors
/// `InvalidResponse`, as [`rows::read`].
pub(in super::super) fn articles(
    body: &[u8],
    asked: Option<&Symbol>,
    source: Source,
    fetched: Millis,
) -> Result<Vec<Article>, UpstreamError> {
    let mut articles: Vec<Article> =
        rows::read::<Row>(body, "articles")?.into_iter().filter_map(|row| row.article(asked, source)).collect();
    for article in &mut articles {
        article.published = if source.believes(article.published, fetched) { article.published } else { fetched };
    }
    Ok(articles)
}

impl Row {
    /// `None` without an id or a time: such an article cannot be told from others or put in order.
    fn article(self, asked: Option<&Symbol>, source: Source) -> Option<Article> {
        let id: String = clean(&self.id).chars().take(MAX_ID_CHARS).collect();
        let Some(published) = Millis::parse_rfc3339(&self.published_utc).filter(|_| !id.is_empty()) else {
            tracing::warn!("the upstream sent an article without an id or a time: it is left out");
            return None;
        };
        let tickers = self.symbols();
        let sentiment = self.sentiment(asked, &tickers);
        let publisher = self.publisher.and_then(|publisher| publisher.name);
        Some(Article {
            id,
            title: clean(&self.title),
            url: self.article_url.as_deref().and_then(web_address).unwrap_or_default(),
            publisher: clean(publisher.as_deref().unwrap_or_default()),
            published,
            tickers,
            sentiment,
            description: clean(self.description.as_deref().unwrap_or_default()),
            image_url: self.image_url.as_deref().and_then(web_address),
            source,
        })
    }

    fn symbols(&self) -> Vec<Symbol> {
        let mut symbols: Vec<Symbol> = Vec::new();
        for symbol in self.tickers.iter().flatten().filter_map(Value::as_str).filter_map(|ticker| ticker.parse().ok()) {
            if symbols.len() < MAX_TICKERS && !symbols.contains(&symbol) {
                symbols.push(symbol);
            }
        }
        symbols
    }

    fn sentiment(&self, asked: Option<&Symbol>, tickers: &[Symbol]) -> Option<String> {
        let of = |symbol: &Symbol| {
            let mut insights = self.insights.iter().flatten().filter(|insight| insight["ticker"] == symbol.as_str());
            let sentiment = insights.find_map(|insight| insight["sentiment"].as_str())?;
            matches!(sentiment, "positive" | "neutral" | "negative").then(|| sentiment.to_owned())
        };
        asked.and_then(of).or_else(|| tickers.iter().find_map(of))
    }
}

/// Takes an address that a browser may be sent to: http or https, and no name and password, which can make one host look
/// like another.
fn web_address(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    (is_plain && url.as_str().len() <= MAX_URL_BYTES).then(|| url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_article_is_made_harmless() {
        let body = serde_json::json!({"results": [
            {"id": "a\u{202E}1", "title": "Buy\nnow\u{200B}", "published_utc": "2026-03-10T18:05:00Z", "publisher": null,
                "article_url": "javascript:alert(1)", "image_url": "https://apple.com:x@evil.example/i.png", "description": "\u{0}d",
                "tickers": ["TSLA", "../x", null, "tsla", "TSLA", "GM"],
                "insights": [7, {"ticker": "TSLA", "sentiment": "<b>"}, {"ticker": "GM", "sentiment": "negative"}]},
            {"id": "b", "title": "no time", "published_utc": "yesterday"},
            {"id": 7, "title": "no id", "published_utc": "2026-03-10T18:05:00Z"},
            "no article",
        ]});
        let articles = articles(body.to_string().as_bytes(), None, Source::Poll, Millis(u64::MAX)).unwrap();
        assert_eq!(articles.len(), 1);
        let article = &articles[0];
        assert_eq!((article.id.as_str(), article.title.as_str(), article.description.as_str()), ("a1", "Buy now", "d"));
        assert_eq!((article.url.as_str(), article.image_url.as_deref(), article.publisher.as_str()), ("", None, ""));
        assert_eq!(article.tickers, ["TSLA".parse().unwrap(), "GM".parse().unwrap()]);
        assert_eq!(article.sentiment.as_deref(), Some("negative"));
    }

    #[test]
    fn a_poll_from_a_moment_asks_for_the_oldest_first() {
        let query = NewsQuery { symbol: Some("X:BTCUSD".parse().unwrap()), from: Some(Millis(1_773_167_467_294)), limit: 5_000 };
        let expected = [
            ("ticker", "X:BTCUSD"),
            ("published_utc.gte", "2026-03-10T18:31:07Z"),
            ("order", "asc"),
            ("sort", "published_utc"),
            ("limit", "1000"),
        ];
        assert_eq!(parameters(&query), expected.map(|(name, value)| (name, value.to_owned())));
        let newest = parameters(&NewsQuery { symbol: None, from: None, limit: 20 });
        assert_eq!(newest[0], ("order", "desc".to_owned()));
    }
}
