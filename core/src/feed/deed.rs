//! What can happen to a connection, what is to be done about it, and in which rhythm.

use super::channel::Channel;
use super::event::{FeedEvent, Notice};
use super::state::FeedState;
use crate::market::Symbol;

/// The rhythm of a connection, all in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// First pause after a loss; each further one is twice as long.
    pub first_pause: u64,
    /// Longest pause after a loss.
    pub longest_pause: u64,
    /// So long must data come before a loss counts as the first again.
    pub stable: u64,
    /// Least pause after another connection took our place.
    pub cool_down: u64,
    /// Pause after the key was refused: only an operator can mend that.
    pub auth_pause: u64,
    /// Longest each step from connecting to being accepted may take.
    pub step: u64,
    /// Longest wait for the answer to a subscription.
    pub answer: u64,
    /// How long a channel that was refused is not asked for again.
    pub denied: u64,
    /// A link without any frame, not even the answer to a ping, for this long is dead.
    pub link_silence: u64,
    /// A live link whose subscriptions bring nothing for this long, in an open session, is stuck.
    pub data_silence: u64,
    /// How long an unwanted connection is kept.
    pub idle: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            first_pause: 1_000,
            longest_pause: 30_000,
            stable: 10_000,
            cool_down: 60_000,
            auth_pause: 300_000,
            step: 10_000,
            answer: 10_000,
            denied: 300_000,
            link_silence: 30_000,
            data_silence: 60_000,
            idle: 30_000,
        }
    }
}

/// What happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// Somebody wants these channels.
    Want(&'a [Channel]),
    /// Somebody wants them no more.
    Release(&'a [Channel]),
    /// The socket is open.
    Opened,
    /// The socket could not be opened, or is closed.
    Closed,
    /// The server said something of the connection.
    Notice(&'a Notice),
    /// The server sent events.
    Data(&'a [FeedEvent]),
    /// The server showed that it is there: a pong, or a frame of nothing that is used.
    Beat,
    /// The market opened or closed.
    Session {
        /// Whether data is to be expected.
        open: bool,
    },
    /// Time passed.
    Time,
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// It could not be opened, or was closed.
    Closed,
    /// A step took too long, or the link was silent.
    Silent,
    /// Data stopped in an open session.
    Stuck,
    /// The server said that we read too slowly.
    SlowConsumer,
    /// The server sent us away.
    Dismissed,
    /// Another connection took our place.
    Crowded,
    /// The key was refused.
    AuthFailed,
    /// Nobody wants it any more.
    Unwanted,
}

impl Loss {
    /// A bounded label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Silent => "silent",
            Self::Stuck => "stuck",
            Self::SlowConsumer => "slow_consumer",
            Self::Dismissed => "force_disconnect",
            Self::Crowded => "max_connections",
            Self::AuthFailed => "auth_failed",
            Self::Unwanted => "unwanted",
        }
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open the socket.
    Connect,
    /// Send the key.
    Authenticate,
    /// Ask for channels, at most 100.
    Subscribe(Vec<Channel>),
    /// Give channels back, at most 100.
    Unsubscribe(Vec<Channel>),
    /// Close the socket, if it is open.
    Disconnect(Loss),
    /// The price of this symbol comes from now on.
    Covered(Symbol),
    /// It comes no more.
    Uncovered(Symbol),
    /// The server refuses this channel.
    Denied(Channel),
    /// The feed does otherwise than before.
    State(FeedState),
}
