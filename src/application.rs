//! The only place that knows everyone: builds the gateway from its settings, and runs it until it is told to stop.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::Actor as _;
use actix_web::HttpServer;
use actix_web::dev::{Server, ServerHandle};
use actix_web_prom::PrometheusMetricsBuilder;
use anyhow::Context as _;
use futures_util::StreamExt as _;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use tickgate_actors::alerts::{Alerts, AlertsParts};
use tickgate_actors::call::{Catalog, Started};
use tickgate_actors::session::{DirectoryLimits, SessionDirectory};
use tickgate_actors::stateless::Stateless;
use tickgate_actors::stream::MarketState;
use tickgate_actors::supervisor::{MarketDataFactory, MarketHandles, SupervisorActor, SupervisorSettings};
use tickgate_actors::tasks::Tasks;
use tickgate_actors::window::{TapeWindow, WindowActor};
use tickgate_actors::{Clock, Metrics};
use tickgate_core::access::{Caller, Principal, Scope};
use tickgate_core::market::{MarketPhase, Source};
use tickgate_core::mcp::{Icon, ServerInfo};
use tickgate_core::ports::{MarketData, Seal, Store};
use tickgate_core::session::SessionLimits;
use tokio::sync::watch;

use crate::auth::{Authenticator, JwtAuthority, development_secret};
use crate::http::{Gateway, HttpMetrics, HttpSettings, Limiters, MoreRoutes, StreamSlots, Worker, app, openapi_document};
use crate::process::{bind, bound_writes, wait_for_signal};
use crate::registry::{LiveRegistry, Registry, RegistryCatalog};
use crate::sealing::Sealer;
use crate::settings::{
    AccessSettings, AuthMode, Environment, ListenSettings, MarketSource, SessionSettings, Settings, UpstreamSettings,
    VersionCheck,
};
use crate::storage::{SqliteStore, data_keys, open_store};
use crate::tools::{ToolContext, ToolMetrics};
use crate::upstream::polygon::{PolygonClient, PolygonSettings, UpstreamMetrics};
use crate::upstream::simulated::Simulator;

/// Bytes kept per connection for a reader that is slow, before its body is no longer asked.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;
/// A connection that has not taken this many keep-alives is gone.
const SILENT_KEEPALIVES: u32 = 4;
/// A client that holds a stream open and has been silent for this long is pinged, in ms.
const PING_MS: u64 = 300_000;
/// How often what has expired is forgotten: full rate-limit accounts, tasks, records.
const SWEEP: Duration = Duration::from_secs(60);

/// A gateway that is bound and ready to run.
pub struct Application {
    address: SocketAddr,
    server: Server,
    simulator: Option<(Simulator, Server)>,
    gateway: Arc<Gateway>,
    limiters: Limiters,
    tasks: Tasks,
    kept: Kept,
    drain: Duration,
}

/// What survives a restart, and what only we can read.
struct Kept {
    seal: Arc<dyn Seal>,
    store: Arc<dyn Store>,
    database: Arc<SqliteStore>,
}

impl Kept {
    fn open(settings: &Settings) -> anyhow::Result<Self> {
        let sealer = Arc::new(Sealer::new(&data_keys(settings)?)?);
        let database = Arc::new(open_store(settings, Arc::clone(&sealer))?);
        Ok(Self { seal: sealer, store: Arc::<SqliteStore>::clone(&database), database })
    }
}

/// Stops a running gateway, as SIGTERM does.
#[derive(Clone)]
pub struct Stopper {
    gateway: Arc<Gateway>,
    drain: Duration,
    server: ServerHandle,
    simulator: Option<ServerHandle>,
}

impl Stopper {
    /// Readiness off, streams told goodbye, open requests given their time, then the end.
    pub async fn stop(&self) {
        tracing::info!("shutting down: no new work, streams are told goodbye");
        self.gateway.draining.send_replace(true);
        self.gateway.market.drain();
        self.gateway.sessions.drain();
        match self.gateway.sessions.rest(self.drain / 2).await {
            Ok(kept) => tracing::info!(sessions = kept, "sessions are kept for the next start"),
            Err(error) => tracing::error!(error = %error, "sessions cannot be kept: their clients will start anew"),
        }
        self.server.stop(true).await;
        if let Some(simulator) = &self.simulator {
            simulator.stop(false).await;
        }
    }
}

impl Application {
    /// Binds and wires everything. `registry`: what models can call. Must be called on an actix system.
    ///
    /// # Errors
    /// When a port is taken, a folder cannot be written, or the settings contradict each other.
    pub async fn build(settings: Settings, registry: Registry) -> anyhow::Result<Self> {
        Self::build_with(settings, registry, Arc::new(|_, _| {})).await
    }

    /// The same with routes beside the product's own.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub async fn build_with(settings: Settings, registry: Registry, more: MoreRoutes) -> anyhow::Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = Clock::start();
        // Before the port is bound: a folder that is in use or a damaged database is refused first.
        let kept = Kept::open(&settings)?;
        let listener = bind(&settings.listen)?;
        let address = listener.local_addr()?;
        let public_url = public_url(&settings.listen, address);
        let metrics_registry = prometheus::Registry::new();
        let actor_metrics = Metrics::register(&metrics_registry)?;
        let upstream_metrics = UpstreamMetrics::register(&metrics_registry)?;
        let (simulator, client_settings) = upstream(&settings.upstream)?;
        let client_settings = Arc::new(client_settings);
        let market = start_market(&settings, &client_settings, &upstream_metrics, clock, &actor_metrics);
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
        let openapi = openapi_document(&public_url, &registry);
        let gateway = Arc::new(Gateway {
            settings: http_settings(&settings, &public_url, address),
            authenticator: authenticator(&settings.access, &settings.listen, &public_url, clock)?,
            sessions: sessions(&settings.sessions, &kept.store, clock, actor_metrics),
            session_limits: session_limits(&settings.sessions),
            server_info: Arc::new(server_info(settings.sessions.streaming, &public_url)),
            registry: LiveRegistry::new(registry.with_toolsets(&settings.sessions.toolsets)),
            market: market.link.clone(),
            market_state: market.state.clone(),
            slots: StreamSlots::new(settings.limits.max_streams, settings.limits.max_streams_per_caller),
            metrics: HttpMetrics::register(&metrics_registry)?,
            openapi,
            clock,
            draining: watch::Sender::new(false),
        });
        let limiters = Limiters::new(&settings.limits);
        let parts = WorkerParts {
            gateway: Arc::clone(&gateway),
            market,
            client_settings,
            upstream_metrics,
            alerts,
            tool_metrics: ToolMetrics::register(&metrics_registry)?,
            tasks: tasks.clone(),
            seal: Arc::clone(&kept.seal),
            streaming: settings.sessions.streaming,
            more,
        };
        let server = serve(&settings, listener, parts, &limiters, &metrics_registry)?;
        log_start(&settings, &public_url);
        let drain = Duration::from_secs(settings.listen.drain_secs);
        Ok(Self { address, server, simulator, gateway, limiters, tasks, kept, drain })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The simulated market, if that is the upstream.
    #[must_use]
    pub fn simulator(&self) -> Option<Simulator> {
        self.simulator.as_ref().map(|(simulator, _)| simulator.clone())
    }

    /// What is shared by all workers.
    #[must_use]
    pub fn gateway(&self) -> Arc<Gateway> {
        Arc::clone(&self.gateway)
    }

    /// Stops it from elsewhere.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper {
            gateway: Arc::clone(&self.gateway),
            drain: self.drain,
            server: self.server.handle(),
            simulator: self.simulator.as_ref().map(|(_, server)| server.handle()),
        }
    }

    /// Runs until SIGTERM, SIGINT or a [`Stopper`] ends it.
    ///
    /// # Errors
    /// When a server fails.
    pub async fn run_until_stopped(self) -> io::Result<()> {
        let stopper = self.stopper();
        let signals = actix_rt::spawn(async move {
            wait_for_signal().await;
            stopper.stop().await;
        });
        let limiters = self.limiters;
        let (tasks, store, clock) = (self.tasks, self.kept.store, self.gateway.clock);
        let sweep = actix_rt::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                limiters.forget_the_idle();
                tasks.forget_the_expired();
                if let Err(error) = store.purge(clock.now()).await {
                    tracing::warn!(error = %error, "expired records cannot be forgotten");
                }
            }
        });
        let (sessions, mut changes) = (self.gateway.sessions.clone(), self.gateway.registry.changes());
        let tell = actix_rt::spawn(async move {
            while let Some(change) = changes.next().await {
                sessions.tell_all(&change);
            }
        });
        if let Some((_, simulator)) = self.simulator {
            actix_rt::spawn(simulator);
        }
        tracing::debug!(drain_secs = self.drain.as_secs(), "serving");
        let served = self.server.await;
        for task in [signals, sweep, tell] {
            task.abort();
        }
        if let Err(error) = self.kept.database.close().await {
            tracing::error!(error = %error, "the store did not close in good order");
        }
        served
    }
}

/// The URL that clients use, without trailing slash.
pub(crate) fn public_url(listen: &ListenSettings, address: SocketAddr) -> String {
    let url = listen.public_url.as_ref().map_or_else(|| format!("http://{address}"), ToString::to_string);
    url.trim_end_matches('/').to_owned()
}

/// The upstream that the client talks to; the simulated one is started here, on a loopback port of its own.
fn upstream(settings: &UpstreamSettings) -> anyhow::Result<(Option<(Simulator, Server)>, PolygonSettings)> {
    match &settings.market {
        MarketSource::Real { base_url, key } => {
            let client =
                PolygonSettings { base_url: base_url.clone(), key: key.clone(), plan: settings.plan, source: Source::Poll };
            Ok((None, client))
        }
        MarketSource::Simulated => {
            let (simulator, server) = Simulator::start(settings.simulator.clone(), SocketAddr::from(([127, 0, 0, 1], 0)))?;
            let client = PolygonSettings {
                base_url: simulator.base_url().parse()?,
                key: SecretString::from("simulated"),
                plan: settings.plan,
                source: Source::Simulated,
            };
            Ok((Some((simulator, server)), client))
        }
    }
}

fn start_market(
    settings: &Settings,
    client: &Arc<PolygonSettings>,
    upstream: &UpstreamMetrics,
    clock: Clock,
    metrics: &Metrics,
) -> MarketHandles {
    let (client, upstream) = (Arc::clone(client), upstream.clone());
    let source = client.source;
    let factory: MarketDataFactory = Arc::new(move |quota| -> Rc<dyn MarketData> {
        Rc::new(PolygonClient::new((*client).clone(), quota, clock, upstream.clone()))
    });
    let new_york = TimeZone::get("America/New_York").expect("the time zone database is built in");
    let state = MarketState::new(MarketPhase::by_clock(clock.now(), &new_york), source, settings.upstream.plan.delayed());
    let supervisor = SupervisorSettings {
        tape: settings.streams.tape,
        quota: tickgate_actors::quota::QuotaSettings { per_minute: settings.upstream.per_minute },
        linger_ms: settings.streams.linger_secs * 1_000,
    };
    SupervisorActor::launch(supervisor, factory, state, clock, metrics.clone())
}

fn http_settings(settings: &Settings, public_url: &str, address: SocketAddr) -> HttpSettings {
    let development = settings.listen.environment == Environment::Development;
    let own: Option<url::Url> = public_url.parse().ok();
    let own_host = own.as_ref().map(|url| url.authority().to_ascii_lowercase());
    let own_origin = own.map(|url| url.origin().ascii_serialization());
    HttpSettings {
        public_url: public_url.to_owned(),
        allowed_origins: settings.access.allowed_origins.iter().cloned().chain(own_origin).collect(),
        allowed_hosts: settings.access.allowed_hosts.iter().cloned().chain(own_host).chain([address.to_string()]).collect(),
        any_local_port: development,
        trusted_proxies: settings.access.trusted_proxies.clone(),
        client_ip_header: settings.access.client_ip_header.clone().unwrap_or_else(|| "x-forwarded-for".to_owned()),
        auth: settings.access.mode,
        metrics_public: settings.access.metrics_public,
        docs_public: settings.access.docs_public,
        development,
        limits: settings.limits,
        streams: settings.streams,
        lenient_versions: settings.sessions.version_check == VersionCheck::Lenient,
        loopback: settings.listen.host.is_loopback(),
    }
}

/// The authority that makes and checks our tokens.
///
/// # Errors
/// When the development secret cannot be kept, or no key pair can be derived.
pub fn jwt_authority(access: &AccessSettings, listen: &ListenSettings, public_url: &str) -> anyhow::Result<JwtAuthority> {
    let mut secrets = access.jwt_secrets.clone();
    if secrets.is_empty() && listen.environment == Environment::Development && access.mode != AuthMode::Off {
        let secret = development_secret(&listen.data_dir);
        secrets.push(
            secret.with_context(|| format!("the secret key of development cannot be kept in {}", listen.data_dir.display()))?,
        );
    }
    Ok(JwtAuthority::new(&secrets, public_url)?)
}

fn authenticator(
    access: &AccessSettings,
    listen: &ListenSettings,
    public_url: &str,
    clock: Clock,
) -> anyhow::Result<Authenticator> {
    Ok(Authenticator::new(access, jwt_authority(access, listen, public_url)?, clock))
}

fn sessions(settings: &SessionSettings, store: &Arc<dyn Store>, clock: Clock, metrics: Metrics) -> SessionDirectory {
    let limits = DirectoryLimits { sessions: settings.max_sessions, per_caller: settings.max_sessions_per_caller };
    SessionDirectory::new(limits, Arc::clone(store), clock, metrics)
}

fn session_limits(settings: &SessionSettings) -> SessionLimits {
    SessionLimits {
        idle_ms: settings.idle_secs * 1_000,
        max_ms: settings.max_secs * 1_000,
        max_calls: settings.max_calls_per_session,
        ping_ms: PING_MS,
    }
}

fn server_info(streaming: bool, public_url: &str) -> ServerInfo {
    ServerInfo {
        website: public_url.to_owned(),
        icons: vec![Icon { src: format!("{public_url}/assets/icon.png"), mime_type: "image/png", sizes: vec!["96x96"] }],
        name: "tickgate",
        version: env!("CARGO_PKG_VERSION"),
        instructions: include_str!("instructions.md").trim().to_owned(),
        streaming,
    }
}

/// What each worker is made of.
#[derive(Clone)]
struct WorkerParts {
    gateway: Arc<Gateway>,
    market: MarketHandles,
    client_settings: Arc<PolygonSettings>,
    upstream_metrics: UpstreamMetrics,
    alerts: Alerts,
    tool_metrics: ToolMetrics,
    tasks: Tasks,
    seal: Arc<dyn Seal>,
    streaming: bool,
    more: MoreRoutes,
}

impl WorkerParts {
    /// Makes a worker on the thread that it will serve.
    fn build(&self) -> Rc<Worker> {
        let clock = self.gateway.clock;
        let window = TapeWindow::new(self.gateway.settings.streams.tape, self.market.link.clone(), clock);
        self.market.link.attach(WindowActor::new(window.clone()).start().recipient());
        let upstream =
            PolygonClient::new((*self.client_settings).clone(), self.market.quota.clone(), clock, self.upstream_metrics.clone());
        let context = Rc::new(ToolContext {
            window,
            upstream: Rc::new(upstream),
            market: self.market.state.clone(),
            registry: self.gateway.registry.clone(),
            alerts: self.alerts.clone(),
            metrics: self.tool_metrics.clone(),
            streaming: self.streaming,
            clock,
        });
        let server = Arc::clone(&self.gateway.server_info);
        let meta = server.result_meta();
        let registry = self.gateway.registry.clone();
        let catalog: Rc<dyn Catalog> =
            Rc::new(RegistryCatalog::new(registry, Rc::clone(&context), server, Arc::clone(&self.seal)));
        self.resume_tasks(&catalog);
        let stateless = Stateless {
            catalog: Rc::clone(&catalog),
            tasks: self.tasks.clone(),
            seal: Arc::clone(&self.seal),
            clock,
            draining: self.gateway.draining.subscribe(),
            meta,
        };
        Rc::new(Worker { gateway: Arc::clone(&self.gateway), context, catalog, stateless })
    }

    /// Runs the tasks again that ran before the restart; the first worker gets them all.
    fn resume_tasks(&self, catalog: &Rc<dyn Catalog>) {
        for task in self.tasks.claim() {
            // What it may do was decided when it was made; it does no more than that.
            let caller = Caller { principal: Principal::restored(&task.principal()), scope: Scope::Write, authenticated: true };
            let (request, link) = task.call();
            match catalog.start(request, &caller, link) {
                Started::Done(outcome) => task.finish_with(outcome),
                Started::Running(handler) => task.run(handler),
            }
        }
    }
}

fn serve(
    settings: &Settings,
    listener: TcpListener,
    parts: WorkerParts,
    limiters: &Limiters,
    registry: &prometheus::Registry,
) -> anyhow::Result<Server> {
    let prometheus = PrometheusMetricsBuilder::new("tickgate")
        .registry(registry.clone())
        .mask_unmatched_patterns("unmatched")
        // A stream is counted when it ends, after minutes: its time would say nothing.
        .exclude("/events")
        .exclude_regex("/api/mcp/stream-.*")
        .build()
        .map_err(|error| anyhow::anyhow!("metrics of requests cannot be registered: {error}"))?;
    let limiters = limiters.clone();
    let write_deadline = Duration::from_secs(settings.streams.keepalive_secs) * SILENT_KEEPALIVES;
    let server = HttpServer::new(move || app(parts.build(), &limiters, prometheus.clone(), &parts.more))
        .workers(settings.listen.workers)
        .tcp_nodelay(true)
        .h1_allow_half_closed(false)
        .h1_write_buffer_size(WRITE_BUFFER_BYTES)
        .on_connect(move |connection, _| bound_writes(connection, write_deadline))
        // The sessions have had the first half.
        .shutdown_timeout(settings.listen.drain_secs.div_ceil(2))
        .disable_signals()
        .listen(listener)?
        .run();
    Ok(server)
}

fn log_start(settings: &Settings, public_url: &str) {
    let market = match settings.upstream.market {
        MarketSource::Simulated => "simulated: these are not real prices",
        MarketSource::Real { .. } => "real",
    };
    tracing::info!(url = public_url, market, environment = %settings.listen.environment, auth = %settings.access.mode, "tickgate serves {public_url}");
    match settings.access.mode {
        AuthMode::InsecureOff => tracing::warn!("AUTH=insecure-off: everyone who can reach {public_url} may use it"),
        AuthMode::Optional => tracing::warn!("AUTH=optional: anonymous callers can read; meant for migration only"),
        AuthMode::Off | AuthMode::Required => {}
    }
}
