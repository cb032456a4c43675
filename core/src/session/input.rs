//! What can happen to a session.

use bytes::Bytes;

use super::calls::CallId;
use super::exchange::ExchangeId;
use super::questions::Ask;
use crate::mcp::{LogLevel, Outcome, Progress};
use crate::rpc::{ClientMessage, RpcError};
use crate::sse::{EventId, StreamId};

/// Something that happens to a session.
#[derive(Debug)]
pub enum Input {
    /// A POST with one message.
    Posted(Posted),
    /// A POST with several messages.
    BatchPosted {
        /// The POST.
        exchange: ExchangeId,
        /// Its messages, each on its own.
        messages: Vec<Result<ClientMessage, RpcError>>,
        /// Random name, in case its answer becomes a stream.
        stream: StreamId,
    },
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
    /// Something changed that belongs to no call.
    Notice(Notice),
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
    /// Close the connection of its stream for a while; the client comes back for the rest (SEP-1699, from 2025-11-25 on).
    Pause {
        /// After how long, in ms.
        retry_ms: u64,
    },
    /// It has come so far. Sent only if the client gave a token; never goes backwards.
    Progress(Progress),
    /// A log message: `data` is JSON.
    Log {
        /// How severe.
        level: LogLevel,
        /// Which tool.
        logger: &'static str,
        /// What.
        data: Bytes,
    },
    /// It asks the client something.
    Ask(Ask),
    /// It is done.
    Finished(Outcome),
}

/// A change that clients are told of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// `tools/list` gives something else.
    ToolsChanged,
    /// `prompts/list` gives something else.
    PromptsChanged,
    /// A resource has changed.
    ResourceUpdated(Box<str>),
}

impl Notice {
    /// The method of its notification.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::ToolsChanged => "notifications/tools/list_changed",
            Self::PromptsChanged => "notifications/prompts/list_changed",
            Self::ResourceUpdated(_) => "notifications/resources/updated",
        }
    }

    /// The parameters of its notification, without braces.
    #[must_use]
    pub fn members(&self) -> String {
        match self {
            Self::ToolsChanged | Self::PromptsChanged => String::new(),
            Self::ResourceUpdated(uri) => format!("\"uri\":{}", serde_json::Value::from(&**uri)),
        }
    }
}
