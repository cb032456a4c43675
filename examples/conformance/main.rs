//! The gateway with the fixture catalogue of the official conformance suite (protocol.md appendix E) in place of the product's:
//! the same application, none of the fixtures in the product binary. `HOST` and `PORT` are honoured; no credential is asked for.
//!
//! `cargo run --example conformance`, then `make conformance` runs the suite for both revisions.

mod fixtures;

use tickgate::application::Application;
use tickgate::settings::{Settings, Sources};
use tickgate::telemetry::{start_logs, start_reports};

fn main() -> anyhow::Result<()> {
    let mut sources = Sources::from_environment(std::env::vars());
    for (name, value) in fixtures::SETTINGS {
        if std::env::var(name).is_err() {
            sources.set_flag(name, (*value).to_owned());
        }
    }
    // A folder of its own: a gateway may be running on ./data.
    let data = tempfile::tempdir()?;
    sources.set_flag("DATA_DIR", data.path().display().to_string());
    let settings = Settings::gather(&sources).map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
    let _reports = start_reports(&settings.telemetry, settings.listen.environment);
    start_logs(&settings.telemetry);
    actix::System::new().block_on(async {
        let application = Application::build(settings, fixtures::registry()).await?;
        Ok(application.run_until_stopped().await?)
    })
}
