//! What is written down (requirements P13, Y10), and how an admin reads it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tickgate_core::identity::audit::AuditAction;

use super::{erase_me, gateway, key, patch, sign_in, token};
use crate::api_keys::{ADMIN, ask, audit_with, key_of, make, printed, status_with};
use crate::support::{OidcProvider, TestGateway, get, until};

/// A page of the log.
fn page(gateway: &TestGateway, query: &str) -> Value {
    let answer = ask(gateway, "GET", &format!("/admin/audit?{query}"), "", ADMIN);
    assert_eq!(answer.status, 200, "{query}");
    answer.json()
}

fn rows(page: &Value) -> &Vec<Value> {
    page["rows"].as_array().unwrap()
}

/// What happens below, how it ends, and who did it.
const MATRIX: [(&str, &str, &str); 21] = [
    ("gateway.start", "done", "gateway"),
    ("user.create", "done", "someone"),
    ("sign_in", "done", "someone"),
    ("sign_out", "done", "someone"),
    ("token.issue", "done", "someone"),
    ("ticket.issue", "done", "someone"),
    ("upstream_key.set", "done", "someone"),
    ("key.create", "done", "someone"),
    ("key.create", "refused", "someone"),
    ("key.rotate", "done", "someone"),
    ("key.rotate", "refused", "someone"),
    ("key.revoke", "done", "someone"),
    ("key.revoke", "refused", "someone"),
    ("credential.refused", "refused", "nobody"),
    ("access.denied", "refused", "someone"),
    ("rate_limit.refused", "refused", "nobody"),
    ("admin.other", "done", "someone"),
    ("admin.audit_read", "done", "someone"),
    ("admin.role", "done", "someone"),
    ("admin.disable", "done", "someone"),
    ("user.erase", "done", "someone"),
];

#[test]
fn y10_each_deed_has_its_row_with_who_and_how_it_ended() {
    let provider = OidcProvider::start();
    let gateway = gateway(&provider, "", &[("RATE_LIMIT_STREAM", "1/h")]);
    let (mut browser, id) = sign_in(&gateway, &provider, "ada");
    let (writer, writer_id) = {
        let made = make(&gateway, &json!({"user_id": id, "scope": "write"}), ADMIN);
        (made["key"].as_str().unwrap().to_owned(), made["key_id"].as_str().unwrap().to_owned())
    };
    let (_, others) = key_of(&gateway, "eve", "read");
    token(&mut browser);
    let own_key = json!({"key": "canary-own-upstream-key"}).to_string();
    let deeds: [(&str, &str, String, &str); 13] = [
        ("POST", "/auth/stream-ticket", "{\"path\": \"/events\"}".into(), &writer),
        ("PUT", "/api/user/upstream-key", own_key, &writer),
        ("DELETE", "/api/user/upstream-key", String::new(), &writer),
        ("POST", "/auth/api-keys", json!({"user_id": "eve"}).to_string(), &writer),
        ("DELETE", &format!("/auth/api-keys/{others}"), String::new(), &writer),
        ("POST", &format!("/auth/api-keys/{others}/rotate"), String::new(), &writer),
        ("POST", &format!("/auth/api-keys/{writer_id}/rotate"), String::new(), ADMIN),
        ("DELETE", &format!("/auth/api-keys/{writer_id}"), String::new(), ADMIN),
        ("GET", "/auth/api-keys?all=true", String::new(), ADMIN),
        ("GET", "/admin/users", String::new(), ADMIN),
        ("GET", "/admin/audit", String::new(), ADMIN),
        ("GET", "/admin/users", String::new(), &writer),
        ("GET", "/api/status", String::new(), "not-a-key-of-any-kind"),
    ];
    for (method, path, body, by) in &deeds {
        ask(&gateway, method, path, body, by).cut();
    }
    for _ in 0..3 {
        get("/events?topics=status").send(gateway.address).cut();
    }
    patch(&gateway, &id, &json!({"role": "admin", "disabled": true}), ADMIN);
    patch(&gateway, &id, &json!({"disabled": false}), ADMIN);
    assert_eq!(browser.post("/auth/logout", "").status, 204);
    let (mut browser, _) = sign_in(&gateway, &provider, "ada");
    erase_me(&mut browser);
    for (action, outcome, actor) in MATRIX {
        let fits = |row: &Value| {
            row["action"] == action && row["outcome"] == outcome && row["actor"].as_str().unwrap().starts_with(actor)
        };
        until(&format!("a row {action} {outcome} of {actor}"), || rows(&page(&gateway, "limit=1000")).iter().any(fits));
    }
    let text = printed(&["audit", "export"], gateway.folder(), "");
    for canary in ["canary", "ada@example.com", &id, "user:eve", &writer[16..]] {
        assert!(!text.contains(canary), "{canary}");
    }
}

#[test]
fn y10_every_action_that_there_is_a_word_for_is_written_somewhere() {
    fn sources(folder: &std::path::Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut text = String::new();
    sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut text);
    let written = |action: &AuditAction| text.contains(&format!("AuditAction::{action:?}"));
    let unwritten: Vec<&AuditAction> = AuditAction::ALL.iter().filter(|action| !written(action)).collect();
    assert!(unwritten.is_empty(), "{unwritten:?}");
}

#[test]
fn the_log_is_read_page_by_page_and_by_what_is_wanted_and_reading_is_a_row() {
    let provider = OidcProvider::start();
    let gateway = gateway(&provider, "", &[]);
    let (_, id) = sign_in(&gateway, &provider, "ada");
    for _ in 0..25 {
        key_of(&gateway, "ada", "read");
    }
    let ada_key = key(&gateway, &id, "write");
    make(&gateway, &json!({}), &ada_key);
    let mut seen = Vec::new();
    let mut query = "action=key.create&limit=10".to_owned();
    let mut pages = 0;
    loop {
        let page = page(&gateway, &query);
        seen.extend(rows(&page).iter().map(|row| row["seq"].as_u64().unwrap()));
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        query = format!("action=key.create&limit=10&after={next}");
    }
    assert_eq!((seen.len(), pages), (27, 3));
    assert!(seen.windows(2).all(|two| two[0] > two[1]), "the newest first, each once: {seen:?}");
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 27);
    let own = page(&gateway, &format!("actor=user:{id}&action=key.create"));
    assert_eq!(rows(&own).len(), 1, "what one person did, also when one knows only their id");
    let by_audit_id = rows(&own)[0]["actor"].as_str().unwrap();
    assert_eq!(rows(&page(&gateway, &format!("actor={by_audit_id}&action=key.create"))).len(), 1);
    assert_eq!(rows(&page(&gateway, "actor=user:nobody-of-this-name")), &Vec::<Value>::new());
    assert_eq!(rows(&page(&gateway, "from=2100-01-01T00:00:00Z")), &Vec::<Value>::new());
    assert_eq!(rows(&page(&gateway, "to=2020-01-01T00:00:00Z")), &Vec::<Value>::new());
    assert_eq!(rows(&page(&gateway, "from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&action=key.create")).len(), 27);
    let read = page(&gateway, "action=admin.audit_read&limit=1");
    assert_eq!((&rows(&read)[0]["target"], &rows(&read)[0]["outcome"]), (&json!("audit"), &json!("done")));
    assert_eq!(rows(&read)[0]["details"]["from"], "2020-01-01T00:00:00Z");
    for query in [
        "action=key",
        "outcome=ok",
        "actor=ada",
        "actor=user:",
        "after=0",
        "after=x",
        "limit=1001",
        "from=yesterday",
        "to=1",
        "sort=up",
        "action=key.create&action=key.use",
    ] {
        let wrong = ask(&gateway, "GET", &format!("/admin/audit?{query}"), "", ADMIN);
        assert_eq!((wrong.status, wrong.header("content-type")), (400, Some("application/problem+json")), "{query}");
    }
    let word = ask(&gateway, "GET", "/admin/audit?action=key", "", ADMIN).json();
    assert!(word["detail"].as_str().unwrap().contains("key.create, key.revoke"), "{word}");
}

#[test]
fn attack_30_who_is_refused_all_the_time_does_not_fill_the_log() {
    let provider = OidcProvider::start();
    let gateway = gateway(&provider, "", &[("RATE_LIMIT_KEY", "30/h")]);
    let (writer, _) = key_of(&gateway, "ada", "write");
    for _ in 0..60 {
        ask(&gateway, "GET", "/admin/users", "", &writer).cut();
        status_with(&gateway, "not-a-key-of-any-kind");
        status_with(&gateway, "eyJhbGciOiJub25lIn0.e30.x");
    }
    let (limited, _) = key_of(&gateway, "eve", "write");
    let refused = (0..60).filter(|_| status_with(&gateway, &limited) == 429).count();
    assert_eq!(refused, 30);
    let rows = audit_with(gateway.folder(), "", &["rate_limit.refused", "access.denied", "not genuine"]);
    let count = |action: &str| rows.iter().filter(|row| row["entry"]["action"] == action).count();
    assert_eq!((count("access.denied"), count("credential.refused"), count("rate_limit.refused")), (1, 1, 1));
}
