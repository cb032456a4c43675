//! The upstream budget: one scheduler for all calls made with one key.
//!
//! Owns: who waits for a call. Hears: `Reserve`, `Leave`, `Settle`. Tells: each who waits what became of it. Dies: rebuilt (by the
//! supervisor; that of a caller's own key by whoever asks with it next) and goes on from the same [`Ledger`], so that no call is
//! granted twice; those who waited ask again and may change places, and a probe that was under way is repeated when its time is over.

mod handle;
mod holder;
mod metrics;
mod own;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult, SpawnHandle};
use tickgate_core::budget::{BreakerState, Budget, BudgetView, Ledger, Outcome, Payer, Ticket, Verdict};
use tickgate_core::time::Millis;
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::supervisor::{Death, Dying, SupervisorLink};

pub use handle::{Permit, Quota};
pub use holder::Holder;
pub use metrics::BudgetMetrics;
pub use own::{Fingerprint, OwnQuotas};

/// Mailbox bound: everybody who may wait asking at once, and as many reports.
const MAILBOX: usize = 16_384;

/// How often gauges that change by time alone are shown while they do.
const SHOW_EVERY: Duration = Duration::from_secs(5);

/// The budget of one upstream key.
#[derive(Clone, Copy, Debug)]
pub struct QuotaSettings {
    /// Calls a minute (`UPSTREAM_RPM`, or the plan's).
    pub per_minute: u32,
}

/// What outlives the actor.
#[derive(Clone)]
struct Shared(Arc<(Mutex<Ledger>, AtomicU64)>);

impl Shared {
    fn new(settings: QuotaSettings) -> Self {
        Self(Arc::new((Mutex::new(Ledger::new(settings.per_minute)), AtomicU64::new(0))))
    }

    fn ledger(&self) -> Ledger {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn view(&self, now: Millis) -> BudgetView {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).view(now)
    }

    fn publish(&self, ledger: &Ledger) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).clone_from(ledger);
    }

    fn ticket(&self) -> Ticket {
        Ticket(self.0.1.fetch_add(1, Ordering::Relaxed))
    }
}

struct Waiter {
    payer: &'static str,
    reply: oneshot::Sender<Verdict>,
}

/// Runs the scheduler.
pub struct QuotaActor {
    budget: Budget,
    waiters: HashMap<Ticket, Waiter>,
    shared: Shared,
    clock: Clock,
    metrics: BudgetMetrics,
    holder: Holder,
    /// Who rebuilds it; nobody needs to when the next one who asks does.
    supervisor: Option<SupervisorLink>,
    timer: Option<(Millis, SpawnHandle)>,
    shows_again: bool,
}

impl QuotaActor {
    /// Goes on with the budget that `quota` shows.
    #[must_use]
    pub fn new(quota: &Quota, metrics: BudgetMetrics, supervisor: Option<SupervisorLink>) -> Self {
        let (shared, clock, holder) = (quota.shared.clone(), quota.clock, quota.holder);
        let budget = Budget::new(shared.ledger());
        Self { budget, waiters: HashMap::new(), shared, clock, metrics, holder, supervisor, timer: None, shows_again: false }
    }

    /// Tells everybody of whom something has become what it is.
    fn advance(&mut self, ctx: &mut Context<Self>) {
        let now = self.clock.now();
        let verdicts = self.budget.advance(now);
        // First, so that what is told now is remembered whatever happens then.
        self.shared.publish(self.budget.ledger());
        for (ticket, verdict) in verdicts {
            let Some(waiter) = self.waiters.remove(&ticket) else { continue };
            self.tell(waiter, verdict, now);
        }
        self.show(ctx);
        self.arm(ctx);
    }

    fn tell(&mut self, waiter: Waiter, verdict: Verdict, now: Millis) {
        match verdict {
            Verdict::Granted { .. } => self.metrics.granted(waiter.payer),
            Verdict::Refused(refusal) => self.metrics.refused(waiter.payer, refusal),
        }
        if waiter.reply.send(verdict).is_err()
            && let Verdict::Granted { probe } = verdict
        {
            self.budget.settle(probe, Outcome::Unknown, now);
        }
    }

    fn arm(&mut self, ctx: &mut Context<Self>) {
        let due = self.budget.next_due(self.clock.now());
        if let Some((armed, handle)) = self.timer.take() {
            if due == Some(armed) {
                self.timer = Some((armed, handle));
                return;
            }
            ctx.cancel_future(handle);
        }
        let Some(due) = due else { return };
        let handle = ctx.run_later(self.clock.until(due), |actor, ctx| {
            actor.timer = None;
            actor.advance(ctx);
        });
        self.timer = Some((due, handle));
    }

    fn show(&mut self, ctx: &mut Context<Self>) {
        if self.holder == Holder::Caller {
            // A gauge of each would be a label of each.
            return;
        }
        let view = self.budget.view(self.clock.now());
        self.metrics.show(&view, self.budget.waiting());
        if !view.rests() && !std::mem::replace(&mut self.shows_again, true) {
            ctx.run_later(SHOW_EVERY, |actor, ctx| {
                actor.shows_again = false;
                actor.show(ctx);
            });
        }
    }

    fn breaker(&self) -> BreakerState {
        self.budget.view(self.clock.now()).breaker
    }
}

impl Actor for QuotaActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.show(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if let Some(supervisor) = &self.supervisor {
            supervisor.report(Dying::if_panicking(Death::Quota));
        }
    }
}

/// Asks for a call.
#[derive(Message)]
#[rtype(result = "()")]
struct Reserve {
    ticket: Ticket,
    payer: Payer,
    deadline: Millis,
    reply: oneshot::Sender<Verdict>,
}

/// Whoever asked waits no more.
#[derive(Message)]
#[rtype(result = "()")]
struct Leave(Ticket);

/// What came of a call. Gives the end of the pause that all calls make, if it was a 429.
#[derive(Message)]
#[rtype(result = "Option<Millis>")]
struct Settle {
    probe: bool,
    outcome: Outcome,
}

impl Handler<Reserve> for QuotaActor {
    type Result = ();

    fn handle(&mut self, Reserve { ticket, payer, deadline, reply }: Reserve, ctx: &mut Self::Context) {
        let waiter = Waiter { payer: self.holder.payer(payer.as_str()), reply };
        let now = self.clock.now();
        match self.budget.ask(ticket, payer, deadline, now) {
            Ok(()) => {
                self.waiters.insert(ticket, waiter);
                self.advance(ctx);
            }
            Err(refusal) => self.tell(waiter, Verdict::Refused(refusal), now),
        }
    }
}

impl Handler<Leave> for QuotaActor {
    type Result = ();

    fn handle(&mut self, Leave(ticket): Leave, ctx: &mut Self::Context) {
        self.waiters.remove(&ticket);
        if self.budget.leave(ticket) {
            self.show(ctx);
            self.arm(ctx);
        }
    }
}

impl Handler<Settle> for QuotaActor {
    type Result = MessageResult<Settle>;

    fn handle(&mut self, Settle { probe, outcome }: Settle, ctx: &mut Self::Context) -> Self::Result {
        let (now, before) = (self.clock.now(), self.breaker());
        let paused = self.budget.settle(probe, outcome, now);
        let paused_ms = paused.map(|until| until.since(now));
        self.holder.log(paused_ms, (before, self.breaker()));
        self.advance(ctx);
        MessageResult(paused)
    }
}
