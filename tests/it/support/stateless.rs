//! An MCP client of the stateless era, as plain as the wire.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::http::{Answer, Request};
use super::mcp::message;

pub(crate) const MODERN: &str = "2026-07-28";

/// Sends requests that stand alone.
#[derive(Clone)]
pub(crate) struct Stateless {
    pub(crate) address: SocketAddr,
    capabilities: Value,
    key: Option<String>,
}

impl Stateless {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, capabilities: json!({}), key: None }
    }

    /// With these client capabilities.
    pub(crate) fn can(mut self, capabilities: Value) -> Self {
        self.capabilities = capabilities;
        self
    }

    pub(crate) fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// The request with its headers, for tests that spoil it.
    pub(crate) fn request(&self, id: Value, method: &str, mut params: Value) -> Request {
        let name = ["name", "uri", "taskId"].iter().find_map(|name| params.get(*name)?.as_str().map(ToOwned::to_owned));
        let meta = &mut params["_meta"];
        meta["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
        meta["io.modelcontextprotocol/clientCapabilities"] = self.capabilities.clone();
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let mut request = message(&body).header("MCP-Protocol-Version", MODERN).header("Mcp-Method", method);
        if let Some(name) = name.filter(|_| method != "completion/complete") {
            request = request.header("Mcp-Name", &name);
        }
        match &self.key {
            Some(key) => request.header("Authorization", &format!("Bearer {key}")),
            None => request,
        }
    }

    pub(crate) fn ask(&self, method: &str, params: Value) -> Answer {
        self.request(json!(1), method, params).send(self.address)
    }

    /// The message that answers, whether it came as JSON or at the end of a stream.
    pub(crate) fn answer(&self, method: &str, params: Value) -> Value {
        let mut answer = self.ask(method, params);
        if answer.header("content-type") != Some("text/event-stream") {
            return answer.json();
        }
        let mut last = Value::Null;
        while let Some(event) = answer.data() {
            assert_eq!(event.id, None, "streams of this era have no ids");
            last = event.json();
        }
        last
    }

    pub(crate) fn result(&self, method: &str, params: Value) -> Value {
        let answer = self.answer(method, params);
        assert!(answer["result"]["resultType"].is_string(), "{method}: {answer}");
        answer["result"].clone()
    }

    pub(crate) fn call(&self, tool: &str, arguments: Value) -> Value {
        self.result("tools/call", json!({"name": tool, "arguments": arguments}))
    }
}
