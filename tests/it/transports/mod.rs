//! One session machine, three ways to it: Streamable HTTP, HTTP+SSE of 2024-11-05, stdio. What a client sees is the same on each.

mod http_sse;
mod official_clients;
mod stdio;

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::support::mcp::message;
use crate::support::{TestGateway, get};

use http_sse::SseClient;
use stdio::Program;

const OLD_CLIENT: &str = include_str!("golden/2024-11-05.jsonl");
const NEW_CLIENT: &str = include_str!("golden/2026-07-28.jsonl");

/// A way to speak with a gateway.
trait Wire {
    fn say(&mut self, text: &str);

    /// The next message from the gateway.
    fn hear(&mut self) -> Value;

    /// The result of a request.
    fn ask(&mut self, id: u64, method: &str, params: Value) -> Value {
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string());
        let answer = self.hear();
        assert_eq!(answer["id"], id, "{answer}");
        answer["result"].clone()
    }

    fn greet(&mut self, revision: &str) {
        let client = json!({"name": "test", "version": "1"});
        let params = json!({"protocolVersion": revision, "capabilities": {}, "clientInfo": client});
        assert_eq!(self.ask(0, "initialize", params)["protocolVersion"], revision);
        self.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    }
}

/// Streamable HTTP, for what is answered as one JSON message.
struct Posts<'a> {
    gateway: &'a TestGateway,
    session: Option<String>,
    heard: VecDeque<Value>,
}

impl<'a> Posts<'a> {
    fn to(gateway: &'a TestGateway) -> Self {
        Self { gateway, session: None, heard: VecDeque::new() }
    }
}

impl Wire for Posts<'_> {
    fn say(&mut self, text: &str) {
        let mut request = message(&serde_json::from_str(text).unwrap());
        if let Some(session) = &self.session {
            request = request.header("Mcp-Session-Id", session);
        }
        let answer = request.send(self.gateway.address);
        if let Some(session) = answer.header("mcp-session-id") {
            self.session = Some(session.to_owned());
        }
        if answer.status == 200 {
            self.heard.push_back(answer.json());
        }
    }

    fn hear(&mut self) -> Value {
        self.heard.pop_front().expect("an answer to the POST")
    }
}

/// Whether a value is as expected, where `"<any>"` stands for any value.
fn is_as_expected(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::String(any), _) if any == "<any>" => true,
        (Value::Object(expected), Value::Object(found)) => {
            expected.len() == found.len()
                && expected.iter().all(|(key, expected)| found.get(key).is_some_and(|found| is_as_expected(expected, found)))
        }
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len() && expected.iter().zip(found).all(|(expected, found)| is_as_expected(expected, found))
        }
        (expected, found) => expected == found,
    }
}

/// Plays a client's part and compares what the gateway says, message by message.
fn replay(transcript: &str, wire: &mut impl Wire) {
    for line in transcript.lines() {
        match line.split_at_checked(2) {
            Some(("> ", sent)) => wire.say(sent),
            Some(("< ", expected)) => {
                let (expected, found) = (serde_json::from_str(expected).unwrap(), wire.hear());
                assert!(is_as_expected(&expected, &found), "expected: {expected}\nfound:    {found}");
            }
            Some(("# ", _)) => {}
            _ => panic!("no line of a transcript: {line}"),
        }
    }
}

fn with_http_sse() -> TestGateway {
    TestGateway::with(&[("LEGACY_SSE", "true")])
}

#[test]
fn a_golden_client_of_2024_11_05_needs_no_change_on_any_transport() {
    let gateway = with_http_sse();
    replay(OLD_CLIENT, &mut Posts::to(&gateway));
    replay(OLD_CLIENT, &mut SseClient::open(gateway.address));
    replay(OLD_CLIENT, &mut Program::start(&[]));
}

#[test]
fn a_golden_client_of_2026_07_28_is_served_over_stdio() {
    replay(NEW_CLIENT, &mut Program::start(&[]));
}

#[test]
fn every_transport_offers_the_same() {
    let gateway = with_http_sse();
    let (mut posts, mut sse, mut stdio) = (Posts::to(&gateway), SseClient::open(gateway.address), Program::start(&[]));
    let wires: [&mut dyn Wire; 3] = [&mut posts, &mut sse, &mut stdio];
    let offers = wires.map(|wire| {
        wire.greet("2024-11-05");
        let lists = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"];
        (1..).zip(lists).map(|(id, method)| wire.ask(id, method, json!({}))).collect::<Vec<_>>()
    });
    assert!(offers[0][0]["tools"].as_array().unwrap().len() >= 12);
    assert_eq!(offers[0], offers[1]);
    assert_eq!(offers[0], offers[2]);
}

/// Each call tells of each symbol at once, before any reader gets a turn.
#[test]
fn many_calls_that_speak_in_one_go_do_not_end_a_pipe() {
    const CALLS: usize = 20;
    let gateway = with_http_sse();
    let wires: [&mut dyn Wire; 2] = [&mut SseClient::open(gateway.address), &mut Program::start(&[])];
    for wire in wires {
        wire.greet("2025-11-25");
        let tickers = wire.ask(1, "tools/call", json!({"name": "list_tickers", "arguments": {"market": "stocks", "limit": 100}}));
        let tickers: Vec<&Value> =
            tickers["structuredContent"]["results"].as_array().unwrap().iter().map(|ticker| &ticker["ticker"]).collect();
        let arguments = json!({"stream": true, "symbols": tickers, "interval": 1000, "duration": 2_000});
        for id in 0..CALLS {
            let params = json!({"name": "stream_stock_prices", "arguments": arguments, "_meta": {"progressToken": id}});
            wire.say(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string());
        }
        let mut spoken = 0;
        for _ in 0..CALLS {
            while wire.hear()["method"] == "notifications/progress" {
                spoken += 1;
            }
        }
        assert!(spoken >= CALLS * tickers.len(), "{spoken}");
    }
}

#[test]
fn the_documented_configurations_are_json_and_the_program_takes_their_arguments() {
    let document = include_str!("../../../docs/CLIENTS.md");
    let blocks: Vec<Value> = document
        .split("```json\n")
        .skip(1)
        .map(|rest| serde_json::from_str(rest.split("```").next().unwrap()).unwrap_or_else(|error| panic!("{error}: {rest}")))
        .collect();
    assert!(blocks.len() >= 5);
    let servers =
        blocks.iter().flat_map(|block| block["mcpServers"].as_object().or(block["servers"].as_object()).unwrap().values());
    for server in servers.filter(|server| server["command"].as_str().is_some_and(|command| command.ends_with("/tickgate"))) {
        let arguments: Vec<&str> = server["args"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap()).collect();
        assert_eq!(arguments[0], "serve");
        let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_tickgate"));
        let checked = check.arg("check").args(&arguments[1..]).env_clear().output().unwrap();
        assert!(checked.status.success() && String::from_utf8_lossy(&checked.stdout).contains("transport: Stdio"));
    }
}

#[test]
fn a_stream_is_never_opened_on_mcp_without_a_session() {
    for gateway in [TestGateway::start(), with_http_sse()] {
        // A client that falls back to the older transport asks the same address and must see that it is not there.
        assert_eq!(get("/mcp").header("Accept", "text/event-stream").send(gateway.address).status, 400);
    }
}
