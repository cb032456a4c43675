//! When may the next call go out, so that no window of [`WINDOW_MS`] ever holds more than the limit?

use std::collections::VecDeque;

use super::WINDOW_MS;
use crate::time::Millis;

/// Parts of a token: what a rate of one token a window gives in a window, so that refilling by the millisecond loses nothing.
const TOKEN: u64 = WINDOW_MS;

/// Share of a minute's calls that a paced meter lets out at once: what it gives in a tenth of a second.
const BURST_DIVISOR: u64 = 600;

/// Counts calls against a limit.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    limit: u32,
    rule: Rule,
}

#[derive(Clone, Debug)]
enum Rule {
    /// The last calls, oldest first: any number at once, up to the limit.
    Windowed(VecDeque<Millis>),
    /// Evenly spaced.
    Paced(Bucket),
}

/// A bucket of `burst` tokens refilled with `rate` a window. A window gives at most what is in it at first and what runs in before
/// its last millisecond, which is less than `burst + rate` tokens: with whole tokens the limit is `burst + rate - 1`.
#[derive(Clone, Debug)]
struct Bucket {
    burst: u64,
    rate: u64,
    level: u64,
    at: Millis,
}

impl Meter {
    /// Up to `limit` calls at once, and no further one until the oldest is a window old.
    pub(super) fn windowed(limit: u32) -> Self {
        Self { limit: limit.max(1), rule: Rule::Windowed(VecDeque::new()) }
    }

    /// `limit` calls a window, evenly spaced but for a tenth of a second's worth that may go at once.
    pub(super) fn paced(limit: u32) -> Self {
        let limit = limit.max(1);
        let burst = (u64::from(limit) / BURST_DIVISOR).max(1);
        let rate = u64::from(limit) + 1 - burst;
        let bucket = Bucket { burst, rate, level: burst * TOKEN, at: Millis(0) };
        Self { limit, rule: Rule::Paced(bucket) }
    }

    /// When the next call may go out; `now` when it may at once.
    pub(super) fn next_at(&self, now: Millis) -> Millis {
        match &self.rule {
            Rule::Windowed(calls) => {
                let oldest = calls.len().checked_sub(self.limit as usize).map(|place| calls[place].plus(WINDOW_MS));
                oldest.map_or(now, |at| at.max(now))
            }
            Rule::Paced(bucket) => match TOKEN.checked_sub(bucket.level_at(now)) {
                None | Some(0) => now,
                Some(missing) => now.max(bucket.at).plus(missing.div_ceil(bucket.rate)),
            },
        }
    }

    /// A call goes out. Earlier than [`Meter::next_at`] says it counts all the same, but the limit is then another's to keep.
    pub(super) fn take(&mut self, now: Millis) {
        match &mut self.rule {
            Rule::Windowed(calls) => {
                let now = calls.back().map_or(now, |last| now.max(*last));
                while calls.len() >= self.limit as usize {
                    calls.pop_front();
                }
                calls.push_back(now);
            }
            Rule::Paced(bucket) => {
                bucket.level = bucket.level_at(now).saturating_sub(TOKEN);
                bucket.at = bucket.at.max(now);
            }
        }
    }

    /// What a paced meter has saved up is gone: it begins again evenly.
    pub(super) fn empty(&mut self, until: Millis) {
        if let Rule::Paced(bucket) = &mut self.rule {
            bucket.level = 0;
            bucket.at = bucket.at.max(until);
        }
    }

    /// When the oldest call of the last window is a window old; `None` for a paced meter, which does not know, and without calls.
    pub(super) fn refills_at(&self, now: Millis) -> Option<Millis> {
        let Rule::Windowed(calls) = &self.rule else { return None };
        calls.iter().map(|at| at.plus(WINDOW_MS)).find(|at| *at > now)
    }

    /// Calls of the last window; `None` for a paced meter, which does not know.
    pub(super) fn made(&self, now: Millis) -> Option<u32> {
        let Rule::Windowed(calls) = &self.rule else { return None };
        Some(u32::try_from(calls.iter().filter(|at| at.plus(WINDOW_MS) > now).count()).unwrap_or(u32::MAX))
    }
}

impl Bucket {
    fn level_at(&self, now: Millis) -> u64 {
        self.level.saturating_add(now.since(self.at).saturating_mul(self.rate)).min(self.burst * TOKEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn take_all(meter: &mut Meter, steps: &[u64]) -> Vec<Millis> {
        let (mut now, mut taken) = (Millis(1_773_167_467_294), Vec::new());
        for step in steps {
            now = now.plus(*step);
            if meter.next_at(now) == now {
                meter.take(now);
                taken.push(now);
            }
        }
        taken
    }

    fn most_in_a_window(taken: &[Millis]) -> usize {
        let within = |n: usize| taken[n..].iter().take_while(|at| at.since(taken[n]) < WINDOW_MS).count();
        (0..taken.len()).map(within).max().unwrap_or(0)
    }

    #[test]
    fn a_small_budget_may_go_at_once_and_is_then_spent_until_the_first_call_is_a_window_old() {
        let mut meter = Meter::windowed(5);
        for at in [0, 0, 100, 200, 300].map(Millis) {
            assert_eq!(meter.next_at(at), at);
            meter.take(at);
        }
        assert_eq!((meter.next_at(Millis(400)), meter.made(Millis(400))), (Millis(61_000), Some(5)));
        assert_eq!(meter.made(Millis(61_000)), Some(3));
        assert_eq!(meter.refills_at(Millis(400)), Some(Millis(61_000)));
        assert_eq!(meter.refills_at(Millis(61_000)), Some(Millis(61_100)));
        assert_eq!(meter.refills_at(Millis(61_300)), None, "nothing is spent");
    }

    #[test]
    fn a_paced_budget_is_given_evenly_and_whole() {
        let mut meter = Meter::paced(4);
        let mut now = Millis(5);
        let mut taken = Vec::new();
        while now < Millis(10 * WINDOW_MS) {
            now = meter.next_at(now);
            meter.take(now);
            taken.push(now);
        }
        assert_eq!(taken[1].since(taken[0]), 15_250);
        assert_eq!(most_in_a_window(&taken), 4);
        assert!(taken.len() >= 40, "nothing is wasted: {}", taken.len());
    }

    #[test]
    fn a_million_a_minute_is_a_million_a_minute() {
        let mut meter = Meter::paced(1_000_000);
        let burst = (0..5_000)
            .take_while(|_| {
                meter.next_at(Millis(7)) == Millis(7) && {
                    meter.take(Millis(7));
                    true
                }
            })
            .count();
        assert_eq!(burst, 1_666);
        let (mut now, mut count) = (Millis(7), burst);
        while now < Millis(WINDOW_MS + 6) {
            now = now.plus(1);
            while meter.next_at(now) == now {
                meter.take(now);
                count += 1;
            }
        }
        assert!((990_000..=1_000_000).contains(&count), "{count}");
    }

    #[test]
    fn the_largest_numbers_overflow_nothing() {
        let mut meter = Meter::paced(u32::MAX);
        let end = Millis(u64::MAX);
        assert_eq!(meter.next_at(end), end);
        meter.take(end);
        meter.empty(end);
        assert_eq!(meter.next_at(Millis(0)), end);
    }

    proptest! {
        #[test]
        fn no_window_holds_more_calls_than_the_limit(
            limit in 1u32..80, paced: bool, steps in proptest::collection::vec(prop_oneof![Just(0u64), 0u64..50, 0u64..4_000, 0u64..70_000], 1..600),
        ) {
            let mut meter = if paced { Meter::paced(limit) } else { Meter::windowed(limit) };
            let taken = take_all(&mut meter, &steps);
            prop_assert!(most_in_a_window(&taken) <= limit as usize);
        }

    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn a_large_budget_keeps_its_limit_too(limit in 600u32..3_000, steps in proptest::collection::vec(0u64..40, 4_000..6_000)) {
            let mut meter = Meter::paced(limit);
            let taken = take_all(&mut meter, &steps);
            prop_assert!(most_in_a_window(&taken) <= limit as usize);
        }

    }

    proptest! {
        #[test]
        fn the_next_moment_said_is_the_next_moment(limit in 1u32..80, paced: bool, waits in proptest::collection::vec(0u64..5_000, 1..100)) {
            let mut meter = if paced { Meter::paced(limit) } else { Meter::windowed(limit) };
            let mut now = Millis(0);
            for wait in waits {
                let at = meter.next_at(now);
                prop_assert!(at == now || meter.next_at(Millis(at.0 - 1)) == at);
                now = at;
                prop_assert_eq!(meter.next_at(now), now);
                meter.take(now);
                now = now.plus(wait);
            }
        }
    }
}
