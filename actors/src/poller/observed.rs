//! What a poll saw of a topic.

use actix::Message;
use tickgate_core::feed::FeedState;
use tickgate_core::market::{Article, Market, MarketStatus, Quote};
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};

use super::PollerKind;

/// Tells a stream what was seen.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Observed(pub Observation);

/// What was seen.
pub enum Observation {
    /// The symbol's state.
    Quote(Quote),
    /// The upstream left the symbol out.
    Missing,
    /// Articles, some of which may be known.
    Articles(Vec<Article>),
    /// The market session.
    Status(MarketStatus),
    /// Nothing: the poll failed.
    Failed(UpstreamError),
    /// How the feed of a market does.
    Feed {
        /// Which market.
        market: Market,
        /// How it does.
        state: FeedState,
    },
    /// How the upstream answers polls of a kind.
    Health {
        /// Which polls.
        of: PollerKind,
        /// Why they fail, if they do.
        failing: Option<UpstreamErrorKind>,
    },
}
