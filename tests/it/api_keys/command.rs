//! `tickgate keys` and `tickgate audit` beside a running gateway, on both databases.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ADMIN, DATA_KEY, ask, audit_with, forged, gateway, printed, status_with, tickgate};
use crate::support::postgres::Server;
use crate::support::{TestGateway, get, until_within};

/// Both databases: a file, and PostgreSQL.
fn databases() -> [String; 2] {
    [String::new(), Server::shared().database()]
}

#[test]
fn keys_that_the_command_makes_and_revokes_are_seen_by_a_running_gateway_on_both_databases() {
    for url in databases() {
        let gateway = gateway(&url, &[]);
        let data = gateway.folder();
        let key = printed(&["keys", "create", "--user", "ada", "--scope", "write", "--name", "from the shell"], data, &url);
        assert_eq!(status_with(&gateway, &key), 200, "at once: the gateway asks the store about a key that it does not know");
        let id = &key[3..15];
        let listed = printed(&["keys", "list", "--user", "ada"], data, &url);
        let listed: Value = serde_json::from_str(&listed).unwrap();
        assert_eq!((&listed["key_id"], &listed["state"], &listed["user_id"]), (&json!(id), &json!("good"), &json!("ada")));
        assert!(!listed.to_string().contains(&key[16..]));
        assert_eq!(printed(&["keys", "list", "--user", "eve"], data, &url), "");
        let next = printed(&["keys", "rotate", id, "--grace-hours", "0"], data, &url);
        assert_eq!(status_with(&gateway, &next), 200);
        until_within("the end of the old secret", 1, || status_with(&gateway, &key) == 401);
        let mut stream = get("/events?topics=status").header("X-API-Key", &next).send(gateway.address);
        printed(&["keys", "revoke", id], data, &url);
        let revoked = Instant::now();
        while stream.event().is_some() {}
        assert!(revoked.elapsed() < Duration::from_secs(1), "{:?}", revoked.elapsed());
        assert_eq!(status_with(&gateway, &next), 401);
        assert!(!tickgate(&["keys", "rotate", id], data, &url).status.success(), "a dead key is not revived");
        let rows = audit_with(data, &url, &["key.create", "key.rotate", "key.revoke"]);
        let of_operator = |row: &&Value| row["entry"]["actor"] == "operator" && row["entry"]["action"] != "admin.audit_read";
        let done: Vec<&str> = rows.iter().filter(of_operator).map(|row| row["entry"]["action"].as_str().unwrap()).collect();
        assert_eq!(done, ["key.create", "key.rotate", "key.revoke"], "{rows:?}");
        let said = printed(&["audit", "verify"], data, &url);
        assert!(said.contains("rows 1 to"), "{said}");
        let from = printed(&["audit", "export", "--from", "3"], data, &url);
        assert!(from.starts_with("{\"") && serde_json::from_str::<Value>(from.lines().next().unwrap()).unwrap()["seq"] == 3);
    }
}

#[test]
fn what_is_typed_wrongly_is_told_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let table: [(&[&str], &str); 7] = [
        (&["keys", "create", "--scope", "root"], "--scope"),
        (&["keys", "create", "--ttl-hours", "soon"], "--ttl-hours"),
        (&["keys", "create", "--user", "a b", "--limit-per-minute", "0"], "--limit-per-minute"),
        (&["keys", "create", "--user", "0f3b9c0a5d2e4f61a7c8b9d0e1f20314"], "no such person"),
        (&["keys", "revoke", "tg_wrong"], "12 letters and digits"),
        (&["keys", "revoke", "000000000001"], "no such key"),
        (&["audit", "export", "--from", "0"], "--from"),
    ];
    for (arguments, word) in table {
        let output = tickgate(arguments, folder.path(), "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(word), "{arguments:?}: {said}");
    }
    assert_eq!(printed(&["keys", "list"], folder.path(), ""), "");
}

#[test]
fn a_gateway_that_nobody_could_enter_does_not_start_and_one_stored_key_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let settings = [("AUTH", "required"), ("DATA_ENCRYPTION_KEY", DATA_KEY), ("DATA_DIR", data)];
    let refused = TestGateway::try_with(&settings).err().unwrap();
    assert!(refused.contains("nobody could get in") && refused.contains("tickgate keys create"), "{refused}");
    let key = printed(&["keys", "create"], folder.path(), "");
    let gateway = TestGateway::with(&settings);
    assert_eq!(status_with(&gateway, &key), 200);
    assert_eq!(get("/api/status").send(gateway.address).status, 401);
    drop(gateway);
    printed(&["keys", "revoke", &key[3..15]], folder.path(), "");
    assert!(TestGateway::try_with(&settings).is_err(), "a revoked key lets nobody in");
}

#[test]
fn while_the_store_is_away_who_was_known_stays_known_and_what_was_revoked_is_seen_when_it_is_back() {
    let server = Server::start();
    let url = server.database();
    let gateway = gateway(&url, &[]);
    let data = gateway.folder();
    let keys: Vec<String> = (0..2).map(|_| printed(&["keys", "create", "--user", "ada"], data, &url)).collect();
    assert!(keys.iter().all(|key| status_with(&gateway, key) == 200));
    server.stop();
    std::thread::park_timeout(Duration::from_millis(600));
    assert!(keys.iter().all(|key| status_with(&gateway, key) == 200), "known things stay valid");
    assert_eq!(status_with(&gateway, &forged("000000000001")), 401, "unknown ones stay unknown");
    assert_eq!(ask(&gateway, "POST", "/auth/api-keys", "{}", ADMIN).status, 503, "nothing is half made");
    server.start_again();
    printed(&["keys", "revoke", &keys[0][3..15]], data, &url);
    until_within("the revocation", 10, || status_with(&gateway, &keys[0]) == 401);
    assert_eq!(status_with(&gateway, &keys[1]), 200);
}

#[test]
fn who_looks_in_the_wrong_folder_or_with_the_wrong_key_is_told_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let said = |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
    for command in [&["keys", "list"][..], &["keys", "revoke", "WXNxlzyvDjhs"], &["users", "list"], &["audit", "verify"]] {
        let output = tickgate(command, folder.path(), "");
        assert!(!output.status.success() && said(&output).contains("there is no database"), "{command:?}: {}", said(&output));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
    let made = tickgate(&["keys", "create", "--user", "ada"], folder.path(), "");
    assert!(made.status.success() && said(&made).contains("a new database is made"), "{}", said(&made));
    let mut other = std::process::Command::new(env!("CARGO_BIN_EXE_tickgate"));
    other.args(["keys", "list"]).env_clear().env("DATA_DIR", folder.path()).current_dir(folder.path());
    let listed = other.env("DATA_ENCRYPTION_KEY", DATA_KEY.replace("0001", "ffff")).output().unwrap();
    assert!(listed.stdout.is_empty() && said(&listed).contains("another DATA_ENCRYPTION_KEY"), "{}", said(&listed));
}
