//! Which upstream call goes out next, and when: one plan's calls shared between polling and everyone who calls.
//!
//! - Never more than the plan's calls in any [`WINDOW_MS`], however they arrive.
//! - Polling gets at most [`POLL_PERCENT`] of them, evenly spaced; callers may use all that is idle. While both wait they take
//!   turns, and callers have half.
//! - Callers take turns too: each call costs one token, so that deficit round robin is plain round robin, and who has a thousand
//!   calls waiting delays another's first by no more than one round.
//! - A call that cannot go out before its deadline is refused at once, with the moment at which it could.
//! - A 429 pauses everything; an upstream that keeps failing is left alone by the breaker.

mod breaker;
mod ledger;
mod line;
mod meter;
mod pause;
mod recent;
mod scheduler;

#[cfg(test)]
mod tests;

use serde::{Serialize, Serializer};

use crate::access::Principal;
use crate::time::Millis;

pub use breaker::BreakerState;
pub use ledger::{Ledger, Outcome};
pub use scheduler::{Budget, Ticket, Verdict};

/// The span in which no more calls go out than the plan allows a minute, in ms: a minute, and a second for the difference in how
/// long two calls take to arrive, because the upstream counts arrivals.
pub const WINDOW_MS: u64 = 61_000;

/// Share of the budget that polling may use, in percent; the rest serves callers (polygon.md §5.3).
pub const POLL_PERCENT: u32 = 80;

/// Largest budget, in calls a minute, that may be spent all at once and is then counted call by call. Larger ones are paced: their
/// vendors look at seconds (polygon.md §4.4).
pub const MAX_AT_ONCE: u32 = 60;

/// Calls that one caller may have waiting: what the largest plan lets out in the time that a caller waits.
pub const MAX_WAITING_PER_CALLER: usize = 1_024;

/// Calls of all callers that may wait: a forecast plays through each of them.
pub const MAX_WAITING: usize = 4_096;

/// Polls that may wait: pollers have one call of a topic under way.
pub const MAX_WAITING_POLLS: usize = 1_024;

/// On whose account a call goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    /// Polling, for all who read a topic.
    Polling,
    /// Polling of the market session, once a minute at most: every other rhythm hangs on it, so it goes before other polls.
    Status,
    /// Somebody who waits for the answer.
    Caller(Principal),
}

impl Payer {
    /// A bounded label for metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Polling | Self::Status => "polling",
            Self::Caller(_) => "caller",
        }
    }
}

/// Why a call does not go out, and from when on it is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its turn would come after its deadline.
    Spent(Millis),
    /// The upstream said that it is too much: all calls wait.
    Paused(Millis),
    /// The upstream keeps failing and is left alone.
    Broken(Millis),
    /// The payer has as many calls waiting as it may have; a place is free when the next goes out.
    TooMany(Millis),
    /// Everyone's calls together are as many as may wait.
    Full(Millis),
}

impl Refusal {
    /// A bounded label for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spent(_) => "spent",
            Self::Paused(_) => "paused",
            Self::Broken(_) => "breaker",
            Self::TooMany(_) => "too_many",
            Self::Full(_) => "full",
        }
    }

    /// When to try again.
    #[must_use]
    pub const fn retry_at(self) -> Millis {
        match self {
            Self::Spent(at) | Self::Paused(at) | Self::Broken(at) | Self::TooMany(at) | Self::Full(at) => at,
        }
    }
}

/// How the budget stands. Moments are written as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BudgetView {
    /// Calls a minute that the plan allows.
    pub per_minute: u32,
    /// How many of them are left in the present minute; 0 while paused or while the breaker is open.
    pub remaining: u32,
    /// When the next call can go out; the moment of the view when it can at once. Calls that wait already are not counted.
    #[serde(serialize_with = "written")]
    pub next_at: Millis,
    /// When `remaining` grows again if nobody asks meanwhile; nothing while none of the calls is spent.
    #[serde(serialize_with = "written_if_any", skip_serializing_if = "Option::is_none")]
    pub refills_at: Option<Millis>,
    /// Until when all calls pause, after a 429.
    #[serde(serialize_with = "written_if_any", skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<Millis>,
    /// Whether the upstream is left alone.
    pub breaker: BreakerState,
}

impl BudgetView {
    /// Whether nothing is spent, paused or held back: a budget that was forgotten and began anew would look the same.
    #[must_use]
    pub fn rests(&self) -> bool {
        self.remaining == self.per_minute && self.paused_until.is_none() && self.breaker == BreakerState::Closed
    }
}

fn written<S: Serializer>(moment: &Millis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(moment)
}

fn written_if_any<S: Serializer>(moment: &Option<Millis>, serializer: S) -> Result<S::Ok, S::Error> {
    moment.map(|moment| moment.to_string()).serialize(serializer)
}

/// How many calls a minute polling may make: the rest is reserved for callers. At least 1.
#[must_use]
pub const fn poll_share(per_minute: u32) -> u32 {
    // A u32 times 80 needs more than 32 bits.
    let share = per_minute as u64 * POLL_PERCENT as u64 / 100;
    if share == 0 { 1 } else { share as u32 }
}
