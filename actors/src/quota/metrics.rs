//! How the upstream budget stands, for people. Label values come from enums only.

use prometheus::{IntCounterVec, IntGauge, Opts, Registry};
use tickgate_core::budget::{BreakerState, BudgetView, Refusal};

/// Handles of the budget's metrics.
#[derive(Clone, Debug)]
pub struct BudgetMetrics {
    remaining: IntGauge,
    queued: IntGauge,
    paused: IntGauge,
    breaker: IntGauge,
    grants: IntCounterVec,
    refusals: IntCounterVec,
    pub(super) own: IntGauge,
}

impl BudgetMetrics {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| -> prometheus::Result<IntGauge> {
            let metric = IntGauge::new(name, help)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        let counter = |name: &str, help: &str, labels: &[&str]| -> prometheus::Result<IntCounterVec> {
            let metric = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        Ok(Self {
            remaining: gauge("tickgate_upstream_budget_remaining", "Upstream calls left in the present minute.")?,
            queued: gauge("tickgate_upstream_budget_queued", "Upstream calls that wait for their turn.")?,
            paused: gauge("tickgate_upstream_budget_paused", "1 while all upstream calls pause after a 429.")?,
            breaker: gauge("tickgate_upstream_breaker", "The upstream's breaker: 0 closed, 1 half open, 2 open.")?,
            own: gauge("tickgate_upstream_own_budgets", "Budgets of callers' own upstream keys that are in use.")?,
            grants: counter("tickgate_upstream_budget_grants_total", "Upstream calls that went out, by who pays.", &["payer"])?,
            refusals: counter(
                "tickgate_upstream_budget_refusals_total",
                "Upstream calls that did not go out, by who would have paid and why.",
                &["payer", "reason"],
            )?,
        })
    }

    pub(super) fn show(&self, view: &BudgetView, queued: usize) {
        self.remaining.set(view.remaining.into());
        self.queued.set(i64::try_from(queued).unwrap_or(i64::MAX));
        self.paused.set(view.paused_until.is_some().into());
        self.breaker.set(match view.breaker {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 2,
        });
    }

    pub(super) fn granted(&self, payer: &'static str) {
        self.grants.with_label_values(&[payer]).inc();
    }

    pub(super) fn refused(&self, payer: &'static str, refusal: Refusal) {
        self.refusals.with_label_values(&[payer, refusal.as_str()]).inc();
    }

    #[cfg(test)]
    pub(super) fn grants(&self, payer: &'static str) -> u64 {
        self.grants.with_label_values(&[payer]).get()
    }

    #[cfg(test)]
    pub(super) fn refusals(&self, payer: &'static str, reason: &'static str) -> u64 {
        self.refusals.with_label_values(&[payer, reason]).get()
    }
}
