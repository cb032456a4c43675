//! How long do all calls pause after a 429?

use crate::time::Millis;

const MINUTE_MS: u64 = 60_000;

/// The least pause of a plan that counts minutes: a 429 shortly before the end of one may belong to the next.
const LEAST_BY_MINUTE_MS: u64 = 15_000;

/// The first pause of a plan that has no such count; it doubles with each 429 that follows.
const FIRST_MS: u64 = 1_000;

/// Bounds of a pause: the upstream may ask for anything.
const MAX_MS: u64 = 300_000;
/// Doublings after which it is a minute or more.
const MAX_DOUBLINGS: u32 = 6;

/// The pause after a 429.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    by_minute: bool,
    until: Millis,
    streak: u32,
}

impl Pause {
    /// No pause. `by_minute`: the plan's calls are counted by the minute.
    pub(super) const fn new(by_minute: bool) -> Self {
        Self { by_minute, until: Millis(0), streak: 0 }
    }

    /// Until when all calls pause; in the past when they do not.
    pub(super) const fn until(&self) -> Millis {
        self.until
    }

    /// The upstream said that it is too much, and perhaps for how many ms: until when do calls pause?
    ///
    /// What it asks for is kept, up to five minutes. Where it counts minutes the pause lasts at least for the rest of this one; else,
    /// and if it asks for nothing, a second, doubled each time. Answers to calls that were under way lengthen no pause but as asked.
    pub(super) fn limited(&mut self, asked_ms: Option<u64>, now: Millis) -> Millis {
        let again = now < self.until;
        let own_ms = match (again, self.by_minute) {
            (true, _) => 0,
            (false, true) => {
                (MINUTE_MS - now.0 % MINUTE_MS).max(LEAST_BY_MINUTE_MS) + u64::from(self.streak.min(MAX_DOUBLINGS)) * MINUTE_MS
            }
            (false, false) if asked_ms.is_some() => 0,
            (false, false) => FIRST_MS << self.streak.min(MAX_DOUBLINGS),
        };
        if !again {
            self.streak = self.streak.saturating_add(1);
        }
        let pause_ms = asked_ms.unwrap_or_default().max(own_ms).clamp(if again { 0 } else { FIRST_MS }, MAX_MS);
        self.until = self.until.max(now.plus(pause_ms));
        self.until
    }

    /// A call was answered after the pause: the next one is short again.
    pub(super) const fn answered(&mut self, now: Millis) {
        if now.0 >= self.until.0 {
            self.streak = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 2026-03-10T18:31:08Z
    const NOW: Millis = Millis(1_773_167_468_000);

    fn first(by_minute: bool, asked_ms: Option<u64>, now: Millis) -> u64 {
        Pause::new(by_minute).limited(asked_ms, now).since(now)
    }

    #[test]
    fn a_plan_by_the_minute_pauses_for_the_rest_of_it_and_longer_if_asked() {
        assert_eq!(first(true, None, NOW), 52_000);
        assert_eq!(first(true, None, NOW.plus(50_000)), 15_000);
        assert_eq!(first(true, Some(7_000), NOW), 52_000);
        assert_eq!(first(true, Some(90_000), NOW), 90_000);
        assert_eq!(first(true, Some(u64::MAX), NOW), MAX_MS);
    }

    #[test]
    fn another_plan_pauses_as_asked_or_shortly_and_longer_each_time_until_it_is_answered() {
        assert_eq!(first(false, Some(7_000), NOW), 7_000);
        assert_eq!(first(false, Some(0), NOW), 1_000);
        let mut pause = Pause::new(false);
        let mut now = NOW;
        for ms in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 64_000] {
            let until = pause.limited(None, now);
            assert_eq!(until.since(now), ms);
            now = until;
        }
        pause.answered(now);
        assert_eq!(pause.limited(None, now).since(now), 1_000);
    }

    #[test]
    fn answers_to_calls_that_were_under_way_count_once() {
        let mut pause = Pause::new(false);
        let until = pause.limited(None, NOW);
        assert_eq!(pause.limited(None, NOW.plus(10)), until);
        pause.answered(NOW.plus(20));
        assert_eq!(pause.limited(Some(5_000), NOW.plus(20)), NOW.plus(5_020));
        let now = NOW.plus(5_020);
        assert_eq!(pause.limited(None, now).since(now), 2_000);
    }
}
