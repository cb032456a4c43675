//! When is a failed attempt repeated? At most twice, with full jitter, and never beyond the deadline.

use tickgate_core::time::Millis;

/// Attempts beyond the first.
pub(super) const MAX_RETRIES: u32 = 2;

/// The longest wait before the first retry, in ms; it doubles with each.
const FIRST_WAIT_MS: u64 = 200;

/// Whether a failure is worth another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// The answer would be the same.
    Never,
    /// The connection was lost before an answer came, as happens to one kept open that the other side has closed.
    AtOnce,
    /// The other side is ill.
    Later,
}

/// The retries of one call.
#[derive(Debug, Default)]
pub(super) struct Retries {
    made: u32,
}

impl Retries {
    /// How long to wait before the next attempt, in ms; `None` when there is none. `random` spreads the waits of many
    /// callers evenly.
    pub(super) fn next(&mut self, retry: Retry, random: u64, now: Millis, deadline: Millis) -> Option<u64> {
        if retry == Retry::Never || self.made == MAX_RETRIES {
            return None;
        }
        let longest = FIRST_WAIT_MS << self.made;
        let wait = if retry == Retry::AtOnce && self.made == 0 { 0 } else { random % (longest + 1) };
        self.made += 1;
        (now.plus(wait) < deadline).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000);
    const FAR: Millis = Millis(60_000);

    #[test]
    fn two_retries_are_made_with_doubling_spread() {
        let mut retries = Retries::default();
        assert_eq!(retries.next(Retry::Later, 200, NOW, FAR), Some(200));
        assert_eq!(retries.next(Retry::Later, 400, NOW, FAR), Some(400));
        assert_eq!(retries.next(Retry::Later, 0, NOW, FAR), None);
        assert_eq!(Retries::default().next(Retry::Later, 201, NOW, FAR), Some(0));
    }

    #[test]
    fn a_lost_connection_is_retried_at_once_but_only_once() {
        let mut retries = Retries::default();
        assert_eq!(retries.next(Retry::AtOnce, 150, NOW, FAR), Some(0));
        assert_eq!(retries.next(Retry::AtOnce, 150, NOW, FAR), Some(150));
    }

    #[test]
    fn nothing_is_retried_that_would_fail_again_or_come_too_late() {
        assert_eq!(Retries::default().next(Retry::Never, 0, NOW, FAR), None);
        assert_eq!(Retries::default().next(Retry::Later, 150, NOW, Millis(1_150)), None);
        assert_eq!(Retries::default().next(Retry::Later, 149, NOW, Millis(1_150)), Some(149));
    }
}
