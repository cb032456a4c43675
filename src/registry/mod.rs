//! What clients can use: one registry of tools, prompts and resources, from which lists, validation, documentation and labels are
//! derived.

mod catalog;
mod live;
mod pages;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use tickgate_core::access::Scope;
use tickgate_core::mcp::{HeaderParam, header_params};

use crate::prompts::{self, Prompt, PromptRegistry};
use crate::resources::{self, Resource};
use crate::tools::{self, Tool, Toolset};

pub use catalog::RegistryCatalog;
pub use live::LiveRegistry;
pub use pages::Pages;

/// Every tool, prompt and resource, in a stable order.
#[derive(Debug)]
pub struct Registry {
    tools: Vec<Tool>,
    by_name: HashMap<&'static str, usize>,
    header_params: HashMap<&'static str, Vec<HeaderParam>>,
    prompts: Arc<PromptRegistry>,
    resources: Vec<Resource>,
    lists: Lists,
}

/// The lists, written once.
#[derive(Debug)]
struct Lists {
    tools: Pages,
    tools_for_admins: Pages,
    prompts: Pages,
    resources: Pages,
    templates: Pages,
}

impl Registry {
    /// What the product offers.
    #[must_use]
    pub fn standard() -> Self {
        Self::new(tools::all(), prompts::library(), resources::all())
    }

    /// A registry of these, in this order.
    ///
    /// # Panics
    /// When two tools or prompts have one name, or a tool's `x-mcp-header` breaks its rules: mistakes in the program.
    #[must_use]
    pub fn new(tools: Vec<Tool>, prompts: Vec<Prompt>, resources: Vec<Resource>) -> Self {
        Self::of(tools, Arc::new(PromptRegistry::new(prompts)), resources)
    }

    fn of(tools: Vec<Tool>, prompts: Arc<PromptRegistry>, resources: Vec<Resource>) -> Self {
        let by_name: HashMap<_, _> = tools.iter().enumerate().map(|(at, tool)| (tool.name, at)).collect();
        assert_eq!(by_name.len(), tools.len(), "tool names are unique");
        let header_params =
            tools.iter().map(|tool| (tool.name, header_params(&tool.input_schema).expect("x-mcp-header is sound")));
        let header_params = header_params.filter(|(_, params)| !params.is_empty()).collect();
        let listed = |admin: bool| {
            let visible = tools.iter().filter(|tool| admin || tool.scope < Scope::Admin);
            Pages::new("tools", visible.map(|tool| json!(tool.descriptor())).collect())
        };
        let lists = Lists {
            tools: listed(false),
            tools_for_admins: listed(true),
            prompts: Pages::new("prompts", prompts.prompts().iter().map(Prompt::descriptor).collect()),
            resources: Pages::new("resources", resources.iter().filter_map(Resource::descriptor).collect()),
            templates: Pages::new("resourceTemplates", resources.iter().filter_map(Resource::template).collect()),
        };
        Self { tools, by_name, header_params, prompts, resources, lists }
    }

    /// The same with the tools of these groups only.
    #[must_use]
    pub fn with_toolsets(&self, toolsets: &[Toolset]) -> Self {
        let tools = self.tools.iter().filter(|tool| toolsets.iter().any(|toolset| toolset.has(tool))).cloned().collect();
        Self::of(tools, Arc::clone(&self.prompts), self.resources.clone())
    }

    /// The same with these tools instead.
    #[must_use]
    pub fn with_tools(&self, tools: Vec<Tool>) -> Self {
        Self::of(tools, Arc::clone(&self.prompts), self.resources.clone())
    }

    /// The same with these prompts instead.
    #[must_use]
    pub fn with_prompts(&self, prompts: Vec<Prompt>) -> Self {
        Self::of(self.tools.clone(), Arc::new(PromptRegistry::new(prompts)), self.resources.clone())
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

    /// Every prompt.
    #[must_use]
    pub fn prompts(&self) -> &PromptRegistry {
        &self.prompts
    }

    /// Every resource and template.
    #[must_use]
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The parameters of a tool that stateless clients repeat in headers.
    #[must_use]
    pub fn header_params(&self, tool: &str) -> &[HeaderParam] {
        self.header_params.get(tool).map(Vec::as_slice).unwrap_or_default()
    }
}
