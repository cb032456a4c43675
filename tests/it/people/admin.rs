//! `/admin/users`: for admins alone, and what they do is seen at once.

use serde_json::{Value, json};

use super::{databases, gateway, key, patch, sign_in, token};
use crate::api_keys::{ADMIN, ask, audit_with, key_of, status_with};
use crate::support::{OidcProvider, get, post, until_within};

#[test]
fn attack_29_all_of_admin_is_for_admins_alone_whatever_is_shown() {
    let provider = OidcProvider::start();
    let gateway = gateway(&provider, "", &[]);
    let (mut browser, id) = sign_in(&gateway, &provider, "ada");
    let (reader, writer) = (key(&gateway, &id, "read"), key(&gateway, &id, "admin"));
    let jwt = token(&mut browser);
    let one = format!("/admin/users/{id}");
    let routes = [
        ("GET", "/admin/users", ""),
        ("GET", one.as_str(), ""),
        ("PATCH", one.as_str(), r#"{"role": "admin"}"#),
        ("DELETE", one.as_str(), ""),
        ("GET", "/admin/audit", ""),
    ];
    for (method, path, body) in routes {
        for (name, credential) in [("read key", &reader), ("a key above its owner", &writer), ("token", &jwt)] {
            let refused = ask(&gateway, method, path, body, credential);
            assert_eq!(refused.status, 403, "{method} {path} with {name}");
            assert!(refused.header("www-authenticate").unwrap().contains("scope=\"admin\""));
            assert_eq!(refused.header("content-type"), Some("application/problem+json"));
        }
        let by_cookie = post(path, body).method(method).header("Sec-Fetch-Site", "same-origin");
        assert_eq!(browser.send(by_cookie.header("Content-Type", "application/json"), path).status, 403, "{method} {path}");
        assert_eq!(get(path).method(method).send(gateway.address).status, 401, "{method} {path} without any");
    }
    assert_eq!(browser.get("/api/user").json()["user"]["role"], "user");
    let other = ask(&gateway, "POST", "/admin/users", "{}", ADMIN);
    assert_eq!((other.status, other.header("allow")), (405, Some("GET")));
    let rows = audit_with(gateway.folder(), "", &["access.denied"]);
    let denied: Vec<&Value> = rows.iter().filter(|row| row["entry"]["action"] == "access.denied").collect();
    assert_eq!(denied.len(), 1, "a row for all that one caller tries in a minute");
    assert_eq!((&denied[0]["entry"]["target"], &denied[0]["entry"]["outcome"]), (&json!("route:admin"), &json!("refused")));
}

#[test]
fn attack_08_an_id_of_nobody_and_no_id_at_all_are_told_the_same() {
    let provider = OidcProvider::start();
    let gateway = gateway(&provider, "", &[]);
    let (_, id) = sign_in(&gateway, &provider, "ada");
    let upper = id.to_uppercase();
    for method in ["GET", "PATCH", "DELETE"] {
        let body = if method == "PATCH" { r#"{"disabled": true}"# } else { "" };
        for nobody in ["00000000000000000000000000000000", "1", "ada", "user:ada", upper.as_str(), "%2e%2e", "%00", "'--"] {
            let answer = ask(&gateway, method, &format!("/admin/users/{nobody}"), body, ADMIN);
            let status = answer.status;
            assert!(status == 404 || (status == 400 && nobody.contains('%')), "{method} {nobody}: {status}");
            if status == 404 {
                assert_eq!(answer.json()["detail"], "there is no such person", "{method} {nobody}");
            }
        }
    }
    assert_eq!(ask(&gateway, "GET", &format!("/admin/users/{id}"), "", ADMIN).json()["disabled"], Value::Null);
}

#[test]
fn wrong_and_huge_bodies_change_nothing_and_are_told_field_by_field() {
    let provider = OidcProvider::start();
    let gateway = gateway(&provider, "", &[]);
    let (_, id) = sign_in(&gateway, &provider, "ada");
    let before = ask(&gateway, "GET", &format!("/admin/users/{id}"), "", ADMIN).json();
    let table = [
        (
            r#"{"role": "root", "disabled": 1, "scope": "admin"}"#,
            vec![("role", "enum"), ("disabled", "type"), ("scope", "unknown")],
        ),
        (r#"{"role": null}"#, vec![("body", "required")]),
        (r#"{"role": ["admin"]}"#, vec![("role", "type")]),
        ("[]", vec![]),
        ("null", vec![]),
        ("{\"role\":", vec![]),
    ];
    for (body, errors) in table {
        let answer = ask(&gateway, "PATCH", &format!("/admin/users/{id}"), body, ADMIN);
        assert_eq!(answer.status, 400, "{body}");
        let told = answer.json();
        let told: Vec<(&str, &str)> = told["errors"].as_array().map_or(Vec::new(), |errors| {
            errors.iter().map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
        });
        assert_eq!(told, errors, "{body}");
    }
    let huge = format!("{{\"role\": \"{}\"}}", "a".repeat(100_000));
    assert_eq!(ask(&gateway, "PATCH", &format!("/admin/users/{id}"), &huge, ADMIN).status, 413);
    let untyped = post(&format!("/admin/users/{id}"), r#"{"role": "admin"}"#).method("PATCH").header("X-API-Key", ADMIN);
    assert_eq!(untyped.send(gateway.address).status, 415);
    for query in ["role=root", "limit=0", "limit=201", "after=1", "after=..", "role=user&role=admin", "email=x"] {
        assert_eq!(ask(&gateway, "GET", &format!("/admin/users?{query}"), "", ADMIN).status, 400, "{query}");
    }
    assert_eq!(ask(&gateway, "GET", &format!("/admin/users/{id}"), "", ADMIN).json(), before);
}

#[test]
fn people_are_listed_page_by_page_without_what_is_secret() {
    let provider = OidcProvider::start();
    let gateway = gateway(&provider, "", &[("ADMIN_EMAILS", "cleo@example.com")]);
    let ids: Vec<String> = ["ada", "bob", "cleo"].map(|name| sign_in(&gateway, &provider, name).1).into();
    let page = |query: &str| ask(&gateway, "GET", &format!("/admin/users?{query}"), "", ADMIN).json();
    let names = |page: &Value| -> Vec<String> {
        page["users"].as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap().to_owned()).collect()
    };
    let first = page("limit=2");
    assert_eq!(names(&first), ["cleo", "bob"]);
    let last = page(&format!("limit=2&after={}", first["next"].as_str().unwrap()));
    assert_eq!((names(&last), last.get("next")), (vec!["ada".to_owned()], None));
    assert_eq!(names(&page("role=admin")), ["cleo"]);
    let cleo = &first["users"][0];
    assert_eq!((&cleo["role_source"], &cleo["email"], &cleo["id"]), (&json!("list"), &json!("cleo@example.com"), &json!(ids[2])));
    assert!(!page("").to_string().contains("canary-subject"), "what the provider calls them stays inside");
}

#[test]
fn a_change_is_felt_within_a_second_by_all_that_is_open_on_both_databases() {
    let provider = OidcProvider::start();
    for url in databases() {
        let gateway = gateway(&provider, &url, &[]);
        let (mut browser, id) = sign_in(&gateway, &provider, "ada");
        let (mut boss, boss_id) = sign_in(&gateway, &provider, "boss");
        let key = key(&gateway, &id, "admin");
        assert_eq!(ask(&gateway, "GET", "/admin/users", "", &key).status, 403);
        let made = patch(&gateway, &id, &json!({"role": "admin"}), ADMIN);
        assert_eq!(made.status, 200);
        assert_eq!((&made.json()["role"], ask(&gateway, "GET", "/admin/users", "", &key).status), (&json!("admin"), 200));
        assert_eq!(browser.get("/admin/users").status, 200, "by cookie as well");
        // They are the last acting admin among people: a key of the configuration is none.
        let last = patch(&gateway, &id, &json!({"role": "user"}), &key);
        assert_eq!((last.status, last.json()["type"].as_str().unwrap().rsplit('/').next()), (409, Some("last-admin")));
        assert_eq!(ask(&gateway, "DELETE", &format!("/admin/users/{id}"), "", &key).status, 409);
        patch(&gateway, &boss_id, &json!({"role": "admin"}), &key);
        let mut stream = browser.get("/events?topics=status");
        let by_boss = |boss: &mut crate::support::Browser, change: &str| {
            let path = format!("/admin/users/{id}");
            let request = post(&path, change).method("PATCH").header("Content-Type", "application/json");
            boss.send(request.header("Sec-Fetch-Site", "same-origin"), &path).status
        };
        assert_eq!(by_boss(&mut boss, r#"{"disabled": true, "role": "user"}"#), 200);
        while stream.event().is_some() {}
        assert_eq!((status_with(&gateway, &key), browser.get("/api/user").status), (401, 401));
        provider.script().person["sub"] = json!("canary-subject-ada");
        assert_eq!(browser.sign_in(&provider).status, 403, "nor do they come in anew");
        assert_eq!(by_boss(&mut boss, r#"{"disabled": false}"#), 200);
        until_within("the key to be good again", 1, || status_with(&gateway, &key) == 200);
        assert_eq!(ask(&gateway, "GET", "/admin/users", "", &key).status, 403, "as a user");
        let rows = audit_with(gateway.folder(), &url, &["admin.role", "admin.disable"]);
        let count = |action: &str, outcome: &str| {
            rows.iter().filter(|row| row["entry"]["action"] == action && row["entry"]["outcome"] == outcome).count()
        };
        assert_eq!((count("admin.role", "done"), count("admin.role", "refused")), (3, 1));
        assert_eq!((count("admin.disable", "done"), count("user.erase", "refused")), (2, 1));
        let (eve, _) = key_of(&gateway, "eve", "admin");
        assert_eq!(ask(&gateway, "DELETE", &format!("/admin/users/{id}"), "", &eve).status, 204);
        assert_eq!(status_with(&gateway, &key), 401);
    }
}
