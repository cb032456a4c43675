//! The tools for programs that speak no MCP: `GET /tools/list`, `POST /tools/<name>`.

use serde_json::{Value, json};

use crate::support::{Answer, Stateless, TestGateway, get, post};

fn call(gateway: &TestGateway, tool: &str, arguments: &Value) -> Answer {
    let body = arguments.to_string();
    post(&format!("/tools/{tool}"), body).header("Content-Type", "application/json").send(gateway.address)
}

#[test]
fn the_list_is_that_of_mcp_page_by_page() {
    let gateway = TestGateway::with(&[("TOOLSETS", "all")]);
    let (mut ours, mut theirs, mut cursor) = (Vec::new(), Vec::new(), None::<String>);
    loop {
        let path = cursor.as_ref().map_or_else(|| "/tools/list".to_owned(), |cursor| format!("/tools/list?cursor={cursor}"));
        let answer = get(&path).send(gateway.address);
        assert_eq!(answer.status, 200);
        let page = answer.json();
        ours.extend(page["tools"].as_array().unwrap().clone());
        cursor = page["nextCursor"].as_str().map(ToOwned::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    let mut params = json!({});
    loop {
        let page = Stateless::new(gateway.address).result("tools/list", params);
        theirs.extend(page["tools"].as_array().unwrap().clone());
        let Some(next) = page["nextCursor"].as_str() else { break };
        params = json!({ "cursor": next });
    }
    assert_eq!(ours, theirs);
    assert_eq!(get("/tools/list?cursor=made-up").send(gateway.address).status, 400);
    assert_eq!(get("/tools/list?page=2").send(gateway.address).status, 400);
}

#[test]
fn a_call_answers_what_the_same_call_over_mcp_answers() {
    let gateway = TestGateway::start();
    let arguments = json!({"ticker": "AAPL", "multiplier": 1, "timespan": "day", "from_": "2026-01-05", "to": "2026-01-30"});
    let answer = call(&gateway, "get_aggs", &arguments);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let ours = answer.json();
    let theirs = Stateless::new(gateway.address).call("get_aggs", arguments.clone())["structuredContent"].clone();
    assert_eq!((&ours["results"], &ours["count"]), (&theirs["results"], &theirs["count"]));
    assert!(ours["_freshness"]["as_of"].is_string(), "{ours}");
    let mut csv = arguments;
    csv["format"] = json!("csv");
    let answer = call(&gateway, "get_aggs", &csv);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = answer.text();
    assert_eq!(text.lines().next(), Some("c,h,l,n,o,t,v,vw"), "{text}");
}

#[test]
fn csv_says_in_headers_how_fresh_it_is_and_that_there_is_more() {
    let gateway = TestGateway::start();
    let said = |answer: &Answer, name: &str| -> Value { serde_json::from_str(answer.header(name).unwrap_or("null")).unwrap() };
    let answer = call(&gateway, "get_market_holidays", &json!({"format": "csv", "limit": 2}));
    assert!(said(&answer, "x-tickgate-freshness")["as_of"].is_string());
    assert_eq!(said(&answer, "x-tickgate-truncated")["shown"], 2);
    let next = answer.header("x-tickgate-next").unwrap().to_owned();
    assert_eq!(answer.text().lines().count(), 3);
    let further = call(&gateway, "get_market_holidays", &json!({"format": "csv", "limit": 1_000, "cursor": next}));
    assert_eq!(further.status, 200);
    assert_eq!((further.header("x-tickgate-truncated"), further.header("x-tickgate-next")), (None, None));
}

#[test]
fn a_call_without_a_body_has_no_arguments() {
    let gateway = TestGateway::start();
    let answer = post("/tools/get_market_status", "").send(gateway.address);
    assert_eq!(answer.status, 200);
    assert!(answer.json()["results"].is_object());
}

#[test]
fn a_failure_has_the_status_of_its_class_and_says_what_to_do() {
    let gateway = TestGateway::with(&[("SIM_LATENCY_MS", "0")]);
    for (tool, arguments, status, kind) in [
        ("nosuch", json!({}), 404, "unknown-tool"),
        ("get_last_trade", json!({}), 400, "invalid-argument"),
        ("get_last_trade", json!({"ticker": "../../x"}), 400, "invalid-argument"),
        ("get_last_trade", json!({"ticker": "AAPL", "apiKey": "x"}), 400, "invalid-argument"),
        ("get_last_trade", json!({"ticker": 7}), 400, "invalid-argument"),
        ("get_last_trade", json!({"ticker": "ZZZZQ"}), 404, "not-found"),
    ] {
        let answer = call(&gateway, tool, &arguments);
        let (got, content_type) = (answer.status, answer.header("content-type").map(ToOwned::to_owned));
        let problem = answer.json();
        assert_eq!(got, status, "{tool} {arguments}: {problem}");
        assert_eq!(content_type.as_deref(), Some("application/problem+json"));
        assert!(problem["type"].as_str().unwrap().ends_with(kind), "{problem}");
        assert!(problem["detail"].as_str().unwrap().len() > 10, "{problem}");
    }
    gateway.simulator().set_down(true);
    assert_eq!(call(&gateway, "get_last_trade", &json!({"ticker": "MSFT"})).status, 503);
}

#[test]
fn a_body_that_is_no_object_of_arguments_is_refused_with_what_is_allowed() {
    let gateway = TestGateway::with(&[("MAX_BODY_BYTES", "2048")]);
    let send = |content_type: &str, body: &str| {
        post("/tools/get_market_status", body).header("Content-Type", content_type).send(gateway.address).status
    };
    for body in ["[]", "7", "null", "\"x\"", "{", "{}{}"] {
        assert_eq!(send("application/json", body), 400, "{body}");
    }
    assert_eq!(send("text/plain", "{}"), 415);
    assert_eq!(send("application/json", &format!("{{\"x\":\"{}\"}}", "y".repeat(4_096))), 413);
    assert_eq!(get("/tools/get_market_status").send(gateway.address).status, 405);
    assert_eq!(gateway.simulator().requests_to("/v1/marketstatus/now?"), 0);
}

#[test]
fn a_budget_that_is_spent_is_429_with_when_to_try_again() {
    let gateway = TestGateway::with(&[("UPSTREAM_PLAN", "free")]);
    let refused = ["AAPL", "MSFT", "TSLA", "NVDA", "AMZN", "META", "AMD", "INTC"].into_iter().find_map(|ticker| {
        let answer = call(&gateway, "get_ticker_details", &json!({ "ticker": ticker }));
        (answer.status == 429).then_some(answer)
    });
    let refused = refused.expect("5 calls a minute, and the eighth is refused");
    let wait: u64 = refused.header("retry-after").expect("when to try again").parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
}

#[test]
fn what_needs_more_scope_says_which_and_every_call_needs_a_credential() {
    let keys = [("AUTH", "required"), ("MCP_API_KEYS", "reader-key-0123456789:read:ada,writer-key-0123456789:write:bob")];
    let gateway = TestGateway::with(&keys);
    let body = json!({"symbol": "AAPL", "target_price": 1.0, "condition": "above"}).to_string();
    let send = |key: Option<&str>| {
        let request = post("/tools/set_price_alert", body.clone()).header("Content-Type", "application/json");
        match key {
            Some(key) => request.header("X-API-Key", key).send(gateway.address),
            None => request.send(gateway.address),
        }
    };
    assert_eq!((send(None).status, get("/tools/list").send(gateway.address).status), (401, 401));
    let refused = send(Some("reader-key-0123456789"));
    assert_eq!(refused.status, 403);
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(
        challenge.starts_with("Bearer error=\"insufficient_scope\"") && challenge.ends_with(", scope=\"write\""),
        "{challenge}"
    );
    assert_eq!(send(Some("writer-key-0123456789")).status, 200);
}

#[test]
fn every_tool_of_the_document_takes_its_example() {
    let gateway = TestGateway::with(&[("TOOLSETS", "all")]);
    let document = get("/openapi.json").send(gateway.address).json();
    let mut tried = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(tool) = path.strip_prefix("/tools/").filter(|_| operations.get("post").is_some()) else { continue };
        let mut arguments = operations["post"]["requestBody"]["content"]["application/json"]["example"].clone();
        if arguments.get("duration").is_some() {
            arguments["duration"] = json!(1_000);
        }
        if arguments.get("timeout").is_some() {
            arguments["timeout"] = json!(1_000);
        }
        let answer = call(&gateway, tool, &arguments);
        let (status, json) = (answer.status, answer.json());
        // The example cannot know the id of an alert; without sign-in there is no refresh token; keys are for admins.
        let expected = if ["delete_price_alert", "refresh_token", "manage_api_keys"].contains(&tool) { 404 } else { 200 };
        assert_eq!(status, expected, "{tool} {arguments}: {json}");
        tried += 1;
    }
    assert!(tried > 75, "{tried}");
}
