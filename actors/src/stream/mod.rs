//! One topic of the tape.
//!
//! Owns: its rhythm, dedupe and latest value. Hears: what is wanted (`Follow`, `Await`) and what was seen (`Observed`).
//! Tells: the poller what to poll, the tape what changed. Dies: rebuilt by the supervisor; what is on the tape tells it
//! where it was.

mod fed;
mod market_state;
mod status;
mod subject;

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, ContextFutureSpawner, Handler, Message, SpawnHandle, WrapFuture,
};
use std::time::Duration;
use tickgate_core::market::Topic;
use tickgate_core::market::cadence::Pace;
use tickgate_core::ports::UpstreamError;
use tickgate_core::tape::Draft;
use tickgate_core::time::Millis;

use crate::clock::Clock;
use crate::feed::FeedActor;
use crate::poller::{Observation, Observed, Poll, PollLoad, PollerActor, Unpoll};
use crate::slot::Slot;
use crate::supervisor::{Death, Dying, Reply, SupervisorLink, WatchError, Watched};
use crate::tape::{Mark, Publish, Recall, Recording, TapeActor};
use crate::window::Ready;

pub(crate) use fed::Refeed;
pub use market_state::{Health, MarketState};
use subject::Subject;

/// Mailbox bound: a reply for every waiter of a large restart.
const MAILBOX: usize = 16_384;

/// What a stream is made of.
pub struct StreamParts {
    /// Its topic.
    pub topic: Topic,
    /// Where changes go.
    pub tape: Slot<TapeActor>,
    /// Who polls for it; nobody polls alerts.
    pub poller: Option<Slot<PollerActor>>,
    /// Who feeds it, if its market has a feed: then it is polled only now and then.
    pub feed: Option<Slot<FeedActor>>,
    /// How much is polled in all.
    pub load: PollLoad,
    /// Session and upstream health.
    pub market_state: MarketState,
    /// How long it goes on after its last subscriber.
    pub linger_ms: u64,
    /// The time.
    pub clock: Clock,
    /// Who mends it.
    pub supervisor: SupervisorLink,
}

/// The state of one topic.
pub struct StreamActor {
    parts: StreamParts,
    subject: Subject,
    /// What is wanted, in ms; `None` while resting.
    interval_ms: Option<u64>,
    recording: bool,
    fetched: bool,
    /// Whether the feed brings its price.
    covered: bool,
    unknown: bool,
    waiting: Vec<Reply>,
    linger: Option<SpawnHandle>,
    /// When there is something to say though nothing more is seen.
    due: Option<(Millis, SpawnHandle)>,
}

impl StreamActor {
    /// A stream that is not recorded yet.
    #[must_use]
    pub fn new(parts: StreamParts) -> Self {
        let subject = Subject::of(&parts.topic);
        Self {
            parts,
            subject,
            interval_ms: None,
            recording: false,
            fetched: false,
            covered: false,
            unknown: false,
            waiting: Vec::new(),
            linger: None,
            due: None,
        }
    }

    fn poll(&self, ctx: &Context<Self>) {
        if let (Some(interval_ms), Some(poller), false) = (self.interval_ms, self.poller(), self.unknown) {
            let poll = Poll {
                topic: self.parts.topic.clone(),
                interval_ms: self.poll_interval_ms(interval_ms),
                from: self.subject.poll_from(),
                stream: ctx.address().recipient(),
            };
            let _ = poller.try_send(poll);
        }
    }

    fn unpoll(&self) {
        if let Some(poller) = self.poller() {
            let _ = poller.try_send(Unpoll(self.parts.topic.clone()));
        }
    }

    fn poller(&self) -> Option<actix::Addr<PollerActor>> {
        self.parts.poller.as_ref().and_then(Slot::get)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "an event that was seen must not be lost; the pollers' rhythm bounds how many there are"
    )]
    fn publish(&self, draft: Draft) {
        if let Some(tape) = self.parts.tape.get() {
            tape.do_send(Publish(draft));
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a mark that is lost would be a hole that nobody tells")]
    fn mark(&self, change: Option<Recording>, replies: Vec<Reply>) {
        let Some(tape) = self.parts.tape.get() else { return };
        let wanted = self.parts.market_state.paced_ms(&self.parts.topic, self.interval_ms.unwrap_or(0));
        let load = self.parts.load.clone();
        let waiters = replies
            .into_iter()
            .map(|reply| -> crate::tape::Waiter {
                let load = load.clone();
                Box::new(move |position| {
                    // By now the poller has counted this topic.
                    let _ = reply.send(Ok(Watched { position, interval_ms: wanted.max(load.floor_ms()) }));
                })
            })
            .collect();
        tape.do_send(Mark { topic: self.parts.topic.clone(), change, waiters });
    }

    fn follow(&mut self, interval_ms: Option<u64>, ctx: &mut Context<Self>) {
        match interval_ms {
            Some(_) => {
                if let Some(linger) = self.linger.take() {
                    ctx.cancel_future(linger);
                }
                let changed = self.interval_ms != interval_ms;
                self.interval_ms = interval_ms;
                if !std::mem::replace(&mut self.recording, true) {
                    self.poll(ctx);
                    self.follow_feed(ctx);
                    self.mark(Some(Recording::Begins { resumed: self.subject.goes_on() }), Vec::new());
                } else if changed {
                    self.poll(ctx);
                }
            }
            None if self.linger.is_none() => {
                let linger = Duration::from_millis(self.parts.linger_ms);
                self.linger = Some(ctx.run_later(linger, Self::rest));
            }
            None => {}
        }
    }

    fn rest(&mut self, ctx: &mut Context<Self>) {
        self.linger = None;
        self.interval_ms = None;
        self.recording = false;
        self.unpoll();
        self.unfollow_feed();
        self.mark(Some(Recording::Ends), Vec::new());
        self.parts.supervisor.rested(self.parts.topic.clone());
        ctx.stop();
    }

    fn observed(&mut self, observation: Observation, ctx: &mut Context<Self>) {
        match observation {
            Observation::Missing if !self.fetched => self.is_unknown(),
            Observation::Failed(error) => self.failed(&error),
            Observation::Health { .. } | Observation::Feed { .. } => self.change(observation),
            observation => {
                self.change(observation);
                if !std::mem::replace(&mut self.fetched, true) || !self.waiting.is_empty() {
                    let waiting = std::mem::take(&mut self.waiting);
                    self.mark(None, waiting);
                }
                if self.subject.is_news() {
                    self.poll(ctx);
                }
                self.arm(ctx);
            }
        }
    }

    fn change(&mut self, observation: Observation) {
        for draft in self.subject.observe(observation, &self.parts) {
            self.publish(draft);
        }
    }

    /// A bar that is over is told though nothing more comes.
    fn arm(&mut self, ctx: &mut Context<Self>) {
        let Some(due) = self.subject.due() else { return };
        if let Some((armed, handle)) = self.due.take() {
            // One that is early only looks, and is set again.
            if armed <= due {
                self.due = Some((armed, handle));
                return;
            }
            ctx.cancel_future(handle);
        }
        let handle = ctx.run_later(self.parts.clock.until(due), |stream, ctx| {
            stream.due = None;
            if let Some(draft) = stream.subject.pass(&stream.parts) {
                stream.publish(draft);
            }
            stream.arm(ctx);
        });
        self.due = Some((due, handle));
    }

    fn is_unknown(&mut self) {
        self.unknown = true;
        tracing::info!(topic = %self.parts.topic, "the upstream knows no such symbol; it is polled no more");
        self.unpoll();
        self.unfollow_feed();
        self.publish(status::unknown_symbol(&self.parts));
        self.parts.supervisor.unknown_symbol(self.parts.topic.clone());
        for reply in self.waiting.drain(..) {
            let _ = reply.send(Err(WatchError::UnknownSymbol(self.parts.topic.clone())));
        }
    }

    fn failed(&mut self, error: &UpstreamError) {
        for reply in self.waiting.drain(..) {
            let _ = reply.send(Err(WatchError::Upstream(error.clone())));
        }
    }
}

impl Actor for StreamActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        let Some(tape) = self.parts.tape.get().filter(|_| self.subject.is_news()) else { return };
        let recall = tape.send(Recall(self.parts.topic.clone()));
        recall
            .into_actor(self)
            .map(|events, stream, _| {
                for event in events.unwrap_or_default() {
                    stream.subject.remember(&event);
                }
            })
            .wait(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.parts.supervisor.report(Dying::if_panicking(Death::Stream(self.parts.topic.clone())));
    }
}

/// What is wanted of a topic: an interval in ms, or nothing any more.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Follow(pub Option<u64>);

/// Wants to know the place from which on the topic is ready.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Await {
    /// Ready in which sense.
    pub ready: Ready,
    /// Whom to tell.
    pub reply: Reply,
}

/// The tape was rebuilt: it does not know that this topic is recorded.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Remark;

/// The poller was rebuilt: it does not know that it polls this topic.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Repoll;

impl Handler<Follow> for StreamActor {
    type Result = ();

    fn handle(&mut self, Follow(interval_ms): Follow, ctx: &mut Self::Context) {
        self.follow(interval_ms, ctx);
    }
}

impl Handler<Await> for StreamActor {
    type Result = ();

    fn handle(&mut self, Await { ready, reply }: Await, _: &mut Self::Context) {
        if self.unknown {
            let _ = reply.send(Err(WatchError::UnknownSymbol(self.parts.topic.clone())));
        } else if ready == Ready::Recorded || self.fetched || self.parts.poller.is_none() {
            self.mark(None, vec![reply]);
        } else {
            self.waiting.push(reply);
        }
    }
}

impl Handler<Observed> for StreamActor {
    type Result = ();

    fn handle(&mut self, Observed(observation): Observed, ctx: &mut Self::Context) {
        self.tell_feed(&observation);
        self.observed(observation, ctx);
    }
}

impl Handler<Remark> for StreamActor {
    type Result = ();

    fn handle(&mut self, _: Remark, ctx: &mut Self::Context) {
        self.subject.forget_latest();
        if self.recording {
            self.mark(Some(Recording::Begins { resumed: false }), Vec::new());
            if self.parts.market_state.pace(&self.parts.topic) == Pace::Rests {
                // The poller rests, and the new tape would have no price until the morning.
                self.unpoll();
                self.poll(ctx);
            }
        }
    }
}

impl Handler<Repoll> for StreamActor {
    type Result = ();

    fn handle(&mut self, _: Repoll, ctx: &mut Self::Context) {
        self.poll(ctx);
    }
}
