//! `tickgate check`: the settings as they were understood. Secrets redact themselves.

use std::process::ExitCode;

use crate::settings::{AuthMode, Settings};

pub(super) fn run(settings: &Settings) -> ExitCode {
    if settings.access.mode == AuthMode::Required && !settings.access.has_credentials() {
        eprintln!("note: only stored keys could let somebody in; `tickgate keys create` makes one");
    }
    super::print(&format!("{settings:#?}\nthe configuration is good"))
}
