//! Logs: one line per event on stdout, or on stderr where stdout carries messages, for people or as JSON for programs.

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::settings::{LogFormat, TelemetrySettings};

/// Libraries that say at INFO what only their own authors need.
const QUIET: [&str; 5] = ["actix_server", "actix_http", "actix_web_prom", "sentry", "mio"];

/// Starts logging; a second start in one process keeps the first.
pub fn start(settings: &TelemetrySettings) {
    let writer = if settings.log_to_stderr { BoxMakeWriter::new(std::io::stderr) } else { BoxMakeWriter::new(std::io::stdout) };
    start_to(settings, writer);
}

/// The same with the lines going elsewhere.
pub fn start_to(settings: &TelemetrySettings, writer: BoxMakeWriter) {
    let targets = QUIET.iter().fold(Targets::new().with_default(settings.log_level), |targets, target| {
        targets.with_target(*target, settings.log_level.min(tracing::Level::WARN))
    });
    let layer = fmt::layer().with_writer(writer).with_timer(Rfc3339);
    let layer = match settings.log_format {
        LogFormat::Json => layer.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed(),
        LogFormat::Text => layer.with_target(false).boxed(),
    };
    // Without reports nobody wants the spans: what is not logged then costs nothing.
    let spans = settings.sentry_dsn.is_some().then(sentry::integrations::tracing::SpanLayer::new);
    let _ = tracing_subscriber::registry().with(spans).with(layer.with_filter(targets)).try_init();
}

/// Milliseconds in UTC, the same form as everywhere else.
struct Rfc3339;

impl fmt::time::FormatTime for Rfc3339 {
    fn format_time(&self, writer: &mut fmt::format::Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", tickgate_actors::clock::process_clock().now())
    }
}
