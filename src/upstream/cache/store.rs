//! What is kept, for how long, and in how much room.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::sync::Cache;
use tickgate_core::market::Ttl;
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};
use tickgate_core::time::Millis;

use super::metrics::CacheMetrics;
use crate::upstream::polygon::UpstreamAnswer;

/// How long it is remembered that there is no such thing, or that the plan does not include it: an agent that asks again and
/// again costs two calls a minute, and a new symbol or a larger plan shows within half of one.
pub(super) const REFUSAL_MS: u64 = 30_000;

/// What an entry takes beside its key and body, in bytes: its place in the store, its times, the upstream's id.
const ENTRY_BYTES: usize = 512;

/// What a question gave: an answer, or an error worded for the caller.
pub(super) type Outcome = Result<Arc<UpstreamAnswer>, UpstreamError>;

/// An answer or a refusal, and until when it is good.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) outcome: Outcome,
    fresh_until: Millis,
    stale_until: Millis,
    keep: Duration,
}

impl Kept {
    /// What is worth keeping of an outcome that came at `now`: answers, and refusals that asking again would not change.
    fn of(outcome: &Outcome, ttl: Ttl, now: Millis) -> Option<Self> {
        let ttl = match outcome {
            Ok(_) => ttl,
            Err(error) if matches!(error.kind, UpstreamErrorKind::NotFound | UpstreamErrorKind::NotEntitled) => {
                Ttl { fresh_ms: REFUSAL_MS, stale_ms: 0 }
            }
            Err(_) => return None,
        };
        let keep_ms = ttl.fresh_ms.saturating_add(ttl.stale_ms);
        (keep_ms > 0).then(|| Self {
            outcome: outcome.clone(),
            fresh_until: now.plus(ttl.fresh_ms),
            stale_until: now.plus(keep_ms),
            keep: Duration::from_millis(keep_ms),
        })
    }

    pub(super) fn is_fresh(&self, now: Millis) -> bool {
        now < self.fresh_until
    }

    /// The answer, where it may stand for one that cannot be had.
    pub(super) fn stale(&self, now: Millis) -> Option<Arc<UpstreamAnswer>> {
        self.outcome.as_ref().ok().filter(|_| now < self.stale_until).cloned()
    }

    fn weight(&self, key: &str) -> u32 {
        let body = self.outcome.as_ref().map_or_else(|error| error.message.len(), |answer| answer.body.len());
        u32::try_from(key.len() + body + ENTRY_BYTES).unwrap_or(u32::MAX)
    }
}

/// Frees room when an entry is of no use to anybody. Whether it may be shown is decided by the gateway's clock, not here.
struct WhenUseless;

impl Expiry<Arc<str>, Arc<Kept>> for WhenUseless {
    fn expire_after_create(&self, _: &Arc<str>, kept: &Arc<Kept>, _: Instant) -> Option<Duration> {
        Some(kept.keep)
    }

    fn expire_after_update(&self, _: &Arc<str>, kept: &Arc<Kept>, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(kept.keep)
    }
}

/// What is kept. Clones share it.
#[derive(Clone)]
pub(super) struct Store {
    kept: Cache<Arc<str>, Arc<Kept>>,
    metrics: CacheMetrics,
}

impl Store {
    /// A store of at most `max_bytes`; with 0 it keeps nothing.
    pub(super) fn new(max_bytes: u64, metrics: CacheMetrics) -> Self {
        let kept = Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|key: &Arc<str>, kept: &Arc<Kept>| kept.weight(key))
            .expire_after(WhenUseless)
            .build();
        Self { kept, metrics }
    }

    pub(super) fn get(&self, key: &str) -> Option<Arc<Kept>> {
        self.kept.get(key)
    }

    /// Keeps what is worth it; what was kept before goes when the upstream says that it is no more.
    pub(super) fn keep(&self, key: &Arc<str>, outcome: &Outcome, ttl: Ttl, now: Millis) {
        if let Some(kept) = Kept::of(outcome, ttl, now) {
            self.kept.insert(Arc::clone(key), Arc::new(kept));
            self.tidy();
        }
    }

    /// Frees what nobody may be shown any more, and counts the rest.
    pub(super) fn tidy(&self) {
        self.kept.run_pending_tasks();
        self.metrics.bytes.set(i64::try_from(self.kept.weighted_size()).unwrap_or(i64::MAX));
        self.metrics.entries.set(i64::try_from(self.kept.entry_count()).unwrap_or(i64::MAX));
    }
}
