//! The calls that run in a session.

use serde::{Deserialize, Serialize};

use super::exchange::ExchangeId;
use crate::mcp::Voice;
use crate::rpc::RequestId;
use crate::sse::StreamId;
use crate::time::Millis;

/// A running call, as the shell names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallId(pub u64);

/// Where a call's messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Route {
    /// The POST waits; nothing has been sent. `stream` names the stream that it may become.
    Waiting { exchange: ExchangeId, stream: StreamId },
    /// The POST with several messages waits; nothing has been sent. The stream names the batch.
    Batch(StreamId),
    /// The client left before anything was sent; the answer goes nowhere.
    Nowhere,
    /// A stream.
    Stream(StreamId),
}

/// A request that has not been answered.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) id: CallId,
    pub(super) request: RequestId,
    pub(super) route: Route,
    pub(super) voice: Voice,
    pub(super) started: Millis,
    /// The resource that the session watches once this call has succeeded.
    pub(super) watches: Option<Box<str>>,
}

impl Call {
    /// Whether its POST waits and nothing has been sent.
    pub(super) const fn is_waiting(&self) -> bool {
        matches!(self.route, Route::Waiting { .. } | Route::Batch(_))
    }
}
