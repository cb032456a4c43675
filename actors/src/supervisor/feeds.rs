//! The feeds: one per market, if the plan has them.

use actix::{Actor, Context};
use tickgate_core::market::{Market, Topic};
use tickgate_core::time::Millis;

use super::{REBUILT_POLLER_PAUSE_MS, SupervisorActor, tell};
use crate::feed::{FeedActor, FeedParts};
use crate::poller::PollerKind;
use crate::slot::Slot;
use crate::stream::Refeed;

impl SupervisorActor {
    pub(super) fn build_feed(&mut self, market: Market, begins: Millis, ctx: &Context<Self>) {
        let Some(settings) = self.settings.feed.clone() else { return };
        let parts = FeedParts {
            market,
            begins,
            market_state: self.market_state.clone(),
            status: self.status.clone(),
            clock: self.clock,
            metrics: self.metrics.clone(),
            supervisor: Self::link(ctx),
            settings,
        };
        let address = FeedActor::start_in_arbiter(&self.feed_arbiter, move |_| {
            let connector = (parts.settings.factory)();
            FeedActor::new(parts, connector)
        });
        self.feeds.entry(market).or_insert_with(Slot::empty).fill(address);
    }

    /// Who feeds a topic: prices, and the bars that are made of them, and only those that are polled otherwise.
    pub(super) fn feed_of(&self, topic: &Topic) -> Option<Slot<FeedActor>> {
        let (Topic::Prices(symbol) | Topic::Bars(symbol, _)) = topic else { return None };
        if self.fed.contains(topic) { None } else { self.feeds.get(&symbol.market()).cloned() }
    }

    pub(super) fn rebuild_feed(&mut self, market: Market, ctx: &Context<Self>) {
        self.build_feed(market, self.clock.now().plus(REBUILT_POLLER_PAUSE_MS), ctx);
        let followers = self.topics.iter().filter(|(topic, _)| PollerKind::of(topic) == Some(PollerKind::Quotes(market)));
        followers.for_each(|(_, watching)| tell(&watching.stream, Refeed));
    }
}
