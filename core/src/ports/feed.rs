//! The upstream's WebSocket feed as its actors see it: a socket of texts. The key stays behind it.

use bytes::Bytes;

use super::market_data::{PortFuture, UpstreamError};
use crate::market::Market;

/// What came over the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedRead {
    /// A whole text, its fragments joined.
    Text(Bytes),
    /// A sign of life without content.
    Beat,
    /// Nothing more will come. The text is for logs: no key, no address.
    Closed(&'static str),
}

/// The reading half of a socket.
pub trait FeedReader {
    /// Waits for what comes next. After `Closed` it is not asked again.
    fn next(&mut self) -> PortFuture<'_, FeedRead>;
}

/// The writing half of a socket. The caller bounds every wait.
pub trait FeedWriter {
    /// Sends the key.
    fn authenticate(&mut self) -> PortFuture<'_, Result<(), UpstreamError>>;

    /// Sends a text.
    fn send(&mut self, text: String) -> PortFuture<'_, Result<(), UpstreamError>>;

    /// Asks for a sign of life.
    fn ping(&mut self) -> PortFuture<'_, Result<(), UpstreamError>>;

    /// Says goodbye and closes.
    fn close(&mut self) -> PortFuture<'_, ()>;
}

/// An open socket.
pub struct FeedLink {
    /// What comes.
    pub reader: Box<dyn FeedReader>,
    /// What goes.
    pub writer: Box<dyn FeedWriter>,
}

/// Opens sockets to the feed of a market. Implementations bound frames in size and the opening in time.
pub trait FeedConnector {
    /// Opens one. Failures are worded for logs and operators.
    fn connect(&self, market: Market) -> PortFuture<'_, Result<FeedLink, UpstreamError>>;
}
