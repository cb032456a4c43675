//! A client, an upstream for it, and a real budget.

use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use actix_web::middleware::Compress;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use prometheus::Registry;
use secrecy::SecretString;
use tickgate_actors::quota::{Quota, QuotaSettings};
use tickgate_actors::stream::MarketState;
use tickgate_actors::supervisor::{SupervisorActor, SupervisorSettings};
use tickgate_actors::{Clock, Metrics};
use tickgate_core::access::Principal;
use tickgate_core::budget::Payer;
use tickgate_core::market::{Article, Market, MarketPhase, MarketStatus, Quote, Source, Symbol};
use tickgate_core::ports::{MarketData, NewsQuery, PortFuture, UpstreamError};
use tickgate_core::tape::Limits;
use url::Url;

use crate::upstream::polygon::{
    NextPage, PageCall, Path, Plan, PolygonClient, PolygonSettings, UpstreamAnswer, UpstreamCall, UpstreamMetrics,
};
use crate::upstream::simulated::{Faults, Simulator, SimulatorSettings};

/// What every test's client says to its upstream.
pub(super) const KEY: &str = "s3cretKey0fTheGateway";

/// Long enough for every retry.
pub(super) const PATIENCE_MS: u64 = 20_000;

/// Calls a minute of a budget that is never in the way: ten at once and a hundred a second.
pub(super) const PLENTY: u32 = 6_000;

/// Which client a test wants.
pub(in crate::upstream) struct Wanted<'a> {
    pub(super) base: &'a str,
    pub(super) key: &'a str,
    pub(super) plan: Plan,
    pub(super) per_minute: u32,
}

impl<'a> Wanted<'a> {
    pub(in crate::upstream) fn at(base: &'a str) -> Self {
        Self { base, key: KEY, plan: Plan::Advanced, per_minute: PLENTY }
    }

    pub(in crate::upstream) fn make(self) -> Bench {
        let (clock, registry) = (Clock::start(), Registry::new());
        let settings = PolygonSettings {
            base_url: Url::parse(self.base).unwrap(),
            key: SecretString::from(self.key),
            plan: self.plan,
            source: Source::Simulated,
        };
        let metrics = UpstreamMetrics::register(&registry).unwrap();
        let client = PolygonClient::new(settings, quota(self.per_minute, clock), clock, metrics);
        Bench { client, clock, registry }
    }
}

/// A client and what belongs to it.
pub(in crate::upstream) struct Bench {
    pub(in crate::upstream) client: PolygonClient,
    pub(super) clock: Clock,
    registry: Registry,
}

impl Bench {
    pub(in crate::upstream) fn call(&self, path: &'static str, query: &[(&'static str, &str)]) -> UpstreamCall {
        UpstreamCall {
            path: Path::new(path, &[]).unwrap(),
            query: query.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            payer: Payer::Caller(Principal::new("user", "ada")),
            deadline: self.clock.now().plus(PATIENCE_MS),
            request_id: None,
        }
    }

    pub(super) fn page(&self, next: NextPage) -> PageCall {
        PageCall { next, payer: Payer::Polling, deadline: self.clock.now().plus(PATIENCE_MS), request_id: None }
    }

    pub(super) async fn get(&self, path: &'static str) -> Result<UpstreamAnswer, UpstreamError> {
        self.client.get(self.call(path, &[])).await
    }

    /// Reads a counter, summed over its labels unless one is named.
    pub(super) fn count(&self, name: &str, label: Option<&str>) -> u64 {
        let families = self.registry.gather();
        let metrics = families.iter().filter(|family| family.name() == name).flat_map(|family| family.get_metric());
        let wanted =
            metrics.filter(|metric| label.is_none_or(|label| metric.get_label().iter().any(|pair| pair.value() == label)));
        wanted.map(|metric| metric.get_counter().get_value() as u64).sum()
    }

    pub(super) fn observations(&self) -> u64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == "tickgate_upstream_request_duration_seconds").unwrap();
        family.get_metric()[0].get_histogram().get_sample_count()
    }
}

/// The gateway's own budget, with nobody else spending it.
fn quota(per_minute: u32, clock: Clock) -> Quota {
    let settings = SupervisorSettings {
        tape: Limits { max_events_per_topic: 10, max_bytes: 10_000, max_age_ms: 10_000 },
        quota: QuotaSettings { per_minute },
        linger_ms: 0,
        feed: None,
    };
    let state = MarketState::new(MarketPhase::Closed, Source::Simulated, false);
    let metrics = Metrics::register(&Registry::new()).unwrap();
    SupervisorActor::launch(settings, Arc::new(|_| Rc::new(Silent)), state, clock, metrics).quota
}

/// The supervisor's own pollers get no answer, so they ask nothing.
struct Silent;

impl MarketData for Silent {
    fn quotes<'a>(&'a self, _: Market, _: &'a [Symbol]) -> PortFuture<'a, Result<Vec<Quote>, UpstreamError>> {
        Box::pin(std::future::pending())
    }

    fn quote_calls(&self, _: usize) -> u64 {
        0
    }

    fn news(&self, _: NewsQuery) -> PortFuture<'_, Result<Vec<Article>, UpstreamError>> {
        Box::pin(std::future::pending())
    }

    fn market_status(&self) -> PortFuture<'_, Result<MarketStatus, UpstreamError>> {
        Box::pin(std::future::pending())
    }
}

fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// Starts a simulated upstream in which this goes wrong.
pub(super) fn simulator(faults: &str) -> Simulator {
    seeded_simulator(faults, 1)
}

/// Starts a simulated upstream whose first request fails in this way and whose second does not.
pub(super) fn simulator_failing_once(fault: &str) -> Simulator {
    let text = format!("{fault}:0.5");
    let faults: Faults = text.parse().unwrap();
    let seed = (0..).find(|seed| faults.strike(*seed, 0).is_some() && faults.strike(*seed, 1).is_none()).unwrap();
    seeded_simulator(&text, seed)
}

fn seeded_simulator(faults: &str, seed: u64) -> Simulator {
    let settings = SimulatorSettings { seed, symbols: 50, faults: faults.parse().unwrap(), ..SimulatorSettings::default() };
    let (simulator, server) = Simulator::start(settings, any_port()).unwrap();
    actix_rt::spawn(server);
    simulator
}

/// A request as a scripted upstream saw it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// An upstream that answers as a test says.
pub(in crate::upstream) struct Scripted {
    pub(in crate::upstream) base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Scripted {
    /// `answer` gets the number of the request, from 0, and its path and query.
    pub(in crate::upstream) fn start(answer: impl Fn(usize, &str) -> HttpResponse + Clone + Send + 'static) -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let shared = Arc::clone(&seen);
        let server = HttpServer::new(move || {
            let (shared, answer) = (Arc::clone(&shared), answer.clone());
            let handler = move |request: HttpRequest| {
                let target = request.uri().to_string();
                let header = |(name, value): (&actix_web::http::header::HeaderName, &actix_web::http::header::HeaderValue)| {
                    (name.to_string(), value.to_str().unwrap().to_owned())
                };
                let headers = request.headers().iter().map(header).collect();
                let mut seen = shared.lock().unwrap();
                seen.push(Seen { target: target.clone(), headers });
                let response = answer(seen.len() - 1, &target);
                async move { response }
            };
            App::new().wrap(Compress::default()).default_service(web::to(handler))
        });
        let server = server.workers(1).disable_signals().shutdown_timeout(1).bind(any_port()).unwrap();
        let base = format!("http://{}", server.addrs()[0]);
        actix_rt::spawn(server.run());
        Self { base, seen }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(in crate::upstream) fn targets(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.target).collect()
    }
}

/// An answer as the upstream's.
pub(in crate::upstream) fn json(body: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(body.into())
}
