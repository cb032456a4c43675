//! What one more caller costs whose answer is at hand: from the call to the shared answer, without a socket.

use std::hint::black_box;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use prometheus::Registry;
use tickgate::upstream::cache::{CacheMetrics, UpstreamCache};
use tickgate::upstream::polygon::{Path, Plan, PolygonClient, PolygonSettings, UpstreamCall, UpstreamMetrics};
use tickgate::upstream::simulated::{Simulator, SimulatorSettings};
use tickgate_actors::quota::QuotaSettings;
use tickgate_actors::stream::MarketState;
use tickgate_actors::supervisor::{MarketDataFactory, SupervisorActor, SupervisorSettings};
use tickgate_actors::{Clock, Metrics};
use tickgate_core::budget::Payer;
use tickgate_core::market::{CacheClass, MarketPhase, Session, Source};
use tickgate_core::tape::Limits;

const MAX_BYTES: u64 = 64 << 20;

fn client_of(base_url: &str, clock: Clock, registry: &Registry) -> PolygonClient {
    let settings = PolygonSettings {
        base_url: base_url.parse().expect("a URL"),
        key: "bench".into(),
        plan: Plan::Advanced,
        source: Source::Simulated,
    };
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
    PolygonClient::new(settings, quota, clock, metrics)
}

fn cache(c: &mut Criterion) {
    let system = actix_rt::System::new();
    let (clock, registry) = (Clock::start(), Registry::new());
    let new_york = TimeZone::get("America/New_York").expect("the time zone database is built in");
    let metrics = CacheMetrics::register(&registry).expect("a new registry");
    let cache = UpstreamCache::new(MAX_BYTES, new_york, clock, metrics);
    let (client, call) = system.block_on(async {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let (simulator, server) = Simulator::start(SimulatorSettings::default(), loopback).expect("a free port");
        actix_rt::spawn(server);
        let client = Rc::new(client_of(&simulator.base_url(), clock, &registry));
        let path = Path::new("/v3/reference/tickers/{ticker}", &[("ticker", "AAPL")]).expect("a path");
        let call =
            UpstreamCall { path, query: Vec::new(), payer: Payer::Polling, deadline: clock.now().plus(20_000), request_id: None };
        cache.get(&client, call.clone(), CacheClass::Reference, &Session::OPEN).await.expect("the simulator answers");
        (client, call)
    });
    let mut group = c.benchmark_group("cache");
    group.throughput(Throughput::Elements(1));
    group.bench_function("hit", |b| {
        b.iter(|| {
            let call = call.clone();
            black_box(system.block_on(cache.get(&client, call, CacheClass::Reference, &Session::OPEN)).expect("it is at hand"))
        });
    });
    group.finish();
}

criterion_group!(benches, cache);
criterion_main!(benches);
