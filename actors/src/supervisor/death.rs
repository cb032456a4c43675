//! Notices of death. An actor sends one from `stopped`, which runs even while a panic unwinds it.

use actix::Message;
use tickgate_core::market::{Market, Topic};

use crate::poller::PollerKind;

/// Who died.
pub enum Death {
    /// The tape.
    Tape,
    /// The budget.
    Quota,
    /// The stream of a topic.
    Stream(Topic),
    /// The poller of a kind.
    Poller(PollerKind),
    /// The feed of a market.
    Feed(Market),
}

impl Death {
    /// A bounded label for logs and metrics.
    #[must_use]
    pub const fn actor(&self) -> &'static str {
        match self {
            Self::Tape => "tape",
            Self::Quota => "quota",
            Self::Stream(_) => "stream",
            Self::Poller(_) => "poller",
            Self::Feed(_) => "feed",
        }
    }
}

/// The notice.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Dying(pub Death);

impl Dying {
    /// A notice, if the actor stops because of a panic: every other stop is wanted.
    #[must_use]
    pub fn if_panicking(death: Death) -> Option<Self> {
        std::thread::panicking().then_some(Self(death))
    }
}
