//! Every price alert: armed, fired, kept.
//!
//! Owns: all alerts, the interest in their symbols, a copy of the tape. Hears: what owners ask (`Create`, `Delete`, `List`,
//! `Owned`, `Forget`) and `WindowUpdate`. Tells: the tape what fired, the store what changed. Dies: builds its successor from the store
//! after a pause; meanwhile its handle says that it is unavailable.
//!
//! It takes the tape's batches itself, so it sees every event of every armed symbol in order and nothing queues per alert.
//! A firing is told first and stored then: a crash between the two tells it again rather than never. The tape drops the
//! repeat if it still has the first.

mod book;
mod create;
mod handle;
mod interest;
mod keep;
mod messages;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use tickgate_core::alert::{Alert, AlertId, Firing, Tick};
use tickgate_core::market::Topic;
use tickgate_core::ports::{Record, Shelf, Store};
use tickgate_core::tape::{Entry, Event, Kind, Limits};

use self::book::Book;
use self::interest::Asking;
use self::keep::Keeping;
use self::messages::{Create, Delete, Forget, List, Owned};
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::slot::Slot;
use crate::supervisor::MarketLink;
use crate::window::{TapeWindow, WindowUpdate};

pub use handle::{AlertError, Alerts};

/// Mailbox bound: above what the handle lets through, and room for the tape's batches.
const MAILBOX: usize = 4_096;
/// Longest wait for one write to the store: it is a local file or a database beside it.
const STORE_DEADLINE: Duration = Duration::from_secs(5);
/// Longest wait for all alerts: a hundred thousand records are read and decrypted.
const LOAD_DEADLINE: Duration = Duration::from_secs(30);
/// Pause after a load that failed.
const LOAD_AGAIN: Duration = Duration::from_secs(5);
/// Pause before a successor begins: what killed the one before may kill it too, and must not do so without a pause.
const REBUILT_PAUSE: Duration = Duration::from_secs(1);
/// How often what did not work is tried again: a symbol that could not be watched, a state that could not be stored.
const SWEEP_EVERY: Duration = Duration::from_secs(15);
/// Events per topic that the copy of the tape keeps: the newest is looked at by a new alert, the others by nobody.
const KEPT_PER_TOPIC: usize = 16;

/// What the alerts are made of.
#[derive(Clone)]
pub struct AlertsParts {
    /// Where prices come from and firings go.
    pub market: MarketLink,
    /// Where alerts survive.
    pub store: Arc<dyn Store>,
    /// How much the tape keeps; the copy here keeps less.
    pub tape: Limits,
    /// The time.
    pub clock: Clock,
    /// Counters.
    pub metrics: Metrics,
}

/// Owns every alert.
pub struct AlertsActor {
    parts: AlertsParts,
    slot: Slot<Self>,
    begins_after: Duration,
    window: TapeWindow,
    book: Book,
    loaded: bool,
    keeping: Keeping,
    asking: Asking,
}

impl AlertsActor {
    /// Starts on this arbiter and fills the slot.
    fn build(parts: AlertsParts, slot: &Slot<Self>, begins_after: Duration) {
        let limits = Limits { max_events_per_topic: parts.tape.max_events_per_topic.min(KEPT_PER_TOPIC), ..parts.tape };
        let window = TapeWindow::new(limits, parts.market.clone(), parts.clock);
        let actor = Self {
            parts,
            slot: slot.clone(),
            begins_after,
            window,
            book: Book::default(),
            loaded: false,
            keeping: Keeping::default(),
            asking: Asking::default(),
        };
        slot.fill(actor.start());
    }

    fn begin(&mut self, ctx: &mut Context<Self>) {
        self.parts.market.attach(ctx.address().recipient());
        ctx.run_interval(SWEEP_EVERY, |actor, ctx| {
            actor.window.forget_unused();
            actor.ask_for_interest(ctx);
            actor.keep_again(ctx);
        });
        self.load(ctx);
    }

    /// Nothing else is heard until the store has answered: before that, nobody can be told what there is.
    fn load(&mut self, ctx: &mut Context<Self>) {
        let (store, now) = (Arc::clone(&self.parts.store), self.parts.clock.now());
        let all = async move { keep::within(LOAD_DEADLINE, store.all(Shelf::Alerts, now)).await };
        ctx.wait(all.into_actor(self).map(|all, actor, ctx| match all {
            Ok(records) => actor.loaded(&records, ctx),
            Err(error) => {
                actor.parts.metrics.alert_store_failures.inc();
                tracing::error!("the price alerts cannot be loaded; nobody can set, list or delete one until they are: {error}");
                ctx.run_later(LOAD_AGAIN, Self::load);
            }
        }));
    }

    fn loaded(&mut self, records: &[Record], ctx: &mut Context<Self>) {
        for record in records {
            match Alert::from_record(record) {
                Ok(alert) => self.book.insert(alert, None),
                Err(error) => tracing::error!("a price alert is lost: {error}"),
            }
        }
        self.loaded = true;
        tracing::info!(alerts = self.book.len(), "price alerts are armed");
        self.count();
        self.catch_up(ctx);
        self.ask_for_interest(ctx);
    }

    /// Looks at what was put on the tape while nobody looked.
    fn catch_up(&mut self, ctx: &mut Context<Self>) {
        for symbol in self.book.symbols() {
            let events = self.window.newest(&[Topic::Prices(symbol.clone())], usize::MAX);
            let ticks: Vec<Tick> = events.iter().filter_map(|event| Tick::of(event)).collect();
            let firings = self.book.catch_up(&symbol, &ticks, self.parts.clock.now());
            self.tell(firings);
        }
        self.keep(ctx);
    }

    fn happened(&mut self, event: &Event) {
        for topic in &event.topics {
            let Topic::Prices(symbol) = topic else { continue };
            if event.kind == Kind::Status {
                // The upstream knows no such symbol, and its stream polls no more; a later one may.
                self.book.lose_interest(symbol);
            } else if self.book.watches(symbol)
                && let Some(tick) = Tick::of(event)
            {
                let firings = self.book.observe(symbol, tick, self.parts.clock.now());
                self.tell(firings);
            }
        }
    }

    fn tell(&self, firings: impl IntoIterator<Item = Firing>) {
        for firing in firings {
            self.parts.metrics.alerts_fired.inc();
            self.parts.market.feed(firing.alert.topic(), Some(firing.to_draft()));
        }
    }

    fn count(&self) {
        self.parts.metrics.alerts.set(i64::try_from(self.book.len()).unwrap_or(i64::MAX));
    }

    fn ready(&self) -> Result<(), AlertError> {
        if self.loaded { Ok(()) } else { Err(AlertError::Unavailable) }
    }
}

impl Actor for AlertsActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        if self.begins_after.is_zero() {
            self.begin(ctx);
        } else {
            ctx.run_later(self.begins_after, Self::begin);
        }
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if std::thread::panicking() {
            tracing::error!(actor = "alerts", "an actor died of a panic; rebuilding it");
            self.parts.metrics.actor_restarts.with_label_values(&["alerts"]).inc();
            Self::build(self.parts.clone(), &self.slot, REBUILT_PAUSE);
        }
    }
}

impl Handler<WindowUpdate> for AlertsActor {
    type Result = ();

    fn handle(&mut self, update: WindowUpdate, ctx: &mut Self::Context) {
        match update {
            WindowUpdate::Batch(batch) => {
                self.window.apply(&batch);
                for entry in &batch.entries {
                    if let Entry::Event(event) = entry {
                        self.happened(event);
                    }
                }
                self.keep(ctx);
            }
            WindowUpdate::Install(window) => {
                self.window.install(*window);
                self.catch_up(ctx);
            }
            // Alerts watch until the process ends.
            WindowUpdate::Drain => {}
        }
    }
}

impl Handler<Create> for AlertsActor {
    type Result = ();

    fn handle(&mut self, create: Create, ctx: &mut Self::Context) {
        self.create(create, ctx);
    }
}

impl Handler<Delete> for AlertsActor {
    type Result = ();

    fn handle(&mut self, Delete { principal, id, asked }: Delete, ctx: &mut Self::Context) {
        match self.ready().and_then(|()| self.book.begin_to_leave(&principal, id)) {
            Ok(()) => self.delete(id, Some(asked), ctx),
            Err(error) => asked.answer(Err(error)),
        }
    }
}

impl Handler<Forget> for AlertsActor {
    type Result = ();

    fn handle(&mut self, Forget { principal, asked }: Forget, ctx: &mut Self::Context) {
        match self.ready() {
            Ok(()) => {
                self.book.remove_all_of(&principal);
                self.count();
                self.settle(asked, ctx);
            }
            Err(error) => asked.answer(Err(error)),
        }
    }
}

impl Handler<List> for AlertsActor {
    type Result = ();

    fn handle(&mut self, List { principal, asked }: List, _: &mut Self::Context) {
        asked.answer(self.ready().map(|()| self.book.of(&principal)));
    }
}

impl Handler<Owned> for AlertsActor {
    type Result = ();

    fn handle(&mut self, Owned { principal, ids, asked }: Owned, _: &mut Self::Context) {
        let owned = |id: &AlertId| self.book.is_owned(&principal, *id);
        let all = if ids.iter().all(owned) { Ok(()) } else { Err(AlertError::NotFound) };
        asked.answer(self.ready().and(all));
    }
}
