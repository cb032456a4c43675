//! When a topic is polled: the least interval that anyone asks for, held to a floor and stretched to fit the budget.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use super::hours::Hours;
use super::status::MarketPhase;
use super::symbol::Market;
use super::topic::Topic;
use crate::budget::{WINDOW_MS, poll_share};
use crate::ports::UpstreamErrorKind;
use crate::time::Millis;

/// Interval of a price topic when no subscriber names one, in ms.
pub const DEFAULT_PRICE_INTERVAL_MS: u64 = 1_000;
/// Interval of a news topic when no subscriber names one, in ms.
pub const DEFAULT_NEWS_INTERVAL_MS: u64 = 10_000;
/// Interval of the status topic, in ms: the upstream's status endpoint is asked at most once a minute (polygon.md §5.5).
pub const STATUS_INTERVAL_MS: u64 = 60_000;
/// Bounds of the `interval` argument in ms (DESIGN §7.1).
pub const INTERVAL_BOUNDS_MS: std::ops::RangeInclusive<u64> = 250..=300_000;
/// How much less often prices are asked for outside the regular session.
const EXTENDED_PRICES: u64 = 3;
/// How much less often news is asked for outside the regular session, and at night.
const EXTENDED_NEWS: u64 = 2;
const CLOSED_NEWS: u64 = 6;

/// How often a topic is polled when nobody names an interval, in ms.
const fn default_interval_ms(topic: &Topic) -> u64 {
    match topic {
        Topic::Prices(_) | Topic::Bars(..) | Topic::Alerts(_) => DEFAULT_PRICE_INTERVAL_MS,
        Topic::News(_) | Topic::AllNews => DEFAULT_NEWS_INTERVAL_MS,
        Topic::Status => STATUS_INTERVAL_MS,
    }
}

/// How often a topic is polled for a subscriber who asks for `wish_ms`. The session changes a few times a day: nobody's wish
/// makes the status endpoint be asked oftener than once a minute.
#[must_use]
pub fn interval_ms(topic: &Topic, wish_ms: Option<u64>) -> u64 {
    match topic {
        Topic::Status => STATUS_INTERVAL_MS,
        topic => wish_ms.unwrap_or_else(|| default_interval_ms(topic)),
    }
}

/// How a session stretches the interval of a topic (polygon.md §5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// So many times as long.
    Times(u64),
    /// Nothing changes: it is not polled until its market opens.
    Rests,
}

/// How a topic is polled in this moment of the market's life. A market that is not known to be closed is polled as if it
/// traded. News never stops; currencies and crypto keep their own hours, and the market's state has none.
#[must_use]
pub fn pace(topic: &Topic, hours: &Hours, now: Millis) -> Pace {
    match topic {
        Topic::Status | Topic::Alerts(_) => Pace::Times(1),
        Topic::News(_) | Topic::AllNews => Pace::Times(match hours.known_phase(now) {
            Some(MarketPhase::Regular) | None => 1,
            Some(MarketPhase::Pre | MarketPhase::After) => EXTENDED_NEWS,
            Some(MarketPhase::Closed) => CLOSED_NEWS,
        }),
        Topic::Prices(symbol) | Topic::Bars(symbol, _) if hours.rests(symbol.market(), now) => Pace::Rests,
        Topic::Prices(symbol) | Topic::Bars(symbol, _) => Pace::Times(match (symbol.market(), hours.known_phase(now)) {
            (Market::Crypto | Market::Forex, _) | (_, Some(MarketPhase::Regular) | None) => 1,
            _ => EXTENDED_PRICES,
        }),
    }
}

/// The wishes of a topic's subscribers: how many ask for which interval.
#[derive(Debug, Default, Clone)]
pub struct Interest {
    wishes: BTreeMap<u64, u32>,
}

impl Interest {
    /// Adds a subscriber who asks for `interval_ms`.
    pub fn add(&mut self, interval_ms: u64) {
        *self.wishes.entry(interval_ms).or_default() += 1;
    }

    /// Takes back one such subscriber; one that never was is ignored.
    pub fn remove(&mut self, interval_ms: u64) {
        if let Some(count) = self.wishes.get_mut(&interval_ms) {
            *count -= 1;
            if *count == 0 {
                self.wishes.remove(&interval_ms);
            }
        }
    }

    /// Whether nobody is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wishes.is_empty()
    }

    /// The least interval that is asked for.
    #[must_use]
    pub fn least_ms(&self) -> Option<u64> {
        self.wishes.keys().next().copied()
    }
}

/// The least interval at which `calls` calls fit into the polling share of a budget of `per_minute` calls, in ms. One call a minute
/// of that share, if it has more, is left for the status topic, which is not stretched.
#[must_use]
pub fn budget_floor_ms(calls: u64, per_minute: u32) -> u64 {
    let share = u64::from(poll_share(per_minute));
    WINDOW_MS.saturating_mul(calls.max(1)).div_ceil((share - 1).max(1))
}

/// Longest delay between polls of an upstream that keeps failing, in ms.
pub const MAX_BACKOFF_MS: u64 = 300_000;

/// How much a failing upstream is left alone: doubled by each failure that asking less may mend, gone with the first success.
#[derive(Debug, Default, Clone, Copy)]
pub struct Backoff {
    delay_ms: u64,
}

impl Backoff {
    /// The least interval between polls.
    #[must_use]
    pub const fn delay_ms(&self) -> u64 {
        self.delay_ms
    }

    /// A poll failed. A rate limit or a plan's limit is met with longer pauses than an outage, which readers wait out.
    pub fn failed(&mut self, kind: UpstreamErrorKind) {
        let (first, most) = match kind {
            UpstreamErrorKind::RateLimited | UpstreamErrorKind::Auth | UpstreamErrorKind::NotEntitled => (15_000, MAX_BACKOFF_MS),
            UpstreamErrorKind::Budget | UpstreamErrorKind::NotFound | UpstreamErrorKind::InvalidParams => return,
            _ => (1_000, 30_000),
        };
        self.delay_ms = (self.delay_ms * 2).clamp(first, most);
    }

    /// The upstream was not asked, because it is left alone for `ms` more: that says nothing new of it.
    pub fn refused(&mut self, ms: u64) {
        self.delay_ms = ms.clamp(1_000, 30_000);
    }

    /// A poll succeeded.
    pub fn succeeded(&mut self) {
        self.delay_ms = 0;
    }
}

/// Which keys of a poller are due when.
#[derive(Debug)]
pub struct Schedule<K> {
    entries: HashMap<K, Entry>,
}

#[derive(Debug)]
struct Entry {
    interval_ms: u64,
    due: Millis,
}

impl<K> Default for Schedule<K> {
    fn default() -> Self {
        Self { entries: HashMap::new() }
    }
}

impl<K: Clone + Eq + Hash + Ord> Schedule<K> {
    /// Starts or changes a key: due at once when new, else at its new rhythm from the last poll on.
    pub fn set(&mut self, key: K, interval_ms: u64, now: Millis) {
        let entry = self.entries.entry(key).or_insert(Entry { interval_ms, due: now });
        if entry.interval_ms != interval_ms {
            entry.due = entry.due.minus(entry.interval_ms).plus(interval_ms).max(now);
            entry.interval_ms = interval_ms;
        }
    }

    /// Stops a key.
    pub fn remove(&mut self, key: &K) {
        self.entries.remove(key);
    }

    /// How many keys are polled.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is polled.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The keys that are due at `now`, in order, and moves each on by its interval at its pace, but at least by `floor_ms`. Keys due
    /// within a tenth of the interval ride along, so that keys with one rhythm share one call. `bell`: when paces change next; no key
    /// whose interval is over by then sleeps through it. A key that rests is looked at again at the bell, and each minute, since the
    /// upstream's word comes as often.
    pub fn take_due_at(&mut self, now: Millis, floor_ms: u64, bell: Option<Millis>, pace: impl Fn(&K) -> Pace) -> Vec<K> {
        let bell = bell.filter(|bell| *bell > now);
        if !self.entries.values().any(|entry| entry.due <= now) {
            return Vec::new();
        }
        let mut due: Vec<K> = Vec::new();
        for (key, entry) in &mut self.entries {
            let interval_ms = entry.interval_ms.max(floor_ms);
            if entry.due > now.plus(interval_ms / 10) {
                continue;
            }
            let (least, most) = match pace(key) {
                Pace::Rests => (now, now.plus(STATUS_INTERVAL_MS)),
                Pace::Times(times) => {
                    due.push(key.clone());
                    (now.plus(interval_ms), now.plus(entry.interval_ms.saturating_mul(times).max(floor_ms)))
                }
            };
            entry.due = bell.map_or(most, |bell| most.min(bell.max(least)));
        }
        due.sort();
        due
    }

    /// Makes no key wait longer than its interval, or `floor_ms`, from `now` on: what was put off while the upstream failed need not
    /// wait that long any more.
    pub fn hasten(&mut self, now: Millis, floor_ms: u64) {
        for entry in self.entries.values_mut() {
            entry.due = entry.due.min(now.plus(entry.interval_ms.max(floor_ms)));
        }
    }

    /// Asks again for these keys at `at`, whatever their intervals: they have not been asked for.
    pub fn again(&mut self, keys: &[K], at: Millis) {
        for key in keys {
            if let Some(entry) = self.entries.get_mut(key) {
                entry.due = entry.due.min(at);
            }
        }
    }

    /// When the next key is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Millis> {
        self.entries.values().map(|entry| entry.due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl<K: Clone + Eq + Hash + Ord> Schedule<K> {
        /// The same where every key has its own interval.
        fn take_due(&mut self, now: Millis, floor_ms: u64) -> Vec<K> {
            self.take_due_at(now, floor_ms, None, |_| Pace::Times(1))
        }
    }

    #[test]
    fn the_least_interval_that_anyone_asks_for_counts() {
        let mut interest = Interest::default();
        interest.add(10_000);
        interest.add(1_000);
        interest.add(1_000);
        interest.remove(1_000);
        assert_eq!(interest.least_ms(), Some(1_000));
        interest.remove(1_000);
        interest.remove(1_000);
        assert_eq!(interest.least_ms(), Some(10_000));
        interest.remove(10_000);
        assert!(interest.is_empty());
    }

    #[test]
    fn nobodys_wish_makes_the_status_be_asked_oftener_than_once_a_minute() {
        assert_eq!(interval_ms(&Topic::Status, Some(250)), STATUS_INTERVAL_MS);
        assert_eq!(interval_ms(&Topic::AllNews, Some(250)), 250);
        assert_eq!(interval_ms(&Topic::AllNews, None), DEFAULT_NEWS_INTERVAL_MS);
    }

    #[test]
    fn polling_leaves_a_fifth_of_the_budget_to_callers() {
        // Four of five for polls, one of them for the status.
        assert_eq!(budget_floor_ms(1, 5), 20_334);
        assert_eq!(budget_floor_ms(10, 600), 1_274);
        assert_eq!(budget_floor_ms(1, 1), 61_000);
        assert_eq!(budget_floor_ms(u64::MAX, 1), u64::MAX);
    }

    #[test]
    fn a_failing_upstream_is_left_alone_longer_and_longer_until_it_answers() {
        let mut backoff = Backoff::default();
        backoff.failed(UpstreamErrorKind::Unavailable);
        assert_eq!(backoff.delay_ms(), 1_000);
        backoff.failed(UpstreamErrorKind::RateLimited);
        assert_eq!(backoff.delay_ms(), 15_000);
        for _ in 0..10 {
            backoff.failed(UpstreamErrorKind::RateLimited);
        }
        assert_eq!(backoff.delay_ms(), MAX_BACKOFF_MS);
        backoff.succeeded();
        assert_eq!(backoff.delay_ms(), 0);
    }

    #[test]
    fn what_was_put_off_is_hastened_when_the_upstream_answers_again_but_nothing_is_put_off_by_it() {
        let mut schedule = Schedule::default();
        schedule.set("AAPL", 1_000, Millis(0));
        assert_eq!(schedule.take_due(Millis(0), 30_000), ["AAPL"]);
        schedule.hasten(Millis(500), 2_000);
        assert_eq!(schedule.next_due(), Some(Millis(2_500)));
        schedule.hasten(Millis(600), 0);
        assert_eq!(schedule.next_due(), Some(Millis(1_600)));
        schedule.hasten(Millis(700), 0);
        assert_eq!(schedule.next_due(), Some(Millis(1_600)));
        schedule.again(&["AAPL", "MSFT"], Millis(800));
        assert_eq!((schedule.next_due(), schedule.len()), (Some(Millis(800)), 1));
    }

    #[test]
    fn who_was_not_even_asked_is_asked_again_when_that_is_worth_it() {
        let mut backoff = Backoff::default();
        for (told, delay_ms) in [(28_000, 28_000), (2_000, 2_000), (1, 1_000), (u64::MAX, 30_000)] {
            backoff.refused(told);
            assert_eq!(backoff.delay_ms(), delay_ms);
        }
    }

    #[test]
    fn keys_of_one_rhythm_are_polled_together() {
        let mut schedule = Schedule::default();
        schedule.set("AAPL", 1_000, Millis(0));
        schedule.set("MSFT", 1_000, Millis(60));
        assert_eq!(schedule.take_due(Millis(60), 0), ["AAPL", "MSFT"]);
        assert!(schedule.take_due(Millis(1_000), 0).is_empty());
        assert_eq!(schedule.take_due(Millis(1_060), 0), ["AAPL", "MSFT"]);
        assert_eq!(schedule.next_due(), Some(Millis(2_060)));
    }

    #[test]
    fn a_shorter_interval_takes_effect_from_the_last_poll_on() {
        let mut schedule = Schedule::default();
        schedule.set("AAPL", 10_000, Millis(0));
        schedule.take_due(Millis(0), 0);
        schedule.set("AAPL", 1_000, Millis(500));
        assert_eq!(schedule.next_due(), Some(Millis(1_000)));
    }

    #[test]
    fn each_session_has_its_pace() {
        use crate::market::{Calendar, MarketStatus};
        let new_york = jiff::tz::TimeZone::get("America/New_York").unwrap();
        let at = |text| Millis::parse_rfc3339(text).unwrap();
        let topic = |text: &str| text.parse::<Topic>().unwrap();
        let mut hours = Hours::new(Calendar::weekly(new_york));
        let saturday = at("2026-03-14T15:00:00Z");
        assert_eq!(pace(&topic("prices:AAPL"), &hours, saturday), Pace::Times(1), "nothing was heard yet");
        hours.hear(&MarketStatus::new("closed", false, false, saturday), saturday);
        for (now, stocks, crypto, forex, news) in [
            ("2026-03-14T15:00:00Z", Pace::Rests, Pace::Times(1), Pace::Rests, Pace::Times(6)),
            ("2026-03-16T07:30:00Z", Pace::Rests, Pace::Times(1), Pace::Times(1), Pace::Times(6)),
            ("2026-03-16T08:00:00Z", Pace::Times(3), Pace::Times(1), Pace::Times(1), Pace::Times(2)),
            ("2026-03-16T13:30:00Z", Pace::Times(1), Pace::Times(1), Pace::Times(1), Pace::Times(1)),
            ("2026-03-16T20:00:00Z", Pace::Times(3), Pace::Times(1), Pace::Times(1), Pace::Times(2)),
            ("2026-03-17T00:00:00Z", Pace::Rests, Pace::Times(1), Pace::Times(1), Pace::Times(6)),
        ] {
            let paces =
                ["prices:AAPL", "prices:X:BTCUSD", "prices:C:EURUSD", "news:*"].map(|text| pace(&topic(text), &hours, at(now)));
            assert_eq!(paces, [stocks, crypto, forex, news], "{now}");
            assert_eq!(pace(&Topic::Status, &hours, at(now)), Pace::Times(1));
        }
    }

    #[test]
    fn a_key_that_rests_wakes_at_the_bell_and_a_slow_one_does_not_sleep_through_it() {
        let pace = |key: &&str| if *key == "rests" { Pace::Rests } else { Pace::Times(6) };
        let mut schedule = Schedule::default();
        schedule.set("news", 10_000, Millis(0));
        schedule.set("rests", 1_000, Millis(0));
        assert_eq!(schedule.take_due_at(Millis(0), 0, Some(Millis(90_000)), pace), ["news"]);
        assert_eq!(schedule.next_due(), Some(Millis(60_000)));
        assert_eq!(schedule.take_due_at(Millis(60_000), 0, Some(Millis(90_000)), pace), ["news"]);
        assert_eq!(schedule.next_due(), Some(Millis(90_000)));
        assert_eq!(schedule.take_due(Millis(90_000), 0), ["news", "rests"]);
        assert_eq!(schedule.next_due(), Some(Millis(91_000)));
    }

    proptest! {
        #[test]
        fn no_key_is_polled_oftener_than_the_floor(
            intervals in proptest::collection::vec(250u64..20_000, 1..20), floor in 0u64..30_000, steps in 1u64..500,
        ) {
            let mut schedule = Schedule::default();
            for (key, interval) in intervals.iter().enumerate() {
                schedule.set(key, *interval, Millis(0));
            }
            let mut last = HashMap::new();
            for now in (0..steps * 100).step_by(100).map(Millis) {
                for key in schedule.take_due(now, floor) {
                    if let Some(before) = last.insert(key, now) {
                        let interval = intervals[key].max(floor);
                        prop_assert!(now.since(before) >= interval - interval / 10);
                    }
                }
            }
        }
    }
}
