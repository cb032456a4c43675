//! The only giver of positions.
//!
//! Owns: the tape. Hears: `Publish`, `Mark`, `Recall`, `Attach`. Tells: every worker's window, once per batch.
//! Dies: rebuilt by the supervisor with a new epoch; streams mark themselves anew, readers see a gap.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult, Recipient};
use tickgate_core::market::Topic;
use tickgate_core::tape::{Draft, Epoch, Event, Limits, Position, Tape};

use crate::clock::{Clock, random_u128};
use crate::metrics::Metrics;
use crate::supervisor::{Death, Dying, SupervisorLink};
use crate::window::WindowUpdate;

/// Mailbox bound: every topic of a full price poll, many times over.
const MAILBOX: usize = 65_536;

/// How often topics of which nothing is known are forgotten.
pub(crate) const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Owns the tape.
pub struct TapeActor {
    tape: Tape,
    windows: Vec<Recipient<WindowUpdate>>,
    flushing: bool,
    clock: Clock,
    metrics: Metrics,
    supervisor: SupervisorLink,
}

impl TapeActor {
    /// An empty tape of a new epoch, told to these windows.
    #[must_use]
    pub fn new(
        limits: Limits,
        windows: Vec<Recipient<WindowUpdate>>,
        clock: Clock,
        metrics: Metrics,
        supervisor: SupervisorLink,
    ) -> Self {
        let epoch = Epoch(u64::try_from(random_u128() >> 64).unwrap_or(1));
        Self { tape: Tape::new(epoch, limits), windows, flushing: false, clock, metrics, supervisor }
    }

    /// Events of one turn go out as one batch: the flush queues behind what is already in the mailbox.
    fn flush_soon(&mut self, ctx: &mut Context<Self>) {
        if !std::mem::replace(&mut self.flushing, true) {
            ctx.notify(Flush);
        }
    }

    fn flush(&mut self) {
        self.flushing = false;
        let Some(batch) = self.tape.take_batch(self.clock.now()) else { return };
        self.metrics.tape_bytes.set(i64::try_from(self.tape.window().bytes()).unwrap_or(i64::MAX));
        let batch = Arc::new(batch);
        for window in &self.windows {
            tell(window, WindowUpdate::Batch(Arc::clone(&batch)), &self.metrics);
        }
    }

    fn install(&self, window: &Recipient<WindowUpdate>) {
        tell(window, WindowUpdate::Install(Box::new(self.tape.window().clone())), &self.metrics);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a window that missed a batch would be wrong for ever; windows do no I/O and the tape is bounded upstream"
)]
fn tell(window: &Recipient<WindowUpdate>, update: WindowUpdate, metrics: &Metrics) {
    if window.connected() {
        window.do_send(update);
    } else {
        metrics.mailbox_full.with_label_values(&["window"]).inc();
    }
}

impl Actor for TapeActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        tracing::info!(tape.epoch = %self.tape.position().epoch, "the tape begins");
        self.windows.iter().for_each(|window| self.install(window));
        ctx.run_interval(FORGET_EVERY, |actor, _| actor.tape.forget_unused());
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.supervisor.report(Dying::if_panicking(Death::Tape));
    }
}

/// Puts an event on the tape.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Publish(pub Draft);

/// Called with the place on the tape from which on a topic is recorded.
pub type Waiter = Box<dyn FnOnce(Position) + Send>;

/// Says whether a topic is recorded from here on, and tells the waiters the place.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Mark {
    /// Which.
    pub topic: Topic,
    /// What changes; nothing when the waiters only want the present place.
    pub change: Option<Recording>,
    /// Whom to tell.
    pub waiters: Vec<Waiter>,
}

/// A change in the recording of a topic.
#[derive(Clone, Copy, Debug)]
pub enum Recording {
    /// It begins; `resumed` when nothing was missed since it last ended.
    Begins {
        /// No hole lies before.
        resumed: bool,
    },
    /// It ends.
    Ends,
}

/// What the tape retains of a topic, oldest first.
#[derive(Message)]
#[rtype(result = "Vec<Arc<Event>>")]
pub struct Recall(pub Topic);

/// A worker's window that wants every batch from here on.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Attach(pub Recipient<WindowUpdate>);

#[derive(Message)]
#[rtype(result = "()")]
struct Flush;

impl Handler<Publish> for TapeActor {
    type Result = ();

    fn handle(&mut self, Publish(draft): Publish, ctx: &mut Self::Context) {
        let kind = draft.kind.as_str();
        if self.tape.publish(draft, self.clock.now()).is_some() {
            self.metrics.tape_events.with_label_values(&[kind]).inc();
            self.flush_soon(ctx);
        }
    }
}

impl Handler<Mark> for TapeActor {
    type Result = ();

    fn handle(&mut self, Mark { topic, change, waiters }: Mark, ctx: &mut Self::Context) {
        match change {
            Some(Recording::Begins { resumed }) => self.tape.watch(topic, resumed, self.clock.now()),
            Some(Recording::Ends) => self.tape.unwatch(topic, self.clock.now()),
            None => {}
        }
        self.flush_soon(ctx);
        for waiter in waiters {
            waiter(self.tape.position());
        }
    }
}

impl Handler<Recall> for TapeActor {
    type Result = MessageResult<Recall>;

    fn handle(&mut self, Recall(topic): Recall, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.tape.window().events(&topic).cloned().collect())
    }
}

impl Handler<Attach> for TapeActor {
    type Result = ();

    fn handle(&mut self, Attach(window): Attach, _: &mut Self::Context) {
        self.flush();
        self.install(&window);
        self.windows.retain(Recipient::connected);
        self.windows.push(window);
    }
}

impl Handler<Flush> for TapeActor {
    type Result = ();

    fn handle(&mut self, _: Flush, _: &mut Self::Context) {
        self.flush();
    }
}
