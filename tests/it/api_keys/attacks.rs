//! API keys in the hands of an attacker.

use serde_json::{Value, json};

use super::{ADMIN, ask, audit_with, bearer, change_key, forged, gateway, key_of, printed, status_with};
use crate::support::mcp::message;
use crate::support::{McpClient, TestGateway, get, post, until_within};

/// What a refused key is told, without what is different in every answer.
fn refusal(gateway: &TestGateway, key: &str) -> Value {
    let answer = get("/api/status").header("X-API-Key", key).send(gateway.address);
    assert_eq!(answer.status, 401);
    let challenge = answer.header("www-authenticate").unwrap().to_owned();
    let mut problem = answer.json();
    problem["request_id"] = json!(challenge);
    problem
}

#[test]
fn attack_30_unknown_wrong_revoked_and_expired_keys_are_all_told_the_same() {
    let gateway = gateway("", &[]);
    let (good, good_id) = key_of(&gateway, "ada", "write");
    let (revoked, revoked_id) = key_of(&gateway, "ada", "write");
    let (expired, expired_id) = key_of(&gateway, "ada", "write");
    assert_eq!(ask(&gateway, "DELETE", &format!("/auth/api-keys/{revoked_id}"), "", ADMIN).status, 204);
    change_key(&gateway, &expired_id, |key| key.expires = Some(key.created));
    until_within("the expiry", 2, || status_with(&gateway, &expired) == 401);
    let (wrong, nobodys) = (forged(&good_id), forged("000000000001"));
    let told = refusal(&gateway, "not-a-key-of-any-kind");
    for (name, key) in [("wrong secret", &wrong), ("nobody's", &nobodys), ("revoked", &revoked), ("expired", &expired)] {
        assert_eq!(refusal(&gateway, key), told, "{name}");
        assert!(!refusal(&gateway, key).to_string().contains(&key[3..15]), "{name}: no echo");
    }
    assert!(told["detail"].as_str().unwrap().starts_with("Unauthorized: Invalid or missing API key: send `Authorization"));
    assert_eq!(status_with(&gateway, &good), 200);
}

#[test]
fn attack_30_a_key_in_the_query_lets_nobody_in_and_look_alikes_do_not_either() {
    let gateway = gateway("", &[]);
    let (key, _) = key_of(&gateway, "ada", "write");
    for name in ["api_key", "apikey", "key", "token", "access_token", "X-API-Key"] {
        for path in ["/api/status", "/events", "/tools/list"] {
            assert_eq!(get(&format!("{path}?{name}={key}")).send(gateway.address).status, 401, "{path}?{name}");
        }
    }
    let mut swapped = key.clone().into_bytes();
    swapped.swap(20, 40);
    let swapped = String::from_utf8(swapped).unwrap();
    for look_alike in [key.to_uppercase(), format!("{key}0"), key[..64].to_owned(), swapped, key.replacen("tg_", "tgr_", 1)] {
        assert!(look_alike == key || status_with(&gateway, &look_alike) == 401, "{look_alike}");
    }
    let twice = get("/api/status").header("X-API-Key", &key).header("X-API-Key", &key).send(gateway.address);
    assert_eq!(twice.status, 401, "which one?");
    let both = get("/api/status").header("Authorization", "Bearer nothing-good").header("X-API-Key", &key).send(gateway.address);
    assert_eq!(both.status, 401, "the first that is present decides");
}

#[test]
fn attack_30_the_database_and_the_audit_hold_no_key_and_nobody_elses_data_key_opens_them() {
    let mut gateway = gateway("", &[]);
    let keys: Vec<(String, String)> = (0..5).map(|_| key_of(&gateway, "ada", "write")).collect();
    assert!(keys.iter().all(|(key, _)| status_with(&gateway, key) == 200));
    let rows = printed(&["audit", "export"], gateway.folder(), "");
    gateway.begin_to_stop();
    gateway.wait_until_stopped();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(gateway.folder()).unwrap() {
        files.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let found = |needle: &str| files.windows(needle.len()).any(|window| window == needle.as_bytes());
    for (key, id) in &keys {
        assert!(!rows.contains(&key[16..]), "the audit names the key by its id alone");
        assert!(rows.contains(id));
        assert!(!found(&key[16..]) && !found(&key[16..40]) && !found("limit_per_minute"), "{id}");
    }
    assert!(!rows.contains("\"ada\"") && !rows.contains("user:ada"), "nor a person by their name");
    let other = ("DATA_ENCRYPTION_KEY", "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff");
    let folder = gateway.folder().to_str().unwrap();
    let stolen = TestGateway::with(&[("AUTH", "required"), ("MCP_API_KEYS", ADMIN), ("DATA_DIR", folder), other]);
    assert!(keys.iter().all(|(key, _)| status_with(&stolen, key) == 401), "another data key lets nobody in");
}

#[test]
fn attack_30_refused_keys_are_written_down_but_cannot_fill_the_audit_log() {
    let gateway = gateway("", &[]);
    let (key, id) = key_of(&gateway, "ada", "write");
    assert_eq!(status_with(&gateway, &key), 200);
    assert_eq!(ask(&gateway, "DELETE", &format!("/auth/api-keys/{id}"), "", ADMIN).status, 204);
    for _ in 0..30 {
        assert_eq!(status_with(&gateway, &key), 401);
    }
    for n in 100..130 {
        assert_eq!(status_with(&gateway, &forged(&format!("{n:012}"))), 401);
    }
    let rows = audit_with(gateway.folder(), "", &["\"reason\",\"revoked\"", "\"reason\",\"unknown\"", "key.use"]);
    let count = |action: &str| rows.iter().filter(|row| row["entry"]["action"] == action).count();
    assert_eq!((count("key.create"), count("key.revoke"), count("credential.refused")), (1, 1, 2));
    let refused = rows.iter().find(|row| row["entry"]["action"] == "credential.refused").unwrap();
    assert_eq!((&refused["entry"]["target"], &refused["entry"]["actor"]), (&json!(format!("key:{id}")), &json!("nobody")));
    assert_eq!(refused["entry"]["from"], "127.0.0.1");
    assert!(refused["entry"]["request_id"].as_str().unwrap().len() >= 16);
    let said = printed(&["audit", "verify"], gateway.folder(), "");
    assert!(said.contains("there and unchanged"), "{said}");
}

#[test]
fn attack_29_in_a_session_each_request_may_what_its_own_credential_may_not_what_the_opener_could() {
    let gateway = gateway("", &[("LEGACY_SSE", "true")]);
    let (writer, _) = key_of(&gateway, "ada", "write");
    let (reader, _) = key_of(&gateway, "ada", "read");
    let session = McpClient::connect_as(gateway.address, "2025-11-25", Some(&writer));
    let arguments = json!({"symbol": "AAPL", "condition": "above", "target_price": 1_000_000});
    let call =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "set_price_alert", "arguments": arguments}});
    let with = |key: &str| {
        let request = message(&call).header("Mcp-Session-Id", &session.session).header("MCP-Protocol-Version", "2025-11-25");
        bearer(request, key).send(gateway.address)
    };
    let refused = with(&reader);
    assert_eq!(refused.status, 403);
    assert!(refused.header("www-authenticate").unwrap().contains("insufficient_scope"));
    let done = with(&writer);
    assert_eq!(done.status, 200);
    assert!(done.json()["result"]["structuredContent"]["alert"].is_object());
    assert_eq!(with(&reader).status, 403, "also after the writer has spoken");
}

#[test]
fn attack_26_a_good_key_lifts_no_limit_where_nobody_asks_for_it() {
    let gateway = gateway("", &[("RATE_LIMIT_AUTH", "5/h"), ("RATE_LIMIT_MCP", "5/h")]);
    let (key, _) = key_of(&gateway, "eve", "read");
    assert_eq!(status_with(&gateway, &key), 200, "it is known from now on");
    let refused = |path: &str| {
        let request = || bearer(post(path, "link=x").header("Content-Type", "application/x-www-form-urlencoded"), &key);
        (0..7).filter(|_| request().send(gateway.address).status == 429).count()
    };
    let all: usize = ["/auth/key-link", "/register", "/token", "/revoke", "/authorize"].into_iter().map(refused).sum();
    assert!(all >= 5 * 7 - 5, "one account for all of them, that of the address: {all}");
    let asked = (0..9).filter(|_| ask(&gateway, "GET", "/auth/session", "", &key).status == 429).count();
    // What the key lets in is charged to the key.
    assert_eq!((asked >= 4, status_with(&gateway, &key)), (true, 200));
}

#[test]
fn attack_29_who_is_sent_away_for_want_of_scope_cannot_try_without_end() {
    let gateway = gateway("", &[("RATE_LIMIT_AUTH", "5/h"), ("RATE_LIMIT_MCP", "5/h")]);
    let (key, _) = key_of(&gateway, "eve", "read");
    assert_eq!(status_with(&gateway, &key), 200, "it is known from now on");
    for path in ["/admin/users", "/auth/api-keys"] {
        let statuses: Vec<u16> = (0..9).map(|_| ask(&gateway, "GET", path, "", &key).status).collect();
        assert!(statuses[0] == 403 && statuses[8] == 429, "{path}: {statuses:?}");
    }
    assert_eq!(status_with(&gateway, &key), 200, "what it may is its own account");
}

#[test]
fn attack_30_nowhere_can_a_key_be_guessed_without_end() {
    let gateway = gateway("", &[("RATE_LIMIT_AUTH", "5/h"), ("METRICS_PUBLIC", "false"), ("DOCS_PUBLIC", "false")]);
    let guess = |path: &str| get(path).header("X-API-Key", "a-guess-of-an-attacker").send(gateway.address).status;
    let statuses: Vec<u16> =
        ["/nothing", "/docs", "/metrics", "/sse", "/auth", "/nothing", "/metrics"].into_iter().map(guess).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
    // Who tries nothing, and where nothing is asked for, is not counted.
    assert_eq!((get("/nothing").send(gateway.address).status, guess("/healthz"), guess("/")), (401, 200, 200));
}
