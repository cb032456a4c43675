//! HTTP+SSE of 2024-11-05: `/sse` and `/messages`.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{Wire, with_http_sse};
use crate::support::{Answer, McpClient, Request, TestGateway, get, post, until};

const KEYS: &str = "key-of-ada-0123456789:write:ada,key-of-bob-0123456789:read:bob";

/// A client: its stream, and where its messages go.
pub(super) struct SseClient {
    address: SocketAddr,
    stream: Answer,
    endpoint: String,
    key: Option<&'static str>,
}

fn keyed(request: Request, key: Option<&str>) -> Request {
    match key {
        Some(key) => request.header("X-API-Key", key),
        None => request,
    }
}

fn sse(key: Option<&str>) -> Request {
    keyed(get("/sse").header("Accept", "text/event-stream"), key)
}

impl SseClient {
    pub(super) fn open(address: SocketAddr) -> Self {
        Self::open_as(address, None)
    }

    fn open_as(address: SocketAddr, key: Option<&'static str>) -> Self {
        let mut stream = sse(key).send(address);
        assert_eq!(stream.status, 200);
        let first = stream.event().unwrap();
        assert_eq!((first.name.as_deref(), &first.id), (Some("endpoint"), &None));
        Self { address, stream, endpoint: first.data.unwrap(), key }
    }

    fn post(&self, text: &str) -> Answer {
        keyed(post(&self.endpoint, text).header("Content-Type", "application/json"), self.key).send(self.address)
    }
}

impl Wire for SseClient {
    fn say(&mut self, text: &str) {
        let answer = self.post(text);
        assert_eq!((answer.status, answer.text()), (202, String::new()), "{text}");
    }

    fn hear(&mut self) -> Value {
        let event = self.stream.data().expect("the stream goes on");
        assert_eq!((event.name.as_deref(), &event.id, &event.retry), (Some("message"), &None, &None));
        event.json()
    }
}

fn reason(answer: Answer) -> Value {
    answer.json()["error"]["data"]["reason"].clone()
}

#[test]
fn without_legacy_sse_its_paths_are_as_unknown_as_any_other() {
    let gateway = TestGateway::start();
    let problem = |path: &str, request: Request| {
        let answer = request.header("X-Request-Id", "same").send(gateway.address);
        (path.to_owned(), answer.status, answer.header("content-type").map(str::to_owned), answer.text())
    };
    for path in ["/sse", "/messages", "/messages?session_id=00000000000000000000000000000000"] {
        let unknown = problem(path, get("/no-such-route").header("Accept", "text/event-stream"));
        assert_eq!(unknown.1, 404);
        assert_eq!(problem(path, get(path).header("Accept", "text/event-stream")), unknown);
        assert_eq!(problem(path, post(path, "{}").header("Content-Type", "application/json")), unknown);
    }
}

#[test]
fn the_stream_begins_with_a_relative_endpoint_and_is_kept_alive() {
    let gateway = TestGateway::with(&[("LEGACY_SSE", "true"), ("SSE_KEEPALIVE_SECS", "1")]);
    let mut client = SseClient::open(gateway.address);
    let id = client.endpoint.strip_prefix("/messages?session_id=").expect("a relative address");
    assert!(id.len() == 32 && id.bytes().all(|c| c.is_ascii_hexdigit()));
    assert_eq!(client.stream.header("content-type"), Some("text/event-stream"));
    assert_eq!(client.stream.header("x-accel-buffering"), Some("no"));
    assert_eq!(client.stream.event().unwrap().comment.as_deref(), Some("ping"));
}

#[test]
fn progress_and_the_answer_of_a_call_ride_the_one_stream_and_a_cancelled_call_is_not_answered() {
    let gateway = with_http_sse();
    let mut client = SseClient::open(gateway.address);
    client.greet("2024-11-05");
    let call = |id: &str, duration: u64| {
        let arguments = json!({"stream": true, "symbols": ["AAPL"], "interval": 1000, "duration": duration});
        let params = json!({"name": "stream_stock_prices", "arguments": arguments, "_meta": {"progressToken": id}});
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string()
    };
    client.say(&call("cancelled", 60_000));
    assert_eq!(client.hear()["params"]["progressToken"], "cancelled");
    client.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"cancelled"}}"#);
    client.say(&call("whole", 1_500));
    let mut progress = 0;
    let answer = loop {
        let message = client.hear();
        match message["method"].as_str() {
            Some("notifications/progress") => progress += u64::from(message["params"]["progressToken"] == "whole"),
            _ => break message,
        }
    };
    assert_eq!(answer["id"], "whole");
    assert!(progress >= 2 && answer["result"]["structuredContent"]["count"].as_u64() >= Some(1), "{answer}");
}

#[test]
fn what_the_stream_cannot_say_is_refused_by_the_post() {
    let gateway = TestGateway::with(&[("LEGACY_SSE", "true"), ("MAX_BODY_BYTES", "2048")]);
    let client = SseClient::open(gateway.address);
    let to = |path: &str| post(path, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).header("Content-Type", "application/json");
    let unknown = format!("/messages?session_id={}", "0".repeat(32));
    let endpoint = client.endpoint.as_str();
    let long = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{}"}}}}"#, "x".repeat(2_048));
    for (what, request, status, code) in [
        ("no session", to("/messages"), 400, -32600),
        ("unknown session", to(&unknown), 404, -32600),
        ("malformed session", to("/messages?session_id=../x"), 404, -32600),
        ("wrong type", post(endpoint, "{}").header("Content-Type", "text/plain"), 415, -32600),
        ("no JSON", post(endpoint, "{").header("Content-Type", "application/json"), 400, -32700),
        ("too long", post(endpoint, long).header("Content-Type", "application/json"), 413, 413),
        (
            "a batch",
            post(endpoint, r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#).header("Content-Type", "application/json"),
            400,
            -32600,
        ),
        ("GET", get(endpoint), 405, -32600),
        ("no stream wanted", get("/sse").header("Accept", "application/json"), 406, -32600),
        ("POST to the stream", post("/sse", "{}"), 405, -32600),
    ] {
        let answer = request.send(gateway.address);
        assert_eq!((answer.status, answer.json()["error"]["code"].as_i64()), (status, Some(code)), "{what}");
    }
    assert_eq!(
        client.post(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).status,
        202,
        "nothing of this has disturbed the session"
    );
}

#[test]
fn a_second_initialize_is_the_sessions_error() {
    let gateway = with_http_sse();
    let mut client = SseClient::open(gateway.address);
    client.greet("2025-06-18");
    client.say(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05"}}"#);
    assert_eq!(client.hear()["error"]["code"], -32600);
    assert_eq!(client.ask(2, "ping", json!({})), json!({}));
}

#[test]
fn a_session_belongs_to_its_caller_and_ends_with_its_stream() {
    let gateway = TestGateway::with(&[("LEGACY_SSE", "true"), ("AUTH", "required"), ("MCP_API_KEYS", KEYS)]);
    assert_eq!(get("/sse").header("Accept", "text/event-stream").send(gateway.address).status, 401);
    let ada = SseClient::open_as(gateway.address, Some("key-of-ada-0123456789"));
    let foreign = SseClient { key: Some("key-of-bob-0123456789"), ..SseClient::open_as(gateway.address, ada.key) };
    let (theirs, unknown) = (foreign.post("{\"jsonrpc\":\"2.0\",\"method\":\"x\"}"), {
        let request = post(&format!("/messages?session_id={}", "0".repeat(32)), "{\"jsonrpc\":\"2.0\",\"method\":\"x\"}");
        keyed(request.header("Content-Type", "application/json"), foreign.key).send(gateway.address)
    });
    assert_eq!((theirs.status, theirs.text()), (unknown.status, unknown.text()));
    let endpoint = ada.endpoint.clone();
    ada.stream.cut();
    until("the session to end", || {
        let request = post(&endpoint, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        let answer =
            keyed(request.header("Content-Type", "application/json"), Some("key-of-ada-0123456789")).send(gateway.address);
        answer.status == 404
    });
}

#[test]
fn sessions_and_streams_are_bounded_as_everywhere_else() {
    let crowded = TestGateway::with(&[("LEGACY_SSE", "true"), ("MAX_SESSIONS", "2"), ("MAX_SESSIONS_PER_CALLER", "1")]);
    let held = SseClient::open(crowded.address);
    let refused = sse(None).send(crowded.address);
    assert_eq!((refused.status, reason(refused)), (429, json!("too_many_sessions")));
    drop(held);
    until("its place to be free", || sse(None).send(crowded.address).status == 200);

    let narrow = TestGateway::with(&[("LEGACY_SSE", "true"), ("MAX_STREAMS", "1")]);
    let held = SseClient::open(narrow.address);
    let refused = sse(None).send(narrow.address);
    assert_eq!((refused.status, reason(refused)), (503, json!("too_many_streams")));
    McpClient::connect(narrow.address);
    drop(held);
    until("its place to be free", || sse(None).send(narrow.address).status == 200);

    let limited = TestGateway::with(&[("LEGACY_SSE", "true"), ("RATE_LIMIT_STREAM", "1"), ("RATE_LIMIT_MCP", "2")]);
    let client = SseClient::open(limited.address);
    assert_eq!(sse(None).send(limited.address).status, 429);
    let statuses: Vec<u16> =
        (0..3).map(|_| client.post(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).status).collect();
    assert_eq!(statuses, [202, 202, 429]);
}

#[test]
fn at_shutdown_what_runs_is_answered_before_the_stream_ends() {
    let mut gateway = with_http_sse();
    let mut client = SseClient::open(gateway.address);
    client.greet("2024-11-05");
    let arguments = json!({"stream": true, "symbols": ["AAPL"], "interval": 1000, "duration": 60_000});
    let params = json!({"name": "stream_stock_prices", "arguments": arguments, "_meta": {"progressToken": 1}});
    client.say(&json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}).to_string());
    assert_eq!(client.hear()["method"], "notifications/progress");
    gateway.begin_to_stop();
    let mut last = Value::Null;
    while let Some(event) = client.stream.data() {
        last = event.json();
    }
    assert_eq!(last["id"], 7, "{last}");
    assert!(client.stream.ended_cleanly());
    gateway.wait_until_stopped();
}

#[test]
fn its_streams_and_messages_are_counted() {
    let gateway = with_http_sse();
    let mut client = SseClient::open(gateway.address);
    client.greet("2024-11-05");
    let metrics = get("/metrics").send(gateway.address).text();
    for line in [
        r#"tickgate_streams_open{kind="sse"} 1"#,
        r#"mcp_requests_total{method="initialize",status="ok"} 1"#,
        "endpoint=\"/messages\"",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}
