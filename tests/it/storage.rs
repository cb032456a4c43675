//! The database from outside: backups on the command line, and a gateway on PostgreSQL.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::support::postgres::{PASSWORD, Server, say};
use crate::support::{McpClient, TestGateway, get, until_within};

/// A key as the tests use it.
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn command(arguments: &[&str], data: &Path, url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tickgate"));
    command.args(arguments).env_clear().env("DATA_ENCRYPTION_KEY", KEY).env("DATA_DIR", data).env("DATABASE_URL", url);
    command.current_dir(data.parent().unwrap());
    command
}

fn run(arguments: &[&str], data: &Path, url: &str) -> Output {
    command(arguments, data, url).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The ids of a caller's alerts, in order.
fn alerts(gateway: &TestGateway) -> Vec<String> {
    let answer = McpClient::connect(gateway.address).call("list_price_alerts", json!({}));
    let mut ids: Vec<String> = answer["structuredContent"]["alerts"]
        .as_array()
        .unwrap_or_else(|| panic!("{answer}"))
        .iter()
        .map(|alert| alert["alert_id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

fn create_alert(gateway: &TestGateway) {
    let arguments = json!({"symbol": "AAPL", "condition": "above", "target_price": 1_000_000});
    let answer = McpClient::connect(gateway.address).call("set_price_alert", arguments);
    assert!(answer["structuredContent"]["alert"].is_object(), "{answer}");
}

#[test]
fn a_backup_that_is_made_while_a_gateway_runs_brings_everything_back_into_the_other_database() {
    let folder = tempfile::tempdir().unwrap();
    let (data, other, file) = (folder.path().join("data"), folder.path().join("other"), folder.path().join("backup"));
    let (file, url) = (file.to_str().unwrap(), Server::shared().database());
    let settings = |url| [("DATA_DIR", data.to_str().unwrap()), ("DATA_ENCRYPTION_KEY", KEY), ("DATABASE_URL", url)];
    let mut gateway = TestGateway::with(&settings(""));
    create_alert(&gateway);
    create_alert(&gateway);
    let kept = alerts(&gateway);
    assert_eq!(kept.len(), 2);
    let backup = run(&["backup", file], &data, "");
    assert!(backup.status.success() && said(&backup).contains("keep DATA_ENCRYPTION_KEY"), "{}", said(&backup));
    assert_eq!(run(&["backup", file], &data, "").status.code(), Some(1));
    let refused = run(&["restore", file, "--force"], &data, "");
    assert!(!refused.status.success() && said(&refused).contains("another gateway is running"), "{}", said(&refused));
    gateway.begin_to_stop();
    gateway.wait_until_stopped();
    // From SQLite to PostgreSQL, to another SQLite, each time by a gateway's own eyes.
    let restored = run(&["restore", file], &data, &url);
    assert!(restored.status.success() && said(&restored).contains("records"), "{}", said(&restored));
    let mut gateway = TestGateway::with(&settings(&url));
    assert_eq!(alerts(&gateway), kept);
    assert_eq!(get("/health").send(gateway.address).json()["checks"]["store"], json!({"kind": "postgres", "status": "ok"}));
    let refused = run(&["restore", file, "--force"], &data, &url);
    assert!(!refused.status.success() && said(&refused).contains("stop it first"), "{}", said(&refused));
    create_alert(&gateway);
    let kept = alerts(&gateway);
    let backup = run(&["backup", file, "--force"], &data, &url);
    assert!(backup.status.success(), "{}", said(&backup));
    gateway.begin_to_stop();
    gateway.wait_until_stopped();
    let restored = run(&["restore", file], &other, "");
    assert!(restored.status.success(), "{}", said(&restored));
    let gateway = TestGateway::with(&[("DATA_DIR", other.to_str().unwrap()), ("DATA_ENCRYPTION_KEY", KEY)]);
    assert_eq!((alerts(&gateway), kept.len()), (kept, 3));
}

#[test]
fn a_restore_that_is_killed_leaves_what_was_there() {
    for url in [String::new(), Server::shared().database()] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let data = data.as_path();
        let settings = [("DATA_DIR", data.to_str().unwrap()), ("DATA_ENCRYPTION_KEY", KEY), ("DATABASE_URL", &url)];
        let mut gateway = TestGateway::with(&settings);
        create_alert(&gateway);
        let kept = alerts(&gateway);
        gateway.begin_to_stop();
        gateway.wait_until_stopped();
        // The backup comes through a pipe that stands still half way, so that the kill comes in the middle.
        let file = folder.path().join("backup");
        let made = run(&["backup", file.to_str().unwrap()], data, &url);
        assert!(made.status.success(), "{}", said(&made));
        let mut text = std::fs::read_to_string(&file).unwrap();
        let record = text.lines().find(|line| line.contains("\"alerts\"")).unwrap().to_owned();
        for n in 0..2_000 {
            let (start, id) = (record.find("\"id\":\"").unwrap() + 6, format!("{n:032x}"));
            let more = format!("{}{id}{}\n", &record[..start], &record[start + 32..]);
            text.insert_str(text.find('\n').unwrap() + 1, &more);
        }
        let mut restore = command(&["restore", "/dev/stdin", "--force"], data, &url);
        let mut child = restore.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(&text.as_bytes()[..text.len() - text.len() / 8]).unwrap();
        std::thread::park_timeout(Duration::from_millis(300));
        assert!(child.try_wait().unwrap().is_none(), "it is in the middle");
        child.kill().unwrap();
        child.wait().unwrap();
        let gateway = TestGateway::with(&settings);
        assert_eq!(alerts(&gateway), kept);
    }
}

#[test]
fn a_gateway_tells_that_its_database_is_away_and_goes_on_when_it_is_back() {
    let server = Server::start();
    let url = server.database();
    let gateway = TestGateway::with(&[("DATABASE_URL", &url), ("DATA_ENCRYPTION_KEY", KEY)]);
    create_alert(&gateway);
    let store = || get("/health").send(gateway.address).json()["checks"]["store"]["status"].clone();
    assert_eq!(store(), "ok");
    server.stop();
    until_within("the health check to tell of the outage", 30, || store() == "failing");
    let health = get("/health").send(gateway.address);
    let (status, told) = (health.status, health.json());
    assert_eq!((status, &told["status"]), (503, &json!("unhealthy")));
    assert_eq!(told["checks"]["store"]["kind"], "postgres");
    assert_eq!(get("/readyz").send(gateway.address).status, 200, "what needs no database is served");
    let arguments = json!({"symbol": "AAPL", "condition": "above", "target_price": 1_000_000});
    let refused = McpClient::connect(gateway.address).call("set_price_alert", arguments);
    assert_eq!(refused["isError"], true, "{refused}");
    server.start_again();
    until_within("the health check to tell that it is back", 30, || store() == "ok");
    create_alert(&gateway);
    assert_eq!(alerts(&gateway).len(), 2);
}

#[test]
fn the_password_of_the_database_is_in_no_output() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::shared();
    let url = server.over_tcp(&server.database(), "127.0.0.1", PASSWORD);
    let check = run(&["check"], &data, &url);
    assert!(check.status.success() && said(&check).contains("test_"), "{}", said(&check));
    for (url, code) in [
        (url.replace("postgres://", "mysql://"), 2),
        (format!("{url}?sslmode=prefer"), 2),
        (url.replace("/test_", "/lost_"), 1),
        (url.replace(PASSWORD, &format!("{PASSWORD}-wrong")), 1),
        (format!("{url}?sslmode=require"), 1),
    ] {
        let refused = run(&["backup", "backup"], &data, &url);
        assert_eq!(refused.status.code(), Some(code), "{}", said(&refused));
        assert!(!said(&refused).contains("canary") && said(&refused).contains("error"), "{}", said(&refused));
    }
    assert!(!said(&check).contains("canary"));
    let secret = folder.path().join("url");
    std::fs::write(&secret, &url).unwrap();
    let mut from_file = command(&["backup", "backup"], &data, "");
    let made = from_file.env("DATABASE_URL_FILE", &secret).output().unwrap();
    assert!(made.status.success(), "{}", said(&made));
    say(&url, "SELECT 1", Path::new("nowhere"));
    assert!(server.certificate().ends_with("server.crt"));
}
