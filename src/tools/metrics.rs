//! What tools and prompts count. Label values come from the code only.

use std::sync::Arc;
use std::time::Instant;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

use super::outcome::ToolOutcome;
use super::tool::{Run, Tool, ToolRun};

/// Seconds; few, because there is a row of them for each tool. The last is what a market tool may take.
const CALL_BUCKETS: [f64; 6] = [0.005, 0.025, 0.1, 0.5, 2.5, 20.0];

/// Counters of tools and prompts.
#[derive(Clone, Debug)]
pub struct ToolMetrics {
    /// Calls of tools, by name and outcome: `ok`, `cancelled`, or the class of the failure.
    pub calls: IntCounterVec,
    /// How long a call took, by name; of those that stream it would say nothing.
    pub call_duration: HistogramVec,
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
        let calls = Opts::new("tickgate_tool_calls_total", "Calls of tools: ok, cancelled, or why they failed.");
        let calls = IntCounterVec::new(calls, &["tool", "outcome"])?;
        let duration = HistogramOpts::new("tickgate_tool_call_duration_seconds", "Time that a call of a tool took.");
        let call_duration = HistogramVec::new(duration.buckets(CALL_BUCKETS.to_vec()), &["tool"])?;
        let samplings = IntCounterVec::new(
            Opts::new("tickgate_samplings_total", "Questions to clients' models: asked, and what came of it."),
            &["outcome"],
        )?;
        let prompts = IntCounterVec::new(Opts::new("tickgate_prompts_total", "Prompts asked for."), &["prompt", "status"])?;
        let duration = HistogramOpts::new("tickgate_prompt_duration_seconds", "Time until a prompt was rendered.");
        let prompt_duration = HistogramVec::new(duration, &["prompt"])?;
        registry.register(Box::new(calls.clone()))?;
        registry.register(Box::new(call_duration.clone()))?;
        registry.register(Box::new(samplings.clone()))?;
        registry.register(Box::new(prompts.clone()))?;
        registry.register(Box::new(prompt_duration.clone()))?;
        Ok(Self { calls, call_duration, samplings, prompts, prompt_duration })
    }
}

/// The same tool, whose calls are counted.
pub(super) fn counted(tool: Tool) -> Tool {
    let (name, streaming, inner) = (tool.name, tool.streaming, Arc::clone(&tool.run));
    let run: Run = Arc::new(move |call| {
        let counting = Counting { metrics: call.context.metrics.clone(), name, streaming, begun: Instant::now(), ended: false };
        match inner(call) {
            ToolRun::Done(outcome) => {
                counting.end(&outcome);
                ToolRun::Done(outcome)
            }
            ToolRun::Running(running) => ToolRun::Running(Box::pin(async move {
                let outcome = running.await;
                counting.end(&outcome);
                outcome
            })),
        }
    });
    Tool { run, ..tool }
}

/// A call under way; one that is dropped was cancelled.
struct Counting {
    metrics: ToolMetrics,
    /// A tool of the product: a bounded label.
    name: &'static str,
    streaming: bool,
    begun: Instant,
    ended: bool,
}

impl Counting {
    fn end(mut self, outcome: &ToolOutcome) {
        self.ended = true;
        let class = outcome.as_ref().map_or_else(|failure| failure.class(), |_| "ok");
        self.metrics.calls.with_label_values(&[self.name, class]).inc();
        if !self.streaming {
            self.metrics.call_duration.with_label_values(&[self.name]).observe(self.begun.elapsed().as_secs_f64());
        }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        if !self.ended {
            self.metrics.calls.with_label_values(&[self.name, "cancelled"]).inc();
        }
    }
}
