//! What is open ends when the credential that opened it does.

use std::time::{Duration, Instant};

use serde_json::json;
use tickgate::auth::JwtAuthority;
use tickgate_core::access::Scope;
use tickgate_core::identity::{AdminEmails, Identity, User, UserId};
use tickgate_core::ports::{Record, Shelf};

use super::{ADMIN, ask, beside, change_key, gateway, key_of, make, printed, status_with};
use crate::support::{Answer, McpClient, Stateless, TestGateway, get, until_within};

/// Within so long every stream has ended (DESIGN: within a second), on a machine that is busy.
const SOON: Duration = Duration::from_millis(1_000);
/// A secret of the tests.
const JWT_SECRET: &str = "f0e0d0c0b0a09080706050403020100ff0e0d0c0b0a09080706050403020100f";

/// Every kind of stream, opened with a key: its name, the answer, and the session that it belongs to.
fn open_all(gateway: &TestGateway, key: &str) -> (Vec<(&'static str, Answer)>, McpClient) {
    let plain = |path: &str| get(path).header("X-API-Key", key).send(gateway.address);
    let session = McpClient::connect_as(gateway.address, "2025-11-25", Some(key));
    let arguments = json!({"stream": true, "symbols": ["AAPL"], "duration": 60_000});
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "stream_stock_prices", "arguments": arguments}});
    let modern = Stateless::new(gateway.address).with_key(key);
    let modern =
        modern.ask("tools/call", json!({"name": "stream_stock_prices", "arguments": arguments, "_meta": {"progressToken": "t"}}));
    let streams = vec![
        ("events", plain("/events?topics=prices:AAPL,status")),
        ("stream-prices", plain("/api/mcp/stream-prices?symbols=AAPL&duration=300000")),
        ("stream-news", plain("/api/mcp/stream-news?symbol=AAPL&duration=300000")),
        ("mcp get", session.open_stream(None)),
        ("mcp call", session.post(&call)),
        ("stateless call", modern),
        ("sse", get("/sse").header("Accept", "text/event-stream").header("X-API-Key", key).send(gateway.address)),
    ];
    (streams, session)
}

/// Reads a stream to its end, and gives the last event with data.
fn last(name: &str, mut answer: Answer) -> String {
    assert_eq!(answer.status, 200, "{name}");
    let mut last = String::new();
    while let Some(event) = answer.event() {
        if let Some(data) = event.data.filter(|data| !data.is_empty()) {
            last = format!("{} {data}", event.name.unwrap_or_default());
        }
    }
    assert!(answer.ended_cleanly(), "{name}");
    last
}

#[test]
fn attack_06_every_stream_of_a_revoked_key_ends_within_a_second_and_its_session_answers_401() {
    let gateway = gateway("", &[("LEGACY_SSE", "true"), ("METRICS_PUBLIC", "true")]);
    let (key, id) = key_of(&gateway, "ada", "write");
    let (other, _) = key_of(&gateway, "ada", "write");
    let (streams, session) = open_all(&gateway, &key);
    let mut others = get("/events?topics=prices:AAPL").header("X-API-Key", &other).send(gateway.address);
    others.data().unwrap();
    // Another process revokes it; here it is seen by the feed of changes alone.
    printed(&["keys", "revoke", &id], gateway.folder(), "");
    let revoked = Instant::now();
    for (name, answer) in streams {
        let last = last(name, answer);
        assert!(last.contains("credential_revoked"), "{name}: {last}");
        assert!(revoked.elapsed() < SOON, "{name}: {:?}", revoked.elapsed());
    }
    let ping = session.post(&json!({"jsonrpc": "2.0", "id": 2, "method": "ping"}));
    assert_eq!((ping.status, session.open_stream(None).status), (401, 401));
    assert!(ping.json()["error"]["message"].as_str().unwrap().contains("Unauthorized"));
    others.data().expect("the owner's other key goes on");
    assert_eq!(gateway.metric("tickgate_streams_closed_total{kind=\"events\",reason=\"credential_revoked\"}"), 1);
    assert_eq!(gateway.metric("tickgate_streams_open{kind=\"events\"}"), 1, "its place is free again");
}

#[test]
fn attack_06_a_stream_ends_when_its_key_or_its_token_expires() {
    let gateway = gateway("", &[("JWT_SECRET_KEY", JWT_SECRET)]);
    let now = tickgate_actors::Clock::start().now();
    let (key, id) = key_of(&gateway, "ada", "read");
    change_key(&gateway, &id, |key| key.expires = Some(now.plus(2_500)));
    until_within("the key's end to be known", 2, || {
        ask(&gateway, "GET", &format!("/auth/api-keys/{id}"), "", ADMIN).json()["expires_at"].is_string()
    });
    std::thread::park_timeout(Duration::from_millis(300));
    let url = format!("http://{}", gateway.address);
    let tokens = JwtAuthority::new(&[JWT_SECRET.to_owned().into()], &url).unwrap();
    let token = tokens.issue("ada", Scope::Read, 3, now).unwrap();
    for (name, credential) in [("key", key), ("token", token)] {
        let stream = get("/events?topics=status").header("Authorization", &format!("Bearer {credential}")).send(gateway.address);
        let last = last(name, stream);
        assert!(last.starts_with("bye") && last.contains("credential_expired"), "{name}: {last}");
        let late = tickgate_actors::Clock::start().now().since(now);
        assert!((2_000..4_500).contains(&late), "{name}: {late}");
    }
    assert_eq!(status_with(&gateway, &"x".repeat(20)), 401);
}

#[test]
fn attack_06_what_was_opened_with_the_old_secret_ends_with_its_grace_and_the_new_one_goes_on() {
    let gateway = gateway("", &[]);
    let (first, id) = key_of(&gateway, "ada", "write");
    let rotated = ask(&gateway, "POST", &format!("/auth/api-keys/{id}/rotate"), r#"{"grace_hours": 1}"#, &first).json();
    let soon = tickgate_actors::Clock::start().now().plus(2_000);
    change_key(&gateway, &id, |key| key.old.as_mut().unwrap().until = soon);
    std::thread::park_timeout(Duration::from_millis(600));
    let open = |key: &str| get("/events?topics=prices:AAPL").header("X-API-Key", key).send(gateway.address);
    let (old, mut new) = (open(&first), open(rotated["key"].as_str().unwrap()));
    assert!(last("old", old).contains("credential_expired"));
    assert_eq!(status_with(&gateway, &first), 401);
    new.data().expect("the new secret's stream goes on");
}

/// Puts a person into the store beside the gateway, and gives their record.
fn person(gateway: &TestGateway, id: u128, change: impl FnOnce(&mut User)) -> User {
    let identity = Identity { issuer: "local".into(), subject: format!("{id}"), email: None, email_verified: false, name: None };
    let now = tickgate_actors::Clock::start().now();
    let mut user = User::first_seen(UserId(id), &identity, &AdminEmails::default(), now);
    change(&mut user);
    let body = serde_json::to_vec(&user).unwrap().into();
    let record = Record { id: user.account_key().0, principal: user.principal().as_str().to_owned(), expires: None, body };
    beside(gateway.folder(), "", async |store| store.put(Shelf::Users, vec![record]).await.unwrap());
    user
}

#[test]
fn attack_06_a_person_who_is_disabled_or_erased_loses_keys_tokens_and_streams_within_a_second() {
    let gateway = gateway("", &[("JWT_SECRET_KEY", JWT_SECRET)]);
    let tokens = JwtAuthority::new(&[JWT_SECRET.to_owned().into()], &format!("http://{}", gateway.address)).unwrap();
    for erased in [false, true] {
        let number = 77 + u128::from(erased);
        let user = person(&gateway, number, |_| {});
        let id = user.id.to_string();
        let token = tokens.issue(&id, Scope::Admin, 600, user.created).unwrap();
        assert_eq!(status_with(&gateway, &token), 200, "a person who was made a moment ago elsewhere is looked up");
        assert_eq!(ask(&gateway, "GET", "/auth/api-keys?all=true", "", &token).status, 403, "no more than their role may");
        let key = make(&gateway, &json!({"user_id": id, "scope": "admin"}), ADMIN)["key"].as_str().unwrap().to_owned();
        assert_eq!(ask(&gateway, "GET", "/auth/api-keys?all=true", "", &key).status, 403, "nor their keys");
        let open = |credential: &str| {
            get("/events?topics=status").header("Authorization", &format!("Bearer {credential}")).send(gateway.address)
        };
        let streams = [("token", open(&token)), ("key", open(&key))];
        if erased {
            beside(gateway.folder(), "", async |store| store.erase(user.principal().as_str()).await.unwrap());
        } else {
            person(&gateway, number, |user| user.disabled = Some(user.created));
        }
        let since = Instant::now();
        for (name, stream) in streams {
            assert!(last(name, stream).contains("credential_revoked"), "{name}");
            assert!(since.elapsed() < SOON, "{name}: {:?}", since.elapsed());
        }
        assert_eq!((status_with(&gateway, &token), status_with(&gateway, &key)), (401, 401), "erased: {erased}");
    }
}
