//! A session whose only stream carries everything both ways: HTTP+SSE of 2024-11-05, and stdio. It is open before its client has
//! shaken hands, and ends with its stream.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::calls::Route;
use super::effect::{Effect, EndReason};
use super::exchange::ExchangeId;
use super::handshake::negotiate;
use super::limits::SessionLimits;
use super::machine::Session;
use super::requests::{Asked, Refused};
use super::streams::{Framing, Stream};
use crate::mcp::{ClientCapabilities, Refusal, Revision};
use crate::rpc::{ErrorCode, RequestId, RpcError};
use crate::sse::StreamId;
use crate::time::Millis;

/// What a session knows of its pipe.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Pipe {
    framing: Framing,
    stream: Option<StreamId>,
    greeted: bool,
    draining: bool,
}

impl Session {
    /// A session that waits for its stream and then for `initialize`.
    #[must_use]
    pub fn on_a_pipe(framing: Framing, limits: SessionLimits, now: Millis) -> Self {
        let mut session = Self::new(Revision::NEWEST_STATEFUL, ClientCapabilities::default(), limits, now);
        session.pipe = Some(Pipe { framing, stream: None, greeted: false, draining: false });
        session
    }

    /// Whether everything is said on one stream.
    #[must_use]
    pub const fn is_a_pipe(&self) -> bool {
        self.pipe.is_some()
    }

    /// The stream on which everything is said, once it is open.
    pub(super) fn pipe_stream(&self) -> Option<StreamId> {
        self.pipe.and_then(|pipe| pipe.stream)
    }

    pub(super) fn open_pipe(&mut self, exchange: ExchangeId, id: StreamId, effects: &mut Vec<Effect>) {
        match &mut self.pipe {
            Some(Pipe { framing, stream: stream @ None, .. }) => {
                *stream = Some(id);
                let opened = Stream::pipe(id, *framing, exchange);
                effects.push(Effect::Attach(exchange, Vec::new()));
                self.streams.push(opened);
            }
            _ => {
                let error = RpcError::new(ErrorCode::INVALID_REQUEST, "this session has its stream already");
                effects.push(Effect::Refuse(exchange, Refusal::new(400, error)));
            }
        }
    }

    /// Ends the session once nothing runs: what was asked is still answered.
    pub(super) fn drain_pipe(&mut self, effects: &mut Vec<Effect>) {
        if let Some(pipe) = &mut self.pipe {
            pipe.draining = true;
        }
        self.end_drained_pipe(effects);
    }

    /// A call is over: was it the last that a draining pipe waited for?
    pub(super) fn end_drained_pipe(&mut self, effects: &mut Vec<Effect>) {
        if self.pipe.is_some_and(|pipe| pipe.draining) && self.calls.is_empty() {
            self.end(EndReason::Disconnected, effects);
        }
    }

    /// Whether a request must wait for `initialize`.
    pub(super) fn is_ungreeted(&self) -> bool {
        self.pipe.is_some_and(|pipe| !pipe.greeted)
    }

    pub(super) fn greet(
        &mut self,
        id: RequestId,
        params: Option<&RawValue>,
        route: Route,
        now: Millis,
    ) -> Result<Asked, Refused> {
        let (revision, client) = negotiate(params)?;
        self.revision = revision;
        self.client = client;
        if let Some(pipe) = &mut self.pipe {
            pipe.greeted = true;
        }
        Ok(Asked::Greet(self.begin(id, None, route, now)?))
    }
}
