//! Conversations with MCP clients of the stateful era, as the wire shows them.

use serde_json::json;

use crate::support::mcp::{initialize, message};
use crate::support::{McpClient, TestGateway, get, post, until};

#[test]
fn every_revision_is_negotiated_and_an_unknown_or_stateless_one_becomes_our_newest() {
    let gateway = TestGateway::start();
    for (asked, given) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let answer = message(&initialize(asked)).send(gateway.address);
        assert_eq!(answer.status, 200);
        assert!(answer.header("mcp-session-id").unwrap().bytes().all(|c| c.is_ascii_graphic()));
        let result = answer.json()["result"].clone();
        assert_eq!(result["protocolVersion"], given);
        assert_eq!(result["serverInfo"]["name"], "tickgate");
        assert_eq!(result["capabilities"]["experimental"]["streaming"], json!({"enabled": true}));
    }
}

#[test]
fn attack_05_session_ids_are_random_and_long() {
    let gateway = TestGateway::start();
    let ids: std::collections::HashSet<String> = (0..50).map(|_| McpClient::connect(gateway.address).session).collect();
    assert_eq!(ids.len(), 50);
    assert!(ids.iter().all(|id| id.len() == 32));
}

#[test]
fn requests_that_break_the_transport_get_exactly_the_status_of_the_specification() {
    let gateway = TestGateway::start();
    let client = McpClient::connect(gateway.address);
    let ping = json!({"jsonrpc": "2.0", "id": 7, "method": "ping"});
    let json_type = ("Content-Type", "application/json");
    let accept = ("Accept", "application/json, text/event-stream");
    let cases: Vec<(&str, crate::support::Request, u16, i64)> = vec![
        ("no session", message(&ping), 400, -32600),
        ("unknown session", message(&ping).header("Mcp-Session-Id", &"0".repeat(32)), 404, -32600),
        ("malformed session", message(&ping).header("Mcp-Session-Id", "../../etc"), 404, -32600),
        (
            "wrong type",
            post("/mcp", ping.to_string()).header("Content-Type", "text/plain").header(accept.0, accept.1),
            415,
            -32600,
        ),
        ("no type", post("/mcp", ping.to_string()).header(accept.0, accept.1), 415, -32600),
        (
            "json only",
            post("/mcp", ping.to_string()).header(json_type.0, json_type.1).header("Accept", "application/json"),
            406,
            -32600,
        ),
        (
            "stream refused",
            post("/mcp", ping.to_string()).header(json_type.0, json_type.1).header("Accept", "*/*;q=0"),
            406,
            -32600,
        ),
        ("no accept", post("/mcp", ping.to_string()).header(json_type.0, json_type.1), 406, -32600),
        ("no json", message(&json!(null)).header("x", "y"), 400, -32600),
        ("unknown version", message(&ping).header("MCP-Protocol-Version", "1999-01-01"), 400, -32022),
        ("PUT", get("/mcp").method("PUT"), 405, -32600),
        ("GET without session", get("/mcp").header("Accept", "text/event-stream"), 400, -32600),
        ("GET without accept", get("/mcp").header("Mcp-Session-Id", &client.session), 406, -32600),
        ("GET of the stateless era", get("/mcp").header("MCP-Protocol-Version", "2026-07-28"), 405, -32600),
        ("DELETE without session", get("/mcp").method("DELETE"), 400, -32600),
        (
            "foreign event id",
            get("/mcp")
                .header("Accept", "text/event-stream")
                .header("Mcp-Session-Id", &client.session)
                .header("Last-Event-ID", &format!("{}.1", "a".repeat(32))),
            400,
            -32600,
        ),
        (
            "malformed event id",
            get("/mcp")
                .header("Accept", "text/event-stream")
                .header("Mcp-Session-Id", &client.session)
                .header("Last-Event-ID", "_GET_stream:1"),
            400,
            -32600,
        ),
    ];
    for (what, request, status, code) in cases {
        let answer = request.send(gateway.address);
        assert_eq!(answer.status, status, "{what}");
        if status == 405 {
            assert!(answer.header("allow").is_some(), "{what}");
        }
        assert_eq!(answer.json()["error"]["code"], code, "{what}");
    }
    let malformed =
        post("/mcp", "{\"jsonrpc\":").header(json_type.0, json_type.1).header(accept.0, accept.1).send(gateway.address);
    assert_eq!((malformed.status, malformed.json()["error"]["code"].as_i64()), (400, Some(-32700)));
    // Nothing of this has disturbed the session.
    assert_eq!(client.post(&ping).json()["result"], json!({}));
}

#[test]
fn charset_and_wildcards_are_understood() {
    let gateway = TestGateway::start();
    for accept in
        ["*/*", "application/*, text/*", "text/event-stream;q=0.5, application/json", "APPLICATION/JSON, Text/Event-Stream"]
    {
        let answer = post("/mcp", initialize("2025-06-18").to_string())
            .header("Content-Type", "application/json; charset=utf-8")
            .header("Accept", accept)
            .send(gateway.address);
        assert_eq!(answer.status, 200, "{accept}");
    }
}

#[test]
fn errors_inside_a_session_are_json_rpc_under_200_and_echo_the_id() {
    let gateway = TestGateway::start();
    let client = McpClient::connect(gateway.address);
    for (method, params, code) in [
        ("nosuch/method", json!({}), -32601),
        ("server/discover", json!({}), -32601),
        ("tools/call", json!({"name": "nosuch"}), -32602),
        ("tools/call", json!({}), -32602),
        ("tools/call", json!({"name": 7}), -32602),
        ("tools/list", json!({"cursor": "forged"}), -32602),
        ("tools/list", json!({"cursor": 7}), -32602),
        ("logging/setLevel", json!({"level": "loud"}), -32602),
    ] {
        for id in [json!(11), json!("eleven")] {
            let answer = client.post(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
            assert_eq!(answer.status, 200, "{method} {params}");
            let body = answer.json();
            assert_eq!((&body["id"], body["error"]["code"].as_i64()), (&id, Some(code)), "{method} {params}");
        }
    }
}

#[test]
fn attack_01_a_stolen_session_id_is_worth_nothing_to_another_caller() {
    let keys = "key-of-ada-0123456789:write:ada,key-of-eve-0123456789:write:eve";
    let gateway = TestGateway::with(&[("AUTH", "required"), ("MCP_API_KEYS", keys)]);
    let ada = McpClient::connect_as(gateway.address, "2025-11-25", Some("key-of-ada-0123456789"));
    let mut stream = ada.open_stream(None);
    let first = stream.event().unwrap().id.unwrap();
    let eve = |request: crate::support::Request| {
        request.header("Mcp-Session-Id", &ada.session).header("X-API-Key", "key-of-eve-0123456789").send(gateway.address)
    };
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let unknown = message(&ping)
        .header("Mcp-Session-Id", &"0".repeat(32))
        .header("X-API-Key", "key-of-eve-0123456789")
        .send(gateway.address);
    let unknown = (unknown.status, unknown.text());
    let post = eve(message(&ping));
    assert_eq!((post.status, post.text()), unknown);
    assert_eq!(eve(get("/mcp").header("Accept", "text/event-stream")).status, 404);
    assert_eq!(eve(get("/mcp").header("Accept", "text/event-stream").header("Last-Event-ID", &first)).status, 404);
    assert_eq!(eve(get("/mcp").method("DELETE")).status, 404);
    // Eve's own session cannot resume Ada's stream either.
    let eves = McpClient::connect_as(gateway.address, "2025-11-25", Some("key-of-eve-0123456789"));
    assert_eq!(eves.open_stream(Some(&first)).status, 400);
    assert_eq!(ada.post(&ping).status, 200);
}

#[test]
fn delete_ends_a_session_its_streams_and_its_calls() {
    let gateway = TestGateway::start();
    let client = McpClient::connect(gateway.address);
    let mut standalone = client.open_stream(None);
    standalone.event().unwrap();
    let arguments = json!({"stream": true, "symbols": ["AAPL"], "duration": 60_000});
    let mut call = client.post(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "stream_stock_prices", "arguments": arguments}}));
    call.event().unwrap();
    assert_eq!(client.delete().status, 204);
    while call.event().is_some() {}
    while standalone.event().is_some() {}
    for answer in [client.delete(), client.open_stream(None), client.post(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}))]
    {
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json()["error"]["message"], "Session not found or expired");
    }
}

#[test]
fn a_cancelled_call_stops_and_is_never_answered() {
    let gateway = TestGateway::start();
    let client = McpClient::connect(gateway.address);
    let arguments = json!({"stream": true, "symbols": ["MSFT"], "interval": 1_000, "duration": 60_000});
    let params = json!({"name": "stream_stock_prices", "arguments": arguments, "_meta": {"progressToken": "t"}});
    let mut call = client.post(&json!({"jsonrpc": "2.0", "id": "c", "method": "tools/call", "params": params}));
    call.data().unwrap();
    let cancelled = client
        .post(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "c", "reason": "enough"}}));
    assert_eq!(cancelled.status, 202);
    while let Some(event) = call.data() {
        assert_ne!(event.json()["id"], "c", "a cancelled call must not be answered");
    }
    // Cancelling something unknown or done is ignored.
    for id in [json!("c"), json!(99)] {
        assert_eq!(
            client.post(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})).status,
            202
        );
    }
    assert_eq!(client.post(&json!({"jsonrpc": "2.0", "id": 2, "method": "ping"})).json()["result"], json!({}));
}

#[test]
fn a_call_that_a_shutdown_cuts_off_is_told_to_try_again_and_not_that_its_session_is_gone() {
    let gateway = TestGateway::with(&[("SIM_LATENCY_MS", "9000")]);
    let client = McpClient::connect(gateway.address);
    let params = json!({"name": "get_last_trade", "arguments": {"ticker": "AAPL"}});
    let call = json!({"jsonrpc": "2.0", "id": "cut", "method": "tools/call", "params": params});
    let call = std::thread::spawn(move || client.post(&call));
    until("the call to be under way", || gateway.simulator().requests_to("/v2/last/trade") == 1);
    gateway.begin_to_stop();
    let answer = call.join().unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")));
    let error = answer.json();
    assert_eq!((&error["id"], &error["error"]["data"]["reason"]), (&json!("cut"), &json!("draining")));
}

#[test]
fn an_idle_session_ends_and_its_place_is_freed() {
    let gateway = TestGateway::with(&[("SESSION_IDLE_SECS", "1"), ("MAX_SESSIONS", "1")]);
    let client = McpClient::connect(gateway.address);
    let full = message(&initialize("2025-11-25")).send(gateway.address);
    assert_eq!(
        (full.status, full.json()["error"]["data"]["reason"].as_str().map(str::to_owned)),
        (503, Some("too_many_sessions".to_owned()))
    );
    until("the idle session to end", || get("/health").send(gateway.address).json()["checks"]["sessions"]["open"] == 0);
    assert_eq!(client.post(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})).status, 404);
    McpClient::connect(gateway.address);
}

#[test]
fn attack_04_a_thousand_sessions_with_equal_request_ids_get_their_own_answers() {
    let gateway = TestGateway::start();
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let address = gateway.address;
            std::thread::spawn(move || {
                for n in 0..125 {
                    let client = McpClient::connect(address);
                    let symbol = ["AAPL", "MSFT", "TSLA", "NVDA"][(thread + n) % 4];
                    let params = json!({"name": "get_last_trade", "arguments": {"ticker": symbol}});
                    let answer =
                        client.post(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})).json();
                    assert_eq!(answer["id"], 1);
                    assert_eq!(answer["result"]["structuredContent"]["results"]["T"], symbol, "{answer}");
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_batch_is_answered_by_one_array_where_2025_03_26_was_negotiated_and_refused_elsewhere() {
    let gateway = TestGateway::start();
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": "two", "method": "tools/call", "params": {"name": "get_market_status"}},
    ]);
    let newer = McpClient::connect(gateway.address).post(&batch);
    assert_eq!((newer.status, newer.json()["error"]["code"].as_i64()), (400, Some(-32600)));
    let answers = McpClient::connect_as(gateway.address, "2025-03-26", None).post(&batch).json();
    let mut ids: Vec<String> = answers.as_array().unwrap().iter().map(|answer| answer["id"].to_string()).collect();
    ids.sort();
    assert_eq!(ids, ["\"two\"", "1"]);
}

#[test]
fn a_version_header_sent_twice_must_say_the_same_twice() {
    let gateway = TestGateway::start();
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let client = McpClient::connect(gateway.address);
    let twice = |second: &str| {
        message(&ping)
            .header("Mcp-Session-Id", &client.session)
            .header("MCP-Protocol-Version", "2025-11-25")
            .header("MCP-Protocol-Version", second)
            .send(gateway.address)
    };
    assert_eq!(twice("2025-11-25").status, 200);
    let refused = twice("2026-07-28");
    assert_eq!((refused.status, refused.json()["error"]["code"].as_i64()), (400, Some(-32020)));
}
