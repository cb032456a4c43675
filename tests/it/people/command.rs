//! `tickgate users` beside a running gateway, on both databases.

use serde_json::{Value, json};

use super::{databases, gateway, key, sign_in};
use crate::api_keys::{ask, audit_with, printed, status_with, tickgate};
use crate::support::{McpClient, OidcProvider, get, until, until_within};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_the_command_does_to_people_is_seen_by_a_running_gateway_on_both_databases() {
    let provider = OidcProvider::start();
    for url in databases() {
        let gateway = gateway(&provider, &url, &[]);
        let data = gateway.folder();
        let (mut browser, id) = sign_in(&gateway, &provider, "ada");
        let (_, other) = sign_in(&gateway, &provider, "bob");
        let key = key(&gateway, &id, "admin");
        let listed = lines(&printed(&["users", "list"], data, &url));
        assert_eq!(listed.iter().map(|user| user["id"].as_str().unwrap()).collect::<Vec<_>>(), [&other, &id], "the newest first");
        assert!(!json!(listed).to_string().contains("canary-subject"));

        printed(&["users", "set-role", &id, "admin"], data, &url);
        until_within("the role", 1, || ask(&gateway, "GET", "/admin/users", "", &key).status == 200);
        assert_eq!(lines(&printed(&["users", "list", "--role", "admin"], data, &url))[0]["role_source"], "set");
        printed(&["users", "set-role", "--email", "ADA@example.com", "user"], data, &url);
        until_within("the role to be gone", 1, || ask(&gateway, "GET", "/admin/users", "", &key).status == 403);

        let mut stream = get("/events?topics=status").header("X-API-Key", &key).send(gateway.address);
        printed(&["users", "disable", &id], data, &url);
        while stream.event().is_some() {}
        assert_eq!((status_with(&gateway, &key), browser.get("/api/user").status), (401, 401));
        printed(&["users", "enable", &id], data, &url);
        until_within("the key", 1, || status_with(&gateway, &key) == 200);

        let mut session = McpClient::connect_as(gateway.address, "2025-11-25", Some(&key));
        session.call("set_price_alert", json!({"symbol": "AAPL", "condition": "above", "target_price": 1_000_000}));
        assert_eq!(gateway.metric("tickgate_alerts"), 1);
        let mut stream = get("/events?topics=status").header("X-API-Key", &key).send(gateway.address);
        printed(&["users", "delete", &id], data, &url);
        while stream.event().is_some() {}
        until_within("the end of the key", 1, || status_with(&gateway, &key) == 401);
        until("the gateway to forget the alert", || gateway.metric("tickgate_alerts") == 0);
        until("the session to end", || gateway.metric("tickgate_sessions_open") == 0);
        assert_eq!(lines(&printed(&["users", "list"], data, &url)).len(), 1);
        let again = tickgate(&["users", "delete", &id], data, &url);
        assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("no such person"));

        let rows = audit_with(data, &url, &["user.erase"]);
        let of_operator = |row: &&Value| row["entry"]["actor"] == "operator" && row["entry"]["outcome"] == "done";
        let done: Vec<&str> = rows.iter().filter(of_operator).map(|row| row["entry"]["action"].as_str().unwrap()).collect();
        let changes = ["admin.role", "admin.role", "admin.disable", "admin.disable", "user.erase"];
        assert_eq!(
            done.iter().filter(|action| **action != "admin.audit_read").collect::<Vec<_>>(),
            changes.iter().collect::<Vec<_>>()
        );
    }
}

#[test]
fn what_is_typed_wrongly_is_told_and_an_address_of_several_names_nobody() {
    let provider = OidcProvider::start();
    let gateway = gateway(&provider, "", &[]);
    let data = gateway.folder();
    let (_, id) = sign_in(&gateway, &provider, "ada");
    provider.script().person = json!({"sub": "another", "email": "ada@example.com", "email_verified": false, "name": "not Ada"});
    crate::support::Browser::of(&gateway).sign_in(&provider);
    let table: [(&[&str], &[&str]); 9] = [
        (&["users", "delete", "--email", "ada@example.com"], &["2 people", &id]),
        (&["users", "disable", "--email", "eve@example.com"], &["nobody has"]),
        (&["users", "disable"], &["say whom", "users list"]),
        (&["users", "disable", &id, "--email", "ada@example.com"], &["not by both"]),
        (&["users", "set-role", &id], &["say which role", "user or admin"]),
        (&["users", "set-role", &id, "root"], &["root", "use user or admin"]),
        (&["users", "enable", "ada"], &["not an id", "users list"]),
        (&["users", "list", "--role", "root"], &["use user or admin"]),
        (&["users", "delete", "00000000000000000000000000000001"], &["no such person"]),
    ];
    for (arguments, words) in table {
        let output = tickgate(arguments, data, "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(words.iter().all(|word| said.contains(word)), "{arguments:?}: {said}");
    }
    let listed = lines(&printed(&["users", "list", "--email", "ada@example.com"], data, ""));
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|user| user["role"] == "user" && user["disabled"].is_null()), "nothing was done");
}

#[test]
fn y6_a_report_counts_who_did_what_and_how_it_ended_in_a_time() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        printed(&["keys", "create", "--user", "ada"], folder.path(), "");
    }
    let report = |arguments: &[&str]| lines(&printed(&[&["audit", "report"], arguments].concat(), folder.path(), ""));
    let created = json!({"action": "key.create", "outcome": "done", "actor": "operator", "rows": 3});
    assert!(report(&[]).contains(&created));
    assert!(report(&["--from", "2020-01-01", "--to", "2100-01-01T00:00:00Z"]).contains(&created));
    assert_eq!(report(&["--from", "2100-01-01"]), Vec::<Value>::new());
    assert_eq!(report(&["--to", "2020-01-01"]), Vec::<Value>::new());
    let wrong = tickgate(&["audit", "report", "--from", "yesterday"], folder.path(), "");
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("--from: a date"));
}

#[test]
fn y10_what_the_operator_does_with_everything_is_written_down_too() {
    let folder = tempfile::tempdir().unwrap();
    let (data, other) = (folder.path().join("data"), folder.path().join("other"));
    std::fs::create_dir(&data).unwrap();
    std::fs::create_dir(&other).unwrap();
    let file = folder.path().join("a-canary-of-a-path");
    let file = file.to_str().unwrap();
    printed(&["keys", "create", "--user", "ada"], &data, "");
    printed(&["backup", file], &data, "");
    printed(&["restore", file], &other, "");
    let details = |data: &std::path::Path, action: &str| -> Vec<Value> {
        let rows = lines(&printed(&["audit", "export"], data, ""));
        let of_action = rows.iter().filter(|row| row["entry"]["action"] == action && row["entry"]["actor"] == "operator");
        of_action.map(|row| row["entry"]["details"].clone()).collect()
    };
    assert_eq!(details(&data, "backup")[0][0], json!(["did", "made"]));
    let restored = details(&other, "backup");
    assert_eq!(restored[0], json!([["did", "restored"], ["records", "2"], ["audit_rows", "1"]]));
    assert_eq!(details(&other, "admin.audit_read")[1], json!([["did", "export"]]), "this reading and the one before");
    assert!(!printed(&["audit", "export"], &other, "").contains("canary"), "no path of a machine");
    assert!(printed(&["audit", "verify"], &other, "").contains("there and unchanged"));
}
