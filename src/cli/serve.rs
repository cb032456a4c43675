//! `tickgate serve`.

use std::process::ExitCode;

use crate::application::{Application, StdioApplication};
use crate::registry::Registry;
use crate::settings::{Reread, Settings, Transport};
use crate::telemetry::{start_logs, start_reports};

pub(super) fn run(settings: Settings, reread: Reread) -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Before the system starts, and until it has ended.
    let _reports = start_reports(&settings.telemetry, settings.listen.environment);
    start_logs(&settings.telemetry);
    let served: anyhow::Result<()> = actix::System::new().block_on(async {
        match settings.sessions.transport {
            Transport::Http => {
                let application = Application::build(settings, Registry::standard()).await?.rereading(reread);
                Ok(application.run_until_stopped().await?)
            }
            Transport::Stdio => {
                let application = StdioApplication::build(settings, Registry::standard()).await?;
                application.run_until_ended(std::io::stdin(), std::io::stdout()).await
            }
        }
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::fail(&error),
    }
}
