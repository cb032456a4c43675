//! Where prices come from, and who polls them.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::dev::Server;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use tickgate_actors::feed::FeedSettings;
use tickgate_actors::stream::MarketState;
use tickgate_actors::supervisor::{MarketDataFactory, MarketHandles, SupervisorActor, SupervisorSettings};
use tickgate_actors::{Clock, Metrics};
use tickgate_core::feed::{InboxLimits, Timing};
use tickgate_core::market::{MarketPhase, Source};
use tickgate_core::ports::{FeedConnector, MarketData};

use crate::settings::{FeedSource, MarketSource, Settings, UpstreamSettings};
use crate::upstream::polygon::{PolygonClient, PolygonFeed, PolygonSettings, UpstreamMetrics};
use crate::upstream::simulated::Simulator;

/// The upstream that the client talks to; the simulated one is started here, on a loopback port of its own.
pub(super) fn upstream(settings: &UpstreamSettings) -> anyhow::Result<(Option<(Simulator, Server)>, PolygonSettings)> {
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

pub(super) fn start_market(
    settings: &Settings,
    client: &Arc<PolygonSettings>,
    upstream: &UpstreamMetrics,
    clock: Clock,
    metrics: &Metrics,
) -> MarketHandles {
    let (polled, upstream) = (Arc::clone(client), upstream.clone());
    let source = client.source;
    let factory: MarketDataFactory = Arc::new(move |quota| -> Rc<dyn MarketData> {
        Rc::new(PolygonClient::new((*polled).clone(), quota, clock, upstream.clone()))
    });
    let new_york = TimeZone::get("America/New_York").expect("the time zone database is built in");
    let state = MarketState::new(MarketPhase::by_clock(clock.now(), &new_york), source, settings.upstream.plan.delayed());
    let supervisor = SupervisorSettings {
        tape: settings.streams.tape,
        quota: tickgate_actors::quota::QuotaSettings { per_minute: settings.upstream.per_minute },
        linger_ms: settings.streams.linger_secs * 1_000,
        feed: feed(&settings.upstream, client),
    };
    SupervisorActor::launch(supervisor, factory, state, clock, metrics.clone())
}

/// The feed that the key opens, or the simulated market's own.
fn feed(settings: &UpstreamSettings, client: &PolygonSettings) -> Option<FeedSettings> {
    let (url, source) = match &settings.feed {
        FeedSource::Off => return None,
        FeedSource::At(url) => (url.clone(), Source::Ws),
        FeedSource::Simulated => {
            let url = client.base_url.as_str().replacen("http", "ws", 1);
            (url.parse().expect("the simulated market has an address"), Source::Simulated)
        }
    };
    let key = client.key.clone();
    let factory = Arc::new(move || -> Rc<dyn FeedConnector> { Rc::new(PolygonFeed::new(&url, key.clone())) });
    let (timing, inbox) = (Timing::default(), InboxLimits::default());
    Some(FeedSettings { factory, source, delayed: settings.plan.delayed(), timing, inbox })
}
