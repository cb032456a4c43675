//! What one thread that serves has of its own.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::Actor as _;
use tickgate_actors::Clock;
use tickgate_actors::alerts::Alerts;
use tickgate_actors::call::{Catalog, Started};
use tickgate_actors::stateless::Stateless;
use tickgate_actors::supervisor::MarketHandles;
use tickgate_actors::tasks::Tasks;
use tickgate_actors::window::{TapeWindow, WindowActor};
use tickgate_core::mcp::ServerInfo;
use tickgate_core::ports::Seal;
use tickgate_core::tape::Limits;
use tokio::sync::watch;

use crate::registry::{LiveRegistry, RegistryCatalog};
use crate::tools::{Account, ToolContext, ToolMetrics};
use crate::upstream::cache::UpstreamCache;
use crate::upstream::own::OwnKeys;
use crate::upstream::polygon::{FuturesApi, PolygonClient, PolygonSettings, UpstreamMetrics};
use crate::upstream::shared::SharedUpstream;

/// What each worker is made of.
#[derive(Clone)]
pub(super) struct WorkerParts {
    pub(super) market: MarketHandles,
    pub(super) tape: Limits,
    pub(super) client_settings: Arc<PolygonSettings>,
    pub(super) futures_api: FuturesApi,
    pub(super) upstream_metrics: UpstreamMetrics,
    pub(super) cache: UpstreamCache,
    pub(super) own_keys: OwnKeys,
    pub(super) registry: LiveRegistry,
    pub(super) server_info: Arc<ServerInfo>,
    pub(super) alerts: Alerts,
    pub(super) tool_metrics: ToolMetrics,
    pub(super) tasks: Tasks,
    pub(super) seal: Arc<dyn Seal>,
    pub(super) streaming: bool,
    pub(super) draining: watch::Sender<bool>,
    /// Life of a listener.
    pub(super) listen_for: Option<Duration>,
    pub(super) clock: Clock,
}

/// What one thread serves with; it never leaves the thread.
pub(super) struct Served {
    pub(super) context: Rc<ToolContext>,
    pub(super) catalog: Rc<dyn Catalog>,
    pub(super) stateless: Stateless,
}

impl WorkerParts {
    /// Makes it on the thread that it will serve. `account`: who is known, where callers show credentials.
    pub(super) fn build(&self, account: Option<Arc<Account>>) -> Served {
        let clock = self.clock;
        let window = TapeWindow::new(self.tape, self.market.link.clone(), clock);
        self.market.link.attach(WindowActor::new(window.clone()).start().recipient());
        let upstream =
            PolygonClient::new((*self.client_settings).clone(), self.market.quota.clone(), clock, self.upstream_metrics.clone());
        let context = Rc::new(ToolContext {
            window,
            upstream: SharedUpstream::new(Rc::new(upstream), self.cache.clone(), self.market.state.clone())
                .with_own_keys(self.own_keys.clone())
                .with_futures_api(self.futures_api),
            market: self.market.state.clone(),
            registry: self.registry.clone(),
            alerts: self.alerts.clone(),
            account,
            seal: Arc::clone(&self.seal),
            metrics: self.tool_metrics.clone(),
            streaming: self.streaming,
            clock,
        });
        let server = Arc::clone(&self.server_info);
        let meta = server.result_meta();
        let registry = self.registry.clone();
        let catalog: Rc<dyn Catalog> =
            Rc::new(RegistryCatalog::new(registry, Rc::clone(&context), server, Arc::clone(&self.seal)));
        self.resume_tasks(&catalog);
        let stateless = Stateless {
            catalog: Rc::clone(&catalog),
            tasks: self.tasks.clone(),
            seal: Arc::clone(&self.seal),
            clock,
            draining: self.draining.subscribe(),
            listen_for: self.listen_for,
            meta,
        };
        Served { context, catalog, stateless }
    }

    /// Runs the tasks again that ran before the restart; the first worker gets them all.
    fn resume_tasks(&self, catalog: &Rc<dyn Catalog>) {
        for task in self.tasks.claim() {
            let caller = task.caller();
            let (request, link) = task.call();
            match catalog.start(request, &caller, link) {
                Started::Done(outcome) => task.finish_with(outcome),
                Started::Running(handler) => task.run(handler),
            }
        }
    }
}
