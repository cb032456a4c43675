//! How an alert comes to be: watched, stored, armed, looked at; or refused and nothing left behind. It looks after it is stored, so
//! that a firing at once is told first and stored then, like every other.

use std::sync::Arc;
use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use tickgate_core::alert::{Alert, AlertId, Tick};
use tickgate_core::market::{Symbol, Topic};
use tickgate_core::ports::{Shelf, Store};

use super::keep::within;
use super::messages::Create;
use super::{AlertError, AlertsActor, STORE_DEADLINE};
use crate::clock::random_u128;
use crate::supervisor::WatchError;
use crate::window::{Interest, Ready, TapeWindow, Wish};

/// Longest wait until a symbol is recorded, which asks no upstream.
const RECORDED_DEADLINE: Duration = Duration::from_secs(5);
/// Longest wait for a symbol's first price. After it the alert is set all the same, and looks when there is one.
const FIRST_LOOK_DEADLINE: Duration = Duration::from_secs(5);

/// An alert that is in the store and not armed yet.
struct Stored {
    alert: Alert,
    interest: Interest,
    looked: bool,
}

impl AlertsActor {
    pub(super) fn create(&mut self, Create { principal, terms, asked }: Create, ctx: &mut Context<Self>) {
        if asked.reply.is_closed() {
            return;
        }
        if let Err(error) = self.ready().and_then(|()| self.book.reserve(&principal)) {
            asked.answer(Err(error));
            return;
        }
        let now = self.parts.clock.now();
        let alert = Alert::new(AlertId(random_u128()), principal.clone(), terms, now);
        let stored = store(alert, self.window.clone(), Arc::clone(&self.parts.store));
        ctx.spawn(stored.into_actor(self).map(move |stored, actor, ctx| {
            actor.book.release(&principal);
            let answer = stored.map(|stored| actor.arm(stored, ctx));
            if matches!(answer, Err(AlertError::Store)) {
                actor.parts.metrics.alert_store_failures.inc();
            }
            if let Err(Ok(alert)) = asked.reply.send(answer) {
                // Nobody will ever be told its name.
                if actor.book.begin_to_leave(&principal, alert.id).is_ok() {
                    actor.delete(alert.id, None, ctx);
                }
            }
        }));
    }

    fn arm(&mut self, Stored { alert, interest, looked }: Stored, ctx: &mut Context<Self>) -> Alert {
        let (id, symbol) = (alert.id, alert.terms.symbol.clone());
        self.book.insert(alert.clone(), Some(interest));
        self.count();
        if looked && let Some(tick) = newest(&self.window, &symbol) {
            let firings = self.book.observe(&symbol, tick, self.parts.clock.now());
            self.tell(firings);
            self.keep(ctx);
        }
        self.book.get(id).cloned().unwrap_or(alert)
    }
}

async fn store(alert: Alert, window: TapeWindow, store: Arc<dyn Store>) -> Result<Stored, AlertError> {
    let symbol = alert.terms.symbol.clone();
    let (interest, looked) = watch(&window, &symbol).await?;
    within(STORE_DEADLINE, store.put(Shelf::Alerts, vec![alert.to_record()])).await.map_err(|error| {
        tracing::warn!("a price alert was refused: {error}");
        AlertError::Store
    })?;
    Ok(Stored { alert, interest, looked })
}

/// Declares interest in a symbol and waits for its first price. Says whether the newest one is fresh.
async fn watch(window: &TapeWindow, symbol: &Symbol) -> Result<(Interest, bool), AlertError> {
    let wish = |ready| Wish { topics: vec![Topic::Prices(symbol.clone())], interval_ms: None, ready };
    let recorded = tokio::time::timeout(RECORDED_DEADLINE, window.watch(wish(Ready::Recorded))).await;
    let interest = recorded.unwrap_or(Err(WatchError::Busy)).map_err(AlertError::Watch)?;
    match tokio::time::timeout(FIRST_LOOK_DEADLINE, window.watch(wish(Ready::Fetched))).await {
        Ok(Err(unknown @ WatchError::UnknownSymbol(_))) => Err(AlertError::Watch(unknown)),
        looked => Ok((interest, matches!(looked, Ok(Ok(_))))),
    }
}

fn newest(window: &TapeWindow, symbol: &Symbol) -> Option<Tick> {
    window.latest(&Topic::Prices(symbol.clone())).and_then(|event| Tick::of(&event))
}
