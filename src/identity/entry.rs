//! What is in memory of one key.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_governor::governor::clock::{Clock as _, DefaultClock};
use actix_governor::governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tickgate_core::identity::api_key::ApiKey;
use tickgate_core::time::Millis;

/// A key and what it does in this process.
#[derive(Debug)]
pub struct KeyEntry {
    /// As the store has it.
    pub key: ApiKey,
    uses: Arc<Uses>,
    limit: Option<Arc<DefaultDirectRateLimiter>>,
}

/// What has happened with a key; it outlives changes of the record.
#[derive(Debug, Default)]
struct Uses {
    /// The newest use, in Unix ms; 0 before the first.
    last: AtomicU64,
    /// Uses that are not told to the store yet.
    untold: AtomicU64,
}

impl KeyEntry {
    /// In place of `before`, whose uses and spent limit go on.
    pub(super) fn new(key: ApiKey, before: Option<&Self>) -> Self {
        let same_limit = before.filter(|before| before.key.limit_per_minute == key.limit_per_minute);
        let limit = match same_limit {
            Some(before) => before.limit.clone(),
            None => key
                .limit_per_minute
                .and_then(NonZeroU32::new)
                .map(|limit| Arc::new(RateLimiter::direct(Quota::per_minute(limit)))),
        };
        Self { uses: before.map(|before| Arc::clone(&before.uses)).unwrap_or_default(), limit, key }
    }

    /// Notes a use.
    pub fn used(&self, now: Millis) {
        self.uses.last.fetch_max(now.0, Ordering::Relaxed);
        self.uses.untold.fetch_add(1, Ordering::Relaxed);
    }

    /// When it was last used, as far as this process or the store knows.
    #[must_use]
    pub fn last_used(&self) -> Option<Millis> {
        let here = Some(Millis(self.uses.last.load(Ordering::Relaxed))).filter(|last| last.0 > 0);
        here.max(self.key.last_used)
    }

    /// Uses that the store has not been told of, and the newest, if that is worth a write.
    pub(super) fn untold(&self) -> Option<(u64, Millis)> {
        let count = self.uses.untold.load(Ordering::Relaxed);
        let last = Millis(self.uses.last.load(Ordering::Relaxed));
        (count > 0 && self.key.clone().used(last)).then_some((count, last))
    }

    /// So many uses have been told.
    pub(super) fn told(&self, count: u64) {
        self.uses.untold.fetch_sub(count, Ordering::Relaxed);
    }

    /// Whether the key has a limit of its own, in place of that of every caller.
    #[must_use]
    pub const fn has_limit(&self) -> bool {
        self.limit.is_some()
    }

    /// Charges a request to the key's own limit.
    ///
    /// # Errors
    /// How long to wait, when it is spent.
    pub fn charge(&self) -> Result<(), Duration> {
        let Some(limit) = &self.limit else { return Ok(()) };
        limit.check().map_err(|negative| negative.wait_time_from(DefaultClock::default().now()))
    }
}
