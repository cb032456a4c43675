//! The store's side: one write at a time, so that no state overtakes a later one or comes back after a deletion.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use tickgate_core::alert::{Alert, AlertId};
use tickgate_core::ports::{Shelf, StoreError, StoreFuture};

use super::messages::Asked;
use super::{AlertError, AlertsActor, STORE_DEADLINE};

/// States stored in one write: a transaction of well under a megabyte.
const STATES_PER_WRITE: usize = 1_000;

/// What waits to be written. It is bounded by the number of alerts: each is deleted once, and its state is taken when written.
#[derive(Default)]
pub(super) struct Keeping {
    deletions: VecDeque<(AlertId, Option<Asked<()>>)>,
    writing: bool,
    /// Who waits until what is being written is written.
    settling: Vec<Asked<()>>,
    /// The last states were not stored: they wait for the next sweep, so that a store that is down is asked a few times a
    /// minute, for as long as it takes.
    pausing: bool,
}

impl AlertsActor {
    /// Deletes an alert that has begun to leave; answers, if there is anybody to answer.
    pub(super) fn delete(&mut self, id: AlertId, asked: Option<Asked<()>>, ctx: &mut Context<Self>) {
        self.keeping.deletions.push_back((id, asked));
        self.keep(ctx);
    }

    /// Stores what has changed, now or after what is being written.
    pub(super) fn keep(&mut self, ctx: &mut Context<Self>) {
        if self.keeping.writing {
            return;
        }
        for asked in self.keeping.settling.drain(..) {
            asked.answer(Ok(()));
        }
        while let Some((id, asked)) = self.keeping.deletions.pop_front() {
            if asked.as_ref().is_some_and(|asked| asked.reply.is_closed()) {
                // Whoever asked has been told that it did not happen.
                self.book.stays(id);
                continue;
            }
            return self.write_deletion(id, asked, ctx);
        }
        if !self.keeping.pausing {
            self.write_states(ctx);
        }
    }

    /// Answers once what is being written now is written.
    pub(super) fn settle(&mut self, asked: Asked<()>, ctx: &mut Context<Self>) {
        self.keeping.settling.push(asked);
        self.keep(ctx);
    }

    pub(super) fn keep_again(&mut self, ctx: &mut Context<Self>) {
        self.keeping.pausing = false;
        self.keep(ctx);
    }

    fn write_deletion(&mut self, id: AlertId, asked: Option<Asked<()>>, ctx: &mut Context<Self>) {
        self.keeping.writing = true;
        let store = Arc::clone(&self.parts.store);
        let deleted = async move { within(STORE_DEADLINE, store.delete(Shelf::Alerts, id.0)).await };
        ctx.spawn(deleted.into_actor(self).map(move |deleted, actor, ctx| {
            actor.keeping.writing = false;
            let answer = match deleted {
                Ok(()) => {
                    actor.book.remove(id);
                    actor.count();
                    Ok(())
                }
                Err(error) => {
                    actor.store_failed("a price alert was not deleted", &error);
                    actor.book.stays(id);
                    Err(AlertError::Store)
                }
            };
            if let Some(asked) = asked {
                asked.answer(answer);
            }
            actor.keep(ctx);
        }));
    }

    fn write_states(&mut self, ctx: &mut Context<Self>) {
        let alerts = self.book.take_changed(STATES_PER_WRITE);
        if alerts.is_empty() {
            return;
        }
        self.keeping.writing = true;
        let ids: Vec<AlertId> = alerts.iter().map(|alert| alert.id).collect();
        let records = alerts.iter().map(Alert::to_record).collect();
        let store = Arc::clone(&self.parts.store);
        let stored = async move { within(STORE_DEADLINE, store.put(Shelf::Alerts, records)).await };
        ctx.spawn(stored.into_actor(self).map(move |stored, actor, ctx| {
            actor.keeping.writing = false;
            if let Err(error) = stored {
                actor.store_failed("the state of price alerts was not stored; trying again", &error);
                actor.book.changed_still(ids);
                actor.keeping.pausing = true;
            }
            actor.keep(ctx);
        }));
    }

    fn store_failed(&self, what: &'static str, error: &StoreError) {
        self.parts.metrics.alert_store_failures.inc();
        tracing::warn!("{what}: {error}");
    }
}

/// What the store says, or that it takes too long.
pub(super) async fn within<T>(deadline: Duration, asked: StoreFuture<'_, T>) -> Result<T, StoreError> {
    let late = || StoreError::Unavailable(format!("no answer within {} s", deadline.as_secs()));
    tokio::time::timeout(deadline, asked).await.unwrap_or_else(|_| Err(late()))
}
