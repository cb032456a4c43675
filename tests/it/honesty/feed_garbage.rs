//! The upstream's WebSocket feed says what it likes, or nothing: prices go on and go forward, the gateway says how it gets them, and
//! the key stays where it belongs.

use std::io::Write as _;

use serde_json::Value;

use crate::support::raw_upstream::json_answer;
use crate::support::{Answer, RawUpstream, TestGateway, get, until};

const GARBAGE: &[&str] = &[
    "",
    "null",
    "7",
    "\"text\"",
    "{}",
    "[",
    "[1,2,\"a\",null,[]]",
    "[{\"ev\":\"T\"}]",
    "[{\"ev\":\"T\",\"sym\":7,\"p\":\"x\",\"t\":{}}]",
    "[{\"ev\":\"T\",\"sym\":\"AAPL\",\"p\":-1,\"s\":1,\"t\":1773167467294}]",
    "[{\"ev\":\"T\",\"sym\":\"AAPL\",\"p\":1e999,\"s\":1,\"t\":1773167467294}]",
    "[{\"ev\":\"T\",\"sym\":\"../../x\",\"p\":5,\"s\":1,\"t\":1773167467294}]",
    "[{\"ev\":\"Z\",\"sym\":\"AAPL\"},{\"ev\":[]}]",
    "[{\"ev\":\"status\",\"status\":7,\"message\":{}}]",
    "[{\"ev\":\"status\",\"status\":\"error\",\"message\":\"not authorized\"}]",
    "\u{feff}[]",
];

/// Prices by the feed, and polls beside it.
fn fed() -> (TestGateway, Answer) {
    let gateway = TestGateway::with(&[("MASSIVE_WS_URL", "simulated")]);
    let stream = get("/events?topics=prices:AAPL,status&mode=all&interval=250").send(gateway.address);
    until("the feed to be subscribed", || gateway.simulator().feed().subscribed().iter().any(|channel| channel == "T.AAPL"));
    (gateway, stream)
}

fn next_price(stream: &mut Answer) -> Value {
    loop {
        let event = stream.data().expect("the stream stays");
        if event.name.as_deref() == Some("price") {
            return event.json();
        }
    }
}

#[test]
fn garbage_fragments_and_large_frames_cost_neither_the_stream_nor_the_order_of_prices() {
    let (gateway, mut stream) = fed();
    let first = next_price(&mut stream);
    for text in GARBAGE {
        gateway.simulator().feed().send(text);
    }
    gateway.simulator().feed().send_in_parts(&["[{\"ev\":\"T\",\"sy", "m\":\"AAPL\",\"p\":", "\"no number\"}]"]);
    // More than one frame of most servers: an array of events of a kind that nobody knows.
    let large = format!("[{}]", vec!["{\"ev\":\"UNKNOWN\",\"sym\":\"AAPL\"}"; 4_000].join(","));
    assert!(large.len() > 64 * 1024);
    gateway.simulator().feed().send(&large);
    let mut last = first["as_of"].as_str().unwrap().to_owned();
    for _ in 0..5 {
        let price = next_price(&mut stream);
        let as_of = price["as_of"].as_str().unwrap().to_owned();
        assert!(as_of >= last, "{as_of} after {last}");
        assert!(price["price"].as_f64().is_some_and(|price| price > 1.0 && price < 1e6), "{price}");
        last = as_of;
    }
    let malformed = get("/metrics").send(gateway.address).text();
    let line = malformed.lines().find(|line| line.contains("tickgate_feed_events_total") && line.contains("malformed"));
    assert!(line.is_some_and(|line| !line.ends_with(" 0")), "{line:?}");
    assert_eq!(gateway.simulator().feed().opened(), 1, "the connection was kept");
    assert_eq!(get("/healthz").send(gateway.address).status, 200);
}

#[test]
fn a_feed_that_is_cut_refuses_keys_or_falls_silent_is_made_up_for_by_polls_and_told_in_the_status() {
    type Turn = fn(&TestGateway);
    let turns: [(&str, Turn); 2] = [
        ("refused keys", |gateway| {
            gateway.simulator().feed().set_refuses_keys(true);
            gateway.simulator().feed().cut();
        }),
        ("refused connections", |gateway| {
            gateway.simulator().feed().set_down(true);
            gateway.simulator().feed().cut();
        }),
    ];
    for (name, turn) in turns {
        let (gateway, mut stream) = fed();
        next_price(&mut stream);
        turn(&gateway);
        until("the feed to be away", || gateway.simulator().feed().connected() == 0);
        let polls = gateway.simulator().requests_to("/v2/snapshot");
        let first = next_price(&mut stream)["as_of"].clone();
        while next_price(&mut stream)["as_of"].as_str() <= first.as_str() {}
        assert!(gateway.simulator().requests_to("/v2/snapshot") > polls, "{name}: it is polled");
        let status = loop {
            let mut newcomer = get("/events?topics=status").send(gateway.address);
            let status = newcomer.data().expect("the latest status").json();
            if status["feeds"]["stocks"] != "live" {
                break status;
            }
        };
        // The price is there, only not by the feed: nothing is degraded.
        assert_eq!((&status["state"], status["feeds"]["stocks"].is_string()), (&Value::from("ok"), true), "{name}: {status}");
    }
}

#[test]
fn binary_frames_are_no_text_to_trip_over() {
    let (gateway, mut stream) = fed();
    next_price(&mut stream);
    for bytes in [&[0xff, 0xfe, 0x00, 0x80][..], b"", b"[{\"ev\":\"T\"", &vec![0; 200 * 1024]] {
        gateway.simulator().feed().send_binary(bytes);
    }
    for _ in 0..3 {
        next_price(&mut stream);
    }
    assert_eq!((gateway.simulator().feed().opened(), gateway.simulator().feed().connected()), (1, 1));
}

#[test]
fn a_feed_that_redirects_or_answers_nonsense_gets_no_key_and_neither_does_where_it_leads() {
    let elsewhere = RawUpstream::start(|_, _| Ok(()));
    let location = elsewhere.base();
    let feed = RawUpstream::start(move |_, socket| {
        let head = format!("HTTP/1.1 302 Found\r\nlocation: {location}/stocks\r\ncontent-length: 0\r\n\r\n");
        socket.write_all(head.as_bytes())
    });
    let rest = RawUpstream::of_data(|_, socket| socket.write_all(&json_answer(500, r#"{"status":"ERROR"}"#)));
    let url = feed.base().replacen("http", "ws", 1);
    let gateway = TestGateway::asking(&rest, "cAnaryKeyOfTheFeed", &[("MASSIVE_WS_URL", &url)]);
    let mut stream = get("/events?topics=prices:AAPL,status").send(gateway.address);
    until("the feed to be asked twice", || feed.asked().len() >= 2);
    assert!(elsewhere.asked().is_empty(), "the redirect was followed");
    assert!(feed.asked().iter().all(|asked| !asked.head.contains("cAnary")), "{:?}", feed.asked());
    assert!(stream.event().is_some(), "the stream stays");
}
