//! What the shell does for a session.

use bytes::Bytes;

use super::calls::CallId;
use super::exchange::ExchangeId;
use super::questions::{QuestionId, Reply};
use crate::mcp::{ClientCapabilities, FeatureRequest, Refusal, Revision};

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
    Start(CallId, Start),
    /// Finish a call with what the gateway says of itself in this revision.
    Greet(CallId, Revision),
    /// Watch a resource and finish the call with how that went.
    Watch(CallId, Box<str>),
    /// Watch a resource no more.
    Unwatch(Box<str>),
    /// Give a running call the answer to its question.
    Tell(CallId, QuestionId, Reply),
    /// Stop a call: drop it, nothing of it is wanted any more.
    Stop(CallId),
    /// The session is over; nothing follows.
    End(EndReason),
}

/// A call to start.
#[derive(Debug)]
pub struct Start {
    /// What is asked.
    pub request: FeatureRequest,
    /// In which revision it is answered.
    pub revision: Revision,
    /// What the client can do.
    pub client: ClientCapabilities,
    /// Whether the client gave a progress token.
    pub wants_progress: bool,
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
    /// Its only stream was closed (2024-11-05 HTTP+SSE, stdio).
    Disconnected,
    /// The client did not answer a ping.
    Unresponsive,
}

impl EndReason {
    /// A bounded label for metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Idle => "idle",
            Self::TooOld => "too_old",
            Self::Disconnected => "disconnected",
            Self::Unresponsive => "unresponsive",
        }
    }
}
