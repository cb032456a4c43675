//! The official conformance suite, as far as it needs no fixture tools: the product itself is the server under test.

use std::process::Command;

use crate::clients::tools;
use crate::support::TestGateway;

/// Scenarios of the stateful era that every server must pass as it is.
const SCENARIOS: [&str; 7] = [
    "server-initialize",
    "server-session-lifecycle",
    "ping",
    "logging-set-level",
    "tools-list",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
];

#[test]
fn the_conformance_scenarios_that_need_no_fixtures_pass() {
    let gateway = TestGateway::start();
    let tools = tools();
    let folder = tempfile::tempdir().unwrap();
    let suite = format!("{}/@modelcontextprotocol/conformance/dist/index.js", tools["NODE_MODULES"]);
    // The suite insists on this spelling of loopback.
    let url = format!("http://localhost:{}/mcp", gateway.address.port());
    for scenario in SCENARIOS {
        let output = Command::new(&tools["NODE"])
            .args([&suite, "server", "--url", &url, "--scenario", scenario, "--spec-version", "2025-11-25"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("0 failed, 0 warnings"),
            "{scenario}: {said}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
