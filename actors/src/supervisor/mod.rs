//! Life and death of everything below: it owns the factories, notices panics and rebuilds.
//!
//! Owns: the market arbiter, the address of every actor on it, and who wants which topic. Hears: `Watch`, `Unwatch`,
//! `AttachWindow`, deaths. Tells: streams what is wanted of them. Dies: with the process.
//!
//! actix's own supervisor does not survive a panic and keeps the state that caused it; an actor's `stopped` does run after a
//! panic, and that is the notice used here.

mod death;
mod feeds;
mod link;
mod messages;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use actix::{Actor, Addr, Arbiter, ArbiterHandle, AsyncContext, Context, Handler, Recipient};
use tickgate_core::market::cadence::{Interest, STATUS_INTERVAL_MS};
use tickgate_core::market::{Market, Topic};
use tickgate_core::ports::MarketData;
use tickgate_core::tape::Limits;
use tickgate_core::time::Millis;

use crate::clock::Clock;
use crate::feed::{FeedActor, FeedSettings};
use crate::metrics::Metrics;
use crate::poller::{PollLoad, PollerActor, PollerKind, PollerParts};
use crate::quota::{Quota, QuotaActor, QuotaSettings};
use crate::slot::Slot;
use crate::stream::{Await, Follow, MarketState, Remark, Repoll, StreamActor, StreamParts};
use crate::tape::{Attach, Publish, TapeActor};
use crate::window::WindowUpdate;

pub use death::{Death, Dying};
pub use link::{MarketLink, SupervisorLink};
pub use messages::{AttachWindow, Drain, Inspect, Inspection, Reply, WatchError, Watched};
pub(crate) use messages::{Feed, Rested, UnknownSymbol, Unwatch, Watch};

/// Mailbox bound: every client of a large restart asking at once.
const MAILBOX: usize = 16_384;
/// Symbols remembered as unknown, and for how long.
const MAX_UNKNOWN: usize = 10_000;
const UNKNOWN_MS: u64 = 3_600_000;
/// How long a rebuilt poller waits before its first call: an answer that kills pollers costs no more calls than one that does not.
const REBUILT_POLLER_PAUSE_MS: u64 = 1_000;

/// Every market.
const MARKETS: [Market; 5] = [Market::Stocks, Market::Options, Market::Crypto, Market::Forex, Market::Indices];

/// Makes the upstream client for the thread that it is called on.
pub type MarketDataFactory = Arc<dyn Fn(Quota) -> Rc<dyn MarketData> + Send + Sync>;

/// What the supervisor builds from.
#[derive(Clone)]
pub struct SupervisorSettings {
    /// How much the tape keeps.
    pub tape: Limits,
    /// The upstream budget.
    pub quota: QuotaSettings,
    /// How long a topic is still polled after its last subscriber left (`POLL_LINGER_SECS`).
    pub linger_ms: u64,
    /// The upstream's feed, if the plan has one: prices then come by it, and are polled while it is away.
    pub feed: Option<FeedSettings>,
}

struct Watching {
    stream: Addr<StreamActor>,
    interest: Interest,
}

/// Owns every actor on the market arbiter.
pub struct SupervisorActor {
    settings: SupervisorSettings,
    market_data: MarketDataFactory,
    market: ArbiterHandle,
    /// Where the feeds live: reading their sockets must not wait for the market.
    feed_arbiter: ArbiterHandle,
    market_state: MarketState,
    clock: Clock,
    metrics: Metrics,
    load: PollLoad,
    tape: Slot<TapeActor>,
    quota: Quota,
    quota_slot: Slot<QuotaActor>,
    pollers: HashMap<PollerKind, Slot<PollerActor>>,
    feeds: HashMap<Market, Slot<FeedActor>>,
    status: Slot<StreamActor>,
    windows: Vec<Recipient<WindowUpdate>>,
    topics: HashMap<Topic, Watching>,
    unknown: HashMap<Topic, Millis>,
    fed: HashSet<Topic>,
}

/// What the rest of the gateway needs to reach the market.
#[derive(Clone)]
pub struct MarketHandles {
    /// To watch topics and to attach windows.
    pub link: MarketLink,
    /// The upstream budget, for calls made elsewhere.
    pub quota: Quota,
    /// Session and upstream health.
    pub state: MarketState,
}

impl SupervisorActor {
    /// Starts the supervisor on this arbiter and the market on one of its own. `settings`, `market_data`: what to build from.
    #[must_use]
    pub fn launch(
        settings: SupervisorSettings,
        market_data: MarketDataFactory,
        state: MarketState,
        clock: Clock,
        metrics: Metrics,
    ) -> MarketHandles {
        let market = Arbiter::new().handle();
        let feed = if settings.feed.is_some() { Arbiter::new().handle() } else { market.clone() };
        Self::launch_at([market, feed], settings, market_data, state, clock, metrics)
    }

    /// The same with all of it on a given arbiter: tests run everything on one, whose time they hold.
    #[cfg(test)]
    pub(crate) fn launch_on(
        arbiter: ArbiterHandle,
        settings: SupervisorSettings,
        market_data: MarketDataFactory,
        state: MarketState,
        clock: Clock,
        metrics: Metrics,
    ) -> MarketHandles {
        Self::launch_at([arbiter.clone(), arbiter], settings, market_data, state, clock, metrics)
    }

    fn launch_at(
        [market, feed_arbiter]: [ArbiterHandle; 2],
        settings: SupervisorSettings,
        market_data: MarketDataFactory,
        state: MarketState,
        clock: Clock,
        metrics: Metrics,
    ) -> MarketHandles {
        let quota_slot = Slot::empty();
        let quota = Quota::new(quota_slot.clone(), settings.quota, clock);
        let load = PollLoad::new(settings.quota.per_minute);
        let (market_state, budget) = (state.clone(), quota.clone());
        let supervisor = Self::create(|_| Self {
            settings,
            market_data,
            market,
            feed_arbiter,
            market_state,
            clock,
            metrics,
            load,
            tape: Slot::empty(),
            quota: budget,
            quota_slot,
            pollers: HashMap::new(),
            feeds: HashMap::new(),
            status: Slot::empty(),
            windows: Vec::new(),
            topics: HashMap::new(),
            unknown: HashMap::new(),
            fed: HashSet::new(),
        });
        MarketHandles { link: MarketLink::new(supervisor), quota, state }
    }

    fn link(ctx: &Context<Self>) -> SupervisorLink {
        SupervisorLink::new(ctx.address())
    }

    fn build_quota(&self, ctx: &Context<Self>) {
        let (quota, metrics, link) = (self.quota.clone(), self.metrics.budget.clone(), Self::link(ctx));
        self.quota_slot.fill(QuotaActor::start_in_arbiter(&self.market, move |_| QuotaActor::new(&quota, metrics, Some(link))));
    }

    fn build_tape(&self, ctx: &Context<Self>) {
        let (limits, windows, clock, metrics, link) =
            (self.settings.tape, self.windows.clone(), self.clock, self.metrics.clone(), Self::link(ctx));
        self.tape.fill(TapeActor::start_in_arbiter(&self.market, move |_| TapeActor::new(limits, windows, clock, metrics, link)));
    }

    fn build_poller(&mut self, kind: PollerKind, begins: Millis, ctx: &Context<Self>) {
        let parts = PollerParts {
            kind,
            begins,
            load: self.load.clone(),
            status: self.status.clone(),
            market_state: self.market_state.clone(),
            clock: self.clock,
            metrics: self.metrics.clone(),
            supervisor: Self::link(ctx),
        };
        let (market_data, quota) = (Arc::clone(&self.market_data), self.quota.clone());
        let address = PollerActor::start_in_arbiter(&self.market, move |_| PollerActor::new(parts, market_data(quota)));
        self.pollers.entry(kind).or_insert_with(Slot::empty).fill(address);
    }

    fn build_stream(&self, topic: &Topic, ctx: &Context<Self>) -> Addr<StreamActor> {
        let parts = StreamParts {
            topic: topic.clone(),
            tape: self.tape.clone(),
            poller: PollerKind::of(topic).filter(|_| !self.fed.contains(topic)).and_then(|kind| self.pollers.get(&kind)).cloned(),
            feed: self.feed_of(topic),
            load: self.load.clone(),
            market_state: self.market_state.clone(),
            linger_ms: self.settings.linger_ms,
            clock: self.clock,
            supervisor: Self::link(ctx),
        };
        let address = StreamActor::start_in_arbiter(&self.market, move |_| StreamActor::new(parts));
        if *topic == Topic::Status {
            self.status.fill(address.clone());
        }
        address
    }

    fn watch(&mut self, watch: Watch, ctx: &Context<Self>) {
        let now = self.clock.now();
        self.unknown.retain(|_, until| *until > now);
        if self.unknown.contains_key(&watch.topic) {
            // It is counted all the same: it will be taken back.
            if let Some(watching) = self.topics.get_mut(&watch.topic).filter(|_| watch.add) {
                watching.interest.add(watch.interval_ms);
            }
            let _ = watch.reply.send(Err(WatchError::UnknownSymbol(watch.topic)));
            return;
        }
        // Who only asks for the place has declared interest before: without any there is nothing to wait for.
        if watch.add && !self.topics.contains_key(&watch.topic) {
            let stream = self.build_stream(&watch.topic, ctx);
            self.metrics.topics_by_kind.with_label_values(&[watch.topic.kind()]).inc();
            self.topics.insert(watch.topic.clone(), Watching { stream, interest: Interest::default() });
            self.count_topics();
        }
        let Some(watching) = self.topics.get_mut(&watch.topic) else { return };
        if watch.add {
            watching.interest.add(watch.interval_ms);
            tell(&watching.stream, Follow(watching.interest.least_ms()));
        }
        tell(&watching.stream, Await { ready: watch.ready, reply: watch.reply });
    }

    fn unwatch(&mut self, Unwatch { topic, interval_ms }: &Unwatch) {
        if let Some(watching) = self.topics.get_mut(topic) {
            watching.interest.remove(*interval_ms);
            tell(&watching.stream, Follow(watching.interest.least_ms()));
        }
    }

    fn rebuild(&mut self, death: Death, ctx: &Context<Self>) {
        tracing::error!(actor = death.actor(), "an actor died of a panic; rebuilding it");
        self.metrics.actor_restarts.with_label_values(&[death.actor()]).inc();
        match death {
            Death::Quota => self.build_quota(ctx),
            Death::Tape => {
                self.build_tape(ctx);
                self.topics.values().for_each(|watching| tell(&watching.stream, Remark));
            }
            Death::Poller(kind) => {
                self.build_poller(kind, self.clock.now().plus(REBUILT_POLLER_PAUSE_MS), ctx);
                let followers = self.topics.iter().filter(|(topic, _)| PollerKind::of(topic) == Some(kind));
                followers.for_each(|(_, watching)| tell(&watching.stream, Repoll));
            }
            Death::Feed(market) => self.rebuild_feed(market, ctx),
            Death::Stream(topic) => self.rebuild_stream(&topic, ctx),
        }
    }

    fn rebuild_stream(&mut self, topic: &Topic, ctx: &Context<Self>) {
        let stream = self.build_stream(topic, ctx);
        if let Some(watching) = self.topics.get_mut(topic) {
            tell(&stream, Follow(watching.interest.least_ms()));
            watching.stream = stream;
        }
    }

    fn count_topics(&self) {
        self.metrics.topics_watched.set(i64::try_from(self.topics.len()).unwrap_or(i64::MAX));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is wanted of a stream must not be lost, and the supervisor's own mailbox bounds how much it can be"
)]
fn tell<M>(stream: &Addr<StreamActor>, message: M)
where
    StreamActor: Handler<M>,
    M: actix::Message + Send + 'static,
    M::Result: Send,
{
    stream.do_send(message);
}

impl Actor for SupervisorActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.build_quota(ctx);
        self.build_tape(ctx);
        for market in MARKETS {
            self.build_feed(market, self.clock.now(), ctx);
        }
        for kind in MARKETS.map(PollerKind::Quotes).into_iter().chain([PollerKind::News, PollerKind::Status]) {
            self.build_poller(kind, self.clock.now(), ctx);
        }
        // Every answer names the market session, so somebody always wants it.
        let stream = self.build_stream(&Topic::Status, ctx);
        let mut interest = Interest::default();
        interest.add(STATUS_INTERVAL_MS);
        tell(&stream, Follow(interest.least_ms()));
        self.topics.insert(Topic::Status, Watching { stream, interest });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.feed_arbiter.stop();
        self.market.stop();
    }
}

impl Handler<Watch> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, watch: Watch, ctx: &mut Self::Context) {
        self.watch(watch, ctx);
    }
}

impl Handler<Unwatch> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, unwatch: Unwatch, _: &mut Self::Context) {
        self.unwatch(&unwatch);
    }
}

impl Handler<Rested> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, Rested(topic): Rested, ctx: &mut Self::Context) {
        if self.topics.get(&topic).is_some_and(|watching| watching.interest.is_empty()) {
            self.topics.remove(&topic);
            self.metrics.topics_by_kind.with_label_values(&[topic.kind()]).dec();
            self.count_topics();
        } else {
            // Somebody came just as it stopped, and what that one wanted of it was lost.
            self.rebuild_stream(&topic, ctx);
        }
    }
}

impl Handler<UnknownSymbol> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, UnknownSymbol(topic): UnknownSymbol, _: &mut Self::Context) {
        if self.unknown.len() < MAX_UNKNOWN {
            self.unknown.insert(topic, self.clock.now().plus(UNKNOWN_MS));
        }
    }
}

impl Handler<AttachWindow> for SupervisorActor {
    type Result = ();

    #[expect(clippy::disallowed_methods, reason = "a window that is not attached would stay empty for ever")]
    fn handle(&mut self, AttachWindow(window): AttachWindow, _: &mut Self::Context) {
        // A window that was rebuilt takes the place of the one that died.
        self.windows.retain(Recipient::connected);
        self.windows.push(window.clone());
        if let Some(tape) = self.tape.get() {
            tape.do_send(Attach(window));
        }
    }
}

impl Handler<Feed> for SupervisorActor {
    type Result = ();

    #[expect(clippy::disallowed_methods, reason = "an event that was fed must not be lost")]
    fn handle(&mut self, Feed { topic, draft }: Feed, _: &mut Self::Context) {
        // Nobody polls alerts: remembering every one that ever fired would serve nothing.
        if PollerKind::of(&topic).is_some() {
            self.fed.insert(topic);
        }
        if let (Some(draft), Some(tape)) = (draft, self.tape.get()) {
            tape.do_send(Publish(draft));
        }
    }
}

impl Handler<Drain> for SupervisorActor {
    type Result = ();

    #[expect(clippy::disallowed_methods, reason = "a reader that is not told goodbye holds the shutdown up; once per process")]
    fn handle(&mut self, _: Drain, _: &mut Self::Context) {
        for window in &self.windows {
            window.do_send(WindowUpdate::Drain);
        }
    }
}

impl Handler<Inspect> for SupervisorActor {
    type Result = actix::MessageResult<Inspect>;

    fn handle(&mut self, _: Inspect, _: &mut Self::Context) -> Self::Result {
        actix::MessageResult(Inspection { topics: self.topics.keys().map(ToString::to_string).collect() })
    }
}

impl Handler<Dying> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, Dying(death): Dying, ctx: &mut Self::Context) {
        self.rebuild(death, ctx);
    }
}
