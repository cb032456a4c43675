//! When gathered events are due: fewer writes, not cleverer ones.

use crate::tape::Kind;
use crate::time::Millis;

/// Default of the `window` argument for prices, in ms.
pub const DEFAULT_PRICE_WINDOW_MS: u64 = 100;
/// Longest `window`, in ms.
pub const MAX_WINDOW_MS: u64 = 60_000;

/// How long a reader gathers before one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gather {
    /// For prices, in ms.
    pub price_ms: u64,
    /// For everything else, in ms.
    pub other_ms: u64,
}

impl Default for Gather {
    fn default() -> Self {
        Self { price_ms: DEFAULT_PRICE_WINDOW_MS, other_ms: 0 }
    }
}

impl Gather {
    /// One window for every kind.
    #[must_use]
    pub const fn all(ms: u64) -> Self {
        Self { price_ms: ms, other_ms: ms }
    }

    /// When an event of this kind that came at `now` is due. Readers with one window share their moments, the multiples
    /// of the window, so that one timer serves them all.
    #[must_use]
    pub const fn due(&self, kind: Kind, now: Millis) -> Millis {
        let window = if kind.is_conflatable() { self.price_ms } else { self.other_ms };
        match now.0.checked_div(window) {
            Some(passed) => Millis((passed + 1) * window),
            None => now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_gathered_and_everything_else_is_due_at_once() {
        let gather = Gather::default();
        assert_eq!(gather.due(Kind::Price, Millis(1_001)), Millis(1_100));
        assert_eq!(gather.due(Kind::Price, Millis(1_100)), Millis(1_200));
        assert_eq!(gather.due(Kind::News, Millis(1_001)), Millis(1_001));
        assert_eq!(Gather::all(0).due(Kind::Price, Millis(1_001)), Millis(1_001));
    }
}
