//! The budget, as callers hold it.

use std::time::Duration;

use actix::Actor as _;
use tickgate_core::budget::{BudgetView, Outcome, Payer, Refusal, Ticket, Verdict};
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};
use tickgate_core::time::Millis;
use tokio::sync::oneshot;

use super::{BudgetMetrics, Holder, Leave, QuotaActor, QuotaSettings, Reserve, Settle, Shared};
use crate::clock::Clock;
use crate::slot::Slot;

/// How long to wait for an actor that is being rebuilt before asking again.
const REBUILT: Duration = Duration::from_millis(100);

/// How much longer than its deadline a call waits for the actor to tell what became of it: without an answer nobody knows.
const GRACE_MS: u64 = 100;

/// The budget of one upstream key. Clones are the same.
#[derive(Clone)]
pub struct Quota {
    slot: Slot<QuotaActor>,
    pub(super) clock: Clock,
    pub(super) shared: Shared,
    pub(super) holder: Holder,
}

impl Quota {
    /// A full budget of the gateway's key, served by the actor that fills `slot`.
    #[must_use]
    pub fn new(slot: Slot<QuotaActor>, settings: QuotaSettings, clock: Clock) -> Self {
        Self { slot, clock, shared: Shared::new(settings), holder: Holder::Gateway }
    }

    /// A full budget of a caller's own key; [`Quota::serve`] gives it its actor.
    pub(super) fn of_caller(settings: QuotaSettings, clock: Clock) -> Self {
        Self { slot: Slot::empty(), clock, shared: Shared::new(settings), holder: Holder::Caller }
    }

    /// Starts the actor on this thread, unless one lives. One thread at a time may ask for it.
    pub(super) fn serve(&self, metrics: &BudgetMetrics) {
        if !self.slot.get().is_some_and(|actor| actor.connected()) {
            self.slot.fill(QuotaActor::new(self, metrics.clone(), None).start());
        }
    }

    /// Whose key it is.
    #[must_use]
    pub const fn holder(&self) -> Holder {
        self.holder
    }

    #[cfg(test)]
    pub(super) const fn slot(&self) -> &Slot<QuotaActor> {
        &self.slot
    }

    /// How the budget stands; no message is sent for it.
    #[must_use]
    pub fn view(&self) -> BudgetView {
        self.shared.view(self.clock.now())
    }

    /// Waits for a call's turn, but not beyond `deadline`. Dropping the future gives the place back.
    ///
    /// # Errors
    /// At once when the turn would come too late, saying when to try again: `Budget`, or `Unavailable` while an upstream that keeps
    /// failing is left alone.
    pub async fn reserve(&self, payer: Payer, deadline: Millis) -> Result<Permit, UpstreamError> {
        let turn = tokio::time::timeout(self.clock.until(deadline.plus(GRACE_MS)), self.turn(&payer, deadline));
        match turn.await.unwrap_or_else(|_| Verdict::Refused(Refusal::Spent(self.view().next_at))) {
            Verdict::Granted { probe } => Ok(Permit { quota: self.clone(), probe }),
            Verdict::Refused(refusal) => Err(self.error(refusal)),
        }
    }

    async fn turn(&self, payer: &Payer, deadline: Millis) -> Verdict {
        loop {
            if let Some(actor) = self.slot.get() {
                let (reply, answer) = oneshot::channel();
                let ticket = self.shared.ticket();
                let mut place = Place { quota: self, ticket, waits: true };
                if actor.send(Reserve { ticket, payer: payer.clone(), deadline, reply }).await.is_ok()
                    && let Ok(verdict) = answer.await
                {
                    place.waits = false;
                    return verdict;
                }
            }
            tokio::time::sleep(REBUILT).await;
        }
    }

    fn error(&self, refusal: Refusal) -> UpstreamError {
        let kind = match refusal {
            Refusal::Broken(_) => UpstreamErrorKind::Unavailable,
            _ => UpstreamErrorKind::Budget,
        };
        UpstreamError::new(kind, self.holder.words(refusal)).retry_after(refusal.retry_at().since(self.clock.now()).max(1))
    }
}

/// A place in the line; given back when dropped.
struct Place<'a> {
    quota: &'a Quota,
    ticket: Ticket,
    waits: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.waits
            && let Some(actor) = self.quota.slot.get()
        {
            // With a full mailbox the place is given up when its turn comes.
            let _ = actor.try_send(Leave(self.ticket));
        }
    }
}

/// One call may be made now. What came of it is to be told.
#[must_use = "what came of the call is to be told"]
pub struct Permit {
    quota: Quota,
    probe: bool,
}

impl Permit {
    /// Tells what came of the call. Gives how many ms all calls pause, if it was a 429.
    pub async fn settle(mut self, outcome: Outcome) -> Option<u64> {
        let probe = std::mem::take(&mut self.probe);
        let actor = self.quota.slot.get()?;
        let settle = Settle { probe, outcome };
        if !matches!(outcome, Outcome::Limited(_)) {
            // Nobody needs to wait for what it means; one of many that is lost changes little.
            let _ = actor.try_send(settle);
            return None;
        }
        let until = actor.send(settle).await.ok().flatten()?;
        Some(until.since(self.quota.clock.now()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.probe
            && let Some(actor) = self.quota.slot.get()
        {
            let _ = actor.try_send(Settle { probe: true, outcome: Outcome::Unknown });
        }
    }
}
