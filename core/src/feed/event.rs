//! What the feed says: of symbols, and of the connection itself.

use crate::market::Symbol;
use crate::time::Millis;

/// How long a bar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Span {
    /// A second.
    Second,
    /// A minute.
    Minute,
}

/// One bar. It comes again when late trades change it: same symbol, span and start replace (polygon.md §5.2).
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// How long it is.
    pub span: Span,
    /// Its first moment.
    pub start: Millis,
    /// The moment after its last.
    pub end: Millis,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// What was traded in it; none of an index.
    pub volume: Option<f64>,
    /// What the day had traded at its end.
    pub day_volume: Option<f64>,
    /// Average price in it, weighted by volume.
    pub vwap: Option<f64>,
}

/// What is told of a symbol.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A trade, or the value of an index, whose size is not known.
    Trade {
        /// What it cost.
        price: f64,
        /// How much of it.
        size: Option<f64>,
    },
    /// The best bid and ask; a side may be empty.
    Quote {
        /// Best bid.
        bid: Option<f64>,
        /// Best ask.
        ask: Option<f64>,
    },
    /// A bar.
    Bar(Bar),
    /// The vendor's own estimate of the price.
    FairValue(f64),
}

/// One event about a symbol.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedEvent {
    /// Which.
    pub symbol: Symbol,
    /// When; of a bar its end.
    pub at: Millis,
    /// What.
    pub told: Told,
}

/// The words of a status (polygon.md §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusWord {
    /// The greeting.
    Connected,
    /// The key was accepted.
    AuthSuccess,
    /// The key was refused.
    AuthFailed,
    /// The key came too late.
    AuthTimeout,
    /// A channel was subscribed or unsubscribed.
    Success,
    /// Something was refused.
    Error,
    /// Another connection of the account takes the place of this one.
    MaxConnections,
    /// We read too slowly.
    SlowConsumer,
    /// The server ends the connection.
    ForceDisconnect,
    /// Any other word.
    Other,
}

impl StatusWord {
    pub(super) fn of(text: &str) -> Self {
        match text {
            "connected" => Self::Connected,
            "auth_success" => Self::AuthSuccess,
            "auth_failed" => Self::AuthFailed,
            "auth_timeout" => Self::AuthTimeout,
            "success" => Self::Success,
            "error" => Self::Error,
            "max_connections" => Self::MaxConnections,
            "slow_consumer" => Self::SlowConsumer,
            "force_disconnect" => Self::ForceDisconnect,
            _ => Self::Other,
        }
    }
}

/// What the server says of the connection itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// In a word.
    pub word: StatusWord,
    /// In its own words, shortened and without control characters.
    pub message: String,
}

/// What a frame says, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// About symbols.
    pub events: Vec<FeedEvent>,
    /// About the connection.
    pub notices: Vec<Notice>,
    /// Events of kinds that are not used: LULD, NOI, books, and kinds yet unknown.
    pub ignored: u64,
    /// Events that make no sense, and one for a frame that is not JSON to its end.
    pub malformed: u64,
}
