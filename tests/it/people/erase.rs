//! The right to deletion (requirement Y8): everything goes, at once, everywhere; what was done stays and names nobody.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tickgate_core::ports::Shelf;

use super::{SECRET, databases, erase_me, gateway, key, sign_in, token};
use crate::api_keys::{ADMIN, ask, audit_with, beside, key_of, printed, status_with};
use crate::support::postgres::Server;
use crate::support::{Answer, McpClient, OidcProvider, Stateless, TestGateway, get, post, until, until_within};

/// Within so long nothing is good any more.
const SOON: Duration = Duration::from_secs(1);

/// An alert that never fires.
fn set_alert(client: &mut McpClient) {
    let arguments = json!({"symbol": "AAPL", "condition": "above", "target_price": 1_000_000});
    let answer = client.call("set_price_alert", arguments);
    assert!(answer["structuredContent"]["alert"].is_object(), "{answer}");
}

/// Begins a task that never ends by itself.
fn begin_task(gateway: &TestGateway, key: &str) -> (Stateless, String) {
    let client = Stateless::new(gateway.address).can(json!({"extensions": {"io.modelcontextprotocol/tasks": {}}})).with_key(key);
    let arguments = json!({"symbol": "AAPL", "condition": "above", "target_price": 1_000_000, "timeout": 300_000});
    let created = client.result("tools/call", json!({"name": "watch_price", "arguments": arguments}));
    let id = created["taskId"].as_str().unwrap_or_else(|| panic!("{created}")).to_owned();
    (client, id)
}

/// Every record of this person, by its shelf.
fn records(gateway: &TestGateway, url: &str, id: &str) -> Vec<(&'static str, usize)> {
    beside(gateway.folder(), url, async |store| {
        let now = tickgate_actors::Clock::start().now();
        let mut found = Vec::new();
        for shelf in Shelf::ALL {
            let count = store.of(shelf, &format!("user:{id}"), now).await.unwrap().len();
            if count > 0 {
                found.push((shelf.as_str(), count));
            }
        }
        found
    })
}

/// Reads a stream to its end.
fn drain(mut stream: Answer) -> String {
    let mut last = String::new();
    while let Some(event) = stream.event() {
        last = event.data.filter(|data| !data.is_empty()).unwrap_or(last);
    }
    last
}

/// A stream's address with a ticket.
fn ticket(gateway: &TestGateway, credential: &str) -> String {
    let ticket = ask(gateway, "POST", "/auth/stream-ticket", r#"{"path": "/events"}"#, credential).json();
    format!("/events?topics=status&ticket={}", ticket["ticket"].as_str().unwrap())
}

fn erasures(rows: &[Value]) -> Vec<&Value> {
    rows.iter().map(|row| &row["entry"]).filter(|entry| entry["action"] == "user.erase").collect()
}

#[test]
fn y8_who_erases_themselves_leaves_nothing_and_no_credential_of_theirs_is_good_on_both_databases() {
    let provider = OidcProvider::start();
    for url in databases() {
        let gateway = gateway(&provider, &url, &[]);
        let (mut browser, id) = sign_in(&gateway, &provider, "ada");
        let (ada_key, jwt) = (key(&gateway, &id, "write"), token(&mut browser));
        let (eve_key, _) = key_of(&gateway, "eve", "write");
        let own_key = json!({"key": "canary-own-upstream-key", "plan": "free"}).to_string();
        assert_eq!(ask(&gateway, "PUT", "/api/user/upstream-key", &own_key, &ada_key).status, 200);
        let mut session = McpClient::connect_as(gateway.address, "2025-11-25", Some(&ada_key));
        set_alert(&mut session);
        set_alert(&mut McpClient::connect_as(gateway.address, "2025-11-25", Some(&eve_key)));
        let (tasks, task) = begin_task(&gateway, &ada_key);
        let ticket = ticket(&gateway, &jwt);
        let streams = [
            browser.get("/events?topics=status"),
            get("/events?topics=status").header("X-API-Key", &ada_key).send(gateway.address),
            get("/events?topics=status").header("Authorization", &format!("Bearer {jwt}")).send(gateway.address),
            session.open_stream(None),
        ];
        assert_eq!(gateway.metric("tickgate_alerts"), 2);
        let kept = records(&gateway, &url, &id);
        for shelf in ["tasks", "alerts", "upstream_keys", "users", "api_keys", "browser_sessions", "audit_subjects"] {
            assert!(kept.iter().any(|(name, _)| *name == shelf), "{shelf} in {kept:?}");
        }
        let cookie = browser.cookies["tickgate"].0.clone();

        let erased = erase_me(&mut browser);
        let since = Instant::now();
        assert_eq!(erased.status, 204);
        assert!(erased.header("set-cookie").unwrap().contains("Max-Age=0"), "the browser forgets too");
        for stream in streams {
            assert_eq!(stream.status, 200);
            let last = drain(stream);
            assert!(last.contains("credential_revoked") || last.is_empty(), "{last}");
            assert!(since.elapsed() < SOON, "{:?}", since.elapsed());
        }
        // Replays, at once.
        assert_eq!(get("/api/user").header("Cookie", &format!("tickgate={cookie}")).send(gateway.address).status, 401);
        assert_eq!((status_with(&gateway, &ada_key), status_with(&gateway, &jwt)), (401, 401));
        assert_eq!(get(&ticket).send(gateway.address).status, 401);
        assert_eq!(session.post(&json!({"jsonrpc": "2.0", "id": 9, "method": "ping"})).status, 401);
        assert_eq!(tasks.ask("tasks/get", json!({"taskId": task})).status, 401);
        assert_eq!(erase_me(&mut browser).status, 401, "once more");
        assert_eq!(records(&gateway, &url, &id), []);
        assert_eq!(gateway.metric("tickgate_alerts"), 1, "others' stay");
        until("the task to have ended", || gateway.metric("tickgate_tasks_running") == 0);
        assert_eq!(status_with(&gateway, &eve_key), 200);

        // Who comes back is somebody new.
        let (mut again, new) = sign_in(&gateway, &provider, "ada");
        assert_ne!(new, id);
        assert_eq!(again.get("/api/user/upstream-key").json(), json!({"set": false}));
        let rows = audit_with(gateway.folder(), &url, &["user.erase"]);
        let gone = erasures(&rows);
        assert_eq!((gone.len(), &gone[0]["outcome"]), (1, &json!("done")));
        let first = rows.iter().find(|row| row["entry"]["action"] == "user.create").unwrap();
        assert_eq!(gone[0]["actor"], first["entry"]["actor"], "the row stands under the id that their rows have");
        let text = json!(rows).to_string();
        assert!(
            !text.contains(&id) && !text.contains("ada@example.com") && !text.contains("canary-subject"),
            "and nobody's name"
        );
        assert!(printed(&["audit", "verify"], gateway.folder(), &url).contains("there and unchanged"));
    }
}

#[test]
fn only_who_may_write_erases_themselves_and_nobody_by_a_page_of_another_site() {
    let provider = OidcProvider::start();
    let gateway = gateway(&provider, "", &[]);
    let (mut browser, id) = sign_in(&gateway, &provider, "ada");
    let reader = key(&gateway, &id, "read");
    assert_eq!(get("/api/user").method("DELETE").send(gateway.address).status, 401);
    let told = ask(&gateway, "DELETE", "/api/user", "", &reader);
    assert_eq!(told.status, 403);
    assert!(told.header("www-authenticate").unwrap().contains("scope=\"write\""));
    let of_configuration = ask(&gateway, "DELETE", "/api/user", "", ADMIN);
    assert_eq!(of_configuration.status, 403);
    assert!(of_configuration.json()["detail"].as_str().unwrap().contains("MCP_API_KEYS"));
    for site in ["cross-site", "same-site", "none"] {
        let request = get("/api/user").method("DELETE").header("Sec-Fetch-Site", site);
        assert_eq!(browser.send(request, "/api/user").status, 403, "{site}");
    }
    assert_eq!(ask(&gateway, "DELETE", "/api/user?id=1", "", &reader).status, 400, "nothing else can be named");
    assert_eq!(browser.get("/api/user").json()["user"]["id"], json!(id), "nothing has changed");
    let open = crate::support::TestGateway::start();
    let anonymous = get("/api/user").method("DELETE").send(open.address);
    assert_eq!(anonymous.status, 401, "an address is nobody");
}

#[test]
fn a_name_without_an_account_erases_what_is_under_it_with_its_keys() {
    let provider = OidcProvider::start();
    let gateway = gateway(&provider, "", &[]);
    let (one, _) = key_of(&gateway, "ada", "write");
    let (two, _) = key_of(&gateway, "ada", "read");
    set_alert(&mut McpClient::connect_as(gateway.address, "2025-11-25", Some(&one)));
    let stream = get("/events?topics=status").header("X-API-Key", &two).send(gateway.address);
    assert_eq!(ask(&gateway, "DELETE", "/api/user", "", &one).status, 204);
    assert!(drain(stream).contains("credential_revoked"));
    assert_eq!((status_with(&gateway, &one), status_with(&gateway, &two)), (401, 401));
    assert_eq!(gateway.metric("tickgate_alerts"), 0);
    assert_eq!(records(&gateway, "", "ada"), []);
    let (new, _) = key_of(&gateway, "ada", "write");
    assert_eq!(status_with(&gateway, &new), 200, "the name can be given anew");
}

#[test]
fn attack_06_who_is_erased_on_one_gateway_is_gone_from_the_other_within_a_second_with_their_alerts() {
    let provider = OidcProvider::start();
    let url = Server::shared().database();
    let (here, there) = (gateway(&provider, &url, &[]), gateway(&provider, &url, &[]));
    let (mut browser, id) = sign_in(&here, &provider, "ada");
    let key = key(&here, &id, "write");
    until("the key to be known there", || status_with(&there, &key) == 200);
    let mut session = McpClient::connect_as(there.address, "2025-11-25", Some(&key));
    set_alert(&mut session);
    let (_, _) = begin_task(&there, &key);
    let stream = get("/events?topics=status").header("X-API-Key", &key).send(there.address);
    assert_eq!((stream.status, there.metric("tickgate_alerts")), (200, 1));
    assert_eq!(erase_me(&mut browser).status, 204);
    let since = Instant::now();
    assert!(drain(stream).contains("credential_revoked"));
    until_within("the end of the key", 1, || status_with(&there, &key) == 401);
    assert!(since.elapsed() < SOON + SOON, "{:?}", since.elapsed());
    assert_eq!(session.post(&json!({"jsonrpc": "2.0", "id": 9, "method": "ping"})).status, 401);
    until("the alert to be forgotten there", || there.metric("tickgate_alerts") == 0);
    until("the task and the session to have ended there", || {
        there.metric("tickgate_tasks_running") == 0 && there.metric("tickgate_sessions_open") == 0
    });
    until("nothing of it to be kept", || records(&here, &url, &id).is_empty());
}

#[test]
fn an_erasure_is_refused_whole_while_the_store_is_away_and_can_be_asked_for_again() {
    let provider = OidcProvider::start();
    let server = Server::start();
    let url = server.database();
    let gateway = gateway(&provider, &url, &[]);
    let (mut browser, id) = sign_in(&gateway, &provider, "ada");
    let key = key(&gateway, &id, "write");
    assert_eq!(status_with(&gateway, &key), 200);
    server.stop();
    let refused = ask(&gateway, "DELETE", "/api/user", "", &key);
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("2")));
    assert_eq!(ask(&gateway, "PATCH", &format!("/admin/users/{id}"), r#"{"disabled": true}"#, ADMIN).status, 503);
    server.start_again();
    until("the store to be back", || browser.get("/api/user").status == 200);
    assert_eq!(status_with(&gateway, &key), 200, "nothing was half done");
    until("the erasure", || ask(&gateway, "DELETE", "/api/user", "", &key).status == 204);
    assert_eq!(records(&gateway, &url, &id), []);
}

#[test]
fn attack_27_tickets_and_forms_of_who_was_erased_bring_nobody_back() {
    let provider = OidcProvider::start();
    let gateway = gateway(&provider, "", &[]);
    let (mut browser, id) = sign_in(&gateway, &provider, "ada");
    // Another process signs for the same person: it has the secret, and it does not help.
    let tokens = tickgate::auth::JwtAuthority::new(&[SECRET.to_owned().into()], &gateway.url("")).unwrap();
    let now = tickgate_actors::Clock::start().now();
    let forged = tokens.issue(&id, tickgate_core::access::Scope::Admin, 600, now).unwrap();
    assert_eq!(status_with(&gateway, &forged), 200);
    assert_eq!(erase_me(&mut browser).status, 204);
    assert_eq!(status_with(&gateway, &forged), 401);
    let make = post("/auth/api-keys", json!({"user_id": id}).to_string()).header("Content-Type", "application/json");
    let made = make.header("X-API-Key", ADMIN).send(gateway.address);
    assert_eq!(made.status, 400, "nor can anybody be made to own something under the old id");
    assert_eq!(ask(&gateway, "GET", &format!("/admin/users/{id}"), "", ADMIN).status, 404);
}
