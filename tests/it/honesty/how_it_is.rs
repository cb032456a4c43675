//! How does the gateway say how it is? Health by its dependencies and their pace, answers that say how old they are, metrics of the
//! business.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::support::raw_upstream::json_answer;
use crate::support::{McpClient, RawUpstream, Stateless, TestGateway, get, until};

fn health(gateway: &TestGateway) -> serde_json::Value {
    get("/health").send(gateway.address).json()
}

#[test]
fn an_upstream_that_is_down_makes_the_gateway_degraded_and_never_unhealthy() {
    let gateway = TestGateway::start();
    assert_eq!(health(&gateway)["status"], "healthy");
    let _stream = get("/events?topics=prices:AAPL").send(gateway.address);
    gateway.simulator().set_down(true);
    until("health to say so", || health(&gateway)["status"] == "degraded");
    let answer = get("/health").send(gateway.address);
    assert_eq!(answer.status, 200, "it goes on serving what it has");
    assert_eq!(answer.json()["checks"]["upstream"]["reason"], "unavailable");
    assert_eq!(get("/readyz").send(gateway.address).status, 200);
}

#[test]
fn a_slow_upstream_makes_the_gateway_degraded_until_it_is_quick_again() {
    let gateway = TestGateway::start();
    let _stream = get("/events?topics=prices:AAPL,prices:X:BTCUSD,prices:C:EURUSD&interval=250").send(gateway.address);
    gateway.simulator().set_faults("slow:1".parse().unwrap());
    until("health to say that it is slow", || health(&gateway)["status"] == "degraded");
    let checks = health(&gateway)["checks"]["upstream"].clone();
    assert_eq!((&checks["status"], &checks["reason"]), (&json!("degraded"), &json!("slow")), "{checks}");
    assert!(checks["typical_ms"].as_u64() > Some(1_000), "{checks}");
    gateway.simulator().set_faults("".parse().unwrap());
    until("health to be good again", || health(&gateway)["status"] == "healthy");
}

#[test]
fn a_store_that_cannot_be_written_makes_the_gateway_unhealthy_and_its_return_healthy() {
    let gateway = TestGateway::start();
    let other = rusqlite::Connection::open(gateway.folder().join("tickgate.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    until("health to say that the store fails", || get("/health").send(gateway.address).status == 503);
    let told = health(&gateway);
    assert_eq!((&told["status"], &told["checks"]["store"]["status"]), (&json!("unhealthy"), &json!("failing")));
    assert_eq!(gateway.metric("tickgate_store_up"), 0);
    // What needs no store is served all the same.
    assert_eq!(get("/api/quotes/AAPL").send(gateway.address).status, 200);
    other.execute_batch("ROLLBACK").unwrap();
    until("health to be good again", || health(&gateway)["status"] == "healthy");
    assert_eq!(gateway.metric("tickgate_store_up"), 1);
}

#[test]
fn while_the_upstream_is_down_an_answer_that_was_kept_is_served_and_says_that_it_is_stale() {
    let gateway = TestGateway::start();
    let mut client = McpClient::connect(gateway.address);
    // Kept for a second or two, and good as a stand-in for longer.
    let call = json!({"market_type": "stocks", "ticker": "AAPL"});
    let good = client.call("get_snapshot_ticker", call.clone());
    assert!(good["structuredContent"]["_freshness"].get("stale").is_none_or(|stale| stale == false), "{good}");
    gateway.simulator().set_down(true);
    let mut stale = json!(null);
    until("the kept answer to be stale", || {
        stale = client.call("get_snapshot_ticker", call.clone());
        stale["structuredContent"]["_freshness"]["stale"] == true
    });
    assert_eq!(stale["isError"], false, "{stale}");
    let (was, is) = (&good["structuredContent"], &stale["structuredContent"]);
    assert_eq!((&is["results"], &is["_freshness"]["as_of"]), (&was["results"], &was["_freshness"]["as_of"]));
    assert!(is["_freshness"]["age_ms"].as_u64() > Some(0), "{stale}");
    let other = client.call("get_snapshot_ticker", json!({"market_type": "stocks", "ticker": "MSFT"}));
    assert_eq!(other["isError"], true, "what was never had is an error");
}

#[test]
fn tools_symbols_upstream_calls_cache_hits_and_the_budget_are_counted_by_name() {
    let gateway = TestGateway::start();
    let mut client = McpClient::connect(gateway.address);
    client.call("get_ticker_details", json!({"ticker": "AAPL"}));
    client.call("get_ticker_details", json!({"ticker": "AAPL"}));
    client.call("get_ticker_details", json!({"ticker": "no symbol"}));
    client.call("call_endpoint", json!({"name": "get_sma", "arguments": {"ticker": "AAPL"}}));
    client.call("stream_stock_prices", json!({"symbols": ["AAPL", "MSFT"]}));
    client.ask("tools/call", json!({"name": "no such tool", "arguments": {}}));
    let text = get("/metrics").send(gateway.address).text();
    let value = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} in\n{text}")).parse().unwrap()
    };
    assert_eq!(value("tickgate_tool_calls_total{outcome=\"ok\",tool=\"get_ticker_details\"}"), 2.0);
    assert_eq!(value("tickgate_tool_calls_total{outcome=\"invalid_argument\",tool=\"get_ticker_details\"}"), 1.0);
    assert_eq!(value("tickgate_tool_calls_total{outcome=\"ok\",tool=\"call_endpoint\"}"), 1.0);
    assert_eq!(value("tickgate_tool_call_duration_seconds_count{tool=\"get_ticker_details\"}"), 3.0);
    assert_eq!(value("tickgate_topics_by_kind{kind=\"prices\"}"), 2.0);
    assert!(value("tickgate_upstream_requests_total{outcome=\"ok\"}") >= 3.0);
    assert!(value("tickgate_upstream_budget_grants_total{payer=\"caller\"}") >= 2.0);
    assert!(value("tickgate_upstream_budget_grants_total{payer=\"polling\"}") >= 1.0);
    assert_eq!(value("tickgate_cache_lookups_total{outcome=\"fresh\"}"), 1.0);
    assert!(value("tickgate_upstream_budget_remaining") > 0.0);
    assert!(!text.contains("no such tool") && !text.contains("no symbol"), "labels are words of the code");
}

#[test]
fn ten_thousand_symbols_make_no_series() {
    let gateway = TestGateway::with(&[("SIM_SYMBOLS", "500")]);
    let mut client = McpClient::connect(gateway.address);
    let series = || -> std::collections::BTreeSet<String> {
        let text = get("/metrics").send(gateway.address).text();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect()
    };
    // A hundred at a time, all different; that they do not exist makes them no less of a name.
    let mut ask = |n: u64| {
        let symbols: Vec<String> = (0..100).map(|m| format!("Z{n}A{m}")).collect();
        let arguments = json!({"name": "get_snapshot_all", "arguments": {"market_type": "stocks", "tickers": symbols}});
        let result = client.call("call_endpoint", arguments);
        assert!(result["content"][0]["text"].is_string(), "{result}");
        let topics: Vec<String> = (0..10).map(|m| format!("prices:Z{n}B{m}")).collect();
        client.call("read_tape", json!({ "topics": topics }));
    };
    ask(0);
    // A scrape is counted itself, from the second on.
    series();
    let before = series();
    (1..100).for_each(ask);
    let more: Vec<String> = series().difference(&before).cloned().collect();
    assert!(more.is_empty(), "{more:?}");
}

#[test]
fn a_call_that_is_given_up_is_counted_as_cancelled() {
    let gateway = TestGateway::start();
    let modern = crate::support::Stateless::new(gateway.address);
    let arguments = json!({"stream": true, "symbols": ["AAPL"], "duration": 60_000});
    let mut answer = modern.ask("tools/call", json!({"name": "stream_stock_prices", "arguments": arguments}));
    answer.event();
    answer.cut();
    until("it to be counted", || {
        gateway.metric("tickgate_tool_calls_total{outcome=\"cancelled\",tool=\"stream_stock_prices\"}") == 1
    });
}

#[test]
fn a_quote_that_is_late_on_a_plan_in_real_time_is_said_to_be_late() {
    let upstream = RawUpstream::of_data(|target, socket| {
        let (status, body) = if target.contains("/prev") {
            (200, json!({"status": "OK", "results": [{"T": "AAPL", "c": 239.33, "v": 7, "t": 1_773_086_400_000_u64}]}))
        } else {
            (403, json!({"status": "NOT_AUTHORIZED", "message": "You are not entitled to this data."}))
        };
        socket.write_all(&json_answer(status, &body.to_string()))
    });
    let gateway = TestGateway::asking(&upstream, "key-without-snapshots", &[]);
    let quote = get("/api/quotes/AAPL").send(gateway.address).json();
    assert_eq!((&quote["results"]["delayed"], &quote["_freshness"]["delayed"]), (&json!(true), &json!(true)), "{quote}");
    let read = Stateless::new(gateway.address).result("resources/read", json!({"uri": "market://quote/AAPL"}));
    let text: Value = serde_json::from_str(read["contents"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text["_freshness"]["delayed"], true, "{text}");
}
