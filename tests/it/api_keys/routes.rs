//! `/auth/api-keys`: what may be asked, and what is answered to whom.

use serde_json::{Value, json};

use super::{ADMIN, ask, change_key, gateway, key_of, make, status_with};
use crate::support::{TestGateway, get, post, until_within};

#[test]
fn a_key_is_made_shown_once_let_in_by_both_headers_listed_and_revoked() {
    let gateway = gateway("", &[("METRICS_PUBLIC", "true")]);
    let made = make(&gateway, &json!({"user_id": "ada", "scope": "write", "name": "laptop", "ttl_hours": 24}), ADMIN);
    let (key, id) = (made["key"].as_str().unwrap(), made["key_id"].as_str().unwrap());
    assert!(key.starts_with(&format!("tg_{id}_")) && key.len() == 65, "{key}");
    assert_eq!(
        (&made["user_id"], &made["scope"], &made["state"], &made["name"]),
        (&json!("ada"), &json!("write"), &json!("good"), &json!("laptop"))
    );
    let created = tickgate_core::time::Millis::parse_rfc3339(made["created_at"].as_str().unwrap()).unwrap();
    let expires = tickgate_core::time::Millis::parse_rfc3339(made["expires_at"].as_str().unwrap()).unwrap();
    assert_eq!(expires.since(created) / 1_000, 24 * 3_600);
    for name in ["Authorization", "authorization", "X-API-Key", "x-api-key"] {
        let value = if name.starts_with(['A', 'a']) { format!("Bearer {key}") } else { key.to_owned() };
        assert_eq!(get("/api/status").header(name, &value).send(gateway.address).status, 200, "{name}");
    }
    let listed = ask(&gateway, "GET", "/auth/api-keys", "", key);
    assert_eq!((listed.status, listed.header("cache-control")), (200, Some("no-store")));
    let listed = listed.text();
    assert!(listed.contains(id) && !listed.contains(&key[16..]) && !listed.contains("hash"), "{listed}");
    let one = ask(&gateway, "GET", &format!("/auth/api-keys/{id}"), "", key).json();
    assert!(one["last_used_at"].is_string() && one["key"].is_null(), "{one}");
    assert_eq!(gateway.metric(&format!("tickgate_api_key_uses_total{{key=\"{id}\",route=\"api\"}}")), 4);
    assert_eq!(ask(&gateway, "DELETE", &format!("/auth/api-keys/{id}"), "", key).status, 204);
    assert_eq!(status_with(&gateway, key), 401, "it was known a moment ago");
    let revoked = ask(&gateway, "GET", &format!("/auth/api-keys/{id}"), "", ADMIN).json();
    assert_eq!(revoked["state"], "revoked");
    assert_eq!(ask(&gateway, "DELETE", &format!("/auth/api-keys/{id}"), "", ADMIN).status, 204, "twice is no error");
    assert_eq!(ask(&gateway, "POST", &format!("/auth/api-keys/{id}/rotate"), "", ADMIN).status, 409);
}

#[test]
fn every_mistake_in_a_request_is_told_at_once_and_nothing_is_made() {
    let gateway = gateway("", &[]);
    let bad = json!({"user_id": "a b", "scope": "root", "ttl_hours": 0, "colour": "red"});
    let answer = ask(&gateway, "POST", "/auth/api-keys", &bad.to_string(), ADMIN);
    assert_eq!(answer.status, 400);
    let problem = answer.json();
    let told: Vec<&str> = problem["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(told, ["user_id", "scope", "ttl_hours", "colour"], "{problem}");
    assert!(!problem.to_string().contains("root"), "what was sent is not repeated: {problem}");
    for body in ["[]", "{", "\"x\"", "nothing"] {
        assert_eq!(ask(&gateway, "POST", "/auth/api-keys", body, ADMIN).status, 400, "{body}");
    }
    assert_eq!(post("/auth/api-keys", "{}").header("X-API-Key", ADMIN).send(gateway.address).status, 415);
    let unknown = json!({"user_id": "0f3b9c0a5d2e4f61a7c8b9d0e1f20314"});
    assert_eq!(ask(&gateway, "POST", "/auth/api-keys", &unknown.to_string(), ADMIN).status, 400, "no such person");
    let grace = ask(&gateway, "POST", "/auth/api-keys/000000000001/rotate", r#"{"grace_hours": 721, "x": 1}"#, ADMIN);
    assert_eq!((grace.status, grace.json()["errors"].as_array().unwrap().len()), (400, 2));
    let listed = ask(&gateway, "GET", "/auth/api-keys?all=true", "", ADMIN).json();
    assert_eq!(listed, json!({"api_keys": []}));
    assert_eq!(ask(&gateway, "GET", "/auth/api-keys?all=perhaps", "", ADMIN).status, 400);
    let put = ask(&gateway, "PUT", "/auth/api-keys", "{}", ADMIN);
    assert_eq!((put.status, put.header("allow")), (405, Some("GET, POST")));
}

#[test]
fn attack_29_nobody_sees_or_changes_keys_that_are_not_theirs_and_nobody_gains_a_scope() {
    let gateway = gateway("", &[]);
    let (reader, _) = key_of(&gateway, "ada", "read");
    let (ada, adas) = key_of(&gateway, "ada", "write");
    let (eve, eves) = key_of(&gateway, "eve", "write");
    let (_, strong) = key_of(&gateway, "ada", "admin");
    let of = |id: &str| format!("/auth/api-keys/{id}");
    let rotate = |id: &str| format!("/auth/api-keys/{id}/rotate");
    let missing = of("000000000001");
    // Method, path, body, who, what they get.
    let table: Vec<(&'static str, String, &str, &str, u16)> = vec![
        ("GET", "/auth/api-keys".into(), "", &reader, 403),
        ("POST", "/auth/api-keys".into(), "{}", &reader, 403),
        ("GET", of(&adas), "", &reader, 403),
        ("DELETE", of(&eves), "", &reader, 403),
        ("GET", "/auth/api-keys".into(), "", &ada, 200),
        ("GET", "/auth/api-keys?all=true".into(), "", &ada, 403),
        ("POST", "/auth/api-keys".into(), r#"{"scope": "admin"}"#, &ada, 403),
        ("POST", "/auth/api-keys".into(), r#"{"user_id": "eve"}"#, &ada, 403),
        ("POST", "/auth/api-keys".into(), r#"{"user_id": "ada"}"#, &ada, 201),
        ("GET", of(&adas), "", &ada, 200),
        ("GET", of(&eves), "", &ada, 404),
        ("DELETE", of(&eves), "", &ada, 404),
        ("POST", rotate(&eves), "", &ada, 404),
        ("GET", missing.clone(), "", &ada, 404),
        ("GET", of("not-an-id"), "", &ada, 404),
        ("POST", rotate(&strong), "", &ada, 403),
        ("GET", of(&eves), "", ADMIN, 200),
        ("POST", rotate(&strong), "", ADMIN, 200),
        ("GET", "/auth/api-keys?all=true".into(), "", ADMIN, 200),
        ("GET", "/auth/api-keys".into(), "", "no-key-at-all", 401),
    ];
    for (method, path, body, key, status) in table {
        let answer = ask(&gateway, method, &path, body, key);
        assert_eq!(answer.status, status, "{method} {path} {body}");
        if status == 403 {
            assert!(answer.header("www-authenticate").unwrap().contains("insufficient_scope"), "{method} {path}");
        }
    }
    let without_id = |id: &str| {
        let mut problem = ask(&gateway, "GET", &of(id), "", &ada).json();
        problem["request_id"] = Value::Null;
        problem
    };
    assert_eq!(without_id(&eves), without_id("000000000001"), "one that is another's is like one that does not exist");
    assert_eq!(get("/auth/api-keys").send(gateway.address).status, 401);
    assert_eq!(status_with(&gateway, &eve), 200);
}

#[test]
fn an_anonymous_caller_owns_no_keys_whatever_scope_they_have() {
    let gateway = TestGateway::start();
    for (method, path, body) in [("GET", "/auth/api-keys", ""), ("POST", "/auth/api-keys", "{}")] {
        let request = if body.is_empty() { get(path) } else { post(path, body).header("Content-Type", "application/json") };
        let answer = request.method(method).send(gateway.address);
        assert_eq!(answer.status, 401, "{method}");
        assert!(answer.json()["detail"].as_str().unwrap().contains("belong to somebody"));
    }
}

#[test]
fn after_a_rotation_the_old_secret_is_good_for_its_grace_and_no_longer() {
    let gateway = gateway("", &[]);
    let (first, id) = key_of(&gateway, "ada", "write");
    let rotate = format!("/auth/api-keys/{id}/rotate");
    let rotated = ask(&gateway, "POST", &rotate, r#"{"grace_hours": 1}"#, &first).json();
    let second = rotated["key"].as_str().unwrap().to_owned();
    assert!(rotated["old_secret_until"].is_string() && second.starts_with(&format!("tg_{id}_")) && second != first);
    assert_eq!((status_with(&gateway, &first), status_with(&gateway, &second)), (200, 200));
    // The grace ends.
    change_key(&gateway, &id, |key| key.old.as_mut().unwrap().until = key.created);
    until_within("the end of the grace", 2, || status_with(&gateway, &first) == 401);
    assert_eq!(status_with(&gateway, &second), 200);
    let third = ask(&gateway, "POST", &rotate, r#"{"grace_hours": 0}"#, &second).json();
    assert_eq!(status_with(&gateway, &second), 401, "at once");
    assert_eq!(status_with(&gateway, third["key"].as_str().unwrap()), 200);
}

#[test]
fn two_keys_of_one_owner_at_one_address_have_a_bucket_each_and_a_key_may_have_its_own_limit() {
    let gateway = gateway("", &[("RATE_LIMIT_KEY", "5/h"), ("RATE_LIMIT_MCP", "1000")]);
    let keys: Vec<String> = (0..2).map(|_| printed_key(&gateway, "")).collect();
    for key in &keys {
        let answers: Vec<u16> = (0..6).map(|_| status_with(&gateway, key)).collect();
        assert_eq!(answers, [200, 200, 200, 200, 200, 429]);
    }
    let own = printed_key(&gateway, "2");
    let answers: Vec<u16> = (0..3).map(|_| status_with(&gateway, &own)).collect();
    assert_eq!(answers, [200, 200, 429]);
    let refused = ask(&gateway, "GET", "/api/status", "", &own);
    assert_eq!(refused.header("ratelimit-limit"), Some("2"));
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(refused.json()["detail"], "Rate limit exceeded");
    let generous = printed_key(&gateway, "100");
    assert!((0..20).all(|_| status_with(&gateway, &generous) == 200), "more than RATE_LIMIT_KEY");
}

fn printed_key(gateway: &TestGateway, limit: &str) -> String {
    let mut arguments = vec!["keys", "create", "--user", "ada"];
    if !limit.is_empty() {
        arguments.extend(["--limit-per-minute", limit]);
    }
    super::printed(&arguments, gateway.folder(), "")
}

#[test]
fn who_tries_to_sign_in_too_often_from_one_address_has_to_wait() {
    let gateway = gateway("", &[("RATE_LIMIT_AUTH", "3/h")]);
    let try_one = || get("/auth/api-keys").header("X-API-Key", "a-guess-of-an-attacker").send(gateway.address);
    let answers: Vec<u16> = (0..4).map(|_| try_one().status).collect();
    assert_eq!(answers, [401, 401, 401, 429]);
    assert_eq!(try_one().header("ratelimit-limit"), Some("3"));
    assert_eq!(get("/api/status").header("X-API-Key", ADMIN).send(gateway.address).status, 200, "other routes count apart");
}

#[test]
fn an_owner_has_so_many_good_keys_and_no_more() {
    let gateway = gateway("", &[]);
    let (key, id) = key_of(&gateway, "ada", "write");
    for _ in 1..100 {
        make(&gateway, &json!({}), &key);
    }
    let full = ask(&gateway, "POST", "/auth/api-keys", "{}", &key);
    assert_eq!(full.status, 409);
    assert!(full.json()["detail"].as_str().unwrap().contains("revoke some"));
    assert_eq!(ask(&gateway, "DELETE", &format!("/auth/api-keys/{id}"), "", ADMIN).status, 204);
    make(&gateway, &json!({"user_id": "ada"}), ADMIN);
    make(&gateway, &json!({"user_id": "eve"}), ADMIN);
}
