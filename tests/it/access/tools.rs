//! Every tool, prompt and resource, by every kind of caller, in both eras and over HTTP without MCP.

use serde_json::{Value, json};
use tickgate::registry::Registry;
use tickgate_core::access::Scope;

use super::{Verdict, Who, everybody, expected, gateway, verdict};
use crate::support::mcp::{initialize, message};
use crate::support::stateless::MODERN;
use crate::support::{Answer, Request, TestGateway, get, post, postgres};

/// No tool takes it: whoever is let in changes nothing.
const ARGUMENTS: &str = r#"{"no_such_argument":true}"#;

fn legacy(session: &str, method: &str, params: &Value) -> Request {
    message(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
        .header("Mcp-Session-Id", session)
        .header("MCP-Protocol-Version", "2025-11-25")
}

fn modern(method: &str, params: &Value) -> Request {
    let mut params = params.clone();
    let name = ["name", "uri"].iter().find_map(|name| params.get(*name)?.as_str().map(ToOwned::to_owned));
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let request = message(&body).header("MCP-Protocol-Version", MODERN).header("Mcp-Method", method);
    name.into_iter().fold(request, |request, name| request.header("Mcp-Name", &name))
}

/// A session of somebody; none for who is nobody.
fn session_of(gateway: &TestGateway, who: &Who) -> Option<String> {
    let answer = who.sends(message(&initialize("2025-11-25"))).send(gateway.address);
    let session = answer.header("mcp-session-id").map(ToOwned::to_owned);
    assert_eq!(session.is_some(), who.scope.is_some(), "{} opens a session", who.name);
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let session = session?;
    let message = message(&initialized).header("Mcp-Session-Id", &session).header("MCP-Protocol-Version", "2025-11-25");
    assert_eq!(who.sends(message).send(gateway.address).status, 202);
    Some(session)
}

/// What a call of a tool came to. An admin's tool is as unknown to others as one that does not exist.
fn of_tool(answer: Answer, needed: Scope) -> Verdict {
    let (seen, status) = (verdict(&answer), answer.status);
    if seen != Verdict::LetIn {
        return seen;
    }
    let told = answer.text();
    if told.contains("Unknown tool") || (status == 404 && told.contains("unknown-tool")) {
        assert_eq!(needed, Scope::Admin, "{told}");
        return Verdict::Needs(Scope::Admin);
    }
    assert!(told.contains("no_such_argument"), "{told}");
    Verdict::LetIn
}

fn call_everything(gateway: &TestGateway, everybody: &[Who]) {
    let registry = Registry::standard();
    for who in everybody {
        let session = session_of(gateway, who);
        for tool in registry.tools() {
            let wanted = expected(who, Some(tool.scope));
            let params = json!({"name": tool.name, "arguments": serde_json::from_str::<Value>(ARGUMENTS).unwrap()});
            let rest = post(&format!("/tools/{}", tool.name), ARGUMENTS).header("Content-Type", "application/json");
            let asked = [("over HTTP", rest), ("statelessly", modern("tools/call", &params))];
            let asked = asked.into_iter().chain(session.iter().map(|id| ("in a session", legacy(id, "tools/call", &params))));
            for (how, request) in asked {
                let seen = of_tool(who.sends(request).send(gateway.address), tool.scope);
                assert_eq!(seen, wanted, "{} calls {} {how}", who.name, tool.name);
            }
        }
        lists_and_reads(gateway, who, session.as_deref());
    }
}

/// Lists, prompts and resources need `read`; tools of admins are listed to admins alone.
fn lists_and_reads(gateway: &TestGateway, who: &Who, session: Option<&str>) {
    let asked = [
        ("prompts/list", json!({})),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({"uri": "market://status"})),
        ("prompts/get", json!({"name": "stock_brief", "arguments": {"symbol": "AAPL"}})),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/resource", "uri": "market://quote/{symbol}"}, "argument": {"name": "symbol", "value": "A"}}),
        ),
        ("tools/list", json!({})),
    ];
    for (method, params) in asked {
        let requests = [Some(modern(method, &params)), session.map(|session| legacy(session, method, &params))];
        for request in requests.into_iter().flatten() {
            let answer = who.sends(request).send(gateway.address);
            assert_eq!(verdict(&answer), expected(who, Some(Scope::Read)), "{} asks {method}", who.name);
            if who.scope.is_some() {
                let answer = answer.json();
                assert!(answer["result"].is_object(), "{} asks {method}: {answer}", who.name);
            }
        }
    }
    let names = listed(gateway, who);
    for tool in Registry::standard().tools() {
        let shown = who.scope.is_some_and(|scope| tool.scope < Scope::Admin || scope.allows(Scope::Admin));
        assert_eq!(names.iter().any(|name| name == tool.name), shown, "{} sees {}", who.name, tool.name);
    }
}

/// Every tool that is listed to somebody, page by page.
fn listed(gateway: &TestGateway, who: &Who) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let path = cursor.as_ref().map_or_else(|| "/tools/list".to_owned(), |cursor| format!("/tools/list?cursor={cursor}"));
        let answer = who.sends(get(&path)).send(gateway.address);
        if answer.status != 200 {
            return names;
        }
        let page = answer.json();
        names.extend(page["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return names,
        }
    }
}

#[test]
fn attack_29_every_tool_asks_every_caller_for_its_scope() {
    let gateway = gateway("", &[]);
    call_everything(&gateway, &everybody(&gateway, ""));
}

#[test]
fn attack_29_every_tool_asks_every_caller_for_its_scope_on_postgresql() {
    let url = postgres::Server::shared().database();
    let gateway = gateway(&url, &[]);
    call_everything(&gateway, &everybody(&gateway, &url));
}
