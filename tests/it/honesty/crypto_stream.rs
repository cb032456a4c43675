//! `stream_crypto_prices`: crypto pairs at any hour, as every other streaming tool streams (G1 to G8).

use serde_json::{Value, json};

use crate::support::{McpClient, TestGateway, until};

fn call(client: &McpClient, arguments: &Value, token: &Value) -> crate::support::Answer {
    let params = json!({"name": "stream_crypto_prices", "arguments": arguments, "_meta": {"progressToken": token}});
    client.post(&json!({"jsonrpc": "2.0", "id": 77, "method": "tools/call", "params": params}))
}

#[test]
fn each_change_of_a_pair_comes_as_it_happens_and_the_result_of_the_request_ends_the_stream() {
    let gateway = TestGateway::start();
    let client = McpClient::connect(gateway.address);
    let arguments = json!({"stream": true, "symbols": "X:BTCUSD, X:ETHUSD", "interval": 250, "duration": 3_000});
    let begun = std::time::Instant::now();
    let mut answer = call(&client, &arguments, &json!("t"));
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let (mut progress, mut items, mut first) = (-1.0, Vec::new(), None);
    let result = loop {
        let event = answer.data().expect("the result ends the stream");
        let message = event.json();
        if message["id"] == 77 {
            break message["result"].clone();
        }
        assert_eq!((&message["method"], &message["params"]["progressToken"]), (&json!("notifications/progress"), &json!("t")));
        let now = message["params"]["progress"].as_f64().unwrap();
        assert!(now > progress, "{now} after {progress}");
        progress = now;
        assert_eq!(message["params"]["total"], 3_000.0);
        let item: Value = serde_json::from_str(message["params"]["message"].as_str().unwrap()).unwrap();
        if item.get("price").is_some() {
            assert_eq!(item, message["params"]["_meta"]["tickgate/event"]);
            first = first.or(Some(begun.elapsed()));
            items.push(item);
        }
    };
    assert!(first.is_some_and(|first| first.as_millis() < 2_500), "it came while the stream lasted: {first:?}");
    assert!(items.len() >= 2 && items.iter().all(|item| item["symbol"].as_str().unwrap().starts_with("X:")), "{items:?}");
    let content = &result["structuredContent"];
    assert_eq!((&result["isError"], content["count"].as_u64()), (&json!(false), Some(items.len() as u64)));
    assert!(content["position"].is_string() && content["effective_interval_ms"] == 250, "{content}");
}

#[test]
fn without_stream_it_answers_at_once_and_another_market_is_refused_by_name() {
    let gateway = TestGateway::start();
    let mut client = McpClient::connect(gateway.address);
    let now = client.call("stream_crypto_prices", json!({"symbols": ["X:BTCUSD"]}));
    assert_eq!((&now["isError"], &now["structuredContent"]["count"]), (&json!(false), &json!(1)), "{now}");
    for symbol in ["AAPL", "C:EURUSD", "I:SPX", "BTC-USD", "X:btcusd"] {
        let refused = client.call("stream_crypto_prices", json!({"symbols": [symbol]}));
        let told = refused["content"][0]["text"].as_str().unwrap();
        assert!(refused["isError"] == true && told.starts_with("invalid_argument: `symbols`"), "{symbol}: {told}");
    }
}

#[test]
fn a_cancelled_call_is_never_answered_and_its_interest_is_given_up() {
    let gateway = TestGateway::with(&[("POLL_LINGER_SECS", "0")]);
    let client = McpClient::connect(gateway.address);
    let mut answer = call(&client, &json!({"stream": true, "symbols": ["X:BTCUSD"], "duration": 60_000}), &json!(1));
    answer.data().unwrap();
    until("the topic to be watched", || gateway.metric("tickgate_topics_watched") >= 2);
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 77}});
    assert_eq!(client.post(&cancel).status, 202);
    until("the topic to be given up", || gateway.metric("tickgate_topics_watched") == 1);
    while let Some(event) = answer.data() {
        assert_ne!(event.json()["id"], 77, "a cancelled call is not answered");
    }
}

#[test]
fn an_upstream_that_gives_nothing_makes_the_result_an_error() {
    let gateway = TestGateway::start();
    gateway.simulator().set_down(true);
    let client = McpClient::connect(gateway.address);
    let mut answer =
        call(&client, &json!({"stream": true, "symbols": ["X:BTCUSD"], "interval": 250, "duration": 4_000}), &json!(1));
    let (mut degraded, mut result) = (false, Value::Null);
    while let Some(event) = answer.data() {
        let message = event.json();
        degraded |= message.to_string().contains("degraded") && message["id"].is_null();
        if message["id"] == 77 {
            result = message["result"].clone();
        }
    }
    assert!(degraded, "the stream says how the upstream does");
    let told = result["content"][0]["text"].as_str().unwrap();
    assert!(result["isError"] == true && told.starts_with("unavailable: "), "{result}");
}
