//! What a test can turn and read: pinned prices, extra articles, faults, the switch, and the counts of requests. The only
//! state of the simulator.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::faults::Faults;
use super::market::prices::Pin;
use super::newsroom::{Extra, article};

/// Paths are counted one by one only up to here, so that a long soak does not grow: aggregate paths hold times.
const MAX_PATHS: usize = 10_000;

/// Extra articles beyond this push out the oldest.
const MAX_EXTRAS: usize = 1_000;

/// Pins of one symbol beyond this push out the oldest.
const MAX_PINS: usize = 1_000;

/// Keys are counted one by one only up to here.
const MAX_KEYS: usize = 1_000;

/// How often each route was asked.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) requests: u64,
    pub(crate) by_pattern: BTreeMap<String, u64>,
    by_path: HashMap<String, u64>,
}

/// The state behind the handle and the control routes.
pub(crate) struct Controls {
    counts: Mutex<Counts>,
    faults: Mutex<Faults>,
    pins: Mutex<HashMap<String, Vec<Pin>>>,
    extras: Mutex<Extras>,
    down: AtomicBool,
    keys: Mutex<Keys>,
}

/// The keys that were shown, and those that are refused. Kept out of what is shown of the counts.
#[derive(Default)]
struct Keys {
    requests: HashMap<String, u64>,
    refused: HashSet<String>,
}

#[derive(Default)]
struct Extras {
    published: u64,
    articles: Vec<Extra>,
}

impl Controls {
    pub(crate) fn new(faults: Faults) -> Self {
        Self {
            counts: Mutex::default(),
            faults: Mutex::new(faults),
            pins: Mutex::default(),
            extras: Mutex::default(),
            down: AtomicBool::new(false),
            keys: Mutex::default(),
        }
    }

    /// Counts a request with a key, and says whether the key is refused.
    pub(crate) fn show_key(&self, key: &str) -> bool {
        let mut keys = lock(&self.keys);
        if let Some(count) = keys.requests.get_mut(key) {
            *count += 1;
        } else if keys.requests.len() < MAX_KEYS {
            keys.requests.insert(key.to_owned(), 1);
        }
        keys.refused.contains(key)
    }

    pub(crate) fn requests_with(&self, key: &str) -> u64 {
        lock(&self.keys).requests.get(key).copied().unwrap_or(0)
    }

    pub(crate) fn refuse_key(&self, key: &str, refused: bool) {
        let mut keys = lock(&self.keys);
        if refused {
            keys.refused.insert(key.to_owned());
        } else {
            keys.refused.remove(key);
        }
    }

    /// Counts a request and gives its number, from zero.
    pub(crate) fn count(&self, pattern: &str, path: &str) -> u64 {
        let mut counts = lock(&self.counts);
        let number = counts.requests;
        counts.requests += 1;
        match counts.by_pattern.get_mut(pattern) {
            Some(count) => *count += 1,
            None => {
                counts.by_pattern.insert(pattern.to_owned(), 1);
            }
        }
        if let Some(count) = counts.by_path.get_mut(path) {
            *count += 1;
        } else if counts.by_path.len() < MAX_PATHS {
            counts.by_path.insert(path.to_owned(), 1);
        }
        number
    }

    pub(crate) fn requests_to(&self, path_prefix: &str) -> u64 {
        let counts = lock(&self.counts);
        counts.by_path.iter().filter(|(path, _)| path.starts_with(path_prefix)).map(|(_, count)| count).sum()
    }

    pub(crate) fn counts(&self) -> MutexGuard<'_, Counts> {
        lock(&self.counts)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        *lock(&self.faults) = faults;
    }

    pub(crate) fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    pub(crate) fn pin(&self, ticker: &str, pin: Pin) {
        let mut pins = lock(&self.pins);
        let pins = pins.entry(ticker.to_owned()).or_default();
        // Times must not fall, and two pins of one millisecond would leave the first without any duration.
        pins.retain(|earlier| earlier.at_ms < pin.at_ms);
        if pins.len() == MAX_PINS {
            pins.remove(0);
        }
        pins.push(pin);
    }

    pub(crate) fn pins(&self, ticker: &str) -> Vec<Pin> {
        lock(&self.pins).get(ticker).cloned().unwrap_or_default()
    }

    /// Publishes an article; one with a known id takes the place of the earlier version.
    pub(crate) fn publish(&self, given: Value, now_ms: i64) {
        let mut extras = lock(&self.extras);
        let extra = article::extra(given, extras.published, now_ms);
        extras.published += 1;
        extras.articles.retain(|known| known.id != extra.id);
        if extras.articles.len() == MAX_EXTRAS {
            extras.articles.remove(0);
        }
        extras.articles.push(extra);
    }

    pub(crate) fn extras(&self) -> Vec<Extra> {
        lock(&self.extras).articles.clone()
    }
}

/// Nothing is left half done under these locks, so a panic elsewhere does not spoil what they guard.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
