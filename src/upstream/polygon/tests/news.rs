//! News, as pollers get it.

use actix_web::HttpResponse;
use tickgate_core::market::{Article, ArticleFeed, Source};
use tickgate_core::ports::{MarketData as _, NewsQuery, UpstreamErrorKind};
use tickgate_core::time::Millis;

use super::harness::{Scripted, Wanted, json, simulator};
use crate::upstream::polygon::market_data::read_articles;

const FIRST_POLL: &str = include_str!("../../../../tests/fixtures/polygon/v2_reference_news_TSLA__poll1.json");
const SECOND_POLL: &str = include_str!("../../../../tests/fixtures/polygon/v2_reference_news_TSLA__poll2.json");

fn query(symbol: Option<&str>, from: Option<Millis>, limit: usize) -> NewsQuery {
    NewsQuery { symbol: symbol.map(|symbol| symbol.parse().unwrap()), from, limit }
}

fn titles(articles: &[Article]) -> Vec<&str> {
    articles.iter().map(|article| article.title.as_str()).collect()
}

#[actix_rt::test]
async fn the_second_poll_gives_exactly_the_new_article_and_the_late_one() {
    let upstream = Scripted::start(|_, target| json(if target.contains("published_utc.gte") { SECOND_POLL } else { FIRST_POLL }));
    let bench = Wanted::at(&upstream.base).make();
    let mut feed = ArticleFeed::default();
    let first = bench.client.news(query(Some("TSLA"), None, 3)).await.unwrap();
    assert_eq!(feed.observe(first).len(), 3);
    let second = bench.client.news(query(Some("TSLA"), feed.poll_from(), 100)).await.unwrap();
    assert_eq!(second.len(), 4);
    assert_eq!(titles(&feed.observe(second)), ["Regulator posts recall notice", "Broker lifts rating after delivery update"]);
    assert_eq!(
        upstream.targets(),
        [
            "/v2/reference/news?ticker=TSLA&order=desc&sort=published_utc&limit=3",
            "/v2/reference/news?ticker=TSLA&published_utc.gte=2026-03-10T17:50:00Z&order=asc&sort=published_utc&limit=100",
        ]
    );
}

#[test]
fn the_sentiment_is_that_of_the_symbol_asked_for_and_else_of_the_first_that_has_one() {
    let read = |symbol: Option<&str>| {
        let asked = symbol.map(|symbol| symbol.parse().unwrap());
        let articles = read_articles(SECOND_POLL.as_bytes(), asked.as_ref(), Source::Poll, Millis(u64::MAX)).unwrap();
        articles.into_iter().map(|article| article.sentiment.unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(read(Some("F")), ["positive", "", "neutral", "negative"]);
    assert_eq!(read(None), ["positive", "", "negative", "negative"]);
    let articles = read_articles(SECOND_POLL.as_bytes(), None, Source::Poll, Millis(u64::MAX)).unwrap();
    let article = &articles[2];
    assert_eq!(article.tickers.iter().map(ToString::to_string).collect::<Vec<_>>(), ["TSLA", "F", "GM"]);
    assert_eq!((article.publisher.as_str(), article.url.as_str()), ("Example Wire", "https://news.example.com/ev-demand"));
    assert_eq!(article.published, Millis::parse_rfc3339("2026-03-10T18:05:00Z").unwrap());
    assert_eq!(article.image_url.as_deref(), Some("https://img.example.com/ev-demand.jpg"));
}

#[actix_rt::test]
async fn an_article_of_the_simulated_upstream_arrives_and_pages_are_followed_up_to_the_limit() {
    let simulator = simulator("");
    let bench = Wanted::at(&simulator.base_url()).make();
    simulator.publish_article(serde_json::json!({"id": "mine", "title": "A\ntitle", "tickers": ["AAPL", "no symbol"]}));
    let newest = bench.client.news(query(Some("AAPL"), None, 2)).await.unwrap();
    let mine = newest.iter().find(|article| article.id == "mine").unwrap();
    assert_eq!((mine.title.as_str(), mine.source, mine.tickers.len()), ("A title", Source::Simulated, 1));
    assert_eq!((newest.len(), simulator.requests()), (2, 1));
    let since = bench.client.news(query(Some("AAPL"), Some(mine.published), 10)).await.unwrap();
    assert!(since.iter().any(|article| article.id == "mine"));
}

fn page(number: usize) -> String {
    serde_json::json!({
        "status": "OK",
        "results": [{"id": number.to_string(), "title": "t", "published_utc": "2026-03-10T18:05:00Z"}],
        "next_url": format!("https://api.massive.com/v2/reference/news?cursor={number}"),
    })
    .to_string()
}

#[actix_rt::test]
async fn no_more_than_five_pages_are_followed_and_no_more_articles_given_than_asked_for() {
    let upstream = Scripted::start(|number, _| json(page(number)));
    let bench = Wanted::at(&upstream.base).make();
    assert_eq!(bench.client.news(query(None, None, 100)).await.unwrap().len(), 5);
    assert_eq!(upstream.targets()[4], "/v2/reference/news?cursor=3");
    assert_eq!(bench.client.news(query(None, None, 2)).await.unwrap().len(), 2);
    assert_eq!(upstream.seen().len(), 7);
}

#[actix_rt::test]
async fn a_page_that_fails_costs_only_itself_but_a_first_page_the_whole_poll() {
    let upstream = Scripted::start(|number, _| if number < 2 { json(page(number)) } else { HttpResponse::Forbidden().finish() });
    let bench = Wanted::at(&upstream.base).make();
    assert_eq!(bench.client.news(query(None, None, 100)).await.unwrap().len(), 2);
    let error = bench.client.news(query(None, None, 100)).await.unwrap_err();
    assert_eq!(error.kind, UpstreamErrorKind::NotEntitled);
}
