//! `tickgate check`: the settings as they were understood. Secrets redact themselves.

use std::process::ExitCode;

use crate::settings::Settings;

pub(super) fn run(settings: &Settings) -> ExitCode {
    super::print(&format!("{settings:#?}\nthe configuration is good"))
}
