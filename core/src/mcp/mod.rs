//! The words of the Model Context Protocol: revisions, which era a request belongs to, what tools look like.

mod era;
mod lifecycle;
mod paging;
mod revision;
mod tool;

pub use era::{Era, Refusal, classify};
pub use lifecycle::{InitializeParams, LogLevel, ServerInfo};
pub use paging::{PageError, page};
pub use revision::{MODERN_REVISIONS, Revision};
pub use tool::{CallToolParams, ToolAnnotations, ToolDescriptor, tool_result};
