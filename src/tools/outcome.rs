//! How a tool ends: a failure of a tool is a result that says what to do, never a protocol error.

use bytes::Bytes;
use serde_json::Value;
use tickgate_actors::alerts::AlertError;
use tickgate_actors::call::AskError;
use tickgate_actors::supervisor::WatchError;
use tickgate_core::mcp::{FeatureError, FeatureResult, Outcome, Revision, ToolOutput};
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};

/// The member of `_meta` that says of what class a failure is, and when to try again.
pub(crate) const ERROR_META: &str = "tickgate/error";

/// What a tool gives.
pub type ToolOutcome = Result<ToolOutput, ToolFailure>;

/// Why a tool gives nothing: a class for programs and a sentence for models.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{class}: {message}")]
pub struct ToolFailure {
    class: &'static str,
    message: String,
    /// When to try again, in ms, where that is known.
    retry_after_ms: Option<u64>,
    /// What the client would have to declare, where that is the reason.
    needs: Option<Value>,
    /// A protocol error, where it must be one.
    protocol: Option<Box<FeatureError>>,
}

impl ToolFailure {
    /// A class for programs and a sentence for models.
    pub fn new(class: &'static str, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), retry_after_ms: None, needs: None, protocol: None }
    }

    /// An argument is wrong: names it and says what is allowed.
    pub fn argument(name: &str, problem: impl std::fmt::Display) -> Self {
        Self::new("invalid_argument", format!("`{name}`: {problem}"))
    }

    /// The class: a bounded label.
    #[must_use]
    pub(crate) const fn class(&self) -> &'static str {
        self.class
    }

    /// Whether what was asked for does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.class == "not_found"
    }

    /// The same as an error of the protocol, for what is no tool: only wrong arguments are the caller's fault.
    #[must_use]
    pub fn into_error(self) -> FeatureError {
        match self.class {
            "invalid_argument" => FeatureError::invalid_params(self.message),
            reason => FeatureError::Failed { reason, message: self.message },
        }
    }

    /// The class for programs, so that none has to read it out of the sentence: members of `_meta`.
    fn meta(&self) -> Bytes {
        let wait = self.retry_after_ms.map_or_else(String::new, |ms| format!(",\"retry_after_seconds\":{}", ms.div_ceil(1_000)));
        format!("\"{ERROR_META}\":{{\"class\":\"{}\"{wait}}}", self.class).into()
    }

    /// A protocol error instead of a result: for what is no failure of the tool itself.
    #[must_use]
    pub fn protocol(error: FeatureError) -> Self {
        Self { protocol: Some(Box::new(error)), ..Self::new("protocol_error", "the request cannot be carried out") }
    }
}

impl From<UpstreamError> for ToolFailure {
    fn from(error: UpstreamError) -> Self {
        let class = match error.kind {
            UpstreamErrorKind::InvalidParams => "invalid_argument",
            kind => kind.as_str(),
        };
        let wait = error.retry_after_ms.map_or_else(String::new, |ms| format!(" (retry after {} s)", ms.div_ceil(1_000)));
        Self { retry_after_ms: error.retry_after_ms, ..Self::new(class, format!("{}{wait}", error.message)) }
    }
}

impl From<WatchError> for ToolFailure {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::Upstream(error) => error.into(),
            WatchError::UnknownSymbol(_) => Self::new("not_found", error.to_string()),
            WatchError::Busy => Self::new("busy", error.to_string()),
        }
    }
}

impl From<AlertError> for ToolFailure {
    fn from(error: AlertError) -> Self {
        let message = error.to_string();
        match error {
            AlertError::Terms(_) => Self::new("invalid_argument", message),
            AlertError::Watch(error) => error.into(),
            AlertError::TooMany | AlertError::Full => Self::new("too_many", message),
            AlertError::NotFound => Self::new("not_found", message),
            AlertError::Store | AlertError::Busy | AlertError::Unavailable => Self::new("unavailable", message),
        }
    }
}

impl From<AskError> for ToolFailure {
    fn from(error: AskError) -> Self {
        let message = error.to_string();
        match error {
            AskError::Unsupported(needs) => Self { needs: Some(needs), ..Self::new("client_capability_missing", message) },
            AskError::Unanswered(_) | AskError::Malformed => Self::new("no_answer", message),
        }
    }
}

/// A structured answer with its text twin: the same JSON as text.
pub(crate) fn structured(json: &[u8]) -> ToolOutput {
    ToolOutput::text(&String::from_utf8_lossy(json), Some(json), false)
}

/// The outcome as the caller's revision has it: a missing capability is an error of the protocol in the stateless one.
pub(crate) fn into_outcome(outcome: ToolOutcome, revision: Revision) -> Outcome {
    let output = match outcome {
        Ok(output) => output,
        Err(ToolFailure { protocol: Some(error), .. }) => return Err(*error),
        Err(ToolFailure { needs: Some(needs), .. }) if revision.is_stateless() => {
            return Err(FeatureError::MissingCapability(needs));
        }
        Err(failure) => {
            let output = ToolOutput::text(&failure.to_string(), None, true);
            return Ok(FeatureResult::new(output.write(revision)).with_meta(failure.meta()));
        }
    };
    Ok(FeatureResult::new(output.write(revision)))
}
