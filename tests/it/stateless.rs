//! The stateless era (2026-07-28) over real HTTP: the product's own features, and what belongs to whom.

use serde_json::{Value, json};

use crate::conformance::fixtures;
use crate::support::{McpClient, Stateless, TestGateway, get, until};

const ADA: &str = "a-key-that-is-adas-alone";
const BOB: &str = "a-key-that-is-bobs-alone";

fn two_callers() -> TestGateway {
    TestGateway::with(&[("AUTH", "required"), ("MCP_API_KEYS", &format!("{ADA}:write:ada,{BOB}:write:bob"))])
}

fn tasks() -> Value {
    json!({"extensions": {"io.modelcontextprotocol/tasks": {}}})
}

/// A price that no simulated stock reaches.
fn never() -> Value {
    json!({"symbol": "AAPL", "condition": "above", "target_price": 1e9, "timeout": 600_000})
}

#[test]
fn discovery_tells_the_version_the_features_and_the_server_and_names_no_session() {
    let gateway = TestGateway::start();
    let answer = Stateless::new(gateway.address).ask("server/discover", json!({}));
    assert_eq!((answer.status, answer.header("mcp-session-id")), (200, None));
    let result = answer.json()["result"].clone();
    assert_eq!(result["supportedVersions"], json!(["2026-07-28"]));
    for feature in ["tools", "prompts", "resources", "completions", "logging", "extensions"] {
        assert!(result["capabilities"][feature].is_object(), "{feature}");
    }
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "tickgate");
    assert!(result["ttlMs"].is_u64() && result["instructions"].as_str().unwrap().len() > 100);
}

#[test]
fn both_eras_list_the_same_tools_prompts_and_resources() {
    let gateway = TestGateway::start();
    let modern = Stateless::new(gateway.address);
    let mut legacy = McpClient::connect(gateway.address);
    for (method, member) in [
        ("tools/list", "tools"),
        ("prompts/list", "prompts"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
    ] {
        let new = modern.result(method, json!({}));
        let old = legacy.ask(method, json!({})).json()["result"].clone();
        assert_eq!(new[member], old[member], "{method}");
        assert!(!new[member].as_array().unwrap().is_empty(), "{method}");
        assert!(new["ttlMs"].is_u64() && new["cacheScope"].is_string() && old.get("ttlMs").is_none(), "{method}");
    }
}

#[test]
fn a_stream_of_a_call_has_no_ids_and_closing_it_cancels_the_call() {
    let gateway = TestGateway::with(&[("SIM_SPEED", "5"), ("POLL_LINGER_SECS", "0")]);
    let modern = Stateless::new(gateway.address);
    let arguments = json!({"stream": true, "symbols": ["AAPL"], "duration": 300_000, "interval": 250});
    let params = json!({"name": "stream_stock_prices", "arguments": arguments, "_meta": {"progressToken": "t"}});
    let mut answer = modern.ask("tools/call", params);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.event().unwrap().comment.as_deref(), Some("connected"));
    for _ in 0..3 {
        let event = answer.data().unwrap();
        assert_eq!((event.id.as_deref(), event.retry.as_deref()), (None, None));
        assert_eq!(event.json()["params"]["progressToken"], "t");
    }
    answer.cut();
    until("the interest to be dropped", || watched(&gateway) == 1);
}

#[test]
fn every_stream_without_a_session_takes_one_of_the_callers_places_and_is_counted_once() {
    let gateway = TestGateway::with(&[("MAX_STREAMS_PER_CALLER", "1")]);
    let modern = Stateless::new(gateway.address);
    let arguments = json!({"stream": true, "symbols": ["AAPL"], "duration": 300_000, "interval": 1_000});
    let params = json!({"name": "stream_stock_prices", "arguments": arguments, "_meta": {"progressToken": "t"}});
    let mut first = modern.ask("tools/call", params.clone());
    first.data().unwrap();
    assert_eq!((streams(&gateway, "mcp"), streams(&gateway, "listen")), (1, 0));
    let second = modern.request(json!("second"), "tools/call", params).send(gateway.address);
    assert_eq!(second.status, 429);
    let refusal = second.json();
    assert_eq!((&refusal["id"], &refusal["error"]["data"]["reason"]), (&json!("second"), &json!("too_many_streams")));
    let filter = json!({"notifications": {"toolsListChanged": true}});
    assert_eq!(modern.ask("subscriptions/listen", filter.clone()).status, 429);
    first.cut();
    until("the place to be free", || streams(&gateway, "mcp") == 0);
    let mut listener = modern.ask("subscriptions/listen", filter);
    listener.data().unwrap();
    assert_eq!((streams(&gateway, "mcp"), streams(&gateway, "listen")), (0, 1));
}

fn streams(gateway: &TestGateway, kind: &str) -> u64 {
    gateway.metric(&format!("tickgate_streams_open{{kind=\"{kind}\"}}"))
}

/// How many topics are watched; the status always is.
fn watched(gateway: &TestGateway) -> u64 {
    gateway.metric("tickgate_topics_watched")
}

#[test]
fn what_is_missing_for_an_alert_is_asked_and_the_state_is_good_for_its_caller_and_arguments_alone() {
    let gateway = two_callers();
    let ada = Stateless::new(gateway.address).can(json!({"elicitation": {}})).with_key(ADA);
    let asked = ada.call("set_price_alert", json!({"symbol": "AAPL"}));
    assert_eq!(asked["resultType"], "input_required");
    let schema = &asked["inputRequests"]["alert"]["params"]["requestedSchema"];
    assert_eq!(schema["required"], json!(["condition", "target_price"]));
    let state = asked["requestState"].as_str().unwrap();
    assert!(!state.contains("AAPL"));
    let filled = json!({"alert": {"action": "accept", "content": {"condition": "above", "target_price": 1e9}}});
    let retry = |client: &Stateless, arguments: Value, state: &str| {
        let params = json!({"name": "set_price_alert", "arguments": arguments, "inputResponses": filled, "requestState": state});
        client.answer("tools/call", params)
    };
    let bob = Stateless::new(gateway.address).can(json!({"elicitation": {}})).with_key(BOB);
    for (client, arguments, state) in [
        (&bob, json!({"symbol": "AAPL"}), state.to_owned()),
        (&ada, json!({"symbol": "MSFT"}), state.to_owned()),
        (&ada, json!({"symbol": "AAPL"}), format!("{state}x")),
        (&ada, json!({"symbol": "AAPL"}), "v1.00000000.AAAA".to_owned()),
    ] {
        let answer = retry(client, arguments, &state);
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        assert!(!answer.to_string().contains("inputRequests"));
    }
    let done = retry(&ada, json!({"symbol": "AAPL"}), state);
    assert_eq!(done["result"]["structuredContent"]["alert"]["target_price"], 1e9, "{done}");
}

#[test]
fn a_user_who_declines_gets_a_sensible_answer_and_no_alert() {
    let gateway = TestGateway::start();
    let modern = Stateless::new(gateway.address).can(json!({"elicitation": {}}));
    let asked = modern.call("set_price_alert", json!({}));
    let params = json!({
        "name": "set_price_alert", "arguments": {}, "requestState": asked["requestState"],
        "inputResponses": {"alert": {"action": "decline"}},
    });
    let result = modern.result("tools/call", params);
    assert_eq!(result["isError"], true);
    assert!(result["content"][0]["text"].as_str().unwrap().starts_with("declined"));
    assert_eq!(modern.call("list_price_alerts", json!({}))["structuredContent"]["count"], 0);
}

#[test]
fn another_callers_alerts_tasks_and_cursors_are_like_those_that_do_not_exist() {
    let gateway = two_callers();
    let ada = Stateless::new(gateway.address).can(tasks()).with_key(ADA);
    let bob = Stateless::new(gateway.address).can(tasks()).with_key(BOB);
    let alert = json!({"symbol": "AAPL", "condition": "above", "target_price": 1e9});
    let alert = ada.call("set_price_alert", alert)["structuredContent"]["alert"]["alert_id"].as_str().unwrap().to_owned();
    let task = ada.call("watch_price", never())["taskId"].as_str().unwrap().to_owned();
    let nobody = "0".repeat(32);
    for (method, params) in [
        ("tasks/get", |id: &str| json!({ "taskId": id })),
        ("tasks/cancel", |id: &str| json!({ "taskId": id })),
        ("tasks/update", |id: &str| json!({"taskId": id, "inputResponses": {}})),
    ] as [(&str, fn(&str) -> Value); 3]
    {
        let stolen = bob.answer(method, params(&task));
        assert_eq!(stolen["error"]["code"], -32602, "{method}");
        assert_eq!(stolen, bob.answer(method, params(&nobody)), "{method}");
    }
    assert_eq!(ada.result("tasks/get", json!({ "taskId": task }))["status"], "working");
    let told = |mut result: Value| {
        // It moves with time, not with the alert.
        result["_meta"].as_object_mut().unwrap().remove("tickgate/budget");
        result
    };
    let delete = |id: &str| told(bob.call("delete_price_alert", json!({ "alert_id": id })));
    assert_eq!(delete(&alert), delete(&nobody));
    let read = |id: &str| told(bob.call("read_tape", json!({"topics": [format!("alerts:{id}")]})));
    assert_eq!(read(&alert), read(&nobody));
    let events = |id: &str| {
        let answer = get(&format!("/events?topics=alerts:{id}"))
            .header("X-API-Key", BOB)
            .header("X-Request-Id", "r")
            .send(gateway.address);
        (answer.status, answer.text())
    };
    assert_eq!(events(&alert), events(&nobody));
    assert_eq!(events(&alert).0, 404);
}

#[test]
fn watch_price_is_a_task_that_can_be_fetched_and_cancelled_and_a_call_without_the_extension() {
    let gateway = TestGateway::start();
    let modern = Stateless::new(gateway.address).can(tasks());
    let met = json!({"symbol": "AAPL", "condition": "above", "target_price": 0.01});
    let created = modern.call("watch_price", met.clone());
    assert_eq!((&created["resultType"], &created["status"]), (&json!("task"), &json!("working")));
    let id = created["taskId"].clone();
    let mut task = Value::Null;
    until("the task to be completed", || {
        task = modern.result("tasks/get", json!({ "taskId": id }));
        task["status"] == "completed"
    });
    assert_eq!(task["result"]["structuredContent"]["reached"], true, "{task}");
    assert!(task["ttlMs"].is_u64() && task["pollIntervalMs"].is_u64());
    let waiting = modern.call("watch_price", never())["taskId"].clone();
    for _ in 0..2 {
        assert_eq!(modern.result("tasks/cancel", json!({ "taskId": waiting }))["resultType"], "complete");
    }
    assert_eq!(modern.result("tasks/get", json!({ "taskId": waiting }))["status"], "cancelled");
    let plain = Stateless::new(gateway.address).call("watch_price", met);
    assert_eq!((&plain["resultType"], &plain["structuredContent"]["reached"]), (&json!("complete"), &json!(true)));
    assert_eq!(
        McpClient::connect(gateway.address).call("watch_price", never_for_a_second())["structuredContent"]["reached"],
        false
    );
}

fn never_for_a_second() -> Value {
    json!({"symbol": "AAPL", "condition": "above", "target_price": 1e9, "timeout": 1_000})
}

#[test]
fn a_task_survives_a_restart_and_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let settings = [("DATA_DIR", data.path().to_str().unwrap())];
    let mut gateway = TestGateway::with(&settings);
    let modern = Stateless::new(gateway.address).can(tasks());
    let waiting = modern.call("watch_price", never())["taskId"].clone();
    let over = modern.call("watch_price", json!({"symbol": "AAPL", "condition": "below", "target_price": 1e9}))["taskId"].clone();
    until("the task to be completed", || modern.result("tasks/get", json!({ "taskId": over }))["status"] == "completed");
    gateway.begin_to_stop();
    gateway.wait_until_stopped();
    let gateway = TestGateway::with(&settings);
    let modern = Stateless::new(gateway.address).can(tasks());
    assert_eq!(modern.result("tasks/get", json!({ "taskId": over }))["status"], "completed");
    assert_eq!(modern.result("tasks/get", json!({ "taskId": waiting }))["status"], "working");
    until("the task to see a price again", || {
        let task = modern.result("tasks/get", json!({ "taskId": waiting }));
        task["statusMessage"].as_str().is_some_and(|message| message.starts_with("AAPL is at"))
    });
}

#[test]
fn a_listener_hears_of_resources_and_alerts_reach_their_stream() {
    let gateway = TestGateway::with(&[("SIM_SPEED", "5")]);
    let modern = Stateless::new(gateway.address);
    let wanted = json!({"notifications": {"resourceSubscriptions": ["market://quote/AAPL", "market://nosuch"], "promptsListChanged": true}});
    let mut listener = modern.request(json!("L"), "subscriptions/listen", wanted).send(gateway.address);
    let acknowledged = listener.data().unwrap().json();
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    let honoured = json!({"resourceSubscriptions": ["market://quote/AAPL"], "promptsListChanged": true});
    assert_eq!(acknowledged["params"]["notifications"], honoured);
    let updated = listener.data().unwrap().json();
    assert_eq!(
        (&updated["method"], &updated["params"]["uri"]),
        (&json!("notifications/resources/updated"), &json!("market://quote/AAPL"))
    );
    assert_eq!(updated["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "L");
}

#[test]
fn an_alert_is_a_resource_of_its_owner_that_changes_when_it_fires() {
    let gateway = two_callers();
    gateway.simulator().set_price("AAPL", 100.0);
    let (ada, bob) = (Stateless::new(gateway.address).with_key(ADA), Stateless::new(gateway.address).with_key(BOB));
    let set = ada.call("set_price_alert", json!({"symbol": "AAPL", "condition": "above", "target_price": 1_000}));
    let uri = format!("market://alerts/{}", set["structuredContent"]["alert"]["alert_id"].as_str().unwrap());
    let read = |who: &Stateless| who.answer("resources/read", json!({ "uri": uri }));
    let text = read(&ada)["result"]["contents"][0]["text"].as_str().unwrap().to_owned();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["results"]["symbol"], "AAPL");
    let unknown = bob.answer("resources/read", json!({"uri": "market://alerts/00000000000000000000000000000001"}));
    assert_eq!(read(&bob)["error"]["code"], unknown["error"]["code"]);
    let mut listener = ada.ask("subscriptions/listen", json!({"notifications": {"resourceSubscriptions": [uri]}}));
    listener.data().unwrap();
    gateway.simulator().set_price("AAPL", 2_000.0);
    let updated = listener.data().unwrap().json();
    assert_eq!((&updated["method"], &updated["params"]["uri"]), (&json!("notifications/resources/updated"), &json!(uri)));
}

#[test]
fn an_alert_fires_on_its_own_topic() {
    let gateway = TestGateway::start();
    let modern = Stateless::new(gateway.address);
    let set = modern.call("set_price_alert", json!({"symbol": "AAPL", "condition": "above", "target_price": 0.5}));
    let alert = &set["structuredContent"];
    let topic = alert["alert"]["topic"].as_str().unwrap();
    let read = json!({"topics": [topic], "after": alert["position"], "wait_ms": 10_000});
    let events = modern.call("read_tape", read)["structuredContent"]["events"].clone();
    assert_eq!((&events[0]["kind"], &events[0]["data"]["already"]), (&json!("alert"), &json!(true)), "{events}");
    let fired = modern.call("stream_price_alerts", json!({}))["structuredContent"]["events"].clone();
    assert_eq!(fired[0]["alert_id"], alert["alert"]["alert_id"]);
}

#[test]
fn resources_are_read_with_their_freshness_and_what_is_none_is_not_found_in_the_words_of_each_era() {
    let gateway = TestGateway::start();
    let modern = Stateless::new(gateway.address);
    for uri in
        ["market://status", "market://quote/AAPL", "market://news/TSLA", "market://bars/AAPL/day", "market://quote/X%3ABTCUSD"]
    {
        let read = modern.result("resources/read", json!({ "uri": uri }));
        assert_eq!((&read["contents"][0]["uri"], &read["cacheScope"]), (&json!(uri), &json!("private")), "{uri}");
        let text: Value = serde_json::from_str(read["contents"][0]["text"].as_str().unwrap()).unwrap();
        assert!(text["_freshness"]["as_of"].is_string() && !text["results"].is_null(), "{uri}: {text}");
    }
    let mut legacy = McpClient::connect(gateway.address);
    for uri in
        ["market://nosuch", "market://quote/a%2Fb", "market://bars/AAPL/eon", "market://quote/ZZZZQ", "file:///etc/passwd", ""]
    {
        let new = modern.answer("resources/read", json!({ "uri": uri }));
        assert_eq!((&new["error"]["code"], &new["error"]["data"]["uri"]), (&json!(-32602), &json!(uri)), "{new}");
        assert_eq!(legacy.ask("resources/read", json!({ "uri": uri })).json()["error"]["code"], -32002, "{uri}");
    }
}

#[test]
fn prompts_say_every_mistake_at_once_and_complete_their_arguments() {
    let gateway = TestGateway::start();
    let modern = Stateless::new(gateway.address);
    let prompts = modern.result("prompts/list", json!({}))["prompts"].clone();
    assert_eq!(prompts.as_array().unwrap().len(), 5);
    let wrong =
        modern.answer("prompts/get", json!({"name": "stock_brief", "arguments": {"symbol": "a b", "horizon": "eon", "x": "y"}}));
    let errors = wrong["error"]["data"]["errors"].as_array().unwrap();
    assert!(errors.len() >= 3 && errors.iter().all(|error| error["field"].is_string() && error["code"].is_string()), "{wrong}");
    let good = modern.result("prompts/get", json!({"name": "stock_brief", "arguments": {"symbol": "AAPL"}}));
    assert!(good["messages"][0]["content"]["text"].as_str().unwrap().contains("AAPL"));
    let complete = |reference: Value, argument: Value| {
        modern.result("completion/complete", json!({"ref": reference, "argument": argument}))["completion"]["values"].clone()
    };
    let symbols = complete(json!({"type": "ref/prompt", "name": "stock_brief"}), json!({"name": "symbol", "value": "AAP"}));
    assert_eq!(symbols[0], "AAPL");
    let timespans = complete(
        json!({"type": "ref/resource", "uri": "market://bars/{symbol}/{timespan}"}),
        json!({"name": "timespan", "value": "m"}),
    );
    assert_eq!(timespans, json!(["minute", "month"]));
}

#[test]
fn summaries_come_from_the_clients_model_and_without_one_the_articles_come_alone() {
    let gateway = TestGateway::start();
    let alone = Stateless::new(gateway.address).call("summarize_news", json!({"symbol": "TSLA"}));
    assert!(alone["structuredContent"]["notice"].as_str().unwrap().contains("no model"));
    assert!(alone["structuredContent"]["count"].as_u64().unwrap() > 0);
    let modern = Stateless::new(gateway.address).can(json!({"sampling": {}}));
    let asked = modern.call("summarize_news", json!({"symbol": "TSLA"}));
    let question = &asked["inputRequests"]["summary"];
    assert_eq!(question["method"], "sampling/createMessage");
    let answer = |text: &str| {
        let sampled = json!({"role": "assistant", "model": "test-model", "content": {"type": "text", "text": text}});
        let params = json!({
            "name": "summarize_news", "arguments": {"symbol": "TSLA"},
            "requestState": asked["requestState"], "inputResponses": {"summary": sampled},
        });
        modern.result("tools/call", params)
    };
    let good = answer(r#"{"summary":"It rose.","sentiment":"positive","key_points":[]}"#);
    assert_eq!(
        (&good["structuredContent"]["model"], &good["structuredContent"]["summary"]["summary"]),
        (&json!("test-model"), &json!("It rose."))
    );
    let odd = answer("I would rather not");
    assert_eq!(odd["isError"], false);
    assert!(odd["structuredContent"]["notice"].as_str().unwrap().contains("JSON object"), "{odd}");
    assert_eq!(odd["structuredContent"]["articles"], alone["structuredContent"]["articles"]);
    assert!(odd["structuredContent"]["summary"].is_null());
    let metrics = get("/metrics").send(gateway.address).text();
    let counted: Vec<&str> = metrics.lines().filter(|line| line.starts_with("tickgate_samplings_total")).collect();
    let expected = ["answered", "asked", "malformed", "unsupported"];
    assert_eq!(counted, expected.map(|outcome| format!("tickgate_samplings_total{{outcome=\"{outcome}\"}} 1")));
}

#[test]
fn arguments_that_cannot_be_read_do_not_get_past_their_headers() {
    let gateway = TestGateway::with_registry(&[], fixtures::registry);
    let modern = Stateless::new(gateway.address);
    let ask = |arguments: Value| modern.ask("tools/call", json!({"name": "test_header_param", "arguments": arguments}));
    let missing = ask(json!({"region": "eu"}));
    assert_eq!((missing.status, missing.json()["error"]["code"].as_i64()), (400, Some(-32_020)));
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    let unreadable = ask(json!({"region": "eu", "deep": deep}));
    assert_eq!((unreadable.status, unreadable.json()["error"]["code"].as_i64()), (400, Some(-32_602)));
}

#[test]
fn a_prompt_that_asks_its_client_is_counted_once_with_its_outcome() {
    const NAME: &str = "test_input_required_result_prompt";
    let gateway = TestGateway::with_registry(&[], fixtures::registry);
    let counted = |status: &str| {
        let line = format!("tickgate_prompts_total{{prompt=\"{NAME}\",status=\"{status}\"}} 1");
        get("/metrics").send(gateway.address).text().lines().any(|each| each == line)
    };
    let modern = Stateless::new(gateway.address).can(json!({"elicitation": {}}));
    let asked = modern.result("prompts/get", json!({"name": NAME}));
    assert!(!counted("ok") && !counted("unanswered"), "it is not over yet");
    let params = json!({
        "name": NAME, "requestState": asked["requestState"],
        "inputResponses": {"user_context": {"action": "accept", "content": {"context": "prices"}}},
    });
    assert_eq!(modern.result("prompts/get", params)["messages"][0]["content"]["text"], "Context: prices");
    assert!(counted("ok") && !counted("unanswered"));
    let mute = Stateless::new(gateway.address).answer("prompts/get", json!({"name": NAME}));
    assert!(mute["error"].is_object(), "{mute}");
    assert!(counted("ok") && counted("unanswered"));
}

#[test]
fn a_thousand_clients_of_both_eras_with_the_same_request_id_get_their_own_answers() {
    const CLIENTS: usize = 1_000;
    const THREADS: usize = 50;
    let gateway = TestGateway::with(&[("MAX_SESSIONS_PER_CALLER", "10000")]);
    let address = gateway.address;
    let symbols = ["AAPL", "MSFT", "TSLA", "NVDA", "AMZN"];
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for n in (thread..CLIENTS).step_by(THREADS) {
                    let symbol = symbols[n % symbols.len()];
                    let arguments = json!({"market_type": "stocks", "ticker": symbol});
                    let result = if n.is_multiple_of(2) {
                        Stateless::new(address).call("get_snapshot_ticker", arguments)
                    } else {
                        // Every one of them asks with id 1.
                        McpClient::connect(address).call("get_snapshot_ticker", arguments)
                    };
                    assert_eq!(result["structuredContent"]["results"]["ticker"], symbol, "client {n}: {result}");
                }
            });
        }
    });
}

#[test]
fn a_stateless_request_minds_no_session_and_no_cursor_and_other_methods_are_refused() {
    let gateway = TestGateway::start();
    let modern = Stateless::new(gateway.address);
    let request = modern.request(json!(7), "tools/list", json!({}));
    let answer = request.header("Mcp-Session-Id", "nosuch").header("Last-Event-ID", "x").send(gateway.address);
    assert_eq!((answer.status, answer.header("mcp-session-id")), (200, None));
    for method in ["GET", "DELETE"] {
        let answer = get("/mcp").method(method).header("MCP-Protocol-Version", "2026-07-28").send(gateway.address);
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
        assert!(answer.json().get("id").is_none(), "an error without a request has no id in this revision");
    }
}

#[test]
fn a_tool_above_the_callers_scope_is_403_in_both_eras_and_says_which_scope_would_do() {
    let settings = [("AUTH", "required"), ("MCP_API_KEYS", "a-key-that-may-only-read:read:rob")];
    let gateway = TestGateway::with(&settings);
    let key = "a-key-that-may-only-read";
    let call = json!({"name": "list_price_alerts", "arguments": {}});
    let modern = Stateless::new(gateway.address).with_key(key).ask("tools/call", call.clone());
    let legacy = McpClient::connect_as(gateway.address, "2025-11-25", Some(key)).ask("tools/call", call);
    for answer in [modern, legacy] {
        assert_eq!(answer.status, 403);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(
            challenge.starts_with(r#"Bearer error="insufficient_scope""#) && challenge.ends_with(r#", scope="write""#),
            "{challenge}"
        );
        let error = answer.json()["error"].clone();
        assert_eq!((&error["data"]["reason"], &error["data"]["scope"]), (&json!("insufficient_scope"), &json!("write")));
    }
}
