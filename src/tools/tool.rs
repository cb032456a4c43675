//! One tool: what it needs, takes and gives.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use serde_json::value::RawValue;
use tickgate_actors::call::CallLink;
use tickgate_core::access::{Caller, Scope};
use tickgate_core::mcp::{Icon, ToolAnnotations, ToolDescriptor};

use super::context::ToolContext;
use super::outcome::ToolOutcome;
pub(super) use super::toolset::Toolset;

/// A call of a tool.
pub struct ToolCall {
    /// What tools work with.
    pub context: Rc<ToolContext>,
    /// The arguments as sent.
    pub arguments: Option<Box<RawValue>>,
    /// Who calls.
    pub caller: Caller,
    /// The line to the client while it runs.
    pub link: CallLink,
}

/// How a call was taken.
pub enum ToolRun {
    /// Done at once.
    Done(ToolOutcome),
    /// Running.
    Running(LocalBoxFuture<'static, ToolOutcome>),
}

/// What a tool does.
pub type Run = Arc<dyn Fn(ToolCall) -> ToolRun + Send + Sync>;

/// Whose upstream key a tool asks with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// It asks nothing.
    Nothing,
    /// The gateway's: what it reads or starts is one poll for everybody.
    Shared,
    /// The caller's own, if there is one; else the gateway's.
    Callers,
}

/// One tool.
#[derive(Clone)]
pub struct Tool {
    /// Unique.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// For models.
    pub description: String,
    /// JSON Schema of its arguments.
    pub input_schema: Value,
    /// JSON Schema of its structured content, if it has any.
    pub output_schema: Option<Value>,
    /// The least scope that may call it. A tool for admins is listed to admins only.
    pub scope: Scope,
    /// Its home.
    pub toolset: Toolset,
    /// Whether it can stream.
    pub streaming: bool,
    /// Hints for the client's user interface.
    pub hints: ToolAnnotations,
    /// Whose upstream key it asks with; its answers say how much of that key's budget is left.
    pub asks: Asks,
    /// For people.
    pub icons: Vec<Icon>,
    /// What it does.
    pub run: Run,
}

/// Hints of a tool that only reads. `open_world`: whether it talks to the upstream.
#[must_use]
pub const fn reads(open_world: bool) -> ToolAnnotations {
    ToolAnnotations { read_only_hint: true, destructive_hint: false, idempotent_hint: true, open_world_hint: open_world }
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Tool {
    /// The tool as clients see it.
    #[must_use]
    pub fn descriptor(&self) -> ToolDescriptor {
        ToolDescriptor {
            name: self.name,
            title: self.title,
            description: self.description.clone(),
            input_schema: self.input_schema.clone(),
            output_schema: self.output_schema.clone(),
            annotations: self.hints,
            icons: self.icons.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_says_that_it_talks_to_the_world_asks_somebody() {
        for tool in crate::tools::all() {
            assert_eq!(tool.hints.open_world_hint, tool.asks != Asks::Nothing, "{tool:?}");
        }
    }
}
