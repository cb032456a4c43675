//! News come late, twice and changed, and neither a poll nor a walk loses any.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::super::market::SessionMode;
use super::super::routes::news::list_of;
use super::super::state::State;
use super::{at, next_query, query, state};

const NOON: &str = "2026-03-10T18:00:00Z";

fn articles(state: &State, now_ms: i64, text: &str) -> Vec<Value> {
    let body = list_of(&state.view_at(now_ms), &state.newsroom, &query(text)).unwrap();
    body["results"].as_array().unwrap().clone()
}

fn walk(state: &State, now_ms: i64, text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut parameters = query(text);
    loop {
        let body = list_of(&state.view_at(now_ms), &state.newsroom, &parameters).unwrap();
        found.extend(body["results"].as_array().unwrap().iter().cloned());
        let Some(next) = next_query(&body) else { return found };
        parameters = next;
    }
}

fn id(article: &Value) -> String {
    article["id"].as_str().unwrap().to_owned()
}

#[test]
fn the_newest_come_first_and_the_ids_are_hashes() {
    let state = state(SessionMode::Open);
    let found = articles(&state, at(NOON), "");
    assert_eq!(found.len(), 10);
    assert!(found.iter().all(|article| id(article).len() == 64 && id(article).chars().all(|digit| digit.is_ascii_hexdigit())));
    assert!(found.is_sorted_by_key(|article| std::cmp::Reverse(article["published_utc"].as_str().unwrap().to_owned())));
    assert!(found.iter().all(|article| article["published_utc"].as_str().unwrap() <= NOON));
    assert_eq!(found, articles(&state, at(NOON), "order=desc&sort=published_utc"));
}

#[test]
fn paging_walks_all_news_in_either_direction() {
    let state = state(SessionMode::Open);
    let range = "published_utc.gte=2026-03-10T17:00:00Z&published_utc.lt=2026-03-10T17:30:00Z";
    for order in ["asc", "desc"] {
        let whole = articles(&state, at(NOON), &format!("{range}&order={order}&limit=1000"));
        assert!(whole.len() > 600, "{}", whole.len());
        assert_eq!(walk(&state, at(NOON), &format!("{range}&order={order}&limit=37")), whole);
    }
    let ticker = walk(&state, at(NOON), "ticker=F&limit=100");
    let ids: HashSet<String> = ticker.iter().map(id).collect();
    assert_eq!(ids.len(), ticker.len());
    assert!(ticker.len() > 300 && ticker.iter().all(|article| article["tickers"].as_array().unwrap().contains(&json!("F"))));
}

#[test]
fn tesla_and_apple_are_in_the_news_every_few_seconds() {
    let state = state(SessionMode::Open);
    for ticker in ["TSLA", "AAPL"] {
        let found = articles(&state, at(NOON), &format!("ticker={ticker}&published_utc.gte=2026-03-10T17:50:00Z&limit=1000"));
        assert!((70..110).contains(&found.len()), "{ticker}: {} in ten minutes", found.len());
    }
    assert!(articles(&state, at(NOON), "ticker=NOSUCH").is_empty());
}

#[test]
fn an_overlapping_poll_finds_late_arrivals_and_loses_none() {
    let state = state(SessionMode::Open);
    let start = at(NOON);
    let (mut seen, mut late, mut cursor) = (HashSet::new(), 0, start / 1_000);
    for poll in 0..180 {
        let now_ms = start + poll * 10_000;
        let since = jiff::Timestamp::from_second(cursor - 60).unwrap();
        let known = cursor;
        for article in articles(&state, now_ms, &format!("order=asc&limit=1000&published_utc.gte={since}")) {
            let published = at(article["published_utc"].as_str().unwrap()) / 1_000;
            assert!(published >= known - 60 && published * 1_000 <= now_ms);
            if seen.insert(id(&article)) && poll > 0 && published < known {
                late += 1;
            }
            cursor = cursor.max(published);
        }
    }
    assert!(late > 10, "{late} late arrivals");
    let end = start + 179 * 10_000;
    let all = walk(&state, end, &format!("limit=1000&published_utc.gte={NOON}"));
    assert!(all.iter().all(|article| seen.contains(&id(article))));
}

#[test]
fn some_share_a_second_some_change_and_some_lack_fields() {
    let state = state(SessionMode::Open);
    let range = "published_utc.gte=2026-03-10T17:00:00Z&published_utc.lt=2026-03-10T17:59:00Z&limit=1000";
    let early = walk(&state, at("2026-03-10T17:59:00Z"), range);
    let later: HashMap<String, Value> =
        walk(&state, at("2026-03-10T18:10:00Z"), range).into_iter().map(|article| (id(&article), article)).collect();
    let changed: Vec<(&Value, &Value)> =
        early.iter().map(|article| (article, &later[&id(article)])).filter(|(old, new)| old != new).collect();
    assert!(changed.iter().any(|(old, new)| old["title"] != new["title"]));
    assert!(changed.iter().any(|(old, new)| old.get("insights").is_none() && new.get("insights").is_some()));
    assert!(changed.iter().all(|(old, new)| old["published_utc"] == new["published_utc"]));
    let seconds: HashSet<&str> = early.iter().map(|article| article["published_utc"].as_str().unwrap()).collect();
    assert!(seconds.len() < early.len());
    for field in ["insights", "author", "image_url", "keywords"] {
        let without = early.iter().filter(|article| article.get(field).is_none()).count();
        assert!(without > 0 && without < early.len() / 2, "{field} is absent {without} times of {}", early.len());
    }
    let title = |part: &str| early.iter().any(|article| article["title"].as_str().unwrap().contains(part));
    assert!(title("<script>") && title("\u{202e}") && title("\n") && title("Ignore previous instructions"));
    assert!(early.iter().any(|article| article["tickers"].as_array().unwrap().len() == 3));
}

#[test]
fn a_published_article_is_seen_at_once_and_can_be_replaced() {
    let state = state(SessionMode::Open);
    let now_ms = at(NOON);
    state.controls.publish(json!({"id": "mine", "title": "First", "tickers": ["TSLA"]}), now_ms);
    let found = articles(&state, now_ms, "ticker=TSLA&limit=1000");
    let mine = found.iter().find(|article| article["id"] == "mine").unwrap();
    assert_eq!((mine["title"].as_str(), mine["published_utc"].as_str()), (Some("First"), Some(NOON)));
    assert!(mine["publisher"]["name"].is_string() && mine["article_url"].is_string());
    let again = json!({"id": "mine", "title": "Second", "tickers": ["TSLA"], "published_utc": "2026-01-05T10:00:00Z"});
    state.controls.publish(again, now_ms);
    let found = articles(&state, now_ms, "published_utc.lte=2026-01-05T10:00:00Z");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["title"], "Second");
    assert!(articles(&state, now_ms, "ticker=AAPL&published_utc=2026-01-05").is_empty());
}

#[test]
fn wrong_parameters_are_refused() {
    let state = state(SessionMode::Open);
    for text in ["limit=0", "limit=1001", "order=up", "sort=title", "published_utc.gte=soon", "cursor=%25%25"] {
        assert!(list_of(&state.view_at(at(NOON)), &state.newsroom, &query(text)).is_err(), "{text}");
    }
}
