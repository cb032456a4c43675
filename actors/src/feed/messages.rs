//! What a feed hears, and what it tells.

use actix::{Message, Recipient};
use tickgate_core::market::{Quote, Topic};

/// Feeds a topic from now on; said again, it only says who listens.
#[derive(Message)]
#[rtype(result = "()")]
pub struct FollowFeed {
    /// Which; one that has a symbol.
    pub topic: Topic,
    /// Whom to tell.
    pub stream: Recipient<FromFeed>,
}

/// Feeds a topic no more.
#[derive(Message)]
#[rtype(result = "()")]
pub struct UnfollowFeed(pub Topic);

/// A poll saw this: the feed lays what it hears over it.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Polled(pub Quote);

/// What a feed tells the streams of a symbol.
#[derive(Message)]
#[rtype(result = "()")]
pub enum FromFeed {
    /// Whether its price comes by the feed from now on.
    Covered(bool),
    /// Its price.
    Quote(Quote),
}

/// Something waits in the inbox of a link.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Arrived(pub(super) u64);

/// A link showed that it is alive.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Beat(pub(super) u64);

/// A link is over.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct LinkClosed {
    pub(super) link: u64,
    pub(super) why: &'static str,
}
