//! What the supervisor hears.

use actix::{Message, Recipient};
use tickgate_core::market::Topic;
use tickgate_core::ports::UpstreamError;
use tickgate_core::tape::{Draft, Position};
use tokio::sync::oneshot;

use crate::window::{Ready, WindowUpdate};

/// A topic is watched.
#[derive(Clone, Copy, Debug)]
pub struct Watched {
    /// From here on.
    pub position: Position,
    /// How often it is really polled, in ms.
    pub interval_ms: u64,
}

/// Why a topic cannot be watched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// The upstream knows no such symbol.
    #[error("{0}: the upstream knows no such symbol; list_tickers finds the right one")]
    UnknownSymbol(Topic),
    /// The upstream failed before there was anything to show.
    #[error(transparent)]
    Upstream(UpstreamError),
    /// The gateway is too busy or shutting down.
    #[error("the gateway is too busy to watch another topic: try again in a few seconds")]
    Busy,
}

/// Where the answer to a watch goes.
pub type Reply = oneshot::Sender<Result<Watched, WatchError>>;

/// Wants a topic.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Watch {
    pub(crate) topic: Topic,
    pub(crate) interval_ms: u64,
    /// Whether this adds a subscriber, or only asks for the place.
    pub(crate) add: bool,
    pub(crate) ready: Ready,
    pub(crate) reply: Reply,
}

/// Wants a topic no more.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Unwatch {
    pub(crate) topic: Topic,
    pub(crate) interval_ms: u64,
}

/// A stream has polled its last.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Rested(pub(crate) Topic);

/// The first poll of a topic said that there is no such symbol.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct UnknownSymbol(pub(crate) Topic);

/// A worker's window that wants the tape.
#[derive(Message)]
#[rtype(result = "()")]
pub struct AttachWindow(pub Recipient<WindowUpdate>);

/// A topic is fed from elsewhere, so it is not polled; perhaps with an event.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Feed {
    pub(crate) topic: Topic,
    pub(crate) draft: Option<Draft>,
}

/// The gateway is shutting down.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Drain;

/// Asks what is being watched.
#[derive(Message)]
#[rtype(result = "Inspection")]
pub struct Inspect;

/// What is being watched.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// Every topic with a stream.
    pub topics: Vec<String>,
}
