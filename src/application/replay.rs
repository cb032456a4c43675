//! How a recording is put on the tape: each event at its time, from the first moment that somebody listens.

use std::sync::Arc;
use std::time::Duration;

use tickgate_actors::Clock;
use tickgate_actors::supervisor::MarketHandles;
use tickgate_core::market::{Stamp, StatusItem, Topic};
use tickgate_core::tape::{Draft, Kind};
use tokio::time::sleep;

use crate::upstream::replay::{Playhead, Recorded, Recording, play};

/// How often it is looked whether somebody listens.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// From the first listener to the first event: who has just asked for a topic joins its worker's copy of the tape first.
const LEAD_IN: Duration = Duration::from_millis(500);

/// Says which topics a recording has, so that nobody polls them; before anybody can ask for one.
pub(super) fn announce(recording: &Recording, market: &MarketHandles) {
    for topic in recording.topics() {
        market.link.feed(topic, None);
    }
}

/// Plays a recording once, to its end. `status` is the gateway's own, and says at last
/// that the recording has ended.
pub(super) async fn perform(recording: Arc<Recording>, speed: f64, playhead: Playhead, market: MarketHandles, clock: Clock) {
    let names: Vec<String> = recording.topics().iter().map(ToString::to_string).collect();
    loop {
        match market.link.inspect().await {
            Ok(watched) if watched.topics.iter().any(|topic| names.contains(topic)) => break,
            Ok(_) => sleep(LOOK_EVERY).await,
            // The gateway is shutting down.
            Err(_) => return,
        }
    }
    sleep(LEAD_IN).await;
    let put = |event: &Recorded| {
        if let Some(topic) = event.topics.first().filter(|topic| **topic != Topic::Status) {
            market.link.feed(topic.clone(), Some(event.to_draft()));
        }
    };
    play(&recording, speed, &playhead, put).await;
    tracing::info!(events = recording.events.len(), "the recording has been played to its end");
    let stamp = Stamp { as_of: clock.now(), source: recording.source(), delayed: true, session: market.state.phase() };
    let item = StatusItem {
        state: "ended",
        symbol: None,
        reason: Some("end_of_recording"),
        market: None,
        feeds: std::collections::BTreeMap::new(),
        next_open: None,
        next_close: None,
        stamp,
    };
    let topics = vec![Topic::Status];
    let draft = Draft { kind: Kind::Status, topics, item: item.to_item(), as_of: clock.now(), identity: None, history: false };
    market.link.feed(Topic::Status, Some(draft));
}
