//! Status items: what they say, and when they say something new.

use std::collections::BTreeMap;

use tickgate_core::market::{Stamp, StatusItem};
use tickgate_core::tape::{Draft, Kind};
use tickgate_core::time::Millis;

use super::subject::{StatusSubject, draft};
use super::{MarketState, StreamParts};

/// What a reader would notice: a status that says the same is not told again.
pub(super) fn summary(status: &StatusSubject, state: &MarketState) -> String {
    let market = status.market.as_ref().map_or("", |market| market.market.as_str());
    format!("{market}/{}/{}/{:?}", state.phase().as_str(), state.health().as_str(), status.feeds())
}

pub(super) fn item(status: &StatusSubject, parts: &StreamParts, now: Millis) -> Vec<u8> {
    let reason = status.failing().map(|kind| kind.as_str());
    let market = status.market.as_ref().map(|market| market.market.as_str());
    let state = if reason.is_some() { "degraded" } else { "ok" };
    StatusItem { state, symbol: None, reason, market, feeds: status.feeds(), stamp: stamp(parts, now) }.to_item()
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
        stamp: stamp(parts, now),
    };
    draft(Kind::Status, vec![parts.topic.clone()], item.to_item(), now)
}

fn stamp(parts: &StreamParts, now: Millis) -> Stamp {
    let state = &parts.market_state;
    Stamp { as_of: now, source: state.source(), delayed: false, session: state.phase() }
}
