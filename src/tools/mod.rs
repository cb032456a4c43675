//! What models can call: rows of the endpoint table, and tools written by hand.

mod arguments;
pub(crate) mod bars;
mod context;
mod endpoint;
mod endpoints;
mod market;
mod outcome;
mod read_tape;
mod schema;
mod stream;
mod tool;

pub use context::ToolContext;
pub use endpoint::Endpoint;
pub use endpoints::ENDPOINTS;
pub(crate) use outcome::into_outcome;
pub use outcome::{ToolFailure, ToolOutcome};
pub use tool::{Run, Tool, ToolCall, ToolRun, Toolset, reads};

/// The product's tools, in the order of the list.
#[must_use]
pub fn all() -> Vec<Tool> {
    market::tools().into_iter().chain(stream::tools()).chain([read_tape::tool()]).collect()
}
