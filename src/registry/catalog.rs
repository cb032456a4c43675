//! The registry as sessions and stateless requests use it: finds what is asked for, checks the scope, starts it.

use std::rc::Rc;
use std::sync::Arc;

use futures_util::stream::LocalBoxStream;
use serde_json::json;
use serde_json::value::RawValue;
use tickgate_actors::call::{CallLink, Catalog, Started};
use tickgate_actors::clock::random_u128;
use tickgate_core::access::{Caller, Scope};
use tickgate_core::mcp::{
    CacheScope, Completion, CompletionReference, FeatureError, FeatureRequest, FeatureResult, Outcome, ServerInfo,
};
use tickgate_core::ports::Seal;
use tickgate_core::rpc::excerpt;
use tickgate_core::session::Notice;

use super::LiveRegistry;
use crate::completion;
use crate::prompts::{self, Begun, PromptOutcome, PromptRequest, Rendered};
use crate::resources;
use crate::tools::{ToolCall, ToolContext, ToolRun, Toolset, into_outcome};

/// How long a list may be kept, in ms: whoever listens is told sooner when it changes.
const LIST_TTL_MS: u64 = 300_000;

/// Serves the registry on one worker.
pub struct RegistryCatalog {
    live: LiveRegistry,
    context: Rc<ToolContext>,
    server: Arc<ServerInfo>,
    seal: Arc<dyn Seal>,
}

impl RegistryCatalog {
    /// Serves this registry.
    #[must_use]
    pub const fn new(live: LiveRegistry, context: Rc<ToolContext>, server: Arc<ServerInfo>, seal: Arc<dyn Seal>) -> Self {
        Self { live, context, server, seal }
    }

    fn call_tool(&self, name: &str, arguments: Option<Box<RawValue>>, caller: &Caller, link: CallLink) -> Started {
        let registry = self.live.current();
        let visible = registry.find(name).filter(|tool| tool.scope < Scope::Admin || caller.scope.allows(Scope::Admin));
        let Some(tool) = visible else {
            let message = format!("Unknown tool: {}; tools/list has all of them", excerpt(name));
            return Started::Done(Err(FeatureError::invalid_params(message)));
        };
        if let Err(error) = allowed(tool.name, tool.scope, caller) {
            return Started::Done(Err(error));
        }
        let revision = link.revision();
        let call = ToolCall { context: Rc::clone(&self.context), arguments, caller: caller.clone(), link };
        let (asks, context, principal) = (tool.asks, Rc::clone(&self.context), caller.principal.clone());
        let told = move |outcome| match (into_outcome(outcome, revision), context.budget_meta(asks, &principal)) {
            (Ok(result), Some(budget)) => Ok(result.with_meta(budget)),
            (outcome, _) => outcome,
        };
        match (tool.run)(call) {
            ToolRun::Done(outcome) => Started::Done(told(outcome)),
            ToolRun::Running(future) => Started::Running(Box::pin(async move { told(future.await) })),
        }
    }

    fn list(&self, request: &FeatureRequest, caller: &Caller) -> Outcome {
        let registry = self.live.current();
        let (lists, seal, principal) = (&registry.lists, &*self.seal, &caller.principal);
        // The tools depend on the caller; the other lists are the same for all.
        let page = match request {
            FeatureRequest::ListTools { cursor } => {
                let pages = if caller.scope.allows(Scope::Admin) { &lists.tools_for_admins } else { &lists.tools };
                return Ok(pages.page(cursor.as_deref(), principal, seal)?.cached(LIST_TTL_MS, CacheScope::Private));
            }
            FeatureRequest::ListPrompts { cursor } => lists.prompts.page(cursor.as_deref(), principal, seal)?,
            FeatureRequest::ListResources { cursor } => lists.resources.page(cursor.as_deref(), principal, seal)?,
            FeatureRequest::ListResourceTemplates { cursor } => lists.templates.page(cursor.as_deref(), principal, seal)?,
            _ => unreachable!("only lists are listed"),
        };
        Ok(page.cached(LIST_TTL_MS, CacheScope::Public))
    }

    fn read(&self, uri: &str, caller: &Caller, link: CallLink) -> Started {
        let registry = self.live.current();
        match resources::find(registry.resources(), uri) {
            None => Started::Done(Err(FeatureError::ResourceNotFound { uri: excerpt(uri).into() })),
            Some((resource, variables)) => match allowed(uri, resource.scope, caller) {
                Err(error) => Started::Done(Err(error)),
                Ok(()) => {
                    let call = resources::ReadCall {
                        context: Rc::clone(&self.context),
                        uri: uri.into(),
                        variables,
                        caller: caller.clone(),
                        link,
                    };
                    Started::Running((resource.read)(call))
                }
            },
        }
    }

    fn get_prompt(&self, name: &str, arguments: Option<&RawValue>, caller: &Caller, link: CallLink) -> Started {
        let registry = self.live.current();
        let Some(prompt) = registry.prompts().find(name) else { return Started::Done(Err(unknown_prompt(name))) };
        let now = self.context.clock.now();
        let request = match PromptRequest::new(random_u128(), name, arguments, link.request_id(), now) {
            Ok(request) => request,
            Err(error) => return Started::Done(Err(FeatureError::invalid_params(error.to_string()))),
        };
        let used = Used { request, prompt: prompt.name().to_owned(), context: Rc::clone(&self.context), caller: caller.clone() };
        match prompt.start(arguments, link) {
            Ok(Begun::Done(rendered)) => {
                used.record(PromptOutcome::Rendered);
                Started::Done(Ok(written(&rendered)))
            }
            Err(errors) => {
                used.record(PromptOutcome::Refused);
                Started::Done(Err(FeatureError::Rpc(prompts::refusal(name, &errors))))
            }
            Ok(Begun::Asking(asking)) => Started::Running(Box::pin(async move {
                let rendered = asking.await;
                used.record(if rendered.is_ok() { PromptOutcome::Rendered } else { PromptOutcome::Unanswered });
                rendered.map(|rendered| written(&rendered))
            })),
        }
    }

    fn complete(&self, asked: &Completion) -> Outcome {
        let registry = self.live.current();
        let toolsets: Vec<&str> = Toolset::ALL.into_iter().map(Toolset::as_str).collect();
        let values = match &asked.reference {
            CompletionReference::Prompt(name) => {
                let prompt = registry.prompts().find(name).ok_or_else(|| unknown_prompt(name))?;
                let argument = prompt.argument(&asked.argument).ok_or_else(|| unknown_argument(&asked.argument))?;
                argument.complete(&asked.value, &toolsets)
            }
            CompletionReference::Resource(uri) => {
                let template = registry.resources().iter().find(|resource| *resource.uri == **uri);
                let template = template
                    .ok_or_else(|| FeatureError::invalid_params(format!("Unknown resource template: {}", excerpt(uri))))?;
                let source = template.source(&asked.argument).ok_or_else(|| unknown_argument(&asked.argument))?;
                completion::complete(source, &asked.value, &toolsets)
            }
        };
        Ok(FeatureResult::new(json!({ "completion": values }).to_string().into()))
    }
}

/// A prompt that somebody uses.
struct Used {
    request: PromptRequest,
    /// One that exists: a bounded label.
    prompt: String,
    context: Rc<ToolContext>,
    caller: Caller,
}

impl Used {
    fn record(self, outcome: PromptOutcome) {
        let response = self.request.answered(outcome, self.context.clock.now());
        let metrics = &self.context.metrics;
        metrics.prompts.with_label_values(&[self.prompt.as_str(), outcome.as_str()]).inc();
        let took = std::time::Duration::from_millis(response.latency_ms());
        metrics.prompt_duration.with_label_values(&[self.prompt.as_str()]).observe(took.as_secs_f64());
        response.log(self.caller.principal.as_str());
    }
}

fn allowed(what: &str, needed: Scope, caller: &Caller) -> Result<(), FeatureError> {
    if caller.scope.allows(needed) { Ok(()) } else { Err(FeatureError::InsufficientScope { what: what.into(), needed }) }
}

fn written(rendered: &Rendered) -> FeatureResult {
    FeatureResult::new(json!(rendered).to_string().into())
}

fn unknown_prompt(name: &str) -> FeatureError {
    FeatureError::invalid_params(format!("Unknown prompt: {}; prompts/list has all of them", excerpt(name)))
}

fn unknown_argument(name: &str) -> FeatureError {
    FeatureError::invalid_params(format!("Unknown argument: {}", excerpt(name)))
}

impl Catalog for RegistryCatalog {
    fn server(&self) -> &ServerInfo {
        &self.server
    }

    fn start(&self, request: FeatureRequest, caller: &Caller, link: CallLink) -> Started {
        match request {
            FeatureRequest::CallTool { name, arguments } => self.call_tool(&name, arguments, caller, link),
            FeatureRequest::ReadResource { uri } => self.read(&uri, caller, link),
            FeatureRequest::GetPrompt { name, arguments } => self.get_prompt(&name, arguments.as_deref(), caller, link),
            FeatureRequest::Complete(asked) => Started::Done(self.complete(&asked)),
            FeatureRequest::ListTools { .. }
            | FeatureRequest::ListPrompts { .. }
            | FeatureRequest::ListResources { .. }
            | FeatureRequest::ListResourceTemplates { .. } => Started::Done(self.list(&request, caller)),
            FeatureRequest::GetTask { .. } | FeatureRequest::UpdateTask { .. } | FeatureRequest::CancelTask { .. } => {
                Started::Done(Err(FeatureError::invalid_params("tasks belong to no session")))
            }
        }
    }

    fn watch_resource(&self, uri: &str, caller: &Caller) -> Result<LocalBoxStream<'static, ()>, FeatureError> {
        let registry = self.live.current();
        let not_found = || FeatureError::ResourceNotFound { uri: excerpt(uri).into() };
        let (resource, variables) = resources::find(registry.resources(), uri).ok_or_else(not_found)?;
        allowed(uri, resource.scope, caller)?;
        (resource.watch)(&self.context, &variables, caller).ok_or_else(not_found)
    }

    fn list_changes(&self) -> LocalBoxStream<'static, Notice> {
        self.live.changes()
    }
}
