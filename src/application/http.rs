//! An HTTP server for many clients.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::dev::{Server, ServerHandle};
use actix_web_prom::PrometheusMetricsBuilder;

use super::housekeeping::{Housekeeping, note_start, note_stop, people};
use super::identity::Identity;
use super::oauth::authorization_server;
use super::parts::{Kept, Parts, close, reload, server_info, session_limits, sweep, tell};
use super::sign_in::Browsers;
use super::worker::{Served, WorkerParts};
use super::{jwt_authority, public_url};
use crate::auth::Authenticator;
use crate::http::{Gateway, HttpMetrics, HttpSettings, Limiters, MoreRoutes, StreamSlots, Worker, app, openapi_document};
use crate::oidc::ProviderClient;
use crate::process::{bind, bound_writes, outlive_file_size_limit, wait_for_signal};
use crate::registry::Registry;
use crate::settings::{AuthMode, Environment, MarketSource, Reread, Settings, VersionCheck};
use crate::storage::StoreHealth;
use crate::tools::Account;
use crate::upstream::simulated::Simulator;

/// Bytes kept per connection for a reader that is slow, before its body is no longer asked.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;
/// A connection that has not taken this many keep-alives is gone.
const SILENT_KEEPALIVES: u32 = 4;

/// A gateway that is bound and ready to run.
pub struct Application {
    address: SocketAddr,
    server: Server,
    simulator: Option<(Simulator, Server)>,
    gateway: Arc<Gateway>,
    limiters: Limiters,
    worker: WorkerParts,
    kept: Kept,
    identity: Identity,
    housekeeping: Housekeeping,
    drain: Duration,
    reread: Option<Reread>,
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
        let (kept, lost) = self.gateway.sessions.rest(self.drain / 2).await;
        tracing::info!(kept, lost, "sessions are kept for the next start; the clients of lost ones begin anew");
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
        outlive_file_size_limit();
        // Before the port is bound: a folder that is in use or a damaged database is refused first.
        let kept = Kept::open(&settings)?;
        let metrics_registry = prometheus::Registry::new();
        let identity = Identity::load(&settings, &kept, &metrics_registry).await?;
        let listener = bind(&settings.listen)?;
        let address = listener.local_addr()?;
        let public_url = public_url(&settings.listen, address);
        let openapi = openapi_document(&public_url, &registry);
        let server_info = server_info(settings.sessions.streaming, &public_url);
        let parts = Parts::start(&settings, registry, server_info, kept, &metrics_registry).await?;
        let belongings = parts.belongings();
        let Parts { simulator, sessions, worker, kept } = parts;
        let people = people(&identity, &kept, belongings);
        let housekeeping = Housekeeping::new(&settings, &identity, &people);
        let Browsers { browsers, tickets, sign_in } = Browsers::open(&settings, &public_url, &kept.store, &identity)?;
        let oauth = authorization_server(&settings, &kept, &identity, &public_url, browsers.as_ref())?;
        let resource_metadata = oauth.as_ref().map(|_| format!("{public_url}/.well-known/oauth-protected-resource/mcp"));
        let gateway = Arc::new(Gateway {
            settings: HttpSettings { resource_metadata, ..http_settings(&settings, &public_url, address) },
            oauth: oauth.map(Arc::new),
            authenticator: Arc::new(authenticator(&settings, &public_url, &identity)?),
            browsers,
            tickets,
            sign_in,
            tokens: jwt_authority(&settings.access, &settings.listen, &public_url)?,
            directory: identity.directory.clone(),
            keys: identity.keys.clone(),
            people,
            links: identity.key_links(&kept.seal, &public_url),
            audit: identity.audit.clone(),
            refusals: Arc::default(),
            sessions,
            session_limits: session_limits(&settings.sessions),
            server_info: Arc::clone(&worker.server_info),
            registry: worker.registry.clone(),
            market: worker.market.link.clone(),
            market_state: worker.market.state.clone(),
            upstream: worker.upstream_metrics.clone(),
            store: StoreHealth::register(&kept.database, &metrics_registry)?,
            slots: StreamSlots::new(settings.limits.max_streams, settings.limits.max_streams_per_caller),
            metrics: HttpMetrics::register(&metrics_registry)?,
            openapi,
            clock: worker.clock,
            draining: worker.draining.clone(),
        });
        let limiters = Limiters::new(&settings.limits);
        let parts = HttpParts { account: account(&gateway), gateway: Arc::clone(&gateway), worker: worker.clone(), more };
        let server = serve(&settings, listener, parts, &limiters, &metrics_registry)?;
        log_start(&settings, &public_url);
        let drain = Duration::from_secs(settings.listen.drain_secs);
        Ok(Self { address, server, simulator, gateway, limiters, worker, kept, identity, housekeeping, drain, reread: None })
    }

    /// With a way to read the settings again on SIGHUP.
    #[must_use]
    pub fn rereading(mut self, reread: Reread) -> Self {
        self.reread = Some(reread);
        self
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
        let (limiters, cache, own_keys) = (self.limiters, self.worker.cache, self.worker.own_keys);
        let forget = move || {
            limiters.forget_the_idle();
            cache.tidy();
            own_keys.tidy();
        };
        note_start(&self.gateway);
        let housekeeping = self.housekeeping.run();
        let following = self.identity.run();
        let watch = actix_rt::spawn(self.gateway.store.clone().watch(Arc::clone(&self.kept.store)));
        let sweep = actix_rt::spawn(sweep(self.worker.tasks, self.kept.store, self.gateway.clock, forget));
        let tell = actix_rt::spawn(tell(self.gateway.sessions.clone(), self.gateway.registry.clone()));
        let registry = self.gateway.registry.clone();
        let reload = self.reread.map(|reread| actix_rt::spawn(reload(reread, registry)));
        if let Some((_, simulator)) = self.simulator {
            actix_rt::spawn(simulator);
        }
        tracing::debug!(drain_secs = self.drain.as_secs(), "serving");
        let served = self.server.await;
        for task in [signals, watch, sweep, tell].into_iter().chain(housekeeping).chain(reload) {
            task.abort();
        }
        note_stop(&self.gateway);
        following.end().await;
        close(&self.kept.database).await;
        served
    }
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
        access_token_secs: settings.access.access_token_secs,
        metrics_public: settings.access.metrics_public,
        docs_public: settings.access.docs_public,
        development,
        limits: settings.limits,
        streams: settings.streams,
        lenient_versions: settings.sessions.version_check == VersionCheck::Lenient,
        legacy_sse: settings.sessions.legacy_sse,
        reports: settings.telemetry.sentry_dsn.is_some(),
        loopback: settings.listen.host.is_loopback(),
        resource_metadata: None,
    }
}

fn authenticator(settings: &Settings, public_url: &str, identity: &Identity) -> anyhow::Result<Authenticator> {
    let access = &settings.access;
    let tokens = jwt_authority(access, &settings.listen, public_url)?;
    Ok(Authenticator::new(access, tokens, identity.directory.clone(), identity.hashing.clone(), identity.clock))
}

/// What the tools of accounts work with: the same as the routes.
fn account(gateway: &Gateway) -> Arc<Account> {
    Arc::new(Account {
        authenticator: Arc::clone(&gateway.authenticator),
        browsers: gateway.browsers.clone(),
        oauth: gateway.oauth.clone(),
        directory: gateway.directory.clone(),
        keys: gateway.keys.clone(),
        links: gateway.links.clone(),
        audit: gateway.audit.clone(),
        refusals: Arc::clone(&gateway.refusals),
        clock: gateway.clock,
    })
}

/// What each HTTP worker is made of.
#[derive(Clone)]
struct HttpParts {
    gateway: Arc<Gateway>,
    worker: WorkerParts,
    account: Arc<Account>,
    more: MoreRoutes,
}

impl HttpParts {
    /// Makes a worker on the thread that it will serve.
    fn build(&self) -> Rc<Worker> {
        let Served { context, catalog, stateless } = self.worker.build(Some(Arc::clone(&self.account)));
        Rc::new(Worker { gateway: Arc::clone(&self.gateway), context, catalog, stateless, provider: ProviderClient::new() })
    }
}

fn serve(
    settings: &Settings,
    listener: TcpListener,
    parts: HttpParts,
    limiters: &Limiters,
    registry: &prometheus::Registry,
) -> anyhow::Result<Server> {
    let prometheus = PrometheusMetricsBuilder::new("tickgate")
        .registry(registry.clone())
        .mask_unmatched_patterns("unmatched")
        // A stream is counted when it ends, after minutes: its time would say nothing.
        .exclude("/events")
        // Its own metric stops when a stream begins.
        .exclude("/mcp")
        .exclude("/sse")
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
        MarketSource::Replay { .. } => "a recording: these are prices of another time",
        MarketSource::Real { .. } => "real",
    };
    tracing::info!(url = public_url, market, environment = %settings.listen.environment, auth = %settings.access.mode, "tickgate serves {public_url}");
    match settings.access.mode {
        AuthMode::InsecureOff => tracing::warn!("AUTH=insecure-off: everyone who can reach {public_url} may use it"),
        AuthMode::Optional => tracing::warn!("AUTH=optional: anonymous callers can read; meant for migration only"),
        AuthMode::Off | AuthMode::Required => {}
    }
}
