//! However many subscribers there are, the upstream is asked as often as for one.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use crate::support::{Stateless, TestGateway, get, until};

const WATCHED: Duration = Duration::from_secs(4);

/// Upstream requests for prices while so many subscribers read one topic.
fn requests_for(subscribers: usize) -> u64 {
    let gateway = TestGateway::with(&[("MAX_STREAMS_PER_CALLER", "2000")]);
    let mut first = get("/events?topics=prices:AAPL").send(gateway.address);
    first.data().unwrap();
    let mut streams: Vec<_> = (1..subscribers).map(|_| get("/events?topics=prices:AAPL").send(gateway.address)).collect();
    let asked = || gateway.simulator().requests_to("/v2/snapshot");
    let before = asked();
    // The time itself is what is measured: requests within it.
    std::thread::park_timeout(WATCHED);
    let during = asked() - before;
    for stream in streams.iter_mut().chain([&mut first]) {
        stream.data().expect("every subscriber is served");
    }
    during
}

#[test]
fn one_and_a_thousand_subscribers_cost_the_upstream_the_same() {
    let (one, thousand) = (requests_for(1), requests_for(1_000));
    println!("{one} requests for 1 subscriber, {thousand} for 1000, in {WATCHED:?}");
    assert!((3..=5).contains(&one), "a poll a second: {one}");
    assert!(thousand.abs_diff(one) <= 1, "{one} for 1, {thousand} for 1000");
}

#[test]
fn a_thousand_callers_who_ask_the_same_at_once_cost_one_upstream_call() {
    const CALLERS: usize = 1_000;
    // The upstream takes so long that all callers have asked before it answers.
    let gateway = TestGateway::with(&[("SIM_LATENCY_MS", "3000")]);
    let (address, together) = (gateway.address, Arc::new(Barrier::new(CALLERS)));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let together = Arc::clone(&together);
            std::thread::Builder::new()
                .stack_size(256 * 1_024)
                .spawn(move || {
                    together.wait();
                    Stateless::new(address).call("get_last_trade", serde_json::json!({"ticker": "AAPL"}))
                })
                .unwrap()
        })
        .collect();
    let answers: Vec<_> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
    assert_eq!(gateway.simulator().requests_to("/v2/last/trade"), 1);
    let trade = &answers[0]["structuredContent"]["results"];
    assert!(trade["p"].as_f64().is_some_and(|price| price > 0.0), "{}", answers[0]);
    assert!(answers.iter().all(|answer| answer["structuredContent"]["results"] == *trade));
}

#[test]
fn polling_stops_when_the_last_subscriber_has_left() {
    let gateway = TestGateway::with(&[("POLL_LINGER_SECS", "0"), ("SSE_KEEPALIVE_SECS", "1")]);
    let mut stream = get("/events?topics=prices:AAPL,news:TSLA").send(gateway.address);
    stream.data().unwrap();
    stream.cut();
    until("the place of the stream to be freed", || {
        get("/metrics").send(gateway.address).text().contains("tickgate_streams_open{kind=\"events\"} 0")
    });
    until("polling to stop", || get("/metrics").send(gateway.address).text().contains("tickgate_topics_watched 1"));
    let asked = gateway.simulator().requests_to("/v2");
    std::thread::park_timeout(Duration::from_secs(2));
    assert_eq!(gateway.simulator().requests_to("/v2"), asked);
}

#[test]
fn symbols_of_one_market_share_a_call() {
    let gateway = TestGateway::start();
    let mut stream = get("/events?topics=prices:AAPL,prices:MSFT,prices:TSLA,prices:NVDA&interval=1000").send(gateway.address);
    stream.data().unwrap();
    let before = gateway.simulator().requests_to("/v2/snapshot");
    std::thread::park_timeout(Duration::from_secs(3));
    let calls = gateway.simulator().requests_to("/v2/snapshot") - before;
    assert!((2..=4).contains(&calls), "{calls} calls in 3 s");
}

#[test]
fn a_small_budget_stretches_the_polls_and_is_announced() {
    let gateway = TestGateway::with(&[("UPSTREAM_RPM", "30")]);
    let mut client = crate::support::McpClient::connect(gateway.address);
    let result = client.call(
        "stream_stock_prices",
        serde_json::json!({"stream": true, "symbols": ["AAPL"], "interval": 1_000, "duration": 1_000}),
    );
    // 30 a minute, four fifths of it for polls and one of these for the status: 23 in the 61 s that a minute is counted as.
    assert_eq!(result["structuredContent"]["effective_interval_ms"], 2_653, "{result}");
}
