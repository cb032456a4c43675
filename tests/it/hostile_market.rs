//! What becomes of readers when the upstream says what cannot be?

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::json;
use tickgate_core::time::Millis;

use crate::support::raw_upstream::json_answer;
use crate::support::{RawUpstream, TestGateway, get, post};

const KEY: &str = "a-key-of-the-upstream";

/// The time, `ago` seconds before now.
fn past(ago: u64) -> Millis {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() - Duration::from_secs(ago);
    Millis(u64::try_from(now.as_millis()).unwrap())
}

/// An upstream whose first snapshot is of the year 9999, and each later one of its moment, with a price that grows.
fn upstream_that_is_once_ahead() -> RawUpstream {
    let polls = AtomicU64::new(0);
    RawUpstream::of_data(move |_, socket| {
        let nth = polls.fetch_add(1, Ordering::Relaxed);
        let updated = if nth == 0 { 253_402_300_799_000 } else { past(0).0 };
        let row = json!({"ticker": "AAPL", "updated": updated, "lastTrade": {"p": 100 + nth}, "prevDay": {"c": 99}});
        socket.write_all(&json_answer(200, &json!({"status": "OK", "tickers": [row]}).to_string()))
    })
}

#[test]
fn a_price_of_the_year_9999_does_not_stop_its_symbol() {
    let upstream = upstream_that_is_once_ahead();
    let gateway = TestGateway::asking(&upstream, KEY, &[]);
    let mut stream = get("/events?topics=prices:AAPL,bars:AAPL:1s&mode=all").send(gateway.address);
    let (mut prices, mut bars) = (Vec::new(), Vec::new());
    while prices.len() < 3 || bars.is_empty() {
        let event = stream.data().unwrap();
        let item = event.json();
        assert!(item["as_of"].as_str().unwrap() < past(0).plus(60_000).to_string().as_str(), "{item}");
        match event.name.as_deref() {
            Some("price") => prices.push(item["price"].as_f64().unwrap()),
            Some("bar") => bars.push(item),
            _ => {}
        }
    }
    assert!(prices.is_sorted(), "{prices:?}");
}

#[test]
fn an_article_of_the_year_9999_does_not_stop_the_news() {
    let polls = AtomicU64::new(0);
    let upstream = RawUpstream::of_data(move |_, socket| {
        let nth = polls.fetch_add(1, Ordering::Relaxed);
        let published = if nth == 0 { "9999-12-31T23:59:59Z".to_owned() } else { past(5).to_string() };
        let row = json!({"id": nth.to_string(), "title": "t", "published_utc": published, "tickers": ["AAPL"]});
        socket.write_all(&json_answer(200, &json!({"status": "OK", "results": [row]}).to_string()))
    });
    let gateway = TestGateway::asking(&upstream, KEY, &[]);
    let mut stream = get("/events?topics=news:AAPL&interval=250").send(gateway.address);
    // The first was there when the stream began: it is old news.
    let article = std::iter::from_fn(|| stream.data()).find(|event| event.name.as_deref() == Some("news")).unwrap();
    assert_eq!(article.json()["id"], "1");
    for asked in upstream.asked_for_data() {
        assert!(!asked.target.contains("published_utc.gte=9999"), "{}", asked.target);
    }
}

#[test]
fn what_a_client_could_not_read_is_told_as_a_failure_and_not_handed_on() {
    let upstream = RawUpstream::of_data(|target, socket| {
        let row = if target.contains("AAPL") { r#"{"c":1e999}"# } else { r#"{"c":1,"o":"\ud800"}"# };
        socket.write_all(&json_answer(200, &format!(r#"{{"status":"OK","results":[{row}]}}"#)))
    });
    let gateway = TestGateway::asking(&upstream, KEY, &[]);
    for ticker in ["AAPL", "MSFT"] {
        let bars = json!({"ticker": ticker, "multiplier": 1, "timespan": "day", "from_": "2026-01-05", "to": "2026-01-30"});
        let answer = post("/tools/get_aggs", bars.to_string()).header("Content-Type", "application/json").send(gateway.address);
        assert_eq!(answer.status, 502);
        assert!(answer.json()["detail"].as_str().unwrap().starts_with("invalid_response"));
    }
}

#[test]
fn an_answer_that_repeats_the_key_is_handed_to_nobody() {
    let secret = "canary-key-of-the-gateway";
    let upstream = RawUpstream::of_data(move |_, socket| {
        let row = json!({"id": "1", "title": secret, "published_utc": past(5).to_string(), "tickers": ["AAPL"]});
        socket.write_all(&json_answer(200, &json!({"status": "OK", "results": [row]}).to_string()))
    });
    let gateway = TestGateway::asking(&upstream, secret, &[]);
    let asked = post("/tools/list_ticker_news", r#"{"ticker":"AAPL"}"#).header("Content-Type", "application/json");
    let news = get("/api/news/AAPL").send(gateway.address);
    for (answer, status) in [(asked.send(gateway.address), 502), (news, 502)] {
        assert_eq!(answer.status, status);
        assert!(!answer.text().contains(secret));
    }
    assert!(!get("/metrics").send(gateway.address).text().contains(secret));
}
