//! The official clients and a real browser, as real processes. `scripts/test-tools.sh` installs them.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::TestGateway;

const KEY: &str = "a-key-for-the-clients";

/// Paths of what `scripts/test-tools.sh` installed.
pub(crate) fn tools() -> HashMap<String, String> {
    let path = root().join("target/test-tools/env");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|_| panic!("{} is missing: run scripts/test-tools.sh, or make test", path.display()));
    text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn client(interpreter: &str, program: &str) -> Command {
    let tools = tools();
    let mut command = Command::new(&tools[interpreter]);
    command.arg(root().join("tests/clients").join(program)).envs(tools.iter());
    command
}

fn passes(mut command: Command, name: &str) {
    let output = command.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let last = stdout.lines().last().unwrap_or_default().to_owned();
    assert!(output.status.success() && last == format!("ok {name}"), "{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// News come often enough for a short test.
fn lively() -> TestGateway {
    TestGateway::with(&[("SIM_SPEED", "5"), ("AUTH", "optional"), ("MCP_API_KEYS", KEY)])
}

#[test]
fn the_official_python_client_lists_calls_streams_and_cancels() {
    let gateway = lively();
    let mut command = client("PYTHON", "python/official_client.py");
    command.args([&gateway.url("/mcp"), "--key", KEY]);
    passes(command, "official_client");
}

#[test]
fn a_raw_client_is_cut_and_resumes() {
    let gateway = lively();
    let mut command = client("PYTHON", "python/resume.py");
    command.arg(gateway.url("/mcp"));
    passes(command, "resume");
}

#[test]
fn the_official_typescript_client_lists_calls_streams_and_cancels() {
    let gateway = lively();
    let mut command = client("NODE", "typescript/client_v2.mjs");
    command.args([&gateway.url("/mcp"), "--key", KEY]);
    passes(command, "client_v2");
}

#[test]
fn the_older_typescript_sdk_streams_cancels_and_resumes() {
    let gateway = lively();
    let mut command = client("NODE", "typescript/sdk_v1.mjs");
    command.args([&gateway.url("/mcp"), "--key", KEY]);
    passes(command, "sdk_v1");
}

#[test]
fn an_eventsource_front_end_of_the_older_kind_works() {
    let gateway = lively();
    let mut command = client("NODE", "typescript/eventsource_legacy.mjs");
    command.arg(gateway.url(""));
    passes(command, "eventsource_legacy");
}

#[test]
fn the_dashboard_shows_prices_and_news_stops_and_survives_a_restart() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    drop(listener);
    let settings = [("PORT", port.as_str()), ("SIM_SPEED", "5")];
    let mut gateway = TestGateway::with(&settings);
    let folder = root().join("target/test-tools");
    let mut command = client("NODE", "typescript/dashboard.mjs");
    command
        .arg(gateway.url(""))
        .arg(folder.join("dashboard.png"))
        .arg("--expect-restart")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut browser = command.spawn().unwrap();
    let mut lines = BufReader::new(browser.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut seen = Vec::new();
    while seen.last().is_none_or(|line: &String| line != "ready-for-restart") {
        seen.push(lines.next().unwrap_or_else(|| panic!("the browser ended early: {seen:?}")));
    }
    gateway.begin_to_stop();
    gateway.wait_until_stopped();
    let _restarted = TestGateway::with(&settings);
    let _ = browser.stdin.take().unwrap().write_all(b"\n");
    seen.extend(lines);
    assert!(browser.wait().unwrap().success(), "{seen:?}");
    assert_eq!(seen.last().map(String::as_str), Some("ok dashboard"), "{seen:?}");
}

#[test]
fn the_openapi_document_satisfies_an_independent_validator() {
    let gateway = TestGateway::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, crate::support::get("/openapi.json").send(gateway.address).text()).unwrap();
    let output = Command::new(&tools()["PYTHON"]).args(["-m", "openapi_spec_validator"]).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
