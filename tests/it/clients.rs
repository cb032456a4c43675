//! The official clients and a real browser, as real processes. `scripts/test-tools.sh` installs them.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tickgate::tools::Tool;

use crate::conformance::fixtures;
use crate::support::{TestGateway, get, until};

const KEY: &str = "a-key-for-the-clients";

/// Paths of what `scripts/test-tools.sh` installed.
pub(crate) fn tools() -> HashMap<String, String> {
    let path = root().join("target/test-tools/env");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|_| panic!("{} is missing: run scripts/test-tools.sh, or make test", path.display()));
    text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Where browsers put pictures of what they see.
pub(crate) fn pictures() -> PathBuf {
    let folder = root().join("target/pictures");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A program of `tests/clients`.
pub(crate) fn client(interpreter: &str, program: &str) -> Command {
    let tools = tools();
    let mut command = Command::new(&tools[interpreter]);
    command.arg(root().join("tests/clients").join(program)).envs(tools.iter());
    command
}

/// Runs it, and expects it to say that all held.
pub(crate) fn passes(mut command: Command, name: &str) {
    let output = command.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let last = stdout.lines().last().unwrap_or_default().to_owned();
    assert!(output.status.success() && last == format!("ok {name}"), "{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// News come often enough for a short test.
fn lively() -> TestGateway {
    TestGateway::with(&[("SIM_SPEED", "5"), ("AUTH", "optional"), ("MCP_API_KEYS", KEY)])
}

/// The fixtures of the conformance suite, which ask and change lists, behind two pages of other tools.
fn crowded_fixtures() -> TestGateway {
    TestGateway::with_registry(fixtures::SETTINGS, || {
        let registry = fixtures::registry();
        let simple = registry.find("test_simple_text").unwrap().clone();
        let filler = |n| Tool { name: Box::leak(format!("filler_{n:03}").into_boxed_str()), ..simple.clone() };
        registry.with_tools((0..100).map(filler).chain(registry.tools().iter().cloned()).collect())
    })
}

/// Runs a client against the product and against the fixtures. When it is gone, so is all that it began: what it cancelled,
/// too, which was asked to last for a minute.
fn can_do_everything(mut command: Command, name: &str) {
    let lively = [("SIM_SPEED", "5"), ("AUTH", "optional"), ("MCP_API_KEYS", KEY), ("POLL_LINGER_SECS", "1")];
    let (product, fixtures) = (TestGateway::with(&lively), crowded_fixtures());
    command.args([&product.url("/mcp"), &fixtures.url("/mcp"), "--key", KEY]);
    passes(command, name);
    // The gateway itself watches one topic, the status.
    for (gateway, topics) in [(&product, Some("tickgate_topics_watched 1")), (&fixtures, None)] {
        let left = ["tickgate_sessions_open 0", "tickgate_streams_open{kind=\"mcp\"} 0", "tickgate_tasks_running 0"];
        for line in left.into_iter().chain(topics) {
            until(line, || get("/metrics").send(gateway.address).text().contains(line));
        }
    }
}

#[test]
fn the_official_python_client_can_do_everything_in_both_eras() {
    can_do_everything(client("PYTHON", "python/official_client.py"), "official_client");
}

#[test]
fn the_official_python_client_of_the_generation_before_can_do_everything() {
    let mut command = client("PYTHON", "python/mcp_v1.py");
    command.env("PYTHONPATH", &tools()["PYTHON_V1"]);
    can_do_everything(command, "mcp_v1");
}

#[test]
fn the_fastmcp_client_can_do_everything_in_both_eras() {
    can_do_everything(client("PYTHON", "python/fastmcp_client.py"), "fastmcp_client");
}

#[test]
fn the_official_typescript_client_can_do_everything_in_both_eras() {
    can_do_everything(client("NODE", "typescript/client_v2.mjs"), "client_v2");
}

#[test]
fn the_official_typescript_client_of_the_generation_before_can_do_everything_and_resumes() {
    can_do_everything(client("NODE", "typescript/sdk_v1.mjs"), "sdk_v1");
}

#[test]
fn the_official_rust_client_can_do_everything_in_both_eras() {
    can_do_everything(Command::new(&tools()["RMCP_CLIENT"]), "rmcp_client");
}

/// What the MCP Inspector prints for these arguments; it writes its state below `home`.
fn inspected(gateway: &TestGateway, home: &Path, era: &str, arguments: &[&str]) -> Value {
    let tools = tools();
    let program = format!("{}/@modelcontextprotocol/inspector/clients/launcher/build/index.js", tools["NODE_MODULES"]);
    let key = format!("Authorization: Bearer {KEY}");
    let output = Command::new(&tools["NODE"])
        .args([&program, "--cli", &gateway.url("/mcp"), "--transport", "http", "--protocol-era", era, "--header", &key])
        .args(["--stored-auth-only", "--format", "json", "--quiet", "--method"])
        .args(arguments)
        .env("HOME", home)
        .output()
        .unwrap();
    assert!(output.status.success(), "{era} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["result"].take()
}

#[test]
fn the_inspector_lists_calls_and_reads_in_both_eras() {
    let gateway = lively();
    let home = tempfile::tempdir().unwrap();
    for era in ["legacy", "modern"] {
        let inspected = |arguments: &[&str]| inspected(&gateway, home.path(), era, arguments);
        // Strict: an error in a schema is a failure.
        let tools = inspected(&["tools/list", "--strict"]);
        assert!(tools["tools"].as_array().unwrap().iter().any(|tool| tool["name"] == "get_snapshot_ticker"), "{tools}");
        let snapshot = r#"{"market_type":"stocks","ticker":"AAPL"}"#;
        let result = inspected(&["tools/call", "--tool-name", "get_snapshot_ticker", "--tool-args-json", snapshot]);
        assert_eq!(result["structuredContent"]["_freshness"]["source"], "simulated", "{result}");
        let quote = inspected(&["resources/read", "--uri", "market://quote/AAPL"]);
        assert_eq!(quote["contents"][0]["uri"], "market://quote/AAPL");
        let prompt = inspected(&["prompts/get", "--prompt-name", "stock_brief", "--prompt-args", "symbol=AAPL"]);
        assert!(prompt["messages"][0]["content"]["text"].as_str().unwrap().contains("AAPL"), "{prompt}");
    }
}

#[test]
fn a_raw_client_is_cut_and_resumes() {
    let gateway = lively();
    let mut command = client("PYTHON", "python/resume.py");
    command.arg(gateway.url("/mcp"));
    passes(command, "resume");
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
fn the_dashboard_marks_the_row_of_a_symbol_that_does_not_exist_and_shows_the_others() {
    let gateway = TestGateway::with(&[("SIM_SPEED", "5")]);
    let mut command = client("NODE", "typescript/unknown_symbol.mjs");
    command.arg(gateway.url("")).arg(pictures());
    passes(command, "unknown_symbol");
}

#[test]
fn the_openapi_document_satisfies_an_independent_validator() {
    let gateway = TestGateway::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, get("/openapi.json").send(gateway.address).text()).unwrap();
    let output = Command::new(&tools()["PYTHON"]).args(["-m", "openapi_spec_validator"]).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
