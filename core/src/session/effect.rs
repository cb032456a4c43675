//! What the shell does for a session.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::calls::CallId;
use super::exchange::ExchangeId;
use crate::mcp::Refusal;

/// A deed.
#[derive(Debug)]
pub enum Effect {
    /// Answer a POST with 202 and no body.
    Accept(ExchangeId),
    /// Answer a POST with 200 and one JSON message.
    Answer(ExchangeId, Bytes),
    /// Answer a GET with 204: nothing more will come on that stream, so do not come back.
    NothingMore(ExchangeId),
    /// Refuse with an HTTP status.
    Refuse(ExchangeId, Refusal),
    /// Answer with an event stream that begins with these frames and stays open.
    Attach(ExchangeId, Vec<Bytes>),
    /// Write a frame to an attached exchange.
    Send(ExchangeId, Bytes),
    /// End an attached exchange after what was written.
    Finish(ExchangeId),
    /// Start a call.
    Start(CallId, FeatureRequest),
    /// Stop a call: drop it, nothing of it is wanted any more.
    Stop(CallId),
    /// The session is over; nothing follows.
    End(EndReason),
}

/// What the catalogue is asked for.
#[derive(Debug)]
pub enum FeatureRequest {
    /// `tools/list`.
    ListTools {
        /// Which page.
        cursor: Option<String>,
    },
    /// `tools/call`.
    CallTool {
        /// Which tool.
        name: Box<str>,
        /// Its arguments, not looked at yet.
        arguments: Option<Box<RawValue>>,
        /// Whether the client wants progress.
        wants_progress: bool,
    },
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The client said so.
    Deleted,
    /// Nothing happened for too long.
    Idle,
    /// It was open for too long.
    TooOld,
}

impl EndReason {
    /// A bounded label for metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Idle => "idle",
            Self::TooOld => "too_old",
        }
    }
}
