//! Who gets in by which mode of `AUTH`, and that nobody gets in by a trick (requirements A10, A15, A18, B1–B5, C5).

use serde_json::{Value, json};
use tickgate_actors::Clock;
use tickgate_core::access::Scope;
use tickgate_core::identity::BrowserSession;
use tickgate_core::ports::{Record, Shelf};
use tickgate_core::time::Millis;

use super::{Who, everybody, gateway};
use crate::api_keys::{ADMIN, DATA_KEY, audit_with, beside};
use crate::reports::Program;
use crate::support::browser::signing_in;
use crate::support::mcp::{initialize, message};
use crate::support::{Browser, OidcProvider, TestGateway, get, post};

const KEY: &str = "a-key-of-the-list-0123456789";

#[test]
fn b2_b3_each_mode_lets_in_whom_it_says_and_none_lets_a_bad_key_pass() {
    let keys = ("MCP_API_KEYS", KEY);
    for (settings, without, good, bad) in [
        (vec![], 200, None, None),
        (vec![("AUTH", "required"), keys], 401, Some(200), Some(401)),
        (vec![("AUTH", "optional"), keys], 200, Some(200), Some(401)),
        (vec![("AUTH", "insecure-off")], 200, None, None),
    ] {
        let gateway = TestGateway::with(&settings);
        let asked = |key: Option<&str>| {
            let request = key.into_iter().fold(get("/api/status"), |request, key| request.header("X-API-Key", key));
            request.send(gateway.address).status
        };
        let seen = (asked(None), good.map(|_| asked(Some(KEY))), bad.map(|_| asked(Some("another-key-0123456789"))));
        assert_eq!(seen, (without, good, bad), "{settings:?}");
    }
    // Outside development nothing is open because somebody forgot to say who may come.
    let refused = TestGateway::try_with(&[("APP_ENV", "production"), ("DATA_ENCRYPTION_KEY", DATA_KEY)]).err().unwrap();
    assert!(refused.contains("nobody could get in"), "{refused}");
}

#[test]
fn b4_b5_keys_of_the_list_are_trimmed_and_a_refusal_on_mcp_is_a_json_rpc_error_without_an_id() {
    let keys = format!(" {KEY} ,, second-key-of-the-list-01 ,");
    let gateway = TestGateway::with(&[("AUTH", "required"), ("MCP_API_KEYS", &keys)]);
    for key in [KEY, "second-key-of-the-list-01"] {
        for (name, value) in
            [("x-api-key", key.to_owned()), ("X-API-KEY", key.to_owned()), ("authorization", format!("bearer {key}"))]
        {
            assert_eq!(get("/api/status").header(name, &value).send(gateway.address).status, 200, "{name}");
        }
    }
    let answer = message(&initialize("2025-11-25")).header("X-API-Key", "wrong-wrong-wrong-wrong").send(gateway.address);
    assert_eq!(answer.status, 401);
    let told = answer.json();
    assert_eq!((&told["jsonrpc"], &told["id"], &told["error"]["code"]), (&json!("2.0"), &Value::Null, &json!(401)));
    assert_eq!(told["error"]["message"], "Unauthorized: Invalid or missing API key");
    assert!(!told.to_string().contains("wrong"), "{told}");
}

#[test]
fn a18_a_stored_key_a_key_of_the_list_and_a_token_open_the_same_door_and_the_first_that_is_shown_decides() {
    let gateway = gateway("", &[]);
    let everybody = everybody(&gateway, "");
    let shown = |name: &str| everybody.iter().find(|who| who.name == name).unwrap().credential.clone().unwrap();
    let (key, token) = (shown("the key read"), shown("the token write"));
    let asked = |headers: &[(&str, &str)]| {
        let request = get("/auth/api-keys").header("Host", super::HOST);
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send(gateway.address).status
    };
    let bearer = format!("Bearer {token}");
    assert_eq!(
        (asked(&[("X-API-Key", ADMIN)]), asked(&[("Authorization", &bearer)]), asked(&[("X-API-Key", &key)])),
        (200, 200, 403)
    );
    // `Authorization` decides, whatever else is there.
    assert_eq!(asked(&[("X-API-Key", &key), ("Authorization", &bearer)]), 200);
    assert_eq!(asked(&[("X-API-Key", ADMIN), ("Authorization", &format!("Bearer {key}"))]), 403);
    assert_eq!(asked(&[("X-API-Key", ADMIN), ("Authorization", "Bearer x.y.z")]), 401);
}

#[test]
fn c5_no_spelling_of_a_path_no_header_and_no_method_leads_around_the_door() {
    let gateway = gateway("", &[]);
    let reader = everybody(&gateway, "").into_iter().find(|who| who.name == "the key read").unwrap();
    let nobody = Who { name: "anonymous", credential: None, scope: None };
    for path in [
        "/Metrics",
        "/metrics/",
        "//metrics",
        "/./metrics",
        "/x/../metrics",
        "/%6detrics",
        "/metrics%2f",
        "/metrics%00",
        "/metrics;a=b",
        "/health/../metrics",
        "/assets/../metrics",
        "/assets/..%2fmetrics",
        "/.well-known/../metrics",
        "/metrics?x=/health",
        "/metrics#/health",
    ] {
        for who in [&nobody, &reader] {
            let answer = who.sends(get(path)).send(gateway.address);
            assert!(answer.status >= 400, "{} gets {path}: {}", who.name, answer.status);
            assert!(!answer.text().contains("# TYPE"), "{} gets {path}", who.name);
        }
    }
    let tricks = [
        ("X-HTTP-Method-Override", "GET"),
        ("X-Original-URL", "/health"),
        ("X-Rewrite-URL", "/health"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-User", "root"),
        ("Authorization", ""),
        ("Authorization", "Bearer"),
        ("Authorization", "Bearer "),
        ("Authorization", "Bearer null"),
        ("Authorization", "Bearer undefined"),
        ("X-API-Key", ""),
        ("Cookie", "__Host-tickgate=admin"),
    ];
    for (name, value) in tricks {
        for path in ["/metrics", "/api/status", "/auth/api-keys", "/mcp"] {
            let answer = get(path).header("Host", super::HOST).header(name, value).send(gateway.address);
            assert_eq!(answer.status, 401, "{path} with {name}: {value}");
        }
        let deleting = post("/auth/api-keys/WXNxlzyvDjhs", "").header("Host", super::HOST).header(name, value).method("DELETE");
        assert_eq!(deleting.send(gateway.address).status, 401, "{name}: {value}");
    }
    let twice = reader.sends(get("/api/status")).header("Authorization", &format!("Bearer {ADMIN}"));
    assert_eq!(twice.send(gateway.address).status, 401, "of two credentials nobody knows which was meant");
}

#[test]
fn a15_who_called_is_in_the_log_line_and_in_the_audit() {
    let keys = format!("{ADMIN}:admin:root");
    let settings = [("AUTH", "required"), ("MCP_API_KEYS", keys.as_str()), ("DATA_ENCRYPTION_KEY", DATA_KEY)];
    let mut program = Program::start(&settings);
    let wanted = post("/auth/api-keys", r#"{"user_id": "ada", "scope": "read"}"#).header("Content-Type", "application/json");
    let made = wanted.header("X-API-Key", ADMIN).header("X-Request-Id", "one").send(program.address).json();
    let key = made["key"].as_str().unwrap();
    assert_eq!(get("/api/status").header("X-API-Key", key).header("X-Request-Id", "two").send(program.address).status, 200);
    for (request, user) in [("one", "user:root"), ("two", "user:ada")] {
        let line = program.wait_for(|line| line["span"]["request_id"] == request && line["status_code"].is_u64());
        assert_eq!(line["span"]["user_id"], user, "{line}");
    }
    let rows = audit_with(&program.folder.path().join("data"), "", &["key.create"]);
    let row = rows.iter().find(|row| row["entry"]["request_id"] == "one").unwrap();
    let actor = row["entry"]["actor"]["someone"].as_str().unwrap();
    assert!(actor.len() == 32 && !row.to_string().contains("root"), "people stand there by a random id alone: {row}");
}

#[test]
fn a10_a_session_that_was_not_used_for_too_long_is_over_and_one_that_is_used_gives_new_tokens() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[("DATA_ENCRYPTION_KEY", DATA_KEY)]));
    let mut browser = Browser::of(&gateway);
    browser.sign_in(&provider);
    let refresh = |browser: &mut Browser| browser.post("/auth/refresh", "");
    let (first, second) = (refresh(&mut browser).json(), refresh(&mut browser).json());
    assert_ne!(first["access_token"], second["access_token"]);
    let seen_earlier = |hours: u64| {
        beside(gateway.folder(), "", async |store| {
            let now = Clock::start().now();
            let record = store.all(Shelf::BrowserSessions, now).await.unwrap().pop().unwrap();
            let mut session: BrowserSession = serde_json::from_slice(&record.body).unwrap();
            let ago = hours * 3_600_000;
            (session.created, session.seen) = (Millis(now.0 - ago), Millis(now.0 - ago));
            let body = serde_json::to_vec(&session).unwrap().into();
            store.put(Shelf::BrowserSessions, vec![Record { body, ..record }]).await.unwrap();
        });
    };
    seen_earlier(11);
    assert_eq!(refresh(&mut browser).status, 200, "before its time is over it goes on");
    seen_earlier(12);
    assert_eq!((refresh(&mut browser).status, browser.get("/api/user").status), (401, 401));
    assert_eq!(Scope::Write.as_str(), first["scope"]);
}
