//! How often the upstream was asked, with what outcome and for how long. Label values come from an enum only.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry};
use tickgate_core::ports::UpstreamErrorKind;

/// Seconds; the last is what one attempt may take.
const BUCKETS: [f64; 9] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// How much the last attempt counts for how long one takes of late: a quarter, so that one late answer says little.
const WEIGHT: u64 = 4;

/// Handles of the upstream's metrics; every thread's client raises the same ones.
#[derive(Clone, Debug)]
pub struct UpstreamMetrics {
    requests: IntCounterVec,
    own_requests: IntCounterVec,
    duration: Histogram,
    retries: IntCounter,
    /// How long an attempt takes of late, in µs.
    typical_us: Arc<AtomicU64>,
}

impl UpstreamMetrics {
    /// Makes the metrics and adds them to the registry.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let requests = IntCounterVec::new(
            Opts::new("tickgate_upstream_requests_total", "Requests to the upstream, retries included, by outcome."),
            &["outcome"],
        )?;
        let own_requests = IntCounterVec::new(
            Opts::new(
                "tickgate_upstream_own_requests_total",
                "The same with callers' own upstream keys, which are not in the other.",
            ),
            &["outcome"],
        )?;
        let duration = Histogram::with_opts(
            HistogramOpts::new("tickgate_upstream_request_duration_seconds", "Time from a request to the end of its answer.")
                .buckets(BUCKETS.to_vec()),
        )?;
        let retries = IntCounter::new("tickgate_upstream_retries_total", "Requests that repeat one that failed.")?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(own_requests.clone()))?;
        registry.register(Box::new(duration.clone()))?;
        registry.register(Box::new(retries.clone()))?;
        Ok(Self { requests, own_requests, duration, retries, typical_us: Arc::default() })
    }

    /// The same for callers' own keys: whether one of them is refused is not the operator's alarm.
    pub(super) fn of_own_keys(&self) -> Self {
        Self { requests: self.own_requests.clone(), ..self.clone() }
    }

    /// Counts a request that was made.
    pub(super) fn asked(&self, failure: Option<UpstreamErrorKind>, took: Duration) {
        self.requests.with_label_values(&[failure.map_or("ok", UpstreamErrorKind::as_str)]).inc();
        self.duration.observe(took.as_secs_f64());
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        // Two at once may lose one of them: it is an estimate.
        let typical = self.typical_us.load(Ordering::Relaxed);
        self.typical_us.store(typical - typical / WEIGHT + took / WEIGHT, Ordering::Relaxed);
    }

    /// How long an attempt takes of late, in ms: a mean in which the last ones count most. 0 before the first.
    #[must_use]
    pub fn typical_ms(&self) -> u64 {
        self.typical_us.load(Ordering::Relaxed) / 1_000
    }

    /// Counts a request that was not made, because the budget or the time is spent or the breaker is open.
    pub(super) fn refused(&self, kind: UpstreamErrorKind) {
        let outcome = if kind == UpstreamErrorKind::Unavailable { "breaker" } else { kind.as_str() };
        self.requests.with_label_values(&[outcome]).inc();
    }

    /// Counts a retry.
    pub(super) fn retried(&self) {
        self.retries.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_late_answer_is_no_slow_upstream_and_several_are_until_it_is_quick_again() {
        let metrics = UpstreamMetrics::register(&Registry::new()).unwrap();
        assert_eq!(metrics.typical_ms(), 0);
        let (late, quick) = (Duration::from_secs(3), Duration::from_millis(20));
        metrics.asked(None, late);
        assert_eq!(metrics.typical_ms(), 750);
        metrics.asked(None, late);
        assert!((1_300..1_320).contains(&metrics.typical_ms()), "{}", metrics.typical_ms());
        (0..20).for_each(|_| metrics.asked(Some(UpstreamErrorKind::Timeout), late));
        assert!(metrics.typical_ms() > 2_900);
        (0..4).for_each(|_| metrics.asked(None, quick));
        assert!(metrics.typical_ms() < 1_000, "{}", metrics.typical_ms());
    }
}
