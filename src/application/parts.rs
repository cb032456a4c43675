//! What every way of serving stands on: the market, what is kept, what is offered.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use anyhow::Context as _;
use futures_util::StreamExt as _;
use tickgate_actors::alerts::{Alerts, AlertsParts};
use tickgate_actors::quota::OwnQuotas;
use tickgate_actors::session::{DirectoryLimits, SessionDirectory};
use tickgate_actors::tasks::Tasks;
use tickgate_actors::{Clock, Metrics};
use tickgate_core::mcp::{Icon, ServerInfo};
use tickgate_core::ports::{Seal, Store};
use tickgate_core::session::SessionLimits;
use tokio::sync::watch;

use super::market::{Upstream, new_york, start_market, upstream};
use super::worker::WorkerParts;
use crate::process::Hangups;
use crate::registry::{LiveRegistry, Registry};
use crate::sealing::Sealer;
use crate::settings::{Reread, SessionSettings, Settings};
use crate::storage::{Database, data_keys, open_store};
use crate::tools::ToolMetrics;
use crate::upstream::cache::{CacheMetrics, UpstreamCache};
use crate::upstream::own::OwnKeys;
use crate::upstream::polygon::UpstreamMetrics;
use crate::upstream::simulated::Simulator;

/// A client that holds a stream open and has been silent for this long is pinged, in ms.
const PING_MS: u64 = 300_000;
/// How often what has expired is forgotten: full rate-limit accounts, tasks, records.
const SWEEP: Duration = Duration::from_secs(60);

/// What survives a restart, and what only we can read.
pub(super) struct Kept {
    pub(super) seal: Arc<dyn Seal>,
    pub(super) store: Arc<dyn Store>,
    pub(super) database: Database,
}

impl Kept {
    pub(super) fn open(settings: &Settings) -> anyhow::Result<Self> {
        let sealer = Arc::new(Sealer::new(&data_keys(settings)?)?);
        let database = open_store(settings, Arc::clone(&sealer))?;
        Ok(Self { seal: sealer, store: database.store(), database })
    }
}

/// All of it, running.
pub(super) struct Parts {
    pub(super) simulator: Option<(Simulator, Server)>,
    pub(super) sessions: SessionDirectory,
    pub(super) worker: WorkerParts,
    pub(super) kept: Kept,
}

impl Parts {
    /// Starts the market and what watches it, and reads what was kept. `server_info`: what we say of ourselves.
    ///
    /// # Errors
    /// When what was kept cannot be read, or the simulated market cannot listen.
    pub(super) async fn start(
        settings: &Settings,
        registry: Registry,
        server_info: ServerInfo,
        kept: Kept,
        metrics_registry: &prometheus::Registry,
    ) -> anyhow::Result<Self> {
        let clock = Clock::start();
        let actor_metrics = Metrics::register(metrics_registry)?;
        let upstream_metrics = UpstreamMetrics::register(metrics_registry)?;
        let Upstream { simulator, client, replay } = upstream(&settings.upstream)?;
        let client_settings = Arc::new(client);
        let market = start_market(settings, &client_settings, replay, &upstream_metrics, clock, &actor_metrics);
        let cache =
            UpstreamCache::new(settings.upstream.cache_max_bytes, new_york(), clock, CacheMetrics::register(metrics_registry)?);
        let own_quotas = OwnQuotas::new(actor_metrics.budget.clone(), clock);
        let own_keys = OwnKeys::load(Arc::clone(&kept.store), &client_settings, own_quotas, clock).await;
        let own_keys = own_keys.context("the own upstream keys that the store keeps cannot be read")?;
        let alerts = Alerts::start(AlertsParts {
            market: market.link.clone(),
            store: Arc::clone(&kept.store),
            tape: settings.streams.tape,
            clock,
            metrics: actor_metrics.clone(),
        });
        let tasks = Tasks::new(Arc::clone(&kept.store), clock, actor_metrics.clone());
        let restored = tasks.restore().await.context("the tasks that the store keeps cannot be read")?;
        tracing::debug!(tasks = restored, "tasks restored");
        let worker = WorkerParts {
            market,
            tape: settings.streams.tape,
            client_settings,
            futures_api: settings.upstream.futures_api,
            upstream_metrics,
            cache,
            own_keys,
            registry: LiveRegistry::new(registry, &settings.sessions.toolsets),
            server_info: Arc::new(server_info),
            alerts,
            tool_metrics: ToolMetrics::register(metrics_registry)?,
            tasks,
            seal: Arc::clone(&kept.seal),
            streaming: settings.sessions.streaming,
            draining: watch::Sender::new(false),
            listen_for: Some(settings.streams.max_secs).filter(|secs| *secs > 0).map(Duration::from_secs),
            clock,
        };
        let sessions = sessions(&settings.sessions, &kept.store, clock, actor_metrics);
        Ok(Self { simulator, sessions, worker, kept })
    }
}

fn sessions(settings: &SessionSettings, store: &Arc<dyn Store>, clock: Clock, metrics: Metrics) -> SessionDirectory {
    let limits = DirectoryLimits { sessions: settings.max_sessions, per_caller: settings.max_sessions_per_caller };
    SessionDirectory::new(limits, Arc::clone(store), clock, metrics)
}

pub(super) fn session_limits(settings: &SessionSettings) -> SessionLimits {
    SessionLimits {
        idle_ms: settings.idle_secs * 1_000,
        max_ms: settings.max_secs * 1_000,
        max_calls: settings.max_calls_per_session,
        ping_ms: PING_MS,
    }
}

pub(super) fn server_info(streaming: bool, public_url: &str) -> ServerInfo {
    ServerInfo {
        website: public_url.to_owned(),
        icons: vec![Icon { src: format!("{public_url}/assets/icon.png"), mime_type: "image/png", sizes: vec!["96x96"] }],
        name: "tickgate",
        version: env!("CARGO_PKG_VERSION"),
        instructions: include_str!("../instructions.md").trim().to_owned(),
        streaming,
    }
}

/// Forgets what has expired, now and then, for ever; `forget_more`: what else is to be forgotten.
pub(super) async fn sweep(tasks: Tasks, store: Arc<dyn Store>, clock: Clock, forget_more: impl Fn()) {
    loop {
        tokio::time::sleep(SWEEP).await;
        forget_more();
        tasks.forget_the_expired();
        tasks.keep_what_failed().await;
        if let Err(error) = store.purge(clock.now()).await {
            tracing::warn!(error = %error, "expired records cannot be forgotten");
        }
    }
}

/// Tells every session when a list has changed.
pub(super) async fn tell(sessions: SessionDirectory, registry: LiveRegistry) {
    let mut changes = registry.changes();
    while let Some(change) = changes.next().await {
        sessions.tell_all(&change);
    }
}

/// Reads the settings again on each SIGHUP and takes over what may change while the gateway runs: the toolsets.
pub(super) async fn reload(reread: Reread, registry: LiveRegistry) {
    let mut hangups = Hangups::listen();
    loop {
        hangups.next().await;
        match reread() {
            Ok(settings) => {
                let changed = registry.offer(&settings.sessions.toolsets);
                tracing::info!(changed, "settings read again: toolsets are taken over, everything else needs a restart");
            }
            Err(errors) => {
                for error in errors {
                    tracing::error!(error = %error, "settings cannot be read again, so nothing has changed");
                }
            }
        }
    }
}

/// Closes the store: what was said to be kept is on the disk.
pub(super) async fn close(database: &Database) {
    if let Err(error) = database.close().await {
        tracing::error!(error = %error, "the store did not close in good order");
    }
}
