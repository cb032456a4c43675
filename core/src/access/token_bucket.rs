//! A token bucket: a burst of `capacity`, refilled evenly.

use crate::time::Millis;

/// Tokens as thousandths, so that refilling by the millisecond loses nothing.
const ONE_TOKEN: u64 = 60_000;

/// A bucket that refills to `per_minute` tokens a minute.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    per_minute: u64,
    capacity: u64,
    level: u64,
    at: Millis,
    paused_until: Millis,
}

impl TokenBucket {
    /// A full bucket. `burst` is at least 1.
    #[must_use]
    pub fn new(per_minute: u32, burst: u32, now: Millis) -> Self {
        let capacity = u64::from(burst.max(1)) * ONE_TOKEN;
        Self { per_minute: u64::from(per_minute.max(1)), capacity, level: capacity, at: now, paused_until: Millis(0) }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// When there is none: the moment at which there will be one.
    pub fn take(&mut self, now: Millis) -> Result<(), Millis> {
        // One token a minute is ONE_TOKEN thousandths in 60 000 ms: one a ms.
        self.level = self.level.saturating_add(now.since(self.at).saturating_mul(self.per_minute)).min(self.capacity);
        self.at = self.at.max(now);
        if now < self.paused_until {
            return Err(self.paused_until);
        }
        match self.level.checked_sub(ONE_TOKEN) {
            Some(rest) => {
                self.level = rest;
                Ok(())
            }
            None => Err(now.plus((ONE_TOKEN - self.level).div_ceil(self.per_minute))),
        }
    }

    /// Empties the bucket and gives nothing until `until`: the other side said that it is too much.
    pub fn pause(&mut self, until: Millis) {
        self.level = 0;
        self.paused_until = self.paused_until.max(until);
    }

    /// Whole tokens left.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.level / ONE_TOKEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_is_served_at_once_and_the_next_token_is_announced() {
        let mut bucket = TokenBucket::new(5, 5, Millis(0));
        for _ in 0..5 {
            assert_eq!(bucket.take(Millis(0)), Ok(()));
        }
        assert_eq!(bucket.take(Millis(0)), Err(Millis(12_000)));
        assert_eq!(bucket.take(Millis(11_999)), Err(Millis(12_000)));
        assert_eq!(bucket.take(Millis(12_000)), Ok(()));
    }

    #[test]
    fn a_paused_bucket_gives_nothing_until_the_time_said() {
        let mut bucket = TokenBucket::new(600, 10, Millis(0));
        bucket.pause(Millis(30_000));
        assert_eq!(bucket.take(Millis(29_999)), Err(Millis(30_000)));
        assert_eq!(bucket.take(Millis(30_000)), Ok(()));
    }

    proptest! {
        #[test]
        fn no_minute_gives_more_than_the_burst_and_the_refill(per_minute in 1u32..100, burst in 1u32..20, steps in proptest::collection::vec(0u64..3_000, 1..300)) {
            let mut bucket = TokenBucket::new(per_minute, burst, Millis(0));
            let mut now = Millis(0);
            let mut taken = Vec::new();
            for step in steps {
                now = now.plus(step);
                match bucket.take(now) {
                    Ok(()) => taken.push(now),
                    Err(at) => prop_assert!(at > now),
                }
            }
            for (n, start) in taken.iter().enumerate() {
                let within = taken[n..].iter().take_while(|at| at.since(*start) < 60_000).count();
                prop_assert!(within as u64 <= u64::from(per_minute) + u64::from(burst));
            }
        }
    }
}
