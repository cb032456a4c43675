//! What tools and resources work with, on one worker.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use tickgate_actors::Clock;
use tickgate_actors::alerts::Alerts;
use tickgate_actors::stream::MarketState;
use tickgate_actors::window::TapeWindow;
use tickgate_core::access::{Caller, Principal, Scope};
use tickgate_core::market::{Freshness, Source};
use tickgate_core::ports::Seal;
use tickgate_core::tape::{Event, Position};
use tickgate_core::time::Millis;

use super::account::Account;
use super::metrics::ToolMetrics;
use super::tool::Asks;
use crate::registry::LiveRegistry;
use crate::upstream::cache::{CachedAnswer, Hit};
use crate::upstream::shared::SharedUpstream;

/// What tools work with, on one worker.
pub struct ToolContext {
    /// The tape.
    pub window: TapeWindow,
    /// The upstream.
    pub upstream: SharedUpstream,
    /// Session and upstream health.
    pub market: MarketState,
    /// What is offered, which may change.
    pub registry: LiveRegistry,
    /// Price alerts.
    pub alerts: Alerts,
    /// Who is known, and who learns what happened; `None` where one client started us and nobody shows a credential.
    pub account: Option<Arc<Account>>,
    /// Seals cursors.
    pub seal: Arc<dyn Seal>,
    /// What tools count.
    pub metrics: ToolMetrics,
    /// Whether `stream:true` is served as a stream (`ENABLE_STREAMING`).
    pub streaming: bool,
    /// The time.
    pub clock: Clock,
}

impl ToolContext {
    /// The freshness of data of `as_of` that everybody gets, for someone who goes on from `position`.
    #[must_use]
    pub fn freshness(&self, as_of: Millis, delayed: bool, position: Position) -> Freshness {
        Freshness {
            as_of,
            age_ms: self.clock.now().since(as_of),
            source: self.market.source(),
            delayed: delayed || self.market.delayed(),
            session: self.market.phase(),
            stale: false,
            position: position.to_string(),
        }
    }

    /// The freshness of what an event of the tape tells, as it says itself: it may have come by the feed, or late on a plan that is not.
    /// Of nothing at all, that of now.
    #[must_use]
    pub fn freshness_told(&self, event: Option<&Event>, position: Position) -> Freshness {
        #[derive(Deserialize)]
        struct Said {
            source: Source,
            delayed: bool,
        }
        let told = self.freshness(event.map_or_else(|| self.clock.now(), |event| event.as_of), false, position);
        match event.and_then(|event| serde_json::from_slice::<Said>(&event.item()).ok()) {
            Some(Said { source, delayed }) => Freshness { source, delayed, ..told },
            None => told,
        }
    }

    /// The freshness of data of `as_of` that came with an answer; of the time of its fetch, if the data has none.
    #[must_use]
    pub fn freshness_of(&self, cached: &CachedAnswer, as_of: Option<Millis>, position: Position) -> Freshness {
        let CachedAnswer { answer, hit } = cached;
        self.freshness_asked(*hit, as_of.unwrap_or(answer.fetched), answer.delayed, position)
    }

    /// The freshness of data that the upstream was asked for. `hit`: how its answer was come by; `delayed`: whether the answer or the
    /// plan of the key that it was asked with says so, which may be another than the gateway's.
    #[must_use]
    pub fn freshness_asked(&self, hit: Hit, as_of: Millis, delayed: bool, position: Position) -> Freshness {
        let told = self.freshness(as_of, delayed, position);
        let source = match (hit, told.source) {
            // That it is no real price matters more than where it was kept.
            (Hit::Miss, source) | (_, source @ Source::Simulated) => source,
            (Hit::Fresh | Hit::Stale, _) => Source::Cache,
        };
        Freshness { source, delayed, stale: hit == Hit::Stale, ..told }
    }

    /// What an answer says of the budget of the key that it was asked with: members of `_meta`. One place for all tools, so that
    /// none can forget it.
    #[must_use]
    pub(crate) fn budget_meta(&self, asks: Asks, caller: &Principal) -> Option<Bytes> {
        let budget = match asks {
            Asks::Nothing => None,
            Asks::Shared => self.upstream.budget(),
            Asks::Callers => self.upstream.budget_of(caller),
        }?;
        let budget = serde_json::to_string(&budget).expect("a budget is numbers, words and dates");
        Some(format!("\"tickgate/budget\":{budget}").into())
    }

    /// The least interval that a caller may ask for, in ms.
    #[must_use]
    pub fn interval_floor_ms(caller: &Caller) -> u64 {
        if caller.scope.allows(Scope::Write) { 250 } else { 1_000 }
    }
}
