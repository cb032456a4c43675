//! How often the upstream was asked, with what outcome and for how long. Label values come from an enum only.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry};
use tickgate_core::ports::UpstreamErrorKind;

/// Seconds; the last is what one attempt may take.
const BUCKETS: [f64; 9] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// Handles of the upstream's metrics; every thread's client raises the same ones.
#[derive(Clone, Debug)]
pub struct UpstreamMetrics {
    requests: IntCounterVec,
    own_requests: IntCounterVec,
    duration: Histogram,
    retries: IntCounter,
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
        Ok(Self { requests, own_requests, duration, retries })
    }

    /// The same for callers' own keys: whether one of them is refused is not the operator's alarm.
    pub(super) fn of_own_keys(&self) -> Self {
        Self { requests: self.own_requests.clone(), ..self.clone() }
    }

    /// Counts a request that was made.
    pub(super) fn asked(&self, failure: Option<UpstreamErrorKind>, took: Duration) {
        self.requests.with_label_values(&[failure.map_or("ok", UpstreamErrorKind::as_str)]).inc();
        self.duration.observe(took.as_secs_f64());
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
