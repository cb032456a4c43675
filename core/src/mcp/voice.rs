//! What a running call may tell its client before it answers: progress where the client gave a token, log messages from the
//! level up that it asked for. The same rules in both eras.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::lifecycle::LogLevel;
use crate::rpc::notification;

/// One report of progress.
#[derive(Clone, Debug)]
pub struct Progress {
    /// How far.
    pub progress: f64,
    /// Of how much.
    pub total: Option<f64>,
    /// JSON string for people, quotes included.
    pub message: Option<Bytes>,
    /// JSON object for programs, as `_meta["tickgate/event"]`.
    pub event: Option<Bytes>,
}

/// One call's voice.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Voice {
    token: Option<Box<RawValue>>,
    progress: Option<f64>,
}

impl Voice {
    /// The voice of a call whose client gave this token (JSON), if it gave one.
    #[must_use]
    pub const fn new(token: Option<Box<RawValue>>) -> Self {
        Self { token, progress: None }
    }

    /// Whether the client gave a token.
    #[must_use]
    pub const fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// The notification for a report; none without a token, and none that does not go forward (progress must increase).
    pub fn progress(&mut self, report: &Progress) -> Option<Bytes> {
        let sound = report.progress.is_finite() && report.total.is_none_or(f64::is_finite);
        let grows = sound && self.progress.is_none_or(|before| report.progress > before);
        let token = self.token.as_ref().filter(|_| grows)?;
        self.progress = Some(report.progress);
        Some(notification("notifications/progress", &progress_params(token.get(), report)))
    }
}

/// The notification for a log message; `data` is JSON. `least`: what the client asked for, `None` for nothing at all.
#[must_use]
pub fn log_message(least: Option<LogLevel>, level: LogLevel, logger: &str, data: &[u8]) -> Option<Bytes> {
    let _ = least.filter(|least| level >= *least)?;
    let mut params = format!("{{\"level\":\"{}\",\"logger\":\"{logger}\",\"data\":", level.as_str()).into_bytes();
    params.extend_from_slice(data);
    params.push(b'}');
    Some(notification("notifications/message", &params))
}

fn progress_params(token: &str, report: &Progress) -> Vec<u8> {
    let mut params = format!("{{\"progressToken\":{token},\"progress\":{}", report.progress).into_bytes();
    if let Some(total) = report.total {
        params.extend_from_slice(format!(",\"total\":{total}").as_bytes());
    }
    for (member, value, end) in [("\"message\":", &report.message, ""), ("\"_meta\":{\"tickgate/event\":", &report.event, "}")] {
        if let Some(value) = value {
            params.push(b',');
            params.extend_from_slice(member.as_bytes());
            params.extend_from_slice(value);
            params.extend_from_slice(end.as_bytes());
        }
    }
    params.push(b'}');
    params
}
