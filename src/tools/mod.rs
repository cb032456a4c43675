//! What models can call: rows of the endpoint table, and tools written by hand.

mod account;
mod alerts;
mod analytics;
mod arguments;
mod bar_series;
pub(crate) mod bars;
mod call_endpoint;
mod context;
mod endpoint;
mod endpoints;
pub(crate) mod market;
mod metrics;
mod outcome;
mod ownership;
mod read_tape;
mod schema;
mod search_endpoints;
mod stream;
mod subject;
mod summarize_news;
mod tool;
mod toolset;
mod watch_price;

pub use account::Account;
pub use context::ToolContext;
pub use endpoint::{
    AsOf, Compare, Endpoint, Fallback, Field, FieldKind, Kind, Literal, Parameter, Place, Request, Shape, Unit, Variant,
};
pub use endpoints::{ENDPOINTS, find as find_endpoint};
pub use metrics::ToolMetrics;
pub(crate) use outcome::into_outcome;
pub use outcome::{ToolFailure, ToolOutcome};
pub use tool::{Asks, Run, Tool, ToolCall, ToolRun, reads};
pub use toolset::{STANDARD, Toolset};

/// The product's tools, in the order of the list.
#[must_use]
pub fn all() -> Vec<Tool> {
    let found = [search_endpoints::tool(), call_endpoint::tool()];
    let streaming = stream::tools().into_iter().chain([read_tape::tool()]);
    let alerts = alerts::tools().into_iter().chain([watch_price::tool()]);
    market::tools()
        .into_iter()
        .chain(found)
        .chain(streaming)
        .chain(alerts)
        .chain([summarize_news::tool()])
        .chain(analytics::tools())
        .chain(account::tools())
        .map(metrics::counted)
        .collect()
}

/// Arguments that fit a tool of the table, of things that the simulated market has.
pub(crate) fn sample(tool: &str) -> Option<serde_json::Value> {
    endpoints::find(tool).map(Endpoint::sample)
}
