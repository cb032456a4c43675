//! An MCP client of the stateful era, as plain as the wire.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::http::{Answer, Request, get, post};

pub(crate) struct McpClient {
    pub(crate) address: SocketAddr,
    pub(crate) session: String,
    key: Option<String>,
    next_id: u64,
}

/// A POST to `/mcp` with what every client sends.
pub(crate) fn message(body: &Value) -> Request {
    post("/mcp", body.to_string())
        .header("Content-Type", "application/json")
        .header("Accept", "application/json, text/event-stream")
}

pub(crate) fn initialize(revision: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params":
        {"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}})
}

impl McpClient {
    /// Shakes hands.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::connect_as(address, "2025-11-25", None)
    }

    pub(crate) fn connect_as(address: SocketAddr, revision: &str, key: Option<&str>) -> Self {
        let mut request = message(&initialize(revision));
        if let Some(key) = key {
            request = request.header("Authorization", &format!("Bearer {key}"));
        }
        let answer = request.send(address);
        assert_eq!(answer.status, 200);
        let session = answer.header("mcp-session-id").expect("a session").to_owned();
        let client = Self { address, session, key: key.map(ToOwned::to_owned), next_id: 1 };
        assert_eq!(client.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).status, 202);
        client
    }

    fn with_session(&self, request: Request) -> Request {
        let request = request.header("Mcp-Session-Id", &self.session).header("MCP-Protocol-Version", "2025-11-25");
        match &self.key {
            Some(key) => request.header("Authorization", &format!("Bearer {key}")),
            None => request,
        }
    }

    pub(crate) fn post(&self, body: &Value) -> Answer {
        self.with_session(message(body)).send(self.address)
    }

    /// A request with a fresh id; its answer as it comes.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Answer {
        let id = self.next_id;
        self.next_id += 1;
        self.post(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
    }

    /// Calls a tool and gives its result.
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        assert_eq!(answer.status, 200);
        let message =
            if answer.header("content-type") == Some("text/event-stream") { last_message(answer) } else { answer.json() };
        message["result"].clone()
    }

    pub(crate) fn open_stream(&self, last_event_id: Option<&str>) -> Answer {
        let mut request = self.with_session(get("/mcp").header("Accept", "text/event-stream"));
        if let Some(id) = last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        request.send(self.address)
    }

    pub(crate) fn delete(&self) -> Answer {
        self.with_session(get("/mcp").method("DELETE")).send(self.address)
    }
}

fn last_message(mut answer: Answer) -> Value {
    let mut last = Value::Null;
    while let Some(event) = answer.data() {
        last = event.json();
    }
    last
}
