//! The registry as it is now: what is offered can change while the gateway runs, and whoever listens is told.

use std::sync::{Arc, PoisonError, RwLock};

use futures_util::StreamExt as _;
use futures_util::stream::LocalBoxStream;
use tickgate_core::session::Notice;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use super::Registry;
use crate::tools::Toolset;

/// Changes that a listener may be behind; one that is further behind is told that the tools have changed, and lists anew.
const MAX_BEHIND: usize = 16;

/// The registry as it is now. Clones are the same.
#[derive(Clone, Debug)]
pub struct LiveRegistry {
    /// All that there is, whatever is offered.
    whole: Arc<Registry>,
    current: Arc<RwLock<Arc<Registry>>>,
    changes: broadcast::Sender<Notice>,
}

impl LiveRegistry {
    /// Begins with these groups of the registry's tools.
    #[must_use]
    pub fn new(registry: Registry, toolsets: &[Toolset]) -> Self {
        let current = Arc::new(RwLock::new(Arc::new(registry.with_toolsets(toolsets))));
        Self { whole: Arc::new(registry), current, changes: broadcast::channel(MAX_BEHIND).0 }
    }

    /// Offers these groups of tools from now on. Says whether that is a change; if it is, whoever listens is told.
    pub fn offer(&self, toolsets: &[Toolset]) -> bool {
        let next = self.whole.with_toolsets(toolsets);
        let names = |registry: &Registry| registry.tools().iter().map(|tool| tool.name).collect::<Vec<_>>();
        if names(&next) == names(&self.current()) {
            return false;
        }
        self.replace(next, Notice::ToolsChanged);
        true
    }

    /// The registry of this moment.
    #[must_use]
    pub fn current(&self) -> Arc<Registry> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Offers something else from now on, and tells of it.
    pub fn replace(&self, registry: Registry, change: Notice) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry);
        // Nobody may be listening.
        let _ = self.changes.send(change);
    }

    /// Changes from now on.
    #[must_use]
    pub fn changes(&self) -> LocalBoxStream<'static, Notice> {
        BroadcastStream::new(self.changes.subscribe())
            // Whoever fell behind lists anew.
            .map(|change| change.unwrap_or(Notice::ToolsChanged))
            .boxed_local()
    }
}
