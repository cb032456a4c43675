//! What one more caller costs whose answer is at hand: from the call to the shared answer, without a socket; and what it costs to
//! have an own upstream key among many who have one.

use std::hint::black_box;
use std::net::SocketAddr;
use std::path::Path as Folder;
use std::rc::Rc;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use prometheus::Registry;
use secrecy::SecretString;
use tickgate::sealing::Sealer;
use tickgate::storage::SqliteStore;
use tickgate::upstream::cache::{CacheMetrics, UpstreamCache};
use tickgate::upstream::own::{OwnKeys, WantedKey};
use tickgate::upstream::polygon::{Path, Plan, PolygonClient, PolygonSettings, UpstreamCall, UpstreamMetrics};
use tickgate::upstream::shared::SharedUpstream;
use tickgate::upstream::simulated::{Simulator, SimulatorSettings};
use tickgate_actors::quota::{OwnQuotas, QuotaSettings};
use tickgate_actors::stream::MarketState;
use tickgate_actors::supervisor::{MarketDataFactory, SupervisorActor, SupervisorSettings};
use tickgate_actors::{Clock, Metrics};
use tickgate_core::access::Principal;
use tickgate_core::budget::Payer;
use tickgate_core::market::{CacheClass, MarketPhase, Session, Source};
use tickgate_core::tape::Limits;

const MAX_BYTES: u64 = 64 << 20;

fn settings_of(base_url: &str) -> PolygonSettings {
    PolygonSettings {
        base_url: base_url.parse().expect("a URL"),
        key: "bench".into(),
        plan: Plan::Advanced,
        source: Source::Simulated,
    }
}

fn client_of(settings: &PolygonSettings, clock: Clock, registry: &Registry) -> PolygonClient {
    let metrics = UpstreamMetrics::register(registry).expect("a new registry");
    let (polled, counted) = (settings.clone(), metrics.clone());
    let factory: MarketDataFactory =
        Arc::new(move |quota| Rc::new(PolygonClient::new(polled.clone(), quota, clock, counted.clone())));
    let supervisor = SupervisorSettings {
        tape: Limits { max_events_per_topic: 10, max_bytes: 10_000, max_age_ms: 10_000 },
        quota: QuotaSettings { per_minute: 6_000 },
        linger_ms: 0,
        feed: None,
    };
    let state = MarketState::new(MarketPhase::Regular, Source::Simulated, false);
    let counters = Metrics::register(registry).expect("a new registry");
    let quota = SupervisorActor::launch(supervisor, factory, state, clock, counters).quota;
    PolygonClient::new(settings.clone(), quota, clock, metrics)
}

/// Callers with an own key.
const OWN_KEYS: usize = 1_000;

/// A worker's upstream, with callers `user:0` and so on who have own keys in a store of `folder`.
async fn upstream_of(
    client: Rc<PolygonClient>,
    settings: &PolygonSettings,
    cache: UpstreamCache,
    folder: &Folder,
) -> SharedUpstream {
    let sealer = Arc::new(Sealer::new(&[SecretString::from("5a".repeat(32))]).expect("a good key"));
    let store = Arc::new(SqliteStore::open(folder, sealer).expect("a store"));
    let clock = Clock::start();
    let budget = Metrics::register(&Registry::new()).expect("a new registry").budget;
    let own = OwnKeys::load(store, settings, OwnQuotas::new(budget, clock), clock).await.expect("an empty store");
    for number in 0..OWN_KEYS {
        let change = own.change(&user(number)).expect("nobody else changes it");
        let wanted = WantedKey::new(SecretString::from(format!("own-key-{number}")), Plan::Advanced).expect("a key");
        let key = change.prepare(wanted).expect("room for it");
        change.keep(key).await.expect("the store keeps it");
    }
    SharedUpstream::new(client, cache, MarketState::new(MarketPhase::Regular, Source::Simulated, false)).with_own_keys(own)
}

fn user(number: usize) -> Principal {
    Principal::new("user", &number.to_string())
}

fn cache(c: &mut Criterion) {
    let system = actix_rt::System::new();
    let (clock, registry) = (Clock::start(), Registry::new());
    let new_york = TimeZone::get("America/New_York").expect("the time zone database is built in");
    let metrics = CacheMetrics::register(&registry).expect("a new registry");
    let cache = UpstreamCache::new(MAX_BYTES, new_york, clock, metrics);
    let folder = tempfile::tempdir().expect("a folder");
    let (client, call, upstream) = system.block_on(async {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let (simulator, server) = Simulator::start(SimulatorSettings::default(), loopback).expect("a free port");
        actix_rt::spawn(server);
        let settings = settings_of(&simulator.base_url());
        let client = Rc::new(client_of(&settings, clock, &registry));
        let path = Path::new("/v3/reference/tickers/{ticker}", &[("ticker", "AAPL")]).expect("a path");
        let call =
            UpstreamCall { path, query: Vec::new(), payer: Payer::Polling, deadline: clock.now().plus(20_000), request_id: None };
        cache.get(&client, call.clone(), CacheClass::Reference, &Session::OPEN).await.expect("the simulator answers");
        let upstream = upstream_of(Rc::clone(&client), &settings, cache.clone(), folder.path()).await;
        (client, call, upstream)
    });
    let mut group = c.benchmark_group("cache");
    group.throughput(Throughput::Elements(1));
    group.bench_function("hit", |b| {
        b.iter(|| {
            let call = call.clone();
            black_box(system.block_on(cache.get(&client, call, CacheClass::Reference, &Session::OPEN)).expect("it is at hand"))
        });
    });
    let mut of_a_caller = |name: &str, caller: Principal| {
        let call = UpstreamCall { payer: Payer::Caller(caller), ..call.clone() };
        system.block_on(upstream.get(call.clone(), CacheClass::Reference)).expect("the simulator answers");
        group.bench_function(name, |b| {
            b.iter(|| black_box(system.block_on(upstream.get(call.clone(), CacheClass::Reference)).expect("it is at hand")));
        });
    };
    of_a_caller("hit_of_a_caller", Principal::new("user", "nobody"));
    of_a_caller("hit_with_an_own_key", user(OWN_KEYS / 2));
    group.finish();
}

criterion_group!(benches, cache);
criterion_main!(benches);
