//! Where prices come from, and who polls them.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::dev::Server;
use anyhow::Context as _;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use tickgate_actors::feed::FeedSettings;
use tickgate_actors::stream::MarketState;
use tickgate_actors::supervisor::{MarketDataFactory, MarketHandles, SupervisorActor, SupervisorSettings};
use tickgate_actors::{Clock, Metrics};
use tickgate_core::feed::{InboxLimits, Timing};
use tickgate_core::market::{Calendar, MarketPhase, Source};
use tickgate_core::ports::{FeedConnector, MarketData};

use super::replay;
use crate::settings::{FeedSource, MarketSource, Settings, UpstreamSettings};
use crate::upstream::polygon::{PolygonClient, PolygonFeed, PolygonSettings, RECORDING_URL, UpstreamMetrics};
use crate::upstream::replay::{Playhead, Recording, ReplayMarket};
use crate::upstream::simulated::{SessionMode, Simulator};

/// Where everything comes from that is known of the market.
pub(super) struct Upstream {
    /// The simulated one, started on a loopback port of its own.
    pub(super) simulator: Option<(Simulator, Server)>,
    /// How the client asks it.
    pub(super) client: PolygonSettings,
    /// A recording and its speed, if that is the market.
    pub(super) replay: Option<(Arc<Recording>, f64)>,
}

/// Finds the upstream, or starts it.
///
/// # Errors
/// When the simulated market cannot listen, or a recording cannot be read.
pub(super) fn upstream(settings: &UpstreamSettings) -> anyhow::Result<Upstream> {
    let client = |base_url, key, source| PolygonSettings { base_url, key, plan: settings.plan, source };
    match &settings.market {
        MarketSource::Real { base_url, key } => {
            Ok(Upstream { simulator: None, client: client(base_url.clone(), key.clone(), Source::Poll), replay: None })
        }
        MarketSource::Replay { file, speed } => {
            let recording = Recording::read(file);
            let recording = recording.with_context(|| format!("the recording {} cannot be played", file.display()))?;
            let (events, gaps, cut) = (recording.events.len(), recording.gaps, recording.cut);
            tracing::info!(events, gaps, cut, speed, "a recording is played: these prices are of another time");
            // The client asks nobody: a recording holds no answers to questions.
            let client = client(RECORDING_URL.parse()?, SecretString::from("replay"), recording.source());
            Ok(Upstream { simulator: None, client, replay: Some((Arc::new(recording), *speed)) })
        }
        MarketSource::Simulated => {
            let (simulator, server) = Simulator::start(settings.simulator.clone(), SocketAddr::from(([127, 0, 0, 1], 0)))?;
            let client = client(simulator.base_url().parse()?, SecretString::from("simulated"), Source::Simulated);
            Ok(Upstream { simulator: Some((simulator, server)), client, replay: None })
        }
    }
}

/// Starts the market. `replay`: the recording that it plays, if it is one.
pub(super) fn start_market(
    settings: &Settings,
    client: &Arc<PolygonSettings>,
    replay: Option<(Arc<Recording>, f64)>,
    upstream: &UpstreamMetrics,
    clock: Clock,
    metrics: &Metrics,
) -> MarketHandles {
    let (polled, upstream) = (Arc::clone(client), upstream.clone());
    let source = client.source;
    let playhead = Playhead::default();
    let played = replay.as_ref().map(|(recording, _)| (Arc::clone(recording), playhead.clone()));
    let factory: MarketDataFactory = Arc::new(move |quota| -> Rc<dyn MarketData> {
        match played.clone() {
            Some((recording, playhead)) => Rc::new(ReplayMarket::new(recording, playhead)),
            None => Rc::new(PolygonClient::new((*polled).clone(), quota, clock, upstream.clone())),
        }
    });
    let delayed = replay.is_some() || settings.upstream.plan.delayed();
    let state = MarketState::by(calendar(&settings.upstream), clock, source, delayed);
    let supervisor = SupervisorSettings {
        tape: settings.streams.tape,
        quota: tickgate_actors::quota::QuotaSettings { per_minute: settings.upstream.per_minute },
        linger_ms: settings.streams.linger_secs * 1_000,
        feed: feed(&settings.upstream, client),
    };
    let market = SupervisorActor::launch(supervisor, factory, state, clock, metrics.clone());
    if let Some((recording, speed)) = replay {
        replay::announce(&recording, &market);
        actix_rt::spawn(replay::perform(recording, speed, playhead, market.clone(), clock));
    }
    market
}

/// When the stock market trades: a simulated one may never close, and one whose time runs at another speed has no hours of ours.
fn calendar(settings: &UpstreamSettings) -> Calendar {
    // A recording is of another time: what it says of its session is all there is to know.
    if matches!(settings.market, MarketSource::Replay { .. }) {
        return Calendar::always(MarketPhase::Regular);
    }
    let simulated = matches!(settings.market, MarketSource::Simulated);
    if simulated && (settings.simulator.session == SessionMode::Open || settings.simulator.speed != 1.0) {
        return Calendar::always(MarketPhase::Regular);
    }
    Calendar::weekly(new_york())
}

pub(super) fn new_york() -> TimeZone {
    TimeZone::get("America/New_York").expect("the time zone database is built in")
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

#[cfg(test)]
mod tests {
    use tickgate_core::time::Millis;

    use super::*;
    use crate::upstream::polygon::{FuturesApi, Plan};
    use crate::upstream::simulated::SimulatorSettings;

    #[test]
    fn a_simulated_market_is_open_at_night_unless_it_follows_the_clock() {
        let saturday = Millis::parse_rfc3339("2026-03-14T15:00:00Z").unwrap();
        for (session, speed, phase) in [
            (SessionMode::Open, 1.0, MarketPhase::Regular),
            (SessionMode::Clock, 1.0, MarketPhase::Closed),
            (SessionMode::Clock, 60.0, MarketPhase::Regular),
        ] {
            let settings = UpstreamSettings {
                market: MarketSource::Simulated,
                plan: Plan::Advanced,
                feed: FeedSource::Off,
                per_minute: 60,
                futures_api: FuturesApi::Vx,
                cache_max_bytes: 0,
                simulator: SimulatorSettings { session, speed, ..SimulatorSettings::default() },
            };
            assert_eq!(calendar(&settings).phase(saturday), phase, "{session:?} {speed}");
        }
    }
}
