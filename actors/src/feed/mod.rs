//! The upstream's WebSocket feed of one market: one connection however many topics live on it.
//!
//! Owns: the connection and what it is subscribed to, what each followed symbol costs. Hears: `FollowFeed`, `UnfollowFeed`,
//! `Polled`, and its socket. Tells: each symbol's stream its prices and whether they come, the status stream how the feed does.
//! Dies: rebuilt by the supervisor after a pause; its streams tell it again what to follow.

mod link;
mod messages;
#[cfg(test)]
mod tests;
mod work;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Recipient, SpawnHandle, WrapFuture};
use tickgate_core::feed::{
    Book, ChannelKind, Connection, Effect, FeedState, InboxLimits, Input, Loss, Timing, action_message, channels_of,
};
use tickgate_core::market::{Market, MarketPhase, Source, Symbol, Topic};
use tickgate_core::ports::{FeedConnector, FeedLink, UpstreamError, UpstreamErrorKind};
use tickgate_core::time::Millis;

use crate::clock::{Clock, random_u128};
use crate::metrics::Metrics;
use crate::poller::{Observation, Observed};
use crate::slot::Slot;
use crate::stream::{MarketState, StreamActor};
use crate::supervisor::{Death, Dying, SupervisorLink};
use link::{Command, Link};

use messages::{Arrived, Beat, LinkClosed};
pub use messages::{FollowFeed, FromFeed, Polled, UnfollowFeed};

/// Mailbox bound: every stream of a large restart.
const MAILBOX: usize = 16_384;
/// How often the server is asked for a sign of life, and the session is looked at.
const PING_EVERY: Duration = Duration::from_secs(10);
/// How often a symbol whose price comes by the feed is polled all the same: it corrects the day's volume, tells a new previous
/// close, and bounds how long a channel that has silently stopped goes unnoticed; a call a minute serves a hundred symbols.
pub const FED_CHECK_MS: u64 = 60_000;

/// Makes the connector on the thread that it is called on.
pub type FeedFactory = Arc<dyn Fn() -> Rc<dyn FeedConnector> + Send + Sync>;

/// What the feeds are made of.
#[derive(Clone)]
pub struct FeedSettings {
    /// Opens their sockets.
    pub factory: FeedFactory,
    /// How their prices are marked: `Ws`, or `Simulated`.
    pub source: Source,
    /// Whether the plan delays them.
    pub delayed: bool,
    /// The rhythm of their connections.
    pub timing: Timing,
    /// How much may wait unparsed.
    pub inbox: InboxLimits,
}

/// What one feed is made of, beside its connector.
pub struct FeedParts {
    /// Which market.
    pub market: Market,
    /// Settings of all feeds.
    pub settings: FeedSettings,
    /// The moment of its first connection: what killed the one before must not do so again without a pause.
    pub begins: Millis,
    /// The market session.
    pub market_state: MarketState,
    /// Who tells readers how the feed does.
    pub status: Slot<StreamActor>,
    /// The time.
    pub clock: Clock,
    /// Counters.
    pub metrics: Metrics,
    /// Who mends it.
    pub supervisor: SupervisorLink,
}

/// A symbol that is followed: its prices, its bars, or both.
#[derive(Default)]
struct Followed {
    streams: HashMap<Topic, Recipient<FromFeed>>,
    /// Whether the server sends its price.
    held: bool,
    /// Whether its streams were told that its price comes: that needs a poll to lay it over, too.
    covered: bool,
}

/// Feeds topics of one market.
pub struct FeedActor {
    parts: FeedParts,
    connector: Rc<dyn FeedConnector>,
    connection: Connection,
    book: Book,
    followed: HashMap<Symbol, Followed>,
    link: Option<Link>,
    connecting: Option<SpawnHandle>,
    /// The kinds of channels whose refusal was logged for this connection.
    refused: HashSet<ChannelKind>,
    timer: Option<(Millis, SpawnHandle)>,
    /// Numbers the links, so that what an earlier one still says is not taken for the present one's.
    links: u64,
}

impl FeedActor {
    /// A feed that nobody follows yet.
    #[must_use]
    pub fn new(parts: FeedParts, connector: Rc<dyn FeedConnector>) -> Self {
        Self {
            connector,
            connection: Connection::new(parts.market, parts.settings.timing),
            book: Book::new(parts.settings.source, parts.settings.delayed),
            followed: HashMap::new(),
            link: None,
            connecting: None,
            refused: HashSet::new(),
            timer: None,
            links: 0,
            parts,
        }
    }

    /// Tells the machine what happened and does what it says.
    fn happened(&mut self, input: Input<'_>, ctx: &mut Context<Self>) {
        let random = u64::try_from(random_u128() >> 64).unwrap_or_default();
        let effects = self.connection.handle(input, self.parts.clock.now(), random);
        for effect in effects {
            self.perform(effect, ctx);
        }
        self.arm(ctx);
    }

    fn perform(&mut self, effect: Effect, ctx: &mut Context<Self>) {
        match effect {
            Effect::Connect => self.connect(ctx),
            Effect::Authenticate => self.command(Command::Authenticate, ctx),
            Effect::Subscribe(channels) => self.command(Command::Send(action_message(true, &channels)), ctx),
            Effect::Unsubscribe(channels) => self.command(Command::Send(action_message(false, &channels)), ctx),
            Effect::Disconnect(loss) => self.disconnected(loss, ctx),
            Effect::Covered(symbol) => self.hold(&symbol, true),
            Effect::Uncovered(symbol) => self.hold(&symbol, false),
            Effect::Denied(channel) => {
                self.count("denied");
                let (market, name) = (self.parts.market.as_str(), channel.to_string());
                // A plan that lacks one lacks all of its kind: once is enough for operators.
                if self.refused.insert(channel.kind) {
                    tracing::warn!(market, channel = name, "the feed refuses a channel; it is done without");
                } else {
                    tracing::debug!(market, channel = name, "the feed refuses a channel");
                }
            }
            Effect::State(state) => self.does(state),
        }
    }

    fn connect(&mut self, ctx: &mut Context<Self>) {
        let (connector, market) = (Rc::clone(&self.connector), self.parts.market);
        let pause = self.parts.begins.since(self.parts.clock.now());
        let step = Duration::from_millis(self.parts.settings.timing.step);
        let connecting = async move {
            if pause > 0 {
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            let late = || UpstreamError::new(UpstreamErrorKind::Timeout, "the feed could not be reached in time");
            tokio::time::timeout(step, connector.connect(market)).await.unwrap_or_else(|_| Err(late()))
        };
        let handle = ctx.spawn(connecting.into_actor(self).map(|link, feed, ctx| feed.connected(link, ctx)));
        self.connecting = Some(handle);
    }

    fn connected(&mut self, link: Result<FeedLink, UpstreamError>, ctx: &mut Context<Self>) {
        self.connecting = None;
        match link {
            Ok(link) => {
                self.links += 1;
                self.link = Some(Link::open(link, self.links, self.parts.market, self.parts.settings.inbox, &ctx.address()));
                self.count("opened");
                self.happened(Input::Opened, ctx);
            }
            Err(error) => {
                tracing::warn!(
                    market = self.parts.market.as_str(),
                    error.kind = error.kind.as_str(),
                    "the feed cannot be reached: {error}"
                );
                self.happened(Input::Closed, ctx);
            }
        }
    }

    fn command(&mut self, command: Command, ctx: &mut Context<Self>) {
        if let Some(link) = &self.link
            && !link.command(command)
        {
            // It takes nothing more: whatever it still does, what we wanted is lost.
            ctx.notify(LinkClosed { link: link.number, why: "what is to be sent does not get out" });
        }
    }

    fn disconnected(&mut self, loss: Loss, ctx: &mut Context<Self>) {
        if let Some(connecting) = self.connecting.take() {
            ctx.cancel_future(connecting);
        }
        self.link = None;
        self.refused.clear();
        self.count(loss.as_str());
        let market = self.parts.market.as_str();
        match loss {
            Loss::Unwanted => tracing::debug!(market, "the feed is closed: nobody wants it"),
            Loss::AuthFailed => tracing::error!(
                market,
                "the feed refuses the key, or is not the one of the plan: check MASSIVE_API_KEY, UPSTREAM_PLAN and MASSIVE_WS_URL; prices are polled"
            ),
            Loss::Crowded => tracing::warn!(
                market,
                "the feed was taken over by another connection of the same account; prices are polled, and it is tried again after a minute"
            ),
            _ => tracing::warn!(market, loss = loss.as_str(), "the feed is lost; prices are polled until it is back"),
        }
    }

    fn hold(&mut self, symbol: &Symbol, held: bool) {
        if let Some(followed) = self.followed.get_mut(symbol) {
            followed.held = held;
        }
        self.cover(symbol);
    }

    #[expect(clippy::disallowed_methods, reason = "a stream that does not hear that its feed is gone would not be polled")]
    fn cover(&mut self, symbol: &Symbol) {
        let Some(followed) = self.followed.get_mut(symbol) else { return };
        let covered = followed.held && self.book.quote(symbol).is_some();
        if std::mem::replace(&mut followed.covered, covered) != covered {
            followed.streams.values().for_each(|stream| stream.do_send(FromFeed::Covered(covered)));
        }
    }

    fn does(&self, state: FeedState) {
        let market = self.parts.market.as_str();
        self.parts.metrics.feed_live.with_label_values(&[market]).set(i64::from(state == FeedState::Live));
        tracing::info!(market, state = state.as_str(), "the feed has changed its state");
        if let Some(status) = self.parts.status.get() {
            let _ = status.try_send(Observed(Observation::Feed { market: self.parts.market, state }));
        }
    }

    fn count(&self, what: &str) {
        self.parts.metrics.feed_connections.with_label_values(&[self.parts.market.as_str(), what]).inc();
    }

    fn arm(&mut self, ctx: &mut Context<Self>) {
        let due = self.connection.next_wake();
        if let Some((armed, handle)) = self.timer.take() {
            if Some(armed) == due && armed > self.parts.clock.now() {
                self.timer = Some((armed, handle));
                return;
            }
            ctx.cancel_future(handle);
        }
        let Some(due) = due else { return };
        let handle = ctx.run_later(self.parts.clock.until(due), |feed, ctx| {
            feed.timer = None;
            feed.happened(Input::Time, ctx);
        });
        self.timer = Some((due, handle));
    }

    /// Whether data is to be expected.
    fn session_is_open(&self) -> bool {
        let phase = self.parts.market_state.shown_phase();
        match self.parts.market {
            Market::Crypto => true,
            // Currencies rest from Friday to Sunday; this errs on the side of patience at night.
            Market::Forex => phase != MarketPhase::Closed,
            Market::Stocks | Market::Options | Market::Indices => phase == MarketPhase::Regular,
        }
    }
}

impl Actor for FeedActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(PING_EVERY, |feed, ctx| {
            feed.command(Command::Ping, ctx);
            let open = feed.session_is_open();
            feed.happened(Input::Session { open }, ctx);
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.parts.supervisor.report(Dying::if_panicking(Death::Feed(self.parts.market)));
    }
}

impl Handler<FollowFeed> for FeedActor {
    type Result = ();

    #[expect(clippy::disallowed_methods, reason = "a stream that does not hear that its feed lives would be polled in vain")]
    fn handle(&mut self, FollowFeed { topic, stream }: FollowFeed, ctx: &mut Self::Context) {
        let Some(symbol) = topic.symbol().cloned() else { return };
        let followed = self.followed.entry(symbol.clone()).or_default();
        let new = followed.streams.is_empty();
        if !new {
            // One more, a stream that was rebuilt, or one that only says so again.
            stream.do_send(FromFeed::Covered(followed.covered));
        }
        followed.streams.insert(topic, stream);
        if new {
            self.happened(Input::Want(&channels_of(&symbol)), ctx);
        }
    }
}

impl Handler<UnfollowFeed> for FeedActor {
    type Result = ();

    fn handle(&mut self, UnfollowFeed(topic): UnfollowFeed, ctx: &mut Self::Context) {
        let Some(symbol) = topic.symbol() else { return };
        let Some(followed) = self.followed.get_mut(symbol) else { return };
        if followed.streams.remove(&topic).is_some() && followed.streams.is_empty() {
            self.followed.remove(symbol);
            self.book.forget(symbol);
            self.happened(Input::Release(&channels_of(symbol)), ctx);
        }
    }
}

impl Handler<Polled> for FeedActor {
    type Result = ();

    fn handle(&mut self, Polled(quote): Polled, _: &mut Self::Context) {
        if self.followed.contains_key(&quote.symbol) {
            self.book.polled(&quote);
            self.cover(&quote.symbol);
        }
    }
}

impl Handler<Arrived> for FeedActor {
    type Result = ();

    fn handle(&mut self, Arrived(link): Arrived, ctx: &mut Self::Context) {
        if self.link.as_ref().is_some_and(|present| present.number == link) {
            self.work(ctx);
        }
    }
}

impl Handler<Beat> for FeedActor {
    type Result = ();

    fn handle(&mut self, Beat(link): Beat, ctx: &mut Self::Context) {
        if self.link.as_ref().is_some_and(|present| present.number == link) {
            self.happened(Input::Beat, ctx);
        }
    }
}

impl Handler<LinkClosed> for FeedActor {
    type Result = ();

    fn handle(&mut self, LinkClosed { link, why }: LinkClosed, ctx: &mut Self::Context) {
        // What it said before decides how long it is left alone.
        while let Some(frame) = self.link.as_ref().filter(|present| present.number == link).and_then(Link::take) {
            self.frame(&frame, ctx);
        }
        if self.link.as_ref().is_some_and(|present| present.number == link) {
            tracing::debug!(market = self.parts.market.as_str(), why, "the socket of the feed is closed");
            self.happened(Input::Closed, ctx);
        }
    }
}
