//! `tickgate secrets`: good random values for the secrets that the operator makes up, to paste into a file or a secret store.

use std::process::ExitCode;

/// The secret settings that are made up; the others come from a vendor.
const MADE_UP: [&str; 4] = ["MCP_API_KEYS", "JWT_SECRET_KEY", "SESSION_SECRET_KEY", "DATA_ENCRYPTION_KEY"];
/// Bytes of each: what the settings ask for at least.
const SECRET_BYTES: usize = 32;

pub(super) fn run() -> ExitCode {
    match MADE_UP.into_iter().map(line).collect::<Result<Vec<_>, _>>() {
        Ok(lines) => super::print(&lines.join("\n")),
        Err(error) => super::fail(&error),
    }
}

fn line(name: &str) -> Result<String, getrandom::Error> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{name}={}", hex::encode(bytes)))
}
