//! The program as people type it.

use std::net::SocketAddr;
use std::process::{Command, Output};

use crate::reports::Program;
use crate::support::{McpClient, Stateless, get};

fn tickgate(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_tickgate"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .current_dir(folder.path())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_version_and_the_help_are_printed() {
    let version = tickgate(&["--version"], &[]);
    assert!(version.status.success() && text(&version.stdout).contains(env!("CARGO_PKG_VERSION")));
    let help = text(&tickgate(&["--help"], &[]).stdout);
    for word in [
        "serve",
        "simulate",
        "record",
        "replay",
        "check",
        "doctor",
        "healthcheck",
        "backup",
        "restore",
        "token",
        "secrets",
        "openapi",
        "--max-body-bytes",
        "MAX_BODY_BYTES",
    ] {
        assert!(help.contains(word), "{word}");
    }
}

#[test]
fn a_bad_configuration_is_refused_with_every_error_before_a_port_is_bound() {
    let output = tickgate(&["--port", "99999"], &[("SIM_SPEED", "-1"), ("MCP_API_KEYS", "canary")]);
    assert_eq!(output.status.code(), Some(2));
    let errors = text(&output.stderr);
    for word in ["PORT (--port)", "99999", "SIM_SPEED", "MCP_API_KEYS"] {
        assert!(errors.contains(word), "{word} in {errors}");
    }
    assert!(!errors.contains("canary"), "{errors}");
    for arguments in [&["--nosuch", "1"][..], &["nosuch"], &["--port"], &["--config", "/nosuch.toml"]] {
        assert_eq!(tickgate(arguments, &[]).status.code(), Some(2), "{arguments:?}");
    }
    let production = tickgate(&[], &[("APP_ENV", "production")]);
    assert_eq!(production.status.code(), Some(2));
    let errors = text(&production.stderr);
    assert!(errors.contains("MCP_API_KEYS") && errors.contains("DATA_ENCRYPTION_KEY"), "{errors}");
}

#[test]
fn the_secrets_that_are_printed_are_enough_for_production_and_new_each_time() {
    let output = tickgate(&["secrets"], &[("APP_ENV", "production"), ("PORT", "not looked at")]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    let secrets: Vec<(&str, &str)> = printed.lines().map(|line| line.split_once('=').unwrap()).collect();
    let names: Vec<&str> = secrets.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["MCP_API_KEYS", "JWT_SECRET_KEY", "SESSION_SECRET_KEY", "DATA_ENCRYPTION_KEY"]);
    let check = tickgate(&["check"], &[&[("APP_ENV", "production")], secrets.as_slice()].concat());
    assert!(check.status.success(), "{}", text(&check.stderr));
    let again = text(&tickgate(&["secrets"], &[]).stdout);
    assert!(again.lines().all(|line| !printed.contains(line)) && again.lines().count() == 4);
}

#[test]
fn check_prints_what_was_understood_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gate.toml");
    std::fs::write(&file, "port = 9000\nmcp_api_keys = [\"canary-canary-canary\"]\n").unwrap();
    let output = tickgate(&["check", "--config", file.to_str().unwrap()], &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(
        printed.contains("9000") && printed.contains("the configuration is good") && !printed.contains("canary"),
        "{printed}"
    );
    std::fs::write(&file, "prot = 9000\n").unwrap();
    let output = tickgate(&["check", "--config", file.to_str().unwrap()], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean `port`?"));
}

#[test]
fn healthcheck_tells_a_running_gateway_from_none() {
    let program = Program::start(&[]);
    let port = program.address.port().to_string();
    assert!(tickgate(&["healthcheck"], &[("PORT", &port)]).status.success());
    drop(program);
    assert_eq!(tickgate(&["healthcheck"], &[("PORT", &port)]).status.code(), Some(1));
}

#[test]
fn the_openapi_document_is_printed() {
    let document: serde_json::Value = serde_json::from_slice(&tickgate(&["openapi"], &[]).stdout).unwrap();
    assert!(document["paths"]["/mcp"].is_object());
}

#[test]
fn a_gateway_serves_from_a_simulated_upstream_of_another_process_with_a_key_like_from_the_real_one() {
    let folder = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    drop(listener);
    let mut simulator = Command::new(env!("CARGO_BIN_EXE_tickgate"))
        .args(["simulate", "--port", &port])
        .env_clear()
        .current_dir(folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let address: SocketAddr = format!("127.0.0.1:{port}").parse().unwrap();
    crate::support::until("the simulator to listen", || std::net::TcpStream::connect(address).is_ok());
    let base = format!("http://{address}");
    let program = Program::start(&[
        ("MASSIVE_API_KEY", "canary-upstream-key"),
        ("MASSIVE_API_BASE_URL", &base),
        ("UPSTREAM_PLAN", "advanced"),
    ]);
    let quote = get("/api/quotes/AAPL").send(program.address).json();
    assert_eq!(quote["results"]["source"], "poll");
    assert!(quote["results"]["price"].as_f64().unwrap() > 0.0);
    let _ = simulator.kill();
    let _ = simulator.wait();
}

#[test]
fn toolsets_are_read_again_on_sighup_and_listeners_of_both_eras_are_told() {
    let mut program = Program::start(&[]);
    let modern = Stateless::new(program.address);
    let legacy = McpClient::connect(program.address);
    let mut standalone = legacy.open_stream(None);
    standalone.event().unwrap();
    let wanted = serde_json::json!({"notifications": {"toolsListChanged": true}});
    let mut listener = modern.request(serde_json::json!(1), "subscriptions/listen", wanted).send(program.address);
    assert_eq!(listener.data().unwrap().json()["method"], "notifications/subscriptions/acknowledged");
    let count = || modern.result("tools/list", serde_json::json!({}))["tools"].as_array().unwrap().len();
    let all = count();
    std::fs::write(program.folder.path().join("tickgate.toml"), "toolsets = \"stocks\"\n").unwrap();
    program.signal("-HUP");
    for stream in [&mut listener, &mut standalone] {
        assert_eq!(stream.data().unwrap().json()["method"], "notifications/tools/list_changed");
    }
    assert!(count() < all);
    std::fs::write(program.folder.path().join("tickgate.toml"), "toolsets = \"nosuch\"\n").unwrap();
    program.signal("-HUP");
    program.wait_for(|line| line["message"].as_str().is_some_and(|message| message.contains("nothing has changed")));
    assert!(count() < all);
}
