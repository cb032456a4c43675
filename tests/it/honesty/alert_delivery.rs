//! A price alert reaches its owner in each of the ways there are: by stream, by topic, as a changed resource in both eras, and as a task.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::{Answer, McpClient, Stateless, TestGateway, get, until};

fn set(client: &mut McpClient, condition: &str, target: f64) -> Value {
    let terms = json!({"symbol": "AAPL", "condition": condition, "target_price": target});
    client.call("set_price_alert", terms)["structuredContent"]["alert"].clone()
}

/// A gateway on which AAPL stands at 100 and the alerts have seen it.
fn at_100() -> (TestGateway, McpClient) {
    let gateway = TestGateway::start();
    gateway.simulator().set_price("AAPL", 100.0);
    let client = McpClient::connect(gateway.address);
    (gateway, client)
}

fn firing(stream: &mut Answer) -> Value {
    loop {
        let event = stream.data().expect("the stream stays");
        if event.name.as_deref() == Some("alert") {
            return event.json();
        }
    }
}

/// The alert's own look at the price is a poll away.
fn seen_at(gateway: &TestGateway, price: f64) {
    until("the price to be on the tape", || {
        get("/api/quotes/AAPL").send(gateway.address).json()["results"]["price"].as_f64() == Some(price)
    });
}

#[test]
fn a_firing_comes_on_the_alerts_topic_once_a_crossing_and_again_only_after_the_price_went_back() {
    let (gateway, mut client) = at_100();
    seen_at(&gateway, 100.0);
    let alert = set(&mut client, "above", 110.0);
    let mut stream = get(&format!("/events?topics={}", alert["topic"].as_str().unwrap())).send(gateway.address);
    stream.event().unwrap();
    let turn = |price: f64| {
        gateway.simulator().set_price("AAPL", price);
        seen_at(&gateway, price);
    };
    turn(111.0);
    let first = firing(&mut stream);
    assert_eq!((&first["alert_id"], &first["price"], &first["symbol"]), (&alert["alert_id"], &json!(111.0), &json!("AAPL")));
    // Higher still, a trembling below the target within the band, and up again: the same crossing.
    turn(115.0);
    turn(109.99);
    turn(111.5);
    // Well below, and up: a new one.
    turn(90.0);
    turn(112.0);
    let second = firing(&mut stream);
    assert_eq!(second["price"], 112.0, "{second}");
    assert_eq!(gateway.metric("tickgate_alerts_fired_total"), 2);
}

#[test]
fn a_firing_comes_by_the_streaming_tool_while_it_runs() {
    let (gateway, mut client) = at_100();
    seen_at(&gateway, 100.0);
    let alert = set(&mut client, "below", 90.0);
    let params = json!({"name": "stream_price_alerts", "arguments": {"stream": true, "duration": 8_000},
        "_meta": {"progressToken": "a"}});
    let mut answer = client.post(&json!({"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": params}));
    while !answer.data().unwrap().json()["params"]["message"].as_str().is_some_and(|message| message.contains("connected")) {}
    gateway.simulator().set_price("AAPL", 80.0);
    let item: Value = loop {
        let message = answer.data().expect("it is told before the end").json();
        assert!(message["id"].is_null(), "it came with the result alone: {message}");
        let item: Value = serde_json::from_str(message["params"]["message"].as_str().unwrap()).unwrap();
        if item.get("alert_id").is_some() {
            break item;
        }
    };
    assert_eq!((&item["alert_id"], &item["price"]), (&alert["alert_id"], &json!(80.0)));
    let before = client.call("stream_price_alerts", json!({}))["structuredContent"]["events"].clone();
    assert_eq!(before[0]["alert_id"], alert["alert_id"]);
}

#[test]
fn a_firing_comes_as_progress_on_the_older_form() {
    let (gateway, mut client) = at_100();
    seen_at(&gateway, 100.0);
    let alert = set(&mut client, "crosses", 105.0);
    let id = alert["alert_id"].as_str().unwrap();
    let mut stream = get(&format!("/api/mcp/stream-alerts?ids={id}&duration=8000")).send(gateway.address);
    stream.event().unwrap();
    gateway.simulator().set_price("AAPL", 106.0);
    let message = stream.data().unwrap().json();
    let item: Value = serde_json::from_str(message["params"]["message"].as_str().unwrap()).unwrap();
    assert_eq!((&item["alert_id"], &item["price"]), (&alert["alert_id"], &json!(106.0)));
}

#[test]
fn a_firing_is_a_change_of_the_alerts_resource_for_subscribers_of_a_session() {
    let (gateway, mut client) = at_100();
    seen_at(&gateway, 100.0);
    let alert = set(&mut client, "above", 110.0);
    let uri = format!("market://alerts/{}", alert["alert_id"].as_str().unwrap());
    let mut standalone = client.open_stream(None);
    standalone.event().unwrap();
    assert_eq!(client.ask("resources/subscribe", json!({ "uri": uri })).json()["result"], json!({}));
    gateway.simulator().set_price("AAPL", 111.0);
    let updated = standalone.data().unwrap().json();
    assert_eq!((&updated["method"], &updated["params"]["uri"]), (&json!("notifications/resources/updated"), &json!(uri)));
    let read = client.ask("resources/read", json!({ "uri": uri })).json();
    let text = read["result"]["contents"][0]["text"].as_str().unwrap();
    let shown: Value = serde_json::from_str(text).unwrap();
    assert_eq!(shown["results"]["alert_id"], alert["alert_id"], "{shown}");
    assert_eq!((&shown["results"]["state"], &shown["results"]["fired_count"]), (&json!("fired"), &json!(1)), "{shown}");
}

#[test]
fn a_price_that_is_waited_for_completes_its_task_when_it_comes() {
    let (gateway, _) = at_100();
    seen_at(&gateway, 100.0);
    let extension = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
    let modern = Stateless::new(gateway.address).can(extension);
    let wait = json!({"symbol": "AAPL", "condition": "above", "target_price": 110, "timeout": 60_000});
    let task = modern.call("watch_price", wait);
    assert_eq!(task["status"], "working", "{task}");
    let get_task = || modern.result("tasks/get", json!({"taskId": task["taskId"]}));
    until("the task to have seen the price", || {
        get_task()["statusMessage"].as_str().is_some_and(|message| message.contains("100"))
    });
    gateway.simulator().set_price("AAPL", 111.0);
    until("the task to be completed", || get_task()["status"] == "completed");
    let content = get_task()["result"]["structuredContent"].clone();
    assert_eq!(
        (&content["reached"], &content["price"], &content["already"]),
        (&json!(true), &json!(111.0), &json!(false)),
        "{content}"
    );
}

fn restarted(gateway: TestGateway, settings: &[(&str, &str)]) -> (TestGateway, SocketAddr) {
    let mut gateway = gateway;
    gateway.begin_to_stop();
    gateway.wait_until_stopped();
    drop(gateway);
    let gateway = TestGateway::with(settings);
    let address = gateway.address;
    (gateway, address)
}

#[test]
fn an_alert_outlives_a_restart_and_fires_for_what_came_after_it() {
    let data = tempfile::tempdir().unwrap();
    let settings = [("DATA_DIR", data.path().to_str().unwrap())];
    let gateway = TestGateway::with(&settings);
    gateway.simulator().set_price("AAPL", 100.0);
    seen_at(&gateway, 100.0);
    let alert = set(&mut McpClient::connect(gateway.address), "above", 1_000.0);
    let (gateway, address) = restarted(gateway, &settings);
    gateway.simulator().set_price("AAPL", 1_001.0);
    let modern = Stateless::new(address);
    let read = json!({"topics": [alert["topic"]], "wait_ms": 10_000});
    let mut fired = Value::Null;
    until("it to fire", || {
        fired = modern.call("read_tape", read.clone())["structuredContent"]["events"][0]["data"].clone();
        fired["alert_id"] == alert["alert_id"]
    });
    assert_eq!(fired["price"], 1_001.0, "{fired}");
}
