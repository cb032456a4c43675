//! Status items: what they say, and when they say something new.

use std::collections::BTreeMap;

use tickgate_core::market::{MarketPhase, Stamp, StatusItem};
use tickgate_core::tape::{Draft, Kind};
use tickgate_core::time::Millis;

use super::subject::{StatusSubject, draft};
use super::{MarketState, StreamParts};

/// What a reader would notice: a status that says the same is not told again.
pub(super) fn summary(status: &StatusSubject, state: &MarketState) -> String {
    let market = status.market.as_ref().map_or("", |market| market.market.as_str());
    // The calendar rings the bell before the upstream's word is heard: both together are one event, not two.
    let phase = status.phase.unwrap_or_else(|| state.phase());
    format!("{market}/{}/{}/{:?}", phase.as_str(), state.health().as_str(), status.feeds())
}

pub(super) fn item(status: &StatusSubject, parts: &StreamParts, now: Millis) -> Vec<u8> {
    let reason = status.failing().map(|kind| kind.as_str());
    let market = status.market.as_ref().map(|market| market.market.as_str());
    let session = parts.market_state.session();
    let state = match reason {
        Some(_) => "degraded",
        None if session.is_closed() => "market_closed",
        None => "ok",
    };
    let trading = session.phase == Some(MarketPhase::Regular);
    let (next_open, next_close) = if trading { (None, session.next_close) } else { (session.next_open, None) };
    StatusItem { state, symbol: None, reason, market, feeds: status.feeds(), next_open, next_close, stamp: stamp(parts, now) }
        .to_item()
}

/// Told on the symbol's own topic, so that a stream that waits for its first price learns why none comes.
pub(super) fn unknown_symbol(parts: &StreamParts) -> Draft {
    let now = parts.clock.now();
    let symbol = parts.topic.symbol();
    let item = StatusItem {
        state: "unknown_symbol",
        symbol,
        reason: Some("not_found"),
        market: None,
        feeds: BTreeMap::new(),
        next_open: None,
        next_close: None,
        stamp: stamp(parts, now),
    };
    draft(Kind::Status, vec![parts.topic.clone()], item.to_item(), now)
}

fn stamp(parts: &StreamParts, now: Millis) -> Stamp {
    let state = &parts.market_state;
    Stamp { as_of: now, source: state.source(), delayed: false, session: state.phase() }
}
