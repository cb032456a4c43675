//! What every streaming tool has in common (G1 to G8), whatever it streams.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Answer, McpClient, TestGateway, until};

type Happen = fn(&TestGateway);

/// Each tool with its arguments, and what has to happen for it to have something to say.
const TOOLS: &[(&str, &str, Happen)] = &[
    ("stream_stock_prices", r#"{"symbols": ["AAPL"], "interval": 250}"#, |gateway| gateway.simulator().set_price("AAPL", 321.5)),
    ("stream_crypto_prices", r#"{"symbols": ["X:BTCUSD"], "interval": 250}"#, |gateway| {
        gateway.simulator().set_price("X:BTCUSD", 321.5);
    }),
    ("stream_market_news", r#"{"symbol": "GM", "interval": 250}"#, |gateway| {
        gateway.simulator().publish_article(json!({"id": "321.5", "title": "321.5", "tickers": ["GM"]}));
    }),
    ("stream_price_alerts", "{}", |gateway| gateway.simulator().set_price("AAPL", 321.5)),
];

/// A gateway with an alert at 300 that is armed, and a client.
fn armed() -> (TestGateway, McpClient) {
    let gateway = TestGateway::with(&[("POLL_LINGER_SECS", "0")]);
    gateway.simulator().set_price("AAPL", 100.0);
    let mut client = McpClient::connect(gateway.address);
    let alert = client.call("set_price_alert", json!({"symbol": "AAPL", "condition": "above", "target_price": 300}));
    let alert = alert["structuredContent"]["alert"].clone();
    assert_eq!(alert["state"], "armed", "{alert}");
    (gateway, client)
}

fn call(client: &McpClient, tool: &str, arguments: &str, duration: u64) -> Answer {
    let mut arguments: Value = serde_json::from_str(arguments).unwrap();
    arguments["stream"] = json!(true);
    arguments["duration"] = json!(duration);
    let params = json!({"name": tool, "arguments": arguments, "_meta": {"progressToken": 3}});
    client.post(&json!({"jsonrpc": "2.0", "id": "mine", "method": "tools/call", "params": params}))
}

/// The next item; what else is told is passed over.
fn item(answer: &mut Answer) -> Value {
    loop {
        let message = answer.data().expect("the stream goes on").json();
        assert!(message["id"].is_null(), "the result came first: {message}");
        let item: Value = serde_json::from_str(message["params"]["message"].as_str().unwrap()).unwrap();
        if item["status"] == "connected" {
            continue;
        }
        return item;
    }
}

#[test]
fn each_item_comes_when_it_happens_and_the_result_with_the_requests_id_ends_the_stream() {
    for (tool, arguments, happen) in TOOLS {
        let (gateway, client) = armed();
        let begun = Instant::now();
        let mut answer = call(&client, tool, arguments, 5_000);
        assert_eq!(answer.header("content-type"), Some("text/event-stream"), "{tool}");
        assert_eq!(answer.header("x-accel-buffering"), Some("no"), "{tool}");
        let connected = loop {
            let message = answer.data().unwrap().json();
            if message["params"]["message"].as_str().is_some_and(|message| message.contains("connected")) {
                break begun.elapsed();
            }
        };
        assert!(connected < Duration::from_secs(2), "{tool}: {connected:?}");
        // An article of before the first look is old news.
        let is_news = *tool == "stream_market_news";
        until("the first look", || !is_news || gateway.metric("tickgate_polls_total{kind=\"news\",outcome=\"ok\"}") > 0);
        happen(&gateway);
        let mut told = item(&mut answer);
        while !told.to_string().contains("321.5") {
            told = item(&mut answer);
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{tool}: it came with the end");
        let result = loop {
            let message = answer.data().expect("a result").json();
            if message["id"] == "mine" {
                break message["result"].clone();
            }
        };
        assert!(answer.data().is_none() && answer.ended_cleanly(), "{tool}");
        let content = &result["structuredContent"];
        assert_eq!(result["isError"], false, "{tool}: {result}");
        assert!(content["events"].to_string().contains("321.5") && content["position"].is_string(), "{tool}: {content}");
        // Bounds and defaults are checked for all of them.
        for wrong in [json!({"duration": 999}), json!({"duration": 300_001}), json!({"limit": 0}), json!({"limit": 501})] {
            let mut all: Value = serde_json::from_str(arguments).unwrap();
            all.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
            let refused = McpClient::connect(gateway.address).call(tool, all);
            assert_eq!(refused["isError"], true, "{tool} {wrong}");
        }
    }
}

#[test]
fn without_stream_each_answers_at_once_with_what_is_known() {
    for (tool, arguments, happen) in TOOLS {
        let (gateway, mut client) = armed();
        happen(&gateway);
        let arguments: Value = serde_json::from_str(arguments).unwrap();
        let begun = Instant::now();
        until("what happened to be told", || {
            let result = client.call(tool, arguments.clone());
            assert_eq!(result["isError"], false, "{tool}: {result}");
            result["structuredContent"]["events"].to_string().contains("321.5")
        });
        assert!(begun.elapsed() < Duration::from_secs(10), "{tool}");
    }
}

#[test]
fn a_cancelled_stream_is_never_answered_and_leaves_no_call_and_no_topic_behind() {
    for (tool, arguments, _) in TOOLS {
        let (gateway, client) = armed();
        // The alert itself goes on watching its symbol.
        until("the alert's own interest", || gateway.metric("tickgate_topics_watched") >= 2);
        let before = gateway.metric("tickgate_topics_watched");
        let mut answer = call(&client, tool, arguments, 60_000);
        answer.data().unwrap();
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "mine"}});
        assert_eq!(client.post(&cancel).status, 202);
        while let Some(event) = answer.data() {
            assert_ne!(event.json()["id"], "mine", "{tool}");
        }
        let counted = format!("tickgate_tool_calls_total{{outcome=\"cancelled\",tool=\"{tool}\"}}");
        until("the call to be over", || gateway.metric(&counted) == 1);
        until("its topics to be given up", || gateway.metric("tickgate_topics_watched") <= before);
    }
}
