//! The calls that run in a session.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::exchange::ExchangeId;
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
    /// JSON of the client's progress token.
    pub(super) progress_token: Option<Box<RawValue>>,
    pub(super) progress: Option<f64>,
    pub(super) started: Millis,
}
