//! Sessions between two lives of the gateway: written to the store when it stops in good order, taken up when their client comes back.

use std::rc::Rc;
use std::time::Duration;

use actix::{ActorContext, AsyncContext, Context, Handler, Message};
use bytes::Bytes;
use tickgate_core::access::Caller;
use tickgate_core::ports::{Record, Shelf, StoreError};
use tickgate_core::session::{CallId, Session};
use tickgate_core::time::Millis;
use tokio::sync::oneshot;

use super::{SessionActor, SessionDirectory, SessionHandle, SessionId};
use crate::call::Catalog;

/// Sessions written in one go.
const BATCH: usize = 256;
/// A session larger than this is not kept: its client starts anew.
const MAX_BYTES: usize = 4 << 20;
/// The name of a call that nobody waits for: a watch that is taken up again.
const NOBODY: CallId = CallId(u64::MAX);

/// A session as it is written down, and when it expires.
pub(super) type Written = (Bytes, Millis);

/// Wants the session written down and gone: as soon as no call runs, or after this long.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Rest {
    patience: Duration,
    reply: oneshot::Sender<Written>,
}

impl SessionActor {
    pub(super) fn rest_if_idle(&mut self, ctx: &mut Context<Self>) {
        if self.session.running_calls() == 0 {
            self.rest(ctx);
        }
    }

    fn rest(&mut self, ctx: &mut Context<Self>) {
        let Some(reply) = self.rests.take() else { return };
        let mut written = serde_json::to_vec(&self.session);
        if written.as_ref().is_ok_and(|written| written.len() > MAX_BYTES) {
            self.session.slim();
            written = serde_json::to_vec(&self.session);
        }
        match written {
            Ok(written) if written.len() <= MAX_BYTES => {
                let _ = reply.send((written.into(), self.session.expires()));
            }
            _ => tracing::warn!(caller.id = %self.caller.principal, "a session is too large to be kept over the restart"),
        }
        self.rested = true;
        ctx.stop();
    }

    /// What it watched in its former life.
    pub(super) fn watch_again(&mut self, ctx: &mut Context<Self>) {
        for uri in self.session.watched().to_vec() {
            let _ = self.watch(NOBODY, uri, ctx);
        }
    }
}

impl Handler<Rest> for SessionActor {
    type Result = ();

    fn handle(&mut self, Rest { patience, reply }: Rest, ctx: &mut Self::Context) {
        if !self.session.can_rest() {
            return;
        }
        self.rests = Some(reply);
        ctx.run_later(patience, |session, ctx| session.rest(ctx));
        self.rest_if_idle(ctx);
    }
}

impl SessionDirectory {
    /// Writes every session down, each once no call of it runs or `patience` is over. Their connections end.
    ///
    /// # Errors
    /// When the store does not keep them; those that it did keep are kept.
    pub async fn rest(&self, patience: Duration) -> Result<usize, StoreError> {
        let mut asked = Vec::new();
        for (id, principal, session) in self.entries() {
            let (reply, written) = oneshot::channel();
            if session.try_send(Rest { patience, reply }).is_ok() {
                asked.push((id, principal, written));
            }
        }
        let deadline = tokio::time::Instant::now() + patience + patience / 2;
        let mut kept = 0;
        let mut records = Vec::new();
        for (id, principal, written) in asked {
            if let Ok(Ok((body, expires))) = tokio::time::timeout_at(deadline, written).await {
                records.push(Record { id: id.0, principal: principal.as_str().to_owned(), expires: Some(expires), body });
            }
            if records.len() >= BATCH {
                kept += records.len();
                self.store.put(Shelf::Sessions, std::mem::take(&mut records)).await?;
            }
        }
        kept += records.len();
        if !records.is_empty() {
            self.store.put(Shelf::Sessions, records).await?;
        }
        Ok(kept)
    }

    /// The session of that name, if it is this caller's; one that rests is taken up on this thread.
    pub async fn find_or_wake(&self, id: &str, caller: &Caller, catalog: &Rc<dyn Catalog>) -> Option<SessionHandle> {
        if let Some(session) = self.find(id, &caller.principal) {
            return Some(session);
        }
        let parsed: SessionId = id.parse().ok()?;
        // One at a time: two requests of one client must not look for the session at once, or one of them finds it gone.
        let _waking = self.waking.lock().await;
        if let Some(session) = self.find(id, &caller.principal) {
            return Some(session);
        }
        let now = self.clock.now();
        let record = self.store.take(Shelf::Sessions, parsed.0, caller.principal.as_str(), now).await.ok().flatten()?;
        let mut session: Session = serde_json::from_slice(&record.body).ok()?;
        session.wake_up(now);
        self.insert(parsed, session, caller.clone(), Rc::clone(catalog)).ok()?;
        tracing::info!(session.id = ?parsed, caller.id = %caller.principal, "session taken up again");
        self.find(id, &caller.principal)
    }
}
