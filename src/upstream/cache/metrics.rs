//! How often an answer was at hand, and what that takes. Label values come from the code only.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// Handles of the cache's metrics.
#[derive(Clone, Debug)]
pub struct CacheMetrics {
    pub(super) fresh: IntCounter,
    pub(super) stale: IntCounter,
    pub(super) miss: IntCounter,
    pub(super) joined: IntCounter,
    pub(super) bytes: IntGauge,
    pub(super) entries: IntGauge,
}

impl CacheMetrics {
    /// Makes the metrics and adds them to the registry.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let help =
            "Questions for the upstream, by what came of them: fresh or stale from the cache, joined to one under way, miss.";
        let lookups = IntCounterVec::new(Opts::new("tickgate_cache_lookups_total", help), &["outcome"])?;
        let bytes = IntGauge::new("tickgate_cache_bytes", "Bytes of the upstream's answers that are kept.")?;
        let entries = IntGauge::new("tickgate_cache_entries", "Answers of the upstream that are kept.")?;
        registry.register(Box::new(lookups.clone()))?;
        registry.register(Box::new(bytes.clone()))?;
        registry.register(Box::new(entries.clone()))?;
        let outcome = |outcome| lookups.with_label_values(&[outcome]);
        let [fresh, stale, miss, joined] = ["fresh", "stale", "miss", "joined"].map(outcome);
        Ok(Self { fresh, stale, miss, joined, bytes, entries })
    }
}
