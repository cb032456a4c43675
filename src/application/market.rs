//! Where prices come from, and who polls them.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::dev::Server;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use tickgate_actors::stream::MarketState;
use tickgate_actors::supervisor::{MarketDataFactory, MarketHandles, SupervisorActor, SupervisorSettings};
use tickgate_actors::{Clock, Metrics};
use tickgate_core::market::{Calendar, MarketPhase, Source};
use tickgate_core::ports::MarketData;

use crate::settings::{MarketSource, Settings, UpstreamSettings};
use crate::upstream::polygon::{PolygonClient, PolygonSettings, UpstreamMetrics};
use crate::upstream::simulated::{SessionMode, Simulator};

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
    let (client, upstream) = (Arc::clone(client), upstream.clone());
    let source = client.source;
    let factory: MarketDataFactory = Arc::new(move |quota| -> Rc<dyn MarketData> {
        Rc::new(PolygonClient::new((*client).clone(), quota, clock, upstream.clone()))
    });
    let state = MarketState::by(calendar(&settings.upstream), clock, source, settings.upstream.plan.delayed());
    let supervisor = SupervisorSettings {
        tape: settings.streams.tape,
        quota: tickgate_actors::quota::QuotaSettings { per_minute: settings.upstream.per_minute },
        linger_ms: settings.streams.linger_secs * 1_000,
    };
    SupervisorActor::launch(supervisor, factory, state, clock, metrics.clone())
}

/// When the stock market trades: a simulated one may never close, and one whose time runs at another speed has no hours of ours.
fn calendar(settings: &UpstreamSettings) -> Calendar {
    let simulated = matches!(settings.market, MarketSource::Simulated);
    if simulated && (settings.simulator.session == SessionMode::Open || settings.simulator.speed != 1.0) {
        return Calendar::always(MarketPhase::Regular);
    }
    Calendar::weekly(new_york())
}

pub(super) fn new_york() -> TimeZone {
    TimeZone::get("America/New_York").expect("the time zone database is built in")
}
