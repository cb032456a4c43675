//! How a tool ends: a failure of a tool is a result that says what to do, never a protocol error.

use bytes::Bytes;
use tickgate_actors::supervisor::WatchError;
use tickgate_core::mcp::tool_result;
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};
use tickgate_core::session::CallOutcome;

/// What a tool gives.
pub type ToolOutcome = Result<Bytes, ToolFailure>;

/// Why a tool gives nothing: a class for programs and a sentence for models.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{class}: {message}")]
pub struct ToolFailure {
    class: &'static str,
    message: String,
}

impl ToolFailure {
    /// An argument is wrong: names it and says what is allowed.
    pub fn argument(name: &str, problem: impl std::fmt::Display) -> Self {
        Self { class: "invalid_argument", message: format!("`{name}`: {problem}") }
    }
}

impl From<UpstreamError> for ToolFailure {
    fn from(error: UpstreamError) -> Self {
        let class = match error.kind {
            UpstreamErrorKind::InvalidParams => "invalid_argument",
            kind => kind.as_str(),
        };
        let wait = error.retry_after_ms.map_or_else(String::new, |ms| format!(" (retry after {} s)", ms.div_ceil(1_000)));
        Self { class, message: format!("{}{wait}", error.message) }
    }
}

impl From<WatchError> for ToolFailure {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::Upstream(error) => error.into(),
            WatchError::UnknownSymbol(_) => Self { class: "not_found", message: error.to_string() },
            WatchError::Busy => Self { class: "busy", message: error.to_string() },
        }
    }
}

/// A structured answer with its text twin: the same JSON as text.
pub(super) fn structured(json: &[u8]) -> Bytes {
    tool_result(&String::from_utf8_lossy(json), Some(json), false)
}

pub(super) fn into_call_outcome(outcome: ToolOutcome) -> CallOutcome {
    CallOutcome::Result(outcome.unwrap_or_else(|failure| tool_result(&failure.to_string(), None, true)))
}
