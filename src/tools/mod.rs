//! What models can call: rows of the endpoint table, and tools written by hand.

mod alerts;
mod arguments;
pub(crate) mod bars;
mod context;
mod endpoint;
mod endpoints;
pub(crate) mod market;
mod metrics;
mod outcome;
mod ownership;
mod read_tape;
mod schema;
mod stream;
mod summarize_news;
mod tool;
mod watch_price;

pub use context::ToolContext;
pub use endpoint::Endpoint;
pub use endpoints::ENDPOINTS;
pub use metrics::ToolMetrics;
pub(crate) use outcome::into_outcome;
pub use outcome::{ToolFailure, ToolOutcome};
pub use tool::{Run, Tool, ToolCall, ToolRun, Toolset, reads};

/// The product's tools, in the order of the list.
#[must_use]
pub fn all() -> Vec<Tool> {
    let streaming = stream::tools().into_iter().chain([read_tape::tool()]);
    let alerts = alerts::tools().into_iter().chain([watch_price::tool()]);
    market::tools().into_iter().chain(streaming).chain(alerts).chain([summarize_news::tool()]).collect()
}
