//! Whose key is it? The gateway's budget is its operator's business, that of a caller's own key the caller's.

use tickgate_core::budget::{BreakerState, Refusal};

/// Whose upstream key a budget is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The gateway's: all share it.
    Gateway,
    /// A caller's own.
    Caller,
}

impl Holder {
    /// How a refusal is told to whoever is refused.
    pub(super) const fn words(self, refusal: Refusal) -> &'static str {
        match (self, refusal) {
            (Self::Gateway, Refusal::Spent(_)) => {
                "the upstream plan's request budget is spent: try again later, or raise UPSTREAM_RPM if the plan allows more"
            }
            (Self::Gateway, Refusal::Paused(_)) => {
                "the upstream said that too many requests came, so that all requests to it pause: try again later"
            }
            (Self::Caller, Refusal::Spent(_)) => {
                "the request budget of your own upstream key is spent: try again later, or set the key again with the plan that it has"
            }
            (Self::Caller, Refusal::Paused(_)) => {
                "the upstream said that too many requests came with your own key, so that all requests with it pause: try again later"
            }
            (_, Refusal::Broken(_)) => "the upstream has failed repeatedly and is left alone for a moment: try again later",
            (_, Refusal::TooMany(_)) => {
                "too many of your requests wait for the upstream already: wait for their answers, then go on"
            }
            (_, Refusal::Full(_)) => "too many requests wait for the upstream: try again later",
        }
    }

    /// The label of whoever pays, in metrics.
    pub(super) const fn payer(self, payer: &'static str) -> &'static str {
        match self {
            Self::Gateway => payer,
            Self::Caller => "own_key",
        }
    }

    /// Tells the log that calls pause for so many ms, and what became of the breaker (before and now). Of a caller's own key only to
    /// who looks for it: a caller could fill the log with it.
    pub(super) fn log(self, paused_ms: Option<u64>, breaker: (BreakerState, BreakerState)) {
        use BreakerState::{Closed, HalfOpen, Open};
        if self == Self::Caller {
            if paused_ms.is_some() || breaker.0 != breaker.1 {
                tracing::debug!(paused_ms, breaker = breaker.1.as_str(), "the upstream's opinion of a caller's own key changed");
            }
            return;
        }
        if let Some(pause_ms) = paused_ms {
            tracing::warn!(pause_ms, "the upstream says that the plan's rate is exceeded: pausing all calls");
        }
        match breaker {
            (Open, Open) => {}
            (_, Open) => tracing::warn!("the upstream keeps failing: leaving it alone for a while"),
            (Open | HalfOpen, Closed) => tracing::info!("the upstream answers again"),
            _ => {}
        }
    }
}
