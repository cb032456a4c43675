//! What can happen to a session.

use bytes::Bytes;

use super::calls::CallId;
use super::exchange::ExchangeId;
use crate::mcp::LogLevel;
use crate::rpc::{ClientMessage, RpcError};
use crate::sse::{EventId, StreamId};

/// Something that happens to a session.
#[derive(Debug)]
pub enum Input {
    /// A POST with one message.
    Posted(Posted),
    /// A GET: the standalone stream, or a stream resumed after an event.
    StreamOpened {
        /// The GET.
        exchange: ExchangeId,
        /// `Last-Event-ID`, if it sent one.
        resume: Option<EventId>,
        /// Random name, in case a new stream begins.
        stream: StreamId,
    },
    /// A running call has something to say.
    Call(CallId, CallEvent),
    /// The other side of an exchange is gone.
    Disconnected(ExchangeId),
    /// DELETE.
    Deleted,
    /// The gateway is shutting down: streams that wait for nothing in particular end, answers are still given.
    Draining,
    /// Time has passed.
    TimeReached,
}

/// A POST with one message.
#[derive(Debug)]
pub struct Posted {
    /// The POST.
    pub exchange: ExchangeId,
    /// Its message.
    pub message: ClientMessage,
    /// Random name, in case its answer becomes a stream.
    pub stream: StreamId,
}

/// What a running call says.
#[derive(Debug)]
pub enum CallEvent {
    /// It will speak before it answers: make the answer a stream now.
    Streaming,
    /// It has come so far. Sent only if the client gave a token; never goes backwards.
    Progress {
        /// How far.
        progress: f64,
        /// Of how much.
        total: Option<f64>,
        /// JSON string for people, quotes included.
        message: Option<Bytes>,
        /// JSON object for programs, as `_meta["tickgate/event"]`.
        event: Option<Bytes>,
    },
    /// A log message: `data` is JSON.
    Log {
        /// How severe.
        level: LogLevel,
        /// Which tool.
        logger: &'static str,
        /// What.
        data: Bytes,
    },
    /// It is done.
    Finished(CallOutcome),
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub enum CallOutcome {
    /// With a result, itself JSON.
    Result(Bytes),
    /// With a protocol error.
    Error(RpcError),
}
