//! `get_user_info` (requirement A11).

use serde_json::json;

use super::*;
use crate::api_keys::{ADMIN, ask, audit_with, forged, key_of, make};
use crate::support::until;

#[test]
fn a11_a_caller_is_told_who_they_are() {
    let gateway = accounts("", &[]);
    let made = make(&gateway, &json!({"user_id": "ada", "scope": "write", "ttl_hours": 1, "limit_per_minute": 1_000}), ADMIN);
    let key = made["key"].as_str().unwrap();
    for way in Way::ALL {
        let called = call(&gateway, way, Some(key), "get_user_info", &json!({}));
        assert!(!called.raw.contains(&key[16..]), "the key is not said back");
        let told = called.good();
        let expected = json!({
            "principal": "user:ada", "scope": "write", "authenticated": true, "credential": "api_key", "key_id": made["key_id"],
            "expires_at": made["expires_at"], "limit_per_minute": 1_000, "user": null,
        });
        assert_eq!(told, expected, "{way:?}");
    }
    let root = call(&gateway, Way::Rest, Some(ADMIN), "get_user_info", &json!({})).good();
    assert_eq!(
        (&root["principal"], &root["credential"], &root["expires_at"]),
        (&json!("user:root"), &json!("static_key"), &json!(null))
    );
}

#[test]
fn a11_who_holds_a_token_may_ask_about_it_and_asking_is_a_use() {
    let gateway = accounts("", &[]);
    let (ada, id) = key_of(&gateway, "ada", "read");
    let (bob, _) = key_of(&gateway, "bob", "write");
    for way in Way::ALL {
        let called = call(&gateway, way, Some(&bob), "get_user_info", &json!({ "token": ada }));
        assert!(!called.raw.contains(&ada[16..]), "{}", called.raw);
        let told = called.good();
        assert_eq!(
            (&told["principal"], &told["scope"], &told["key_id"]),
            (&json!("user:ada"), &json!("read"), &json!(id)),
            "{way:?}"
        );
    }
    let own = call(&gateway, Way::Session, Some(&bob), "get_user_info", &json!({"token": null})).good();
    assert_eq!(own["principal"], "user:bob");
    let shown = ask(&gateway, "GET", &format!("/auth/api-keys/{id}"), "", ADMIN).json();
    assert!(shown["last_used_at"].is_string(), "nobody tries a key out unseen: {shown}");
}

#[test]
fn a11_a_token_that_is_not_good_is_an_error_that_says_nothing_about_it() {
    let gateway = accounts("", &[]);
    let (good, good_id) = key_of(&gateway, "ada", "write");
    let (revoked, revoked_id) = key_of(&gateway, "ada", "write");
    assert_eq!(ask(&gateway, "DELETE", &format!("/auth/api-keys/{revoked_id}"), "", ADMIN).status, 204);
    let bad = [
        revoked.clone(),
        forged(&good_id),
        forged("000000000001"),
        String::new(),
        "canary".to_owned(),
        format!("Bearer {good}"),
        format!("{good} "),
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.".to_owned(),
        "canary\u{0}\r\n".to_owned(),
        "canary".repeat(20_000),
    ];
    for way in Way::ALL {
        let told: std::collections::BTreeSet<String> = bad
            .iter()
            .map(|token| {
                let called = call(&gateway, way, Some(&good), "get_user_info", &json!({ "token": token }));
                assert!(token.is_empty() || !called.raw.contains(&token[..token.len().min(15)]), "{}", called.raw);
                // A problem names its request.
                let raw = called.raw.split("\"request_id\"").next().unwrap().to_owned();
                assert_eq!(called.class(), "invalid_token", "{way:?} {token:.40}");
                raw
            })
            .collect();
        assert_eq!(told.len(), 1, "{told:?}");
    }
    let rows = audit_with(gateway.folder(), "", &["credential.refused", "\"reason\",\"revoked\""]);
    assert!(!json!(rows).to_string().contains(&revoked[16..]));
}

#[test]
fn attack_30_a_token_of_another_form_is_refused_and_not_said_back() {
    let gateway = accounts("", &[]);
    for way in Way::ALL {
        for token in [json!(7), json!(["canary-x"]), json!({"canary-x": 1}), json!(true)] {
            let called = call(&gateway, way, Some(ADMIN), "get_user_info", &json!({ "token": token }));
            assert!(!called.raw.contains("canary-x") && called.raw.contains("`token`"), "{}", called.raw);
            assert_eq!(called.class(), "invalid_argument");
        }
        let unknown = call(&gateway, way, Some(ADMIN), "get_user_info", &json!({"user": "ada"}));
        assert_eq!(unknown.class(), "invalid_argument", "nobody asks about others by name");
    }
}

#[test]
fn a11_an_access_token_ends_and_an_anonymous_caller_is_an_address() {
    let gateway = accounts("", &[("AUTH", "optional"), ("JWT_SECRET_KEY", crate::api_keys::DATA_KEY)]);
    let anonymous = call(&gateway, Way::Rest, None, "get_user_info", &json!({})).good();
    assert_eq!(
        (&anonymous["principal"], &anonymous["authenticated"], &anonymous["credential"]),
        (&json!("ip:127.0.0.1"), &json!(false), &json!("none"))
    );
    let (key, id) = key_of(&gateway, "ada", "read");
    let about = |token: &str| call(&gateway, Way::Rest, None, "get_user_info", &json!({ "token": token }));
    assert_eq!(about(&key).good()["principal"], "user:ada");
    assert_eq!(ask(&gateway, "DELETE", &format!("/auth/api-keys/{id}"), "", ADMIN).status, 204);
    until("the key is refused", || matches!(about(&key).ended, Ended::Failed(_)));
}
