//! Logs: one line per event on stderr or stdout, for people or as JSON for programs.

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::settings::{LogFormat, TelemetrySettings};

/// Libraries that say at INFO what only their own authors need.
const QUIET: [&str; 5] = ["actix_server", "actix_http", "actix_web_prom", "sentry", "mio"];

/// Starts logging; a second start in one process keeps the first.
pub fn start(settings: &TelemetrySettings) {
    let targets = QUIET.iter().fold(Targets::new().with_default(settings.log_level), |targets, target| {
        targets.with_target(*target, settings.log_level.min(tracing::Level::WARN))
    });
    let layer = match settings.log_format {
        LogFormat::Json => {
            fmt::layer().json().flatten_event(true).with_current_span(true).with_span_list(false).with_timer(Rfc3339).boxed()
        }
        LogFormat::Text => fmt::layer().with_target(false).with_timer(Rfc3339).boxed(),
    };
    let _ = tracing_subscriber::registry()
        .with(sentry::integrations::tracing::SpanLayer::new())
        .with(layer.with_filter(targets))
        .try_init();
}

/// Milliseconds in UTC, the same form as everywhere else.
struct Rfc3339;

impl fmt::time::FormatTime for Rfc3339 {
    fn format_time(&self, writer: &mut fmt::format::Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", tickgate_actors::clock::process_clock().now())
    }
}
