//! When the upstream is asked for what: one rhythm per topic however many subscribers there are.
//!
//! Owns: the schedule of one kind of topic. Hears: `Poll`, `Unpoll`. Tells: each topic's stream what was
//! seen, and the status stream how the upstream does. Dies: rebuilt by the supervisor; its streams tell it again what to poll.

mod load;
mod observed;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, Recipient, SpawnHandle, WrapFuture};
use futures_util::future::LocalBoxFuture;
use tickgate_core::market::cadence::{Backoff, Pace, Schedule};
use tickgate_core::market::{Market, Symbol, Topic};
use tickgate_core::ports::{MarketData, NewsQuery, UpstreamError, UpstreamErrorKind};
use tickgate_core::time::Millis;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::slot::Slot;
use crate::stream::{MarketState, StreamActor};
use crate::supervisor::{Death, Dying, SupervisorLink};

pub use load::PollLoad;
pub use observed::{Observation, Observed};

/// Symbols per call (DESIGN §3): keeps the URL short.
const MAX_SYMBOLS_PER_CALL: usize = 100;
/// Articles per poll: more than the overlap ever holds, else polls would not get beyond it; one page upstream.
const MAX_ARTICLES_PER_POLL: usize = 1_000;
/// Articles of a topic's first look.
const FIRST_ARTICLES: usize = 20;

/// What a poller polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PollerKind {
    /// Quotes of one market, many symbols in one call.
    Quotes(Market),
    /// News, a call per topic.
    News,
    /// The market session.
    Status,
}

impl PollerKind {
    /// Who polls a topic; nobody polls alerts.
    #[must_use]
    pub fn of(topic: &Topic) -> Option<Self> {
        match topic {
            Topic::Prices(symbol) | Topic::Bars(symbol, _) => Some(Self::Quotes(symbol.market())),
            Topic::News(_) | Topic::AllNews => Some(Self::News),
            Topic::Status => Some(Self::Status),
            Topic::Alerts(_) => None,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Quotes(_) => "quotes",
            Self::News => "news",
            Self::Status => "status",
        }
    }
}

/// One topic that a poller polls.
struct Follower {
    from: Option<Millis>,
    stream: Recipient<Observed>,
}

/// What a poller is made of, beside the upstream itself.
pub struct PollerParts {
    /// What it polls.
    pub kind: PollerKind,
    /// The moment of its first call: what killed the one before may kill this one too, and must not do so without a pause.
    pub begins: Millis,
    /// How much is polled in all.
    pub load: PollLoad,
    /// Who tells readers how the upstream does.
    pub status: Slot<StreamActor>,
    /// What the market does: outside its hours it is polled less, or not at all.
    pub market_state: MarketState,
    /// The time.
    pub clock: Clock,
    /// Counters.
    pub metrics: Metrics,
    /// Who mends it.
    pub supervisor: SupervisorLink,
}

/// Polls topics of one kind.
pub struct PollerActor {
    parts: PollerParts,
    market_data: Rc<dyn MarketData>,
    followers: HashMap<Topic, Follower>,
    schedule: Schedule<Topic>,
    in_flight: HashSet<Topic>,
    /// Topics whose latest is known: only they may rest.
    seen: HashSet<Topic>,
    backoff: Backoff,
    calls: u64,
    timer: Option<(Millis, SpawnHandle)>,
}

impl PollerActor {
    /// A poller that nobody follows yet.
    #[must_use]
    pub fn new(parts: PollerParts, market_data: Rc<dyn MarketData>) -> Self {
        Self {
            parts,
            market_data,
            followers: HashMap::new(),
            schedule: Schedule::default(),
            in_flight: HashSet::new(),
            seen: HashSet::new(),
            backoff: Backoff::default(),
            calls: 0,
            timer: None,
        }
    }

    fn floor_ms(&self) -> u64 {
        self.parts.load.floor_ms().max(self.backoff.delay_ms())
    }

    /// The pace of all its topics: they are of one kind, and of one market.
    fn pace(&self) -> Pace {
        self.followers.keys().next().map_or(Pace::Times(1), |topic| self.parts.market_state.pace(topic))
    }

    fn forget(&mut self, topic: &Topic) {
        self.schedule.remove(topic);
        self.seen.remove(topic);
        self.followers.remove(topic);
    }

    fn count_calls(&mut self) {
        // What rests leaves its share of the budget to the others.
        let resting = if self.pace() == Pace::Rests { self.seen.len() } else { 0 };
        let topics = self.schedule.len().saturating_sub(resting);
        let calls = match self.parts.kind {
            PollerKind::Quotes(_) => self.market_data.quote_calls(topics),
            PollerKind::News => topics as u64,
            // Once a minute at most: the fifth of the budget that polling leaves alone has room for it.
            PollerKind::Status => 0,
        };
        self.parts.load.change(self.calls, calls);
        self.calls = calls;
    }

    fn arm(&mut self, ctx: &mut Context<Self>) {
        let Some(due) = self.schedule.next_due().map(|due| due.max(self.parts.begins)) else { return };
        if let Some((armed, handle)) = self.timer.take() {
            if armed <= due && armed > self.parts.clock.now() {
                self.timer = Some((armed, handle));
                return;
            }
            ctx.cancel_future(handle);
        }
        let handle = ctx.run_later(self.parts.clock.until(due), |poller, ctx| {
            poller.timer = None;
            poller.poll_due(ctx);
            poller.arm(ctx);
        });
        self.timer = Some((due, handle));
    }

    fn poll_due(&mut self, ctx: &mut Context<Self>) {
        let now = self.parts.clock.now();
        let (pace, bell) = (self.pace(), self.parts.market_state.bell());
        let (floor_ms, seen, healthy) = (self.floor_ms(), &self.seen, self.backoff.delay_ms() == 0);
        let mut due = self.schedule.take_due_at(now, floor_ms, bell, |topic| match pace {
            // What nobody has seen yet is asked for even at night, and a failure is not left standing until the morning.
            Pace::Rests if !(healthy && seen.contains(topic)) => Pace::Times(1),
            pace => pace,
        });
        self.count_calls();
        due.retain(|topic| !self.in_flight.contains(topic));
        let size = if matches!(self.parts.kind, PollerKind::Quotes(_)) { MAX_SYMBOLS_PER_CALL } else { 1 };
        for topics in due.chunks(size) {
            self.in_flight.extend(topics.iter().cloned());
            let poll = self.poll(topics.to_vec());
            ctx.spawn(poll.into_actor(self).map(|(topics, polled), poller, ctx| poller.polled(&topics, polled, ctx)));
        }
    }

    fn poll(&self, topics: Vec<Topic>) -> LocalBoxFuture<'static, (Vec<Topic>, Polled)> {
        let market_data = Rc::clone(&self.market_data);
        let from = topics.first().and_then(|topic| self.followers.get(topic)).and_then(|follower| follower.from);
        let kind = self.parts.kind;
        Box::pin(async move {
            let polled = match kind {
                PollerKind::Quotes(market) => {
                    // Prices and bars of one symbol are several topics and one question.
                    let symbols: BTreeSet<&Symbol> = topics.iter().filter_map(Topic::symbol).collect();
                    let symbols: Vec<Symbol> = symbols.into_iter().cloned().collect();
                    market_data.quotes(market, &symbols).await.map(|quotes| {
                        let quotes: HashMap<Symbol, _> = quotes.into_iter().map(|quote| (quote.symbol.clone(), quote)).collect();
                        let seen = |topic: &Topic| {
                            let quote = topic.symbol().and_then(|symbol| quotes.get(symbol));
                            quote.cloned().map_or(Observation::Missing, Observation::Quote)
                        };
                        topics.iter().map(seen).collect()
                    })
                }
                PollerKind::News => {
                    let limit = if from.is_some() { MAX_ARTICLES_PER_POLL } else { FIRST_ARTICLES };
                    let query = NewsQuery { symbol: topics.first().and_then(Topic::symbol).cloned(), from, limit };
                    market_data.news(query).await.map(|articles| vec![Observation::Articles(articles)])
                }
                PollerKind::Status => market_data.market_status().await.map(|status| vec![Observation::Status(status)]),
            };
            (topics, polled)
        })
    }

    fn polled(&mut self, topics: &[Topic], polled: Polled, ctx: &mut Context<Self>) {
        let outcome = polled.as_ref().map_or_else(|error| error.kind.as_str(), |_| "ok");
        self.parts.metrics.polls.with_label_values(&[self.parts.kind.as_str(), outcome]).inc();
        match polled {
            Ok(observations) => {
                if self.backoff.delay_ms() > 0 {
                    self.backoff.succeeded();
                    self.hasten(ctx);
                }
                self.tell_health(None);
                for (topic, observation) in topics.iter().zip(observations) {
                    if self.followers.contains_key(topic) {
                        self.seen.insert(topic.clone());
                    }
                    self.tell(topic, observation);
                }
            }
            Err(error) => {
                tracing::warn!(
                    poll = self.parts.kind.as_str(),
                    topics = topics.len(),
                    error.kind = outcome,
                    "a poll failed: {error}"
                );
                match error.retry_after_ms {
                    // The breaker refused it.
                    Some(ms) if error.kind == UpstreamErrorKind::Unavailable => {
                        self.backoff.refused(ms);
                        self.schedule.again(topics, self.parts.clock.now().plus(self.floor_ms()));
                        self.arm(ctx);
                    }
                    _ => self.backoff.failed(error.kind),
                }
                // What nobody wants any more is not asked for again: a failure of it would be told for ever.
                let counts = !self.followers.is_empty();
                if counts && (error.kind.is_outage() || self.parts.kind == PollerKind::Status) {
                    self.tell_health(Some(&error));
                }
                for topic in topics {
                    self.tell(topic, Observation::Failed(error.clone()));
                }
            }
        }
        for topic in topics {
            self.in_flight.remove(topic);
        }
    }

    /// What is due was put off for longer than is needed now.
    fn hasten(&mut self, ctx: &mut Context<Self>) {
        self.schedule.hasten(self.parts.clock.now(), self.floor_ms());
        self.arm(ctx);
    }

    fn tell(&self, topic: &Topic, observation: Observation) {
        if let Some(follower) = self.followers.get(topic)
            && follower.stream.try_send(Observed(observation)).is_err()
        {
            self.parts.metrics.mailbox_full.with_label_values(&["stream"]).inc();
        }
    }

    fn tell_health(&self, error: Option<&UpstreamError>) {
        if let Some(status) = self.parts.status.get() {
            let _ =
                status.try_send(Observed(Observation::Health { of: self.parts.kind, failing: error.map(|error| error.kind) }));
        }
    }
}

type Polled = Result<Vec<Observation>, UpstreamError>;

impl Actor for PollerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(4_096);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.parts.load.change(self.calls, 0);
        self.parts.supervisor.report(Dying::if_panicking(Death::Poller(self.parts.kind)));
    }
}

/// Polls a topic from now on, or changes its rhythm or where its next poll begins.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Poll {
    /// Which.
    pub topic: Topic,
    /// How often, in ms.
    pub interval_ms: u64,
    /// From which moment on (news).
    pub from: Option<Millis>,
    /// Whom to tell.
    pub stream: Recipient<Observed>,
}

/// Polls a topic no more.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Unpoll(pub Topic);

impl Handler<Poll> for PollerActor {
    type Result = ();

    fn handle(&mut self, Poll { topic, interval_ms, from, stream }: Poll, ctx: &mut Self::Context) {
        if self.followers.get(&topic).is_some_and(|follower| follower.stream != stream) {
            // A stream that was rebuilt has seen nothing.
            self.forget(&topic);
        }
        self.schedule.set(topic.clone(), interval_ms, self.parts.clock.now());
        self.followers.insert(topic, Follower { from, stream });
        self.count_calls();
        self.arm(ctx);
    }
}

impl Handler<Unpoll> for PollerActor {
    type Result = ();

    fn handle(&mut self, Unpoll(topic): Unpoll, _: &mut Self::Context) {
        self.forget(&topic);
        self.count_calls();
        if self.followers.is_empty() && self.backoff.delay_ms() > 0 {
            self.tell_health(None);
        }
    }
}
