//! How often something happened in the last seconds, to the second.

use crate::time::Millis;

/// Counts of the last `SECONDS` seconds, the present one included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recent<const SECONDS: usize> {
    counts: [u32; SECONDS],
    second: u64,
}

impl<const SECONDS: usize> Recent<SECONDS> {
    /// Nothing happened yet.
    pub(super) const fn new() -> Self {
        Self { counts: [0; SECONDS], second: 0 }
    }

    /// It happens now.
    pub(super) fn count(&mut self, now: Millis) {
        let second = (now.0 / 1_000).max(self.second);
        if second - self.second >= SECONDS as u64 {
            self.counts = [0; SECONDS];
        } else {
            (self.second + 1..=second).for_each(|skipped| self.counts[Self::place(skipped)] = 0);
        }
        self.second = second;
        let count = &mut self.counts[Self::place(second)];
        *count = count.saturating_add(1);
    }

    /// How often it happened.
    pub(super) fn total(&self, now: Millis) -> u32 {
        let second = (now.0 / 1_000).max(self.second);
        let oldest = (second + 1).saturating_sub(SECONDS as u64);
        (oldest..=self.second).fold(0, |sum, second| sum.saturating_add(self.counts[Self::place(second)]))
    }

    /// When the oldest of them counts no more; `None` when it did not happen lately.
    pub(super) fn ebbs_at(&self, now: Millis) -> Option<Millis> {
        let second = (now.0 / 1_000).max(self.second);
        let oldest = (second + 1).saturating_sub(SECONDS as u64);
        let first = (oldest..=self.second).find(|second| self.counts[Self::place(*second)] > 0)?;
        Some(Millis((first + SECONDS as u64).saturating_mul(1_000)))
    }

    const fn place(second: u64) -> usize {
        (second % SECONDS as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_forgotten_second_by_second() {
        let mut recent = Recent::<3>::new();
        for at in [10_000, 10_500, 11_000, 12_999] {
            recent.count(Millis(at));
        }
        assert_eq!(recent.total(Millis(12_999)), 4);
        assert_eq!(recent.total(Millis(13_000)), 2);
        assert_eq!(recent.total(Millis(14_999)), 1);
        assert_eq!(recent.total(Millis(15_000)), 0);
        assert_eq!(recent.ebbs_at(Millis(12_999)), Some(Millis(13_000)));
        assert_eq!(recent.ebbs_at(Millis(14_000)), Some(Millis(15_000)));
        assert_eq!(recent.ebbs_at(Millis(15_000)), None);
        recent.count(Millis(13_500));
        assert_eq!(recent.total(Millis(13_500)), 3);
        recent.count(Millis(90_000));
        assert_eq!(recent.total(Millis(90_000)), 1);
    }
}
