//! Readers of mixed topics, in every way there is of reading: the upstream is asked as often as for one of each.

use std::time::Duration;

use serde_json::json;

use crate::support::{McpClient, TestGateway, get};

const WATCHED: Duration = Duration::from_secs(5);

/// Requests by kind while so many readers of everything are there.
fn requests(readers: usize) -> [u64; 4] {
    let gateway = TestGateway::with(&[("MAX_STREAMS_PER_CALLER", "5000")]);
    let topics = "prices:AAPL,prices:X:BTCUSD,prices:C:EURUSD,bars:AAPL:5s,news:TSLA,news:*,status";
    let paths = [
        format!("/events?topics={topics}&interval=1000"),
        format!("/events?topics={topics}&interval=1000&mode=all&window=500"),
        "/api/mcp/stream-prices?symbols=AAPL,X:BTCUSD&interval=1000&duration=60000".to_owned(),
        "/api/mcp/stream-news?symbol=TSLA&interval=1000&duration=60000".to_owned(),
    ];
    let mut streams: Vec<_> = (0..readers).flat_map(|_| paths.iter().map(|path| get(path).send(gateway.address))).collect();
    for stream in &mut streams {
        stream.event().expect("every reader is let in");
    }
    let mut tools = McpClient::connect(gateway.address);
    let looks = readers.min(50);
    let count = || {
        let to = |path: &str| gateway.simulator().requests_to(path);
        [
            to("/v2/snapshot/locale/us/markets/stocks"),
            to("/v2/snapshot/locale/global/markets/crypto"),
            to("/v2/snapshot/locale/global/markets/forex"),
            to("/v2/reference/news"),
        ]
    };
    let before = count();
    // The time itself is what is measured: requests within it.
    let begun = std::time::Instant::now();
    for _ in 0..looks {
        tools.call("stream_stock_prices", json!({"symbols": ["AAPL", "X:BTCUSD", "C:EURUSD"], "interval": 1_000}));
        tools.call("read_tape", json!({"topics": topics}));
    }
    std::thread::park_timeout(WATCHED.saturating_sub(begun.elapsed()));
    let after = count();
    [0, 1, 2, 3].map(|kind| after[kind] - before[kind])
}

#[test]
fn two_hundred_readers_of_each_kind_cost_the_upstream_what_one_of_each_costs() {
    let (one, many) = (requests(1), requests(200));
    println!("stocks, crypto, forex, news in {WATCHED:?}: {one:?} for 1 of each kind, {many:?} for 200");
    for kind in 0..4 {
        assert!(one[kind] >= 3, "it is polled: {one:?}");
        // News has two topics; a poll at each edge of the time may fall inside or outside.
        assert!(many[kind] <= one[kind] + 2, "{one:?} for one, {many:?} for 200");
    }
}
