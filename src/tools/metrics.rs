//! What tools and prompts count. Label values come from the code only.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

/// Counters of tools and prompts.
#[derive(Clone, Debug)]
pub struct ToolMetrics {
    /// Questions to clients' models, by outcome.
    pub samplings: IntCounterVec,
    /// Prompts, by name and status.
    pub prompts: IntCounterVec,
    /// How long a prompt took, by name.
    pub prompt_duration: HistogramVec,
}

impl ToolMetrics {
    /// Makes the metrics and adds them to the registry.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let samplings = IntCounterVec::new(
            Opts::new("tickgate_samplings_total", "Questions to clients' models: asked, and what came of it."),
            &["outcome"],
        )?;
        let prompts = IntCounterVec::new(Opts::new("tickgate_prompts_total", "Prompts asked for."), &["prompt", "status"])?;
        let duration = HistogramOpts::new("tickgate_prompt_duration_seconds", "Time until a prompt was rendered.");
        let prompt_duration = HistogramVec::new(duration, &["prompt"])?;
        registry.register(Box::new(samplings.clone()))?;
        registry.register(Box::new(prompts.clone()))?;
        registry.register(Box::new(prompt_duration.clone()))?;
        Ok(Self { samplings, prompts, prompt_duration })
    }
}
