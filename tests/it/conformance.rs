//! The official conformance suite: all of it against the fixtures that it wants, and what needs none against the product.
//!
//! There is no list of expected failures, because none is expected.

#[path = "../../examples/conformance/fixtures/mod.rs"]
pub(crate) mod fixtures;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::clients::tools;
use crate::support::TestGateway;

/// What every server must pass as it is.
const STATEFUL: &[&str] = &[
    "server-initialize",
    "server-session-lifecycle",
    "ping",
    "logging-set-level",
    "tools-list",
    "prompts-list",
    "resources-list",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
];
const STATELESS: &[&str] = &[
    "tools-list",
    "prompts-list",
    "resources-list",
    "sep-2164-resource-not-found",
    "caching",
    "http-header-validation",
    "input-required-result-unsupported-methods",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
];

/// The suite, to be run against this gateway; it writes what it found below the folder.
fn suite(gateway: &TestGateway, results: &Path) -> Command {
    let tools = tools();
    let mut command = Command::new(&tools["NODE"]);
    command
        .arg(format!("{}/@modelcontextprotocol/conformance/dist/index.js", tools["NODE_MODULES"]))
        // The suite insists on this spelling of loopback.
        .args(["server", "--url", &format!("http://localhost:{}/mcp", gateway.address.port()), "--output-dir"])
        .arg(results)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What it said, when it ended well.
fn said(output: Output) -> String {
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// Every check of every scenario that ran, by the folder of the scenario.
fn checks(results: &Path) -> BTreeMap<String, Vec<Value>> {
    let folders = std::fs::read_dir(results).unwrap().map(|entry| entry.unwrap());
    folders
        .map(|folder| {
            let text = std::fs::read_to_string(folder.path().join("checks.json")).unwrap();
            (folder.file_name().into_string().unwrap(), serde_json::from_str(&text).unwrap())
        })
        .collect()
}

/// The suite itself forgives warnings, and failures of what it does not score.
fn assert_flawless(results: &Path) {
    for (scenario, checks) in checks(results) {
        for check in checks {
            let status = check["status"].as_str().unwrap();
            assert!(matches!(status, "SUCCESS" | "SKIPPED" | "INFO"), "{scenario}: {check:#}");
        }
    }
}

fn the_suite_passes(revision: &str, scored: usize, unscored: usize) {
    let gateway = TestGateway::with_registry(fixtures::SETTINGS, fixtures::registry);
    let folder = tempfile::tempdir().unwrap();
    let said = said(suite(&gateway, folder.path()).args(["--requirements", revision]).output().unwrap());
    let line = format!("Not scored for {revision}: {unscored} scenario(s) run, 0 failing.");
    assert!(said.contains(&line), "{said}");
    assert_eq!(checks(folder.path()).len(), scored + unscored, "{said}");
    assert_flawless(folder.path());
}

fn the_product_passes(revision: &str, scenarios: &[&str]) {
    let gateway = TestGateway::start();
    let folder = tempfile::tempdir().unwrap();
    let running: Vec<_> = scenarios
        .iter()
        .map(|scenario| {
            suite(&gateway, folder.path()).args(["--scenario", scenario, "--spec-version", revision]).spawn().unwrap()
        })
        .collect();
    for run in running {
        said(run.wait_with_output().unwrap());
    }
    assert_eq!(checks(folder.path()).len(), scenarios.len());
    assert_flawless(folder.path());
}

#[test]
fn all_that_2025_11_25_requires_passes() {
    the_suite_passes("2025-11-25", 30, 3);
}

#[test]
fn all_that_2026_07_28_requires_passes() {
    the_suite_passes("2026-07-28", 37, 13);
}

#[test]
fn the_product_passes_what_needs_no_fixtures_with_sessions() {
    the_product_passes("2025-11-25", STATEFUL);
}

#[test]
fn the_product_passes_what_needs_no_fixtures_without_sessions() {
    the_product_passes("2026-07-28", STATELESS);
}
