//! Five requests a minute, twenty topics and their readers, and tools beside them: the plan is kept as the upstream sees it, and nobody
//! starves. Half an hour of it under a clock that the test holds is in actors/src/quota/tests.rs and core/src/budget/tests.rs.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::raw_upstream::{Asked, fixture, json_answer};
use crate::support::{RawUpstream, Stateless, TestGateway, get, until, until_within};

fn prices_and_news() -> RawUpstream {
    RawUpstream::start(|target, socket| {
        let body = match target.split('?').next().unwrap_or_default() {
            "/v1/marketstatus/now" => r#"{"market":"open","serverTime":"2026-03-10T14:31:08-04:00"}"#.to_owned(),
            "/v1/marketstatus/upcoming" => "[]".to_owned(),
            path if path.starts_with("/v2/reference/news") => fixture("v2_reference_news_TSLA__poll1.json"),
            _ => fixture("v2_aggs_ticker_AAPL_prev.json"),
        };
        socket.write_all(&json_answer(200, &body))
    })
}

/// The most requests in any window of this length.
fn most_within(asked: &[Asked], window: Duration) -> usize {
    let from = |n: usize| asked[n..].iter().take_while(|other| other.at.duration_since(asked[n].at) < window).count();
    (0..asked.len()).map(from).max().unwrap_or(0)
}

#[test]
fn twenty_topics_their_readers_and_tools_never_ask_a_free_plan_for_more_than_it_has() {
    let upstream = prices_and_news();
    let gateway = TestGateway::asking(&upstream, "key", &[("UPSTREAM_PLAN", "free"), ("MAX_STREAMS_PER_CALLER", "200")]);
    let prices: Vec<String> = (0..18).map(|n| format!("prices:A{n}")).collect();
    let topics = format!("{},news:TSLA,status", prices.join(","));
    // Twenty readers of all of it, who wish for prices four times a second.
    let _readers: Vec<_> = (0..20).map(|_| get(&format!("/events?topics={topics}&interval=250")).send(gateway.address)).collect();
    let modern = Stateless::new(gateway.address);
    let begun = Instant::now();
    let mut calls = Vec::new();
    while begun.elapsed() < Duration::from_secs(8) {
        let modern = modern.clone();
        let ticker = format!("B{}", calls.len());
        calls.push(std::thread::spawn(move || modern.call("get_previous_close_agg", json!({ "ticker": ticker }))));
        std::thread::park_timeout(Duration::from_millis(1_000));
    }
    let asked = upstream.asked();
    println!(
        "{} requests in {:?}: {:?}",
        asked.len(),
        begun.elapsed(),
        asked.iter().map(|asked| &asked.target).collect::<Vec<_>>()
    );
    assert!(most_within(&asked, Duration::from_secs(60)) <= 5, "{asked:?}");
    assert!(asked.iter().any(|asked| asked.target.contains("/ticker/B")), "callers get through: {asked:?}");
    // Polls may use four of the five, evenly spaced, and the market's status is the first of them.
    let is_poll = |asked: &Asked| asked.target.contains("/ticker/A") || asked.target.starts_with("/v2/reference/news");
    until_within("a topic to be polled", 20, || upstream.asked().iter().any(is_poll));
    // Who cannot be served in time is told so, and when to come back: nobody waits for ever.
    for call in calls {
        let result = call.join().unwrap();
        let told = result["content"][0]["text"].as_str().unwrap_or_default();
        assert!(result["isError"] == false || told.starts_with("budget: ") && told.contains("retry after"), "{result}");
    }
    assert!(most_within(&upstream.asked(), Duration::from_secs(60)) <= 5, "waiting calls went out: {:?}", upstream.asked());
}

#[test]
fn who_has_many_calls_waiting_delays_anothers_call_by_no_more_than_a_round() {
    let upstream = prices_and_news();
    // Five a second, evenly spaced.
    let settings = [
        ("UPSTREAM_RPM", "300"),
        ("AUTH", "required"),
        ("MCP_API_KEYS", "the-key-of-ada-1:read:ada,the-key-of-bob-1:read:bob,the-key-of-eve-1:read:eve"),
    ];
    let gateway = TestGateway::asking(&upstream, "key", &settings);
    let call = |address: SocketAddr, key: &'static str, ticker: String| {
        std::thread::spawn(move || {
            let result = Stateless::new(address).with_key(key).call("get_previous_close_agg", json!({ "ticker": ticker }));
            assert_eq!(result["isError"], false, "{result}");
        })
    };
    let flood: Vec<_> = (0..30).map(|n| call(gateway.address, "the-key-of-ada-1", format!("ADA{n}"))).collect();
    until("some of hers to be out", || upstream.asked_for_data().len() >= 3);
    let others = [
        call(gateway.address, "the-key-of-bob-1", "BOB".to_owned()),
        call(gateway.address, "the-key-of-eve-1", "EVE".to_owned()),
    ];
    let before = upstream.asked_for_data().len();
    others.into_iter().for_each(|other| other.join().unwrap());
    let order: Vec<String> =
        upstream.asked_for_data().iter().map(|asked| asked.target.split('/').nth(4).unwrap_or_default().to_owned()).collect();
    let place = |who: &str| order.iter().position(|ticker| ticker == who).unwrap_or_else(|| panic!("{who} in {order:?}"));
    println!("{before} of hers before; bob is number {}, eve number {} of {order:?}", place("BOB"), place("EVE"));
    // A round: one of hers, one of bob's, one of eve's, and a poll; and what went out while the two arrived.
    for who in ["BOB", "EVE"] {
        assert!(place(who) <= before + 6, "{who} waited for {order:?}");
    }
    assert!(!flood.iter().all(std::thread::JoinHandle::is_finished), "hers still wait");
    flood.into_iter().for_each(|one| one.join().unwrap());
    let asked = upstream.asked();
    assert!(most_within(&asked, Duration::from_secs(1)) <= 7, "{} within a second", most_within(&asked, Duration::from_secs(1)));
}

#[test]
fn what_a_429_pauses_is_told_and_goes_on_by_itself() {
    let limited = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_limited = std::sync::Arc::clone(&limited);
    let upstream = RawUpstream::of_data(move |_, socket| {
        if is_limited.swap(false, std::sync::atomic::Ordering::Relaxed) {
            let head = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 3\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            return socket.write_all(head.as_bytes());
        }
        socket.write_all(&json_answer(200, &fixture("v2_aggs_ticker_AAPL_prev.json")))
    });
    let gateway = TestGateway::asking(&upstream, "key", &[]);
    let modern = Stateless::new(gateway.address);
    let close = |ticker: &str| -> Value { modern.call("get_previous_close_agg", json!({ "ticker": ticker })) };
    assert_eq!(close("A1")["isError"], false);
    limited.store(true, std::sync::atomic::Ordering::Relaxed);
    let refused = close("A2");
    assert!(refused["content"][0]["text"].as_str().unwrap().starts_with("rate_limited: "), "{refused}");
    assert_eq!(gateway.metric("tickgate_upstream_budget_paused"), 1);
    // The next one waits for the end of the pause instead of failing.
    let begun = Instant::now();
    assert_eq!(close("A3")["isError"], false);
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
    until_within("the pause to be over", 5, || gateway.metric("tickgate_upstream_budget_paused") == 0);
}
