//! How much is polled in all: every poller's calls share one budget.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tickgate_core::market::cadence::budget_floor_ms;

/// Calls that one round of all polls makes, and the budget that they must fit.
#[derive(Clone, Debug)]
pub struct PollLoad {
    calls: Arc<AtomicU64>,
    per_minute: u32,
}

impl PollLoad {
    /// No polls yet.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self { calls: Arc::default(), per_minute }
    }

    /// A poller's share changes.
    pub fn change(&self, from: u64, to: u64) {
        self.calls.fetch_add(to.wrapping_sub(from), Ordering::Relaxed);
    }

    /// The least interval at which everything polled fits the budget, in ms.
    #[must_use]
    pub fn floor_ms(&self) -> u64 {
        match self.calls.load(Ordering::Relaxed) {
            0 => 0,
            calls => budget_floor_ms(calls, self.per_minute),
        }
    }
}
