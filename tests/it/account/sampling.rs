//! Each question to a client's model is a row of the audit log (requirement Y10): who, which tool, what came of it, not a word of it.

use serde_json::json;

use super::*;
use crate::api_keys::{ADMIN, audit_with};
use crate::support::Answer;
use crate::support::mcp::{initialize, message};

/// The outcomes of the rows, once there are so many.
fn rows(gateway: &TestGateway, count: usize) -> Vec<Value> {
    let mut rows = Vec::new();
    crate::support::until_within("the rows of the audit log", 15, || {
        rows = audit_with(gateway.folder(), "", &["sampling.request"]);
        rows.retain(|row| row["entry"]["action"] == "sampling.request");
        rows.len() >= count
    });
    rows
}

fn outcomes(rows: &[Value]) -> Vec<(&str, &str)> {
    rows.iter().map(|row| (row["entry"]["outcome"].as_str().unwrap(), row["entry"]["details"][0][1].as_str().unwrap())).collect()
}

fn sampled(text: &str) -> Value {
    json!({"role": "assistant", "model": "test-model", "content": {"type": "text", "text": text}})
}

const GOOD: &str = r#"{"summary":"canary-summary","sentiment":"positive","key_points":[]}"#;

#[test]
fn y10_stateless_clients_are_in_the_audit_log_with_each_answer() {
    let gateway = accounts("", &[]);
    let alone = Stateless::new(gateway.address).with_key(ADMIN);
    assert_eq!(alone.call("summarize_news", json!({"symbol": "TSLA"}))["isError"], false);
    let client = alone.can(json!({"sampling": {}}));
    for answer in [sampled(GOOD), sampled("no")] {
        let asked = client.call("summarize_news", json!({"symbol": "TSLA"}));
        let params = json!({
            "name": "summarize_news", "arguments": {"symbol": "TSLA"},
            "requestState": asked["requestState"], "inputResponses": {"summary": answer},
        });
        assert_eq!(client.result("tools/call", params)["isError"], false);
    }
    let rows = rows(&gateway, 2);
    assert_eq!(outcomes(&rows), [("done", "test-model"), ("failed", "malformed")], "who cannot be asked has no row");
    for row in &rows {
        assert_eq!(row["entry"]["target"], "tool:summarize_news");
        assert!(row["entry"]["actor"]["someone"].is_string(), "{row}");
        assert!(row["entry"]["request_id"].as_str().unwrap().len() >= 16);
    }
    let text = json!(rows).to_string();
    assert!(!text.contains("canary") && !text.contains("TSLA"), "{text}");
}

/// A session whose client has a model.
struct WithModel<'a> {
    gateway: &'a TestGateway,
    session: String,
}

impl<'a> WithModel<'a> {
    fn connect(gateway: &'a TestGateway) -> Self {
        let mut hello = initialize("2025-11-25");
        hello["params"]["capabilities"] = json!({"sampling": {}});
        let answer = bearer(message(&hello), ADMIN).send(gateway.address);
        let session = answer.header("mcp-session-id").unwrap().to_owned();
        let client = Self { gateway, session };
        assert_eq!(client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).status, 202);
        client
    }

    fn send(&self, body: &Value) -> Answer {
        let request = message(body).header("Mcp-Session-Id", &self.session).header("MCP-Protocol-Version", "2025-11-25");
        bearer(request, ADMIN).send(self.gateway.address)
    }

    /// Calls the tool and gives the open stream and the id of the question on it.
    fn ask(&self, id: u64) -> (Answer, Value) {
        let params = json!({"name": "summarize_news", "arguments": {"symbol": "TSLA"}});
        let mut stream = self.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}));
        let question = stream.data().unwrap().json();
        assert_eq!(question["method"], "sampling/createMessage");
        (stream, question["id"].clone())
    }

    fn answer(&self, id: u64, reply: Value) -> Value {
        let (mut stream, question) = self.ask(id);
        let mut message = json!({"jsonrpc": "2.0", "id": question});
        message.as_object_mut().unwrap().extend(reply.as_object().unwrap().clone());
        assert_eq!(self.send(&message).status, 202);
        stream.data().unwrap().json()["result"].clone()
    }
}

#[test]
fn y10_sessions_are_in_the_audit_log_also_when_the_user_refuses_or_the_call_is_cancelled() {
    let gateway = accounts("", &[]);
    let client = WithModel::connect(&gateway);
    let good = client.answer(1, json!({"result": sampled(GOOD)}));
    assert_eq!(good["structuredContent"]["summary"]["summary"], "canary-summary");
    let refused = client.answer(2, json!({"error": {"code": -1, "message": "canary-refusal"}}));
    assert!(refused["structuredContent"]["notice"].as_str().unwrap().contains("refused"));
    let (_stream, _) = client.ask(3);
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 3}});
    assert_eq!(client.send(&cancel).status, 202);
    let rows = rows(&gateway, 3);
    assert_eq!(outcomes(&rows), [("done", "test-model"), ("refused", "refused"), ("failed", "cancelled")]);
    assert!(!json!(rows).to_string().contains("canary"));
}
