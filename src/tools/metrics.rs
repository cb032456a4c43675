//! What tools count. Label values come from the code only.

use prometheus::{IntCounterVec, Opts, Registry};

/// Counters of the tools.
#[derive(Clone, Debug)]
pub struct ToolMetrics {
    /// Questions to clients' models, by outcome.
    pub samplings: IntCounterVec,
}

impl ToolMetrics {
    /// Makes the metrics and adds them to the registry.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let samplings = IntCounterVec::new(Opts::new("tickgate_samplings_total", "Questions to clients' models."), &["outcome"])?;
        registry.register(Box::new(samplings.clone()))?;
        Ok(Self { samplings })
    }
}
