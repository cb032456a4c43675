//! The official clients over stdio and HTTP+SSE.

use std::process::Command;

use super::with_http_sse;
use crate::clients::tools;

/// Has a client program speak with what stands at `target`: a URL, or our own program.
fn passes(interpreter: &str, folder: &str, program: &str, extension: &str, target: &str) {
    let tools = tools();
    let path = format!("{}/tests/clients/{folder}/{program}.{extension}", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(&tools[interpreter]).arg(path).arg(target).envs(tools.iter()).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let last = stdout.lines().last().unwrap_or_default();
    assert!(output.status.success() && last == format!("ok {program}"), "{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_official_python_client_works_over_stdio_in_both_eras() {
    passes("PYTHON", "python", "pipes", "py", env!("CARGO_BIN_EXE_tickgate"));
}

#[test]
fn the_official_python_client_works_over_http_sse() {
    passes("PYTHON", "python", "pipes", "py", &with_http_sse().url("/sse"));
}

#[test]
fn the_older_typescript_sdk_works_over_stdio() {
    passes("NODE", "typescript", "sdk_v1_pipes", "mjs", env!("CARGO_BIN_EXE_tickgate"));
}

#[test]
fn the_older_typescript_sdk_works_over_http_sse() {
    passes("NODE", "typescript", "sdk_v1_pipes", "mjs", &with_http_sse().url("/sse"));
}
