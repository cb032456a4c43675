//! What is somebody's is to everybody else like what does not exist: sessions, their streams, tasks, alerts, keys, cursors.

use serde_json::{Value, json};

use super::{Who, gateway, key};
use crate::support::mcp::{initialize, message};
use crate::support::{Answer, Request, Stateless, TestGateway, get, post, postgres};

/// What is nobody's.
const NOBODYS: &str = "00000000000000000000000000000000";

/// Two people with a key of the scope `write`.
fn two(gateway: &TestGateway) -> (Who, Who) {
    let person = |name| Who::new(name, &key(gateway, name, "write").0, Some(tickgate_core::access::Scope::Write));
    (person("ada"), person("bob"))
}

fn text(gateway: &TestGateway, request: Request) -> (u16, String) {
    let answer = request.header("X-Request-Id", "the-same").send(gateway.address);
    (answer.status, answer.text())
}

/// A call over HTTP, and its answer.
fn call(gateway: &TestGateway, who: &Who, tool: &str, arguments: &Value) -> Answer {
    let request = post(&format!("/tools/{tool}"), arguments.to_string()).header("Content-Type", "application/json");
    who.sends(request).send(gateway.address)
}

/// A stateless request of somebody.
fn alone(gateway: &TestGateway, who: &Who, method: &str, params: Value) -> Request {
    let client = Stateless::new(gateway.address).can(json!({"extensions": {"io.modelcontextprotocol/tasks": {}}}));
    who.sends(client.request(json!(1), method, params))
}

fn databases() -> [String; 2] {
    [String::new(), postgres::Server::shared().database()]
}

#[test]
fn attack_29_alerts_tasks_keys_and_cursors_of_others_are_like_those_that_do_not_exist_on_both_stores() {
    for url in databases() {
        let gateway = gateway(&url, &[]);
        let (ada, bob) = two(&gateway);
        let watched = json!({"symbol": "AAPL", "condition": "above", "target_price": 1e9});
        let alert = call(&gateway, &ada, "set_price_alert", &watched).json()["alert"]["alert_id"].as_str().unwrap().to_owned();
        let params = json!({"name": "watch_price", "arguments": watched});
        let task = alone(&gateway, &ada, "tools/call", params).send(gateway.address).json()["result"]["taskId"].clone();
        let task = task.as_str().unwrap().to_owned();
        let (_, id) = key(&gateway, "ada", "read");
        let nothing = |request: &dyn Fn(&str) -> Request, theirs: &str, none: &str| {
            let (seen, wanted) = (text(&gateway, bob.sends(request(theirs))), text(&gateway, bob.sends(request(none))));
            assert_eq!((seen.0, seen.1.replace(theirs, none)), wanted, "{theirs}");
            wanted.0
        };
        for path in ["/events?topics=alerts:", "/api/mcp/stream-alerts?ids="] {
            assert_eq!(nothing(&|id| get(&format!("{path}{id}")), &alert, NOBODYS), 404, "{path}");
        }
        let delete = |id: &str| {
            let body = json!({ "alert_id": id }).to_string();
            post("/tools/delete_price_alert", body).header("Content-Type", "application/json")
        };
        assert_eq!(nothing(&delete, &alert, NOBODYS), 404);
        for (method, more) in [("GET", ""), ("DELETE", ""), ("POST", "/rotate")] {
            let asked = |id: &str| get(&format!("/auth/api-keys/{id}{more}")).method(method);
            assert_eq!(nothing(&asked, &id, "000000000000"), 404, "{method}");
        }
        for method in ["tasks/get", "tasks/cancel", "tasks/update"] {
            let of = |id: &str| alone(&gateway, &bob, method, json!({"taskId": id, "inputResponses": {}}));
            let (seen, wanted) = (text(&gateway, of(&task)), text(&gateway, of(NOBODYS)));
            assert_eq!(seen, wanted, "{method}");
            assert!(wanted.1.contains("-32602"), "{wanted:?}");
        }
        // All of it is still there for its owner.
        assert_eq!(call(&gateway, &ada, "delete_price_alert", &json!({ "alert_id": alert })).status, 200);
        let answer = alone(&gateway, &ada, "tasks/get", json!({ "taskId": task })).send(gateway.address).json();
        assert_eq!(answer["result"]["status"], "working", "{answer}");
        assert_eq!(ada.sends(get(&format!("/auth/api-keys/{id}"))).send(gateway.address).status, 200);
    }
}

#[test]
fn attack_29_a_cursor_of_somebody_else_leads_nowhere() {
    let gateway = gateway("", &[]);
    let (ada, bob) = two(&gateway);
    let listed = ada.sends(get("/tools/list")).send(gateway.address).json();
    let path = format!("/tools/list?cursor={}", listed["nextCursor"].as_str().unwrap());
    assert_eq!(ada.sends(get(&path)).send(gateway.address).status, 200);
    assert_eq!(bob.sends(get(&path)).send(gateway.address).status, 400);
    let holidays = json!({"limit": 2});
    let next = call(&gateway, &ada, "get_market_holidays", &holidays).json()["next"].as_str().unwrap().to_owned();
    let further = json!({"limit": 2, "cursor": next});
    assert_eq!(call(&gateway, &bob, "get_market_holidays", &further).status, 400);
    assert_eq!(call(&gateway, &ada, "get_market_holidays", &further).status, 200);
}

#[test]
fn attack_03_one_handle_in_two_hands_is_one_persons_and_the_other_changes_nothing_on_both_stores() {
    for url in databases() {
        let gateway = gateway(&url, &[]);
        let (ada, bob) = two(&gateway);
        let never = json!({"symbol": "AAPL", "condition": "above", "target_price": 1e9});
        let start = |who: &Who| {
            let params = json!({"name": "watch_price", "arguments": never});
            let answer = alone(&gateway, who, "tools/call", params).send(gateway.address).json();
            answer["result"]["taskId"].as_str().unwrap().to_owned()
        };
        let (adas, bobs) = (start(&ada), start(&bob));
        let status = |who: &Who, id: &str| {
            let answer = alone(&gateway, who, "tasks/get", json!({ "taskId": id })).send(gateway.address).json();
            answer["result"]["status"].as_str().map(ToOwned::to_owned)
        };
        // Both at once, on the same id: only its owner's word counts.
        std::thread::scope(|scope| {
            for who in [&ada, &bob] {
                let cancel = || alone(&gateway, who, "tasks/cancel", json!({ "taskId": adas })).send(gateway.address).status;
                scope.spawn(cancel);
            }
        });
        assert_eq!(status(&ada, &adas).as_deref(), Some("cancelled"));
        assert_eq!(status(&bob, &bobs).as_deref(), Some("working"));
        assert_eq!((status(&bob, &adas), status(&ada, &bobs)), (None, None));
    }
}

/// A session of somebody, and what opens its stream.
fn session(gateway: &TestGateway, who: &Who) -> String {
    let answer = who.sends(message(&initialize("2025-11-25"))).send(gateway.address);
    let session = answer.header("mcp-session-id").unwrap().to_owned();
    let initialized = message(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let initialized = initialized.header("Mcp-Session-Id", &session).header("MCP-Protocol-Version", "2025-11-25");
    assert_eq!(who.sends(initialized).send(gateway.address).status, 202);
    session
}

fn stream(who: &Who, session: &str, last: Option<&str>) -> Request {
    let request = get("/mcp").header("Accept", "text/event-stream").header("Mcp-Session-Id", session);
    let request = who.sends(request.header("MCP-Protocol-Version", "2025-11-25"));
    last.into_iter().fold(request, |request, last| request.header("Last-Event-ID", last))
}

#[test]
fn attack_01_a_session_in_other_hands_is_404_whatever_is_asked_of_it_and_goes_on_for_its_owner() {
    let gateway = gateway("", &[]);
    let (ada, bob) = two(&gateway);
    let adas = session(&gateway, &ada);
    let mut open = stream(&ada, &adas, None).send(gateway.address);
    let first = open.event().unwrap().id.unwrap();
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let posted = |who: &Who, session: &str| {
        let request = message(&ping).header("Mcp-Session-Id", session).header("MCP-Protocol-Version", "2025-11-25");
        text(&gateway, who.sends(request))
    };
    let nothing = posted(&bob, NOBODYS);
    assert_eq!((nothing.0, posted(&bob, &adas)), (404, nothing));
    for last in [None, Some(first.as_str())] {
        let (seen, wanted) = (text(&gateway, stream(&bob, &adas, last)), text(&gateway, stream(&bob, NOBODYS, last)));
        assert_eq!((wanted.0, seen), (404, wanted));
    }
    assert_eq!(text(&gateway, stream(&bob, &adas, None).method("DELETE")).0, 404);
    // Ada's stream was neither taken over nor ended: what happens in her session comes on it.
    assert_eq!(posted(&ada, &adas).0, 200);
    open.cut();
    assert_eq!(stream(&ada, &adas, Some(&first)).send(gateway.address).status, 200);
}

#[test]
fn attack_02_a_last_event_id_opens_nothing_that_its_bearer_was_not_sent() {
    let gateway = gateway("", &[]);
    let (ada, bob) = two(&gateway);
    let (adas, bobs) = (session(&gateway, &ada), session(&gateway, &bob));
    let first = stream(&ada, &adas, None).send(gateway.address).event().unwrap().id.unwrap();
    let (name, seq) = first.rsplit_once('.').unwrap();
    assert_eq!(name.len(), 32, "128 random bits: {first}");
    let huge = "9".repeat(10_240);
    let guesses = [
        first.clone(),
        format!("{name}.0"),
        format!("{name}.{}", seq.parse::<u64>().unwrap() + 1),
        format!("{name}.-1"),
        format!("{NOBODYS}.{seq}"),
        "_GET_stream:1".to_owned(),
        "1".to_owned(),
        "../0".to_owned(),
        huge,
    ];
    for guess in guesses {
        let answer = stream(&bob, &bobs, Some(&guess)).send(gateway.address);
        assert!([400, 404, 431].contains(&answer.status), "{guess:.40}: {}", answer.status);
        assert_ne!(answer.header("content-type"), Some("text/event-stream"), "{guess:.40}");
    }
    // A line break ends the header, and what follows is a header of nobody's.
    let split = stream(&bob, &bobs, Some(&format!("x\r\nMcp-Session-Id: {adas}"))).send(gateway.address);
    assert!([400, 404].contains(&split.status), "{}", split.status);
    // On the tape an id is a place, not a right: whoever may not read the topic gets nothing by it.
    let watched = json!({"symbol": "AAPL", "condition": "above", "target_price": 1e9});
    let alert = call(&gateway, &ada, "set_price_alert", &watched).json()["alert"]["alert_id"].as_str().unwrap().to_owned();
    let position =
        call(&gateway, &ada, "read_tape", &json!({"topics": ["status"]})).json()["position"].as_str().unwrap().to_owned();
    let resumed = get(&format!("/events?topics=alerts:{alert}")).header("Last-Event-ID", &position);
    assert_eq!(bob.sends(resumed).send(gateway.address).status, 404);
}
