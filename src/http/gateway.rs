//! What handlers work with: shared by all workers, and what each worker has of its own.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use bytes::Bytes;
use ipnet::IpNet;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry as MetricsRegistry};
use tickgate_actors::Clock;
use tickgate_actors::call::Catalog;
use tickgate_actors::session::SessionDirectory;
use tickgate_actors::stateless::Stateless;
use tickgate_actors::stream::MarketState;
use tickgate_actors::supervisor::MarketLink;
use tickgate_core::mcp::ServerInfo;
use tickgate_core::session::SessionLimits;
use tokio::sync::watch;

use super::route::{Kind, RouteSpec};
use super::slots::StreamSlots;
use crate::auth::{Authenticator, BrowserSessions, JwtAuthority, StreamTickets};
use crate::identity::{AuditWriter, Directory, KeyLinks, KeyService, PeopleService, Refusals};
use crate::oauth::AuthorizationServer;
use crate::oidc::{ProviderClient, SignIn};
use crate::registry::LiveRegistry;
use crate::settings::{AuthMode, LimitSettings, StreamSettings};
use crate::storage::StoreHealth;
use crate::tools::ToolContext;
use crate::upstream::polygon::UpstreamMetrics;

/// Settings that handlers and layers look at.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Without trailing slash.
    pub public_url: String,
    /// Browser origins let in; see [`HttpSettings::any_local_port`].
    pub allowed_origins: Vec<String>,
    /// Host headers answered, lower case.
    pub allowed_hosts: Vec<String>,
    /// localhost and 127.0.0.1 on any port are let in, as origin and as host: development.
    pub any_local_port: bool,
    /// Peers whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Header in which such a peer tells the client's address.
    pub client_ip_header: String,
    /// Who gets in.
    pub auth: AuthMode,
    /// Life of an access token.
    pub access_token_secs: u64,
    /// Whether `/metrics` needs no credential.
    pub metrics_public: bool,
    /// Whether `/docs` and `/openapi.json` need none.
    pub docs_public: bool,
    /// Whether `POST /test-error` needs none.
    pub development: bool,
    /// How much.
    pub limits: LimitSettings,
    /// Event streams.
    pub streams: StreamSettings,
    /// Whether an unknown `MCP-Protocol-Version` is allowed.
    pub lenient_versions: bool,
    /// Whether the HTTP+SSE transport of 2024-11-05 is served.
    pub legacy_sse: bool,
    /// Whether errors are reported (`SENTRY_DSN`).
    pub reports: bool,
    /// `HOST` is a loopback address.
    pub loopback: bool,
    /// Where the protected resource metadata is; `None` when there is no authorization server.
    pub resource_metadata: Option<String>,
}

/// Counters of the edge.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    /// Everything that is exposed at `/metrics`.
    pub registry: MetricsRegistry,
    /// MCP requests by method and status.
    pub mcp_requests: IntCounterVec,
    /// How long they took.
    pub mcp_duration: HistogramVec,
    /// Streams that are open, by kind.
    pub streams_open: IntGaugeVec,
    /// Streams closed, by kind and reason.
    pub streams_closed: IntCounterVec,
    /// Requests refused, by layer.
    pub refused: IntCounterVec,
    /// Requests with a stored API key, by the key's id and the kind of route.
    pub key_uses: IntCounterVec,
}

impl HttpMetrics {
    /// Makes the metrics and adds them to the registry.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn register(registry: &MetricsRegistry) -> prometheus::Result<Self> {
        let mcp_requests = IntCounterVec::new(Opts::new("mcp_requests_total", "MCP requests."), &["method", "status"])?;
        let duration =
            HistogramOpts::new("mcp_request_duration_seconds", "Time until an MCP request was answered or its stream began.");
        let mcp_duration = HistogramVec::new(duration, &["method"])?;
        let streams_open = IntGaugeVec::new(Opts::new("tickgate_streams_open", "Event streams that are open."), &["kind"])?;
        let streams_closed =
            IntCounterVec::new(Opts::new("tickgate_streams_closed_total", "Event streams closed."), &["kind", "reason"])?;
        let refused =
            IntCounterVec::new(Opts::new("tickgate_refused_total", "Requests refused, by the layer that did."), &["layer"])?;
        registry.register(Box::new(mcp_requests.clone()))?;
        registry.register(Box::new(mcp_duration.clone()))?;
        registry.register(Box::new(streams_open.clone()))?;
        registry.register(Box::new(streams_closed.clone()))?;
        registry.register(Box::new(refused.clone()))?;
        let key_uses =
            IntCounterVec::new(Opts::new("tickgate_api_key_uses_total", "Requests with a stored API key."), &["key", "route"])?;
        registry.register(Box::new(key_uses.clone()))?;
        Ok(Self { registry: registry.clone(), mcp_requests, mcp_duration, streams_open, streams_closed, refused, key_uses })
    }
}

/// Shared by all workers.
pub struct Gateway {
    /// Settings.
    pub settings: HttpSettings,
    /// Who calls.
    pub authenticator: Arc<Authenticator>,
    /// The authorization server for MCP clients, where people can sign in.
    pub oauth: Option<Arc<AuthorizationServer>>,
    /// Which browsers are signed in; `None` without `SESSION_SECRET_KEY`.
    pub browsers: Option<Arc<BrowserSessions>>,
    /// Tickets for event streams; `None` as well.
    pub tickets: Option<StreamTickets>,
    /// Where browsers sign in; `None` without `GOOGLE_CLIENT_ID`.
    pub sign_in: Option<SignIn>,
    /// Makes access tokens.
    pub tokens: JwtAuthority,
    /// Which keys and people are good now.
    pub directory: Directory,
    /// Makes and changes API keys.
    pub keys: KeyService,
    /// Lists, changes and erases people.
    pub people: PeopleService,
    /// Opens the links under which keys are shown.
    pub links: KeyLinks,
    /// The audit log.
    pub audit: AuditWriter,
    /// Refused keys that were told to it.
    pub refusals: Arc<Refusals>,
    /// Which sessions exist.
    pub sessions: SessionDirectory,
    /// Bounds of each.
    pub session_limits: SessionLimits,
    /// What we say of ourselves.
    pub server_info: Arc<ServerInfo>,
    /// What clients can use.
    pub registry: LiveRegistry,
    /// The market.
    pub market: MarketLink,
    /// Session and upstream health.
    pub market_state: MarketState,
    /// How the upstream is asked: what its health is judged by beside whether it answers.
    pub upstream: UpstreamMetrics,
    /// Whether the store works.
    pub store: StoreHealth,
    /// Places for event streams.
    pub slots: StreamSlots,
    /// Counters.
    pub metrics: HttpMetrics,
    /// The OpenAPI document.
    pub openapi: Bytes,
    /// The time.
    pub clock: Clock,
    /// True while shutting down.
    pub draining: watch::Sender<bool>,
}

impl Gateway {
    /// Whether the gateway is shutting down.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }
}

impl HttpSettings {
    /// Whether MCP is spoken on a path.
    #[must_use]
    pub fn is_mcp(&self, path: &str) -> bool {
        let spec = RouteSpec::of(path).filter(|spec| spec.is_served(self));
        spec.is_some_and(|spec| matches!(spec.kind, Kind::Mcp | Kind::McpStream))
    }
}

/// What one worker has of its own; it never leaves the worker's thread.
pub struct Worker {
    /// What is shared.
    pub gateway: Arc<Gateway>,
    /// What tools and streams work with.
    pub context: Rc<ToolContext>,
    /// What sessions offer.
    pub catalog: Rc<dyn Catalog>,
    /// Requests that stand alone.
    pub stateless: Stateless,
    /// Asks the sign-in provider.
    pub provider: ProviderClient,
}

/// Gives a handler its worker.
pub(super) struct OnWorker(pub(super) Rc<Worker>);

impl FromRequest for OnWorker {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self(worker(request))))
    }
}

/// The worker that serves a request.
pub(super) fn worker(request: &HttpRequest) -> Rc<Worker> {
    request.app_data::<Rc<Worker>>().cloned().expect("every application has its worker (http/stack.rs)")
}

/// The peer of a request, or the client that a trusted peer names.
pub(super) fn client_ip(request: &HttpRequest, settings: &HttpSettings) -> IpAddr {
    let peer = request.peer_addr().map_or(IpAddr::from([0, 0, 0, 0]), |address| address.ip().to_canonical());
    if !is_trusted(peer, settings) {
        return peer;
    }
    let named = request.headers().get_all(settings.client_ip_header.as_str()).filter_map(|value| value.to_str().ok());
    let addresses: Vec<IpAddr> = named.flat_map(|value| value.split(',')).filter_map(|text| text.trim().parse().ok()).collect();
    // The last address that is not itself a trusted proxy: what stands before it, the client could have written.
    addresses.iter().rev().map(IpAddr::to_canonical).find(|address| !is_trusted(*address, settings)).unwrap_or(peer)
}

pub(super) fn is_trusted(peer: IpAddr, settings: &HttpSettings) -> bool {
    settings.trusted_proxies.iter().any(|proxies| proxies.contains(&peer))
}
