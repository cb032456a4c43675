//! The session's port to the registry: finds the tool, checks the scope, starts it.

use std::rc::Rc;
use std::sync::Arc;

use serde_json::json;
use tickgate_actors::Clock;
use tickgate_actors::session::{CallLink, Catalog, Started};
use tickgate_actors::stream::MarketState;
use tickgate_actors::window::TapeWindow;
use tickgate_core::access::{Caller, Scope};
use tickgate_core::market::Freshness;
use tickgate_core::rpc::{ErrorCode, RpcError};
use tickgate_core::session::{CallOutcome, FeatureRequest};
use tickgate_core::tape::Position;
use tickgate_core::time::Millis;

use super::outcome::into_call_outcome;
use super::registry::{Registry, ToolCall, ToolRun};
use crate::upstream::polygon::PolygonClient;

/// What tools work with, on one worker.
pub struct ToolContext {
    /// The tape.
    pub window: TapeWindow,
    /// The upstream.
    pub upstream: Rc<PolygonClient>,
    /// Session and upstream health.
    pub market: MarketState,
    /// Whether `stream:true` is served as a stream (`ENABLE_STREAMING`).
    pub streaming: bool,
    /// The time.
    pub clock: Clock,
}

impl ToolContext {
    /// The freshness of data of `as_of`, for someone who goes on from `position`.
    #[must_use]
    pub fn freshness(&self, as_of: Millis, delayed: bool, position: Position) -> Freshness {
        Freshness {
            as_of,
            age_ms: self.clock.now().since(as_of),
            source: self.market.source(),
            delayed: delayed || self.market.delayed(),
            session: self.market.phase(),
            position: position.to_string(),
        }
    }

    /// The least interval that a caller may ask for, in ms.
    #[must_use]
    pub fn interval_floor_ms(caller: &Caller) -> u64 {
        if caller.scope.allows(Scope::Write) { 250 } else { 1_000 }
    }
}

/// Serves the registry on one worker.
pub struct ToolCatalog {
    registry: Arc<Registry>,
    context: Rc<ToolContext>,
}

impl ToolCatalog {
    /// Serves these tools.
    #[must_use]
    pub const fn new(registry: Arc<Registry>, context: Rc<ToolContext>) -> Self {
        Self { registry, context }
    }

    fn call_tool(
        &self,
        name: &str,
        arguments: Option<Box<serde_json::value::RawValue>>,
        caller: &Caller,
        link: CallLink,
    ) -> Started {
        let Some(tool) = self.registry.find(name) else {
            let name: String = name.chars().take(128).collect();
            let error = RpcError::new(ErrorCode::INVALID_PARAMS, format!("Unknown tool: {name}; tools/list has all of them"));
            return Started::Done(CallOutcome::Error(error));
        };
        if !caller.scope.allows(tool.scope) {
            let error = RpcError::new(ErrorCode(403), format!("{name} needs the scope {}", tool.scope))
                .with_data(json!({"reason": "insufficient_scope", "scope": tool.scope}));
            return Started::Done(CallOutcome::Error(error));
        }
        let call = ToolCall { context: Rc::clone(&self.context), arguments, caller: caller.clone(), link };
        match (tool.run)(call) {
            ToolRun::Done(outcome) => Started::Done(into_call_outcome(outcome)),
            ToolRun::Running(future) => Started::Running(Box::pin(async move { into_call_outcome(future.await) })),
        }
    }
}

impl Catalog for ToolCatalog {
    fn start(&self, request: FeatureRequest, caller: &Caller, link: CallLink) -> Started {
        match request {
            FeatureRequest::ListTools { cursor } => Started::Done(match self.registry.page(cursor) {
                Ok(page) => CallOutcome::Result(page),
                Err(error) => CallOutcome::Error(RpcError::new(ErrorCode::INVALID_PARAMS, error.to_string())),
            }),
            FeatureRequest::CallTool { name, arguments, .. } => self.call_tool(&name, arguments, caller, link),
        }
    }
}
