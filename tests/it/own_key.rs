//! Callers' own upstream keys: set over HTTP, used by every call of theirs, seen by nobody.

use serde_json::{Value, json};

use crate::reports::Program;
use crate::support::{Answer, McpClient, Stateless, TestGateway, get, post};

const ROUTE: &str = "/api/user/upstream-key";
/// The upstream key of one user.
const OWN: &str = "canary-own-upstream-key";
/// What the simulated market's gateway asks with.
const SHARED: &str = "simulated";
const ADA: &str = "adas-credential-0001";
const BOB: &str = "bobs-credential-0002";
const EVE: &str = "eves-credential-0003";
const KEYS: &str = "adas-credential-0001:write:ada,bobs-credential-0002:write:bob,eves-credential-0003:read:eve";

fn start(settings: &[(&str, &str)]) -> TestGateway {
    TestGateway::with(&[&[("AUTH", "required"), ("MCP_API_KEYS", KEYS)], settings].concat())
}

fn put(gateway: &TestGateway, credential: &str, body: &Value) -> Answer {
    let request = post(ROUTE, body.to_string()).method("PUT").header("Content-Type", "application/json");
    request.header("Authorization", &format!("Bearer {credential}")).send(gateway.address)
}

fn ask(gateway: &TestGateway, method: &'static str, credential: &str) -> Answer {
    get(ROUTE).method(method).header("X-API-Key", credential).send(gateway.address)
}

fn details(client: &mut McpClient, ticker: &str) -> Value {
    client.call("get_ticker_details", json!({ "ticker": ticker }))
}

fn budget(result: &Value) -> &Value {
    &result["_meta"]["tickgate/budget"]
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_default()
}

#[test]
fn who_has_an_own_key_asks_with_it_on_its_budget_and_shares_no_answer_until_it_is_deleted() {
    let gateway = start(&[]);
    let simulator = gateway.simulator();
    let with_own = || simulator.requests_with_key(OWN);
    let asked = |ticker: &str| simulator.requests_to(&format!("/v3/reference/tickers/{ticker}"));
    assert_eq!(ask(&gateway, "GET", ADA).json(), json!({"set": false}));
    let set = put(&gateway, ADA, &json!({"key": OWN, "plan": "free"}));
    assert_eq!((set.status, set.header("cache-control")), (200, Some("no-store")));
    let set = set.json();
    assert_eq!((&set["set"], &set["plan"], set.as_object().unwrap().len()), (&json!(true), &json!("free"), 3));
    assert_eq!(ask(&gateway, "GET", ADA).json(), set);
    assert_eq!(ask(&gateway, "GET", BOB).json(), json!({"set": false}));
    assert_eq!(with_own(), 1, "it was tried once");

    let mut ada = McpClient::connect_as(gateway.address, "2025-11-25", Some(ADA));
    let mut bob = McpClient::connect_as(gateway.address, "2025-11-25", Some(BOB));
    let first = details(&mut ada, "AAPL");
    assert_eq!((&budget(&first)["key"], &budget(&first)["per_minute"]), (&json!("own"), &json!(5)));
    assert_eq!(budget(&first)["remaining"], 3, "the trial counts");
    assert_eq!((with_own(), asked("AAPL")), (2, 1));
    let of_bob = details(&mut bob, "AAPL");
    assert_eq!(budget(&of_bob)["key"], "shared");
    assert_eq!((with_own(), asked("AAPL")), (2, 2), "what was got with an own key is not given to others");
    assert_eq!(first["structuredContent"]["results"], of_bob["structuredContent"]["results"]);
    for client in [&mut ada, &mut bob] {
        details(client, "AAPL");
    }
    assert_eq!(asked("AAPL"), 2, "each has it at hand");

    for ticker in ["MSFT", "TSLA", "NVDA"] {
        assert_eq!(details(&mut ada, ticker)["isError"], false, "{ticker}");
    }
    let refused = details(&mut ada, "AMZN");
    assert_eq!(refused["isError"], true);
    let said = text(&refused);
    assert!(said.starts_with("budget: ") && said.contains("your own upstream key") && said.contains("retry after"), "{said}");
    assert_eq!((with_own(), asked("AMZN")), (5, 0));
    for ticker in ["AMZN", "MSFT", "TSLA", "NVDA", "META", "GOOGL"] {
        assert_eq!(details(&mut bob, ticker)["isError"], false, "others go on: {ticker}");
    }
    let modern = Stateless::new(gateway.address).with_key(ADA);
    let kept = modern.call("get_ticker_details", json!({"ticker": "AAPL"}));
    assert_eq!((&kept["isError"], &budget(&kept)["key"], &budget(&kept)["remaining"]), (&json!(false), &json!("own"), &json!(0)));
    let refused = modern.call("call_endpoint", json!({"name": "get_ticker_details", "arguments": {"ticker": "AMZN"}}));
    assert!(text(&refused).contains("your own upstream key"), "{refused}");
    let bars = get("/api/bars/AAPL").header("X-API-Key", ADA).send(gateway.address);
    assert_ne!(bars.status, 200, "the HTTP API asks with it too");
    let quote = get("/api/quotes/AAPL").header("X-API-Key", ADA).send(gateway.address);
    assert_eq!(quote.status, 200, "what is on the tape is everybody's");
    let of_tape = ada.call("read_tape", json!({"topics": ["prices:AAPL"]}));
    assert_eq!(budget(&of_tape)["key"], "shared", "{of_tape}");
    assert_eq!(with_own(), 5);
    assert!(simulator.requests_with_key(SHARED) > 5);

    assert_eq!(ask(&gateway, "DELETE", ADA).status, 204);
    assert_eq!(ask(&gateway, "DELETE", ADA).status, 204, "what is gone is gone");
    assert_eq!(ask(&gateway, "GET", ADA).json(), json!({"set": false}));
    let shared = details(&mut ada, "AMZN");
    assert_eq!((&shared["isError"], &budget(&shared)["key"], with_own()), (&json!(false), &json!("shared"), 5));
    assert_eq!(get("/api/bars/AAPL").header("X-API-Key", ADA).send(gateway.address).status, 200);
}

#[test]
fn a_change_is_known_to_all_workers_at_once() {
    let gateway = start(&[("WORKERS", "4")]);
    let modern = Stateless::new(gateway.address).with_key(ADA);
    // Each call is a connection of its own, and so of any worker: all know at once.
    for (key, change) in [("own", true), ("shared", false)].into_iter().cycle().take(6) {
        if change {
            put(&gateway, ADA, &json!({"key": OWN, "plan": "advanced"}));
        } else {
            ask(&gateway, "DELETE", ADA);
        }
        for _ in 0..8 {
            let result = modern.call("get_ticker_details", json!({"ticker": "AAPL"}));
            assert_eq!((&result["isError"], &budget(&result)["key"]), (&json!(false), &json!(key)));
        }
    }
}

#[test]
fn the_key_of_a_slower_plan_says_that_its_numbers_are_late_and_that_of_a_faster_one_that_they_are_not() {
    let gateway = start(&[("UPSTREAM_PLAN", "starter"), ("TOOLSETS", "all")]);
    assert_eq!(put(&gateway, ADA, &json!({"key": OWN, "plan": "advanced"})).status, 200);
    let other = put(&gateway, BOB, &json!({"key": "another-upstream-key"})).json();
    assert_eq!(other["plan"], "starter", "as the gateway's");
    let delayed = |credential: &str| {
        let mut client = McpClient::connect_as(gateway.address, "2025-11-25", Some(credential));
        let asked =
            [("get_last_trade", json!({"ticker": "AAPL"})), ("get_support_resistance", json!({"symbol": "AAPL", "bars": 250}))];
        asked.map(|(tool, arguments)| {
            let result = client.call(tool, arguments);
            assert_eq!(result["isError"], false, "{result}");
            result["structuredContent"]["_freshness"]["delayed"].clone()
        })
    };
    assert_eq!(delayed(ADA), [json!(false), json!(false)]);
    assert_eq!(delayed(BOB), [json!(true), json!(true)]);
}

#[test]
fn an_own_key_survives_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let settings = [("DATA_DIR", data.path().to_str().unwrap())];
    let mut gateway = start(&settings);
    let set = put(&gateway, ADA, &json!({"key": OWN, "plan": "developer"})).json();
    gateway.begin_to_stop();
    gateway.wait_until_stopped();
    for file in std::fs::read_dir(data.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(OWN.len()).any(|window| window == OWN.as_bytes()), "{}", path.display());
    }
    let gateway = start(&settings);
    assert_eq!(ask(&gateway, "GET", ADA).json(), set);
    let mut ada = McpClient::connect_as(gateway.address, "2025-11-25", Some(ADA));
    assert_eq!(budget(&details(&mut ada, "AAPL"))["per_minute"], 5_400);
    assert_eq!(gateway.simulator().requests_with_key(OWN), 1, "it is not tried again");
}

#[test]
fn what_is_no_key_of_a_signed_in_user_is_refused_with_a_reason_and_without_showing_it() {
    let gateway = start(&[("AUTH", "optional")]);
    let json_of = |body: &str, credential: Option<&str>| {
        let request = post(ROUTE, body).method("PUT").header("Content-Type", "application/json");
        match credential {
            Some(credential) => request.header("X-API-Key", credential).send(gateway.address),
            None => request.send(gateway.address),
        }
    };
    let good = json!({ "key": OWN }).to_string();
    let long = json!({ "key": OWN, "plan": "x".repeat(5_000) }).to_string();
    for (body, credential, status, said) in [
        (good.as_str(), None, 401, "send a credential"),
        (good.as_str(), Some(EVE), 403, "the scope write"),
        (good.as_str(), Some("wrong-credential-0004"), 401, "Unauthorized"),
        ("canary-own-upstream-key", Some(ADA), 400, "must be a JSON object"),
        ("[\"canary-own-upstream-key\"]", Some(ADA), 400, "must be a JSON object"),
        ("{\"plan\":\"free\"}", Some(ADA), 400, "`key`"),
        ("{\"key\":12345678}", Some(ADA), 400, "must be a JSON object"),
        ("{\"key\":\"canary-own-upstream-key\",\"canary\":1}", Some(ADA), 400, "nothing else"),
        ("{\"key\":\"canary-own-upstream-key\",\"key\":\"canary-own-upstream-key\"}", Some(ADA), 400, "nothing else"),
        ("{\"key\":\"\"}", Some(ADA), 400, "8 to 256"),
        ("{\"key\":\"canary with spaces\"}", Some(ADA), 400, "without spaces"),
        ("{\"key\":\"canary\\r\\nX-Evil: 1\"}", Some(ADA), 400, "visible ASCII"),
        ("{\"key\":\"canary-own-upstream-key\",\"plan\":\"canary\"}", Some(ADA), 400, "`plan`: use free, starter"),
        ("{\"key\":\"simulated-simulated\",\"plan\":7}", Some(ADA), 400, "must be a JSON object"),
        (long.as_str(), Some(ADA), 413, "at most 4096 bytes"),
    ] {
        let answer = json_of(body, credential);
        let head = (answer.status, answer.header("content-type").map(str::to_owned));
        let challenged = answer.header("www-authenticate").is_some();
        let text = answer.text();
        assert_eq!(head, (status, Some("application/problem+json".to_owned())), "{body}: {text}");
        assert_eq!(challenged, matches!(status, 401 | 403), "{body}");
        assert!(text.contains(said) && !text.contains("canary"), "{body}: {text}");
    }
    let typed = post(ROUTE, good.as_str()).method("PUT").header("X-API-Key", ADA).send(gateway.address);
    assert_eq!(typed.status, 415);
    let posted = post(ROUTE, good.as_str()).header("X-API-Key", ADA).send(gateway.address);
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, PUT, DELETE")));
    let queried = get("/api/user/upstream-key?key=canary").header("X-API-Key", ADA).send(gateway.address);
    assert_eq!(queried.status, 400);
    for method in ["GET", "DELETE"] {
        assert_eq!(get(ROUTE).method(method).send(gateway.address).status, 401);
        assert_eq!(ask(&gateway, method, EVE).status, 403);
    }
    assert_eq!(ask(&gateway, "GET", ADA).json(), json!({"set": false}));
    assert_eq!(gateway.simulator().requests_with_key(OWN), 0);
    let gateways = put(&gateway, ADA, &json!({ "key": SHARED }));
    assert_eq!(gateways.status, 422, "the gateway's key is nobody's own");
}

#[test]
fn with_authentication_off_nobody_is_anybody_who_could_have_a_key() {
    let gateway = TestGateway::start();
    let answer = post(ROUTE, json!({ "key": OWN }).to_string())
        .method("PUT")
        .header("Content-Type", "application/json")
        .send(gateway.address);
    assert_eq!(answer.status, 401);
    assert!(answer.json()["detail"].as_str().unwrap().contains("belongs to somebody"));
}

#[test]
fn a_key_that_the_upstream_refuses_or_cannot_be_asked_about_is_not_kept() {
    let gateway = start(&[]);
    let simulator = gateway.simulator();
    simulator.refuse_key(OWN, true);
    let refused = put(&gateway, ADA, &json!({ "key": OWN }));
    assert_eq!(refused.status, 422);
    let problem = refused.json();
    assert!(problem["type"].as_str().unwrap().ends_with("/upstream-auth"), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("the upstream refuses this key"), "{problem}");
    assert_eq!(gateway.metric("tickgate_upstream_own_budgets"), 0, "a key that is refused takes no room");
    simulator.refuse_key(OWN, false);
    simulator.set_down(true);
    let untried = put(&gateway, ADA, &json!({ "key": OWN }));
    assert_eq!(untried.status, 503);
    assert!(untried.header("retry-after").is_some());
    simulator.set_down(false);
    assert_eq!(ask(&gateway, "GET", ADA).json(), json!({"set": false}));
    assert_eq!(put(&gateway, ADA, &json!({ "key": OWN })).status, 200);
    let mut later = 0;
    let too_often = (0..10).map(|_| put(&gateway, ADA, &json!({ "key": OWN }))).find(|answer| {
        later += 1;
        answer.status == 429
    });
    let too_often = too_often.expect("nobody finds keys by trying");
    assert!(too_often.header("retry-after").is_some() && later >= 5, "{later}");
}

#[test]
fn an_own_key_that_is_refused_later_is_told_to_its_owner_and_troubles_nobody_else() {
    let gateway = start(&[]);
    let simulator = gateway.simulator();
    assert_eq!(put(&gateway, ADA, &json!({"key": OWN, "plan": "starter"})).status, 200);
    let mut ada = McpClient::connect_as(gateway.address, "2025-11-25", Some(ADA));
    let mut bob = McpClient::connect_as(gateway.address, "2025-11-25", Some(BOB));
    simulator.refuse_key(OWN, true);
    for ticker in ["AAPL", "MSFT", "TSLA", "NVDA", "AMZN", "META", "GOOGL"] {
        let refused = details(&mut ada, ticker);
        let said = text(&refused);
        assert!(said.starts_with("upstream_auth: ") && said.contains("PUT /api/user/upstream-key"), "{said}");
        assert_eq!(details(&mut bob, ticker)["isError"], false, "{ticker}");
    }
    let health = details(&mut bob, "AAPL");
    assert_eq!((&budget(&health)["breaker"], budget(&health).get("paused_until")), (&json!("closed"), None));
    assert_eq!((gateway.metric("tickgate_upstream_breaker"), gateway.metric("tickgate_upstream_budget_paused")), (0, 0));
    let known = put(&gateway, ADA, &json!({"key": "free-key", "plan": "free"}));
    assert_eq!(known.status, 200, "a key takes the place of the one before");
    let limited = ada.call("get_snapshot_ticker", json!({"market_type": "stocks", "ticker": "AAPL"}));
    let said = text(&limited);
    assert!(said.starts_with("not_entitled: ") && said.contains("the plan of your own upstream key"), "{said}");
    let entitled = bob.call("get_snapshot_ticker", json!({"market_type": "stocks", "ticker": "AAPL"}));
    assert_eq!(entitled["isError"], false, "{entitled}");
}

#[test]
fn an_own_key_is_in_no_log_and_no_metric() {
    let mut program = Program::start(&[("AUTH", "required"), ("MCP_API_KEYS", KEYS), ("LOG_LEVEL", "DEBUG")]);
    let send = |body: Value| {
        let request = post(ROUTE, body.to_string()).method("PUT").header("Content-Type", "application/json");
        request.header("X-API-Key", ADA).send(program.address)
    };
    assert_eq!(send(json!({"key": OWN, "plan": OWN})).status, 400);
    assert_eq!(send(json!({ OWN: "x" })).status, 400);
    assert_eq!(send(json!({ "key": OWN })).status, 200);
    let mut ada = McpClient::connect_as(program.address, "2025-11-25", Some(ADA));
    assert_eq!(budget(&details(&mut ada, "AAPL"))["key"], "own");
    let metrics = get("/metrics").send(program.address).text();
    assert!(metrics.contains("tickgate_upstream_budget_grants_total{payer=\"own_key\"} 2"), "{metrics}");
    assert!(metrics.contains("tickgate_upstream_own_budgets 1"));
    assert!(metrics.contains("tickgate_upstream_own_requests_total{outcome=\"ok\"} 2"), "{metrics}");
    program.signal("-TERM");
    program.wait_for(|line| line["message"].as_str().is_some_and(|message| message.contains("shutting down")));
    assert_eq!(program.wait(), 0);
    let log: Vec<String> = program.log.iter().map(Value::to_string).collect();
    assert!(log.iter().any(|line| line.contains("a caller set an own upstream key") && line.contains("user:ada")));
    assert!(!metrics.contains("canary") && log.iter().all(|line| !line.contains("canary")));
}

#[test]
fn a_recording_has_no_upstream_that_could_be_asked_with_a_key_and_no_budget() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.jsonl");
    let header =
        json!({"tickgate_recording": 1, "recorded_at": "2026-03-10T18:31:07Z", "source": "simulated", "topics": ["prices:AAPL"]});
    let price = json!({"symbol": "AAPL", "price": 1.5, "source": "simulated", "as_of": "2026-03-10T18:31:07Z", "delayed": false, "session": "regular"});
    let event = json!({"at_ms": 0, "position": "a-1", "topics": ["prices:AAPL"], "kind": "price", "as_of": "2026-03-10T18:31:07Z", "body": price});
    std::fs::write(&file, format!("{header}\n{event}\n")).unwrap();
    let source = format!("replay:{}", file.display());
    let gateway = start(&[("MASSIVE_API_BASE_URL", &source)]);
    for answer in [put(&gateway, ADA, &json!({ "key": OWN })), ask(&gateway, "GET", ADA), ask(&gateway, "DELETE", ADA)] {
        assert_eq!(answer.status, 409);
        assert!(answer.text().contains("the market is a recording"));
    }
    let mut ada = McpClient::connect_as(gateway.address, "2025-11-25", Some(ADA));
    let refused = details(&mut ada, "AAPL");
    assert_eq!((&refused["isError"], refused["_meta"].get("tickgate/budget")), (&json!(true), None));
}
