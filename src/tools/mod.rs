//! What models can call: one registry, from which lists, validation, documentation and labels are derived.

mod arguments;
mod catalog;
mod endpoint;
mod endpoints;
mod market;
mod outcome;
mod read_tape;
mod registry;
mod schema;
mod stream;

pub use catalog::{ToolCatalog, ToolContext};
pub use endpoint::Endpoint;
pub use endpoints::ENDPOINTS;
pub use outcome::{ToolFailure, ToolOutcome};
pub use registry::{Registry, Run, Tool, ToolCall, ToolRun, Toolset};
