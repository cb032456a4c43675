//! The registry: every tool with what it needs, takes and gives.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use serde_json::value::RawValue;
use tickgate_actors::session::CallLink;
use tickgate_core::access::{Caller, Scope};
use tickgate_core::mcp::{PageError, ToolAnnotations, ToolDescriptor, page};

use super::catalog::ToolContext;
use super::outcome::ToolOutcome;

/// Tools per page of `tools/list`.
const PAGE_SIZE: usize = 50;

/// A group of tools that can be switched on together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Toolset {
    /// Prices, bars and news of the market.
    Market,
    /// What changes, as it changes.
    Streaming,
}

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
    /// JSON Schema of its structured content.
    pub output_schema: Value,
    /// The least scope that may call it.
    pub scope: Scope,
    /// Its group.
    pub toolset: Toolset,
    /// Whether it can stream.
    pub streaming: bool,
    /// Whether it talks to the upstream.
    pub open_world: bool,
    /// What it does.
    pub run: Run,
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Tool {
    fn descriptor(&self) -> ToolDescriptor {
        ToolDescriptor {
            name: self.name,
            title: self.title,
            description: self.description.clone(),
            input_schema: self.input_schema.clone(),
            output_schema: self.output_schema.clone(),
            annotations: ToolAnnotations {
                read_only_hint: true,
                destructive_hint: false,
                idempotent_hint: true,
                open_world_hint: self.open_world,
            },
        }
    }
}

/// Every tool, in a stable order.
#[derive(Debug)]
pub struct Registry {
    tools: Vec<Tool>,
    by_name: HashMap<&'static str, usize>,
    pages: HashMap<Option<String>, Bytes>,
    descriptors: Vec<ToolDescriptor>,
    version: String,
}

impl Registry {
    /// The product's tools.
    #[must_use]
    pub fn standard() -> Self {
        Self::new(super::market::tools().into_iter().chain(super::stream::tools()).chain([super::read_tape::tool()]).collect())
    }

    /// A registry of these tools, in this order. The pages of its list are written once.
    ///
    /// # Panics
    /// When two tools have one name: a mistake in the program.
    #[must_use]
    pub fn new(tools: Vec<Tool>) -> Self {
        let by_name: HashMap<_, _> = tools.iter().enumerate().map(|(at, tool)| (tool.name, at)).collect();
        assert_eq!(by_name.len(), tools.len(), "tool names are unique");
        let descriptors: Vec<ToolDescriptor> = tools.iter().map(Tool::descriptor).collect();
        let names: Vec<&str> = tools.iter().map(|tool| tool.name).collect();
        // A cursor is good for one catalogue: it names its size and its first and last tool.
        let version = format!("tools-{}-{}-{}", names.len(), names.first().unwrap_or(&""), names.last().unwrap_or(&""));
        let mut registry = Self { tools, by_name, pages: HashMap::new(), descriptors, version };
        let mut cursor = None;
        loop {
            let (body, next) = registry.write_page(cursor.as_deref()).expect("our own cursors are good");
            registry.pages.insert(cursor, body);
            cursor = next;
            if cursor.is_none() {
                return registry;
            }
        }
    }

    /// The tool of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Tool> {
        self.by_name.get(name).map(|at| &self.tools[*at])
    }

    /// Every tool.
    #[must_use]
    pub fn tools(&self) -> &[Tool] {
        &self.tools
    }

    /// A page of `tools/list`, written once.
    ///
    /// # Errors
    /// When the cursor is not one of this list.
    pub fn page(&self, cursor: Option<String>) -> Result<Bytes, PageError> {
        self.pages.get(&cursor).cloned().ok_or(PageError)
    }

    fn write_page(&self, cursor: Option<&str>) -> Result<(Bytes, Option<String>), PageError> {
        let (tools, next) = page(&self.descriptors, PAGE_SIZE, &self.version, cursor)?;
        let mut result = serde_json::json!({ "tools": tools });
        if let Some(next) = &next {
            result["nextCursor"] = next.as_str().into();
        }
        Ok((result.to_string().into(), next))
    }
}
