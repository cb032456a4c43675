//! Sessions between two lives of the gateway: written to the store when it stops in good order, taken up when their client comes back.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{ActorContext, AsyncContext, Context, Handler, Message};
use bytes::Bytes;
use tickgate_core::access::Caller;
use tickgate_core::ports::{Record, Shelf};
use tickgate_core::session::{CallId, Session};
use tickgate_core::time::Millis;
use tokio::sync::{Semaphore, oneshot};

use super::{SessionActor, SessionDirectory, SessionHandle, SessionId};
use crate::call::Catalog;

/// Sessions written in one go.
const BATCH: usize = 256;
/// A session larger than this is not kept: its client starts anew. Its logs have at most 8 MiB, and little more as JSON.
const MAX_BYTES: usize = 12 << 20;
/// Longest wait for a session to be taken up: a store that fails costs each request this much and no more.
const WAKE_PATIENCE: Duration = Duration::from_secs(6);
/// Time to write down what has come to rest in the last moment.
const WRITING: Duration = Duration::from_secs(1);
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
    /// Writes every session down, each once no call of it runs or `patience` is over. Their connections end. Says how many were kept and
    /// how many are lost.
    pub async fn rest(&self, patience: Duration) -> (usize, usize) {
        let sessions = self.entries();
        let all = sessions.len();
        let mut asked = Vec::with_capacity(all);
        for (id, principal, session) in sessions {
            let (reply, written) = oneshot::channel();
            if session.try_send(Rest { patience, reply }).is_ok() {
                asked.push((id, principal, written));
            }
        }
        let deadline = tokio::time::Instant::now() + patience + WRITING;
        let (mut kept, mut records) = (0, Vec::new());
        for (id, principal, written) in asked {
            if let Ok(Ok((body, expires))) = tokio::time::timeout_at(deadline, written).await {
                records.push(Record { id: id.0, principal: principal.as_str().to_owned(), expires: Some(expires), body });
            }
            if records.len() >= BATCH {
                kept += self.keep(std::mem::take(&mut records)).await;
            }
        }
        kept += self.keep(records).await;
        (kept, all - kept)
    }

    async fn keep(&self, records: Vec<Record>) -> usize {
        let count = records.len();
        match self.store.put(Shelf::Sessions, records).await {
            Ok(()) => count,
            Err(error) => {
                tracing::error!(error = %error, sessions = count, "sessions cannot be kept");
                0
            }
        }
    }

    /// The session of that name, if it is this caller's; one that rests is taken up on this thread.
    ///
    /// # Errors
    /// When there is no such session of this caller's, or it cannot be found out now.
    pub async fn find_or_wake(&self, id: &str, caller: &Caller, catalog: &Rc<dyn Catalog>) -> Result<SessionHandle, FindError> {
        if let Some(session) = self.find(id, &caller.principal) {
            return Ok(session.acting_with(caller.scope));
        }
        let parsed: SessionId = id.parse().map_err(|()| FindError::Unknown)?;
        let place = Arc::clone(&self.waking.lookups).try_acquire_owned().map_err(|_| FindError::Busy)?;
        let (directory, owner, catalog) = (self.clone(), caller.clone(), Rc::clone(catalog));
        // A client that leaves meanwhile must not take the session with it.
        let waking = actix::spawn(async move {
            let _place = place;
            directory.wake(parsed, owner, catalog).await
        });
        match tokio::time::timeout(WAKE_PATIENCE, waking).await {
            Ok(Ok(woken)) => woken?,
            _ => return Err(FindError::Busy),
        }
        self.find(id, &caller.principal).map(|session| session.acting_with(caller.scope)).ok_or(FindError::Unknown)
    }

    async fn wake(&self, id: SessionId, caller: Caller, catalog: Rc<dyn Catalog>) -> Result<(), FindError> {
        // One of a name at a time: of two requests of one client the second must not find the session gone from both places.
        let _waking = self.waking.names[(id.0 % WAKING_NAMES as u128) as usize].lock().await;
        if self.find(&id.to_string(), &caller.principal).is_some() {
            return Ok(());
        }
        if !self.has_room(&caller.principal) {
            return Err(FindError::Busy);
        }
        let (now, principal) = (self.clock.now(), caller.principal.clone());
        let taken = self.store.take(Shelf::Sessions, id.0, principal.as_str(), now).await.map_err(|_| FindError::Busy)?;
        let record = taken.ok_or(FindError::Unknown)?;
        let mut session: Session = serde_json::from_slice(&record.body).map_err(|_| FindError::Unknown)?;
        session.wake_up(now);
        if self.insert(id, session, caller, catalog).is_err() {
            // The room was taken meanwhile; there may be some later.
            if let Err(error) = self.store.put(Shelf::Sessions, vec![record]).await {
                tracing::error!(error = %error, session.id = ?id, "a session that there was no room for is lost");
            }
            return Err(FindError::Busy);
        }
        tracing::info!(session.id = ?id, caller.id = %principal, "session taken up again");
        Ok(())
    }
}

/// Lookups of sessions that rest, at once: what strangers name must not pile up before a store that is slow.
const MAX_LOOKUPS: usize = 256;
/// Locks that names share.
const WAKING_NAMES: usize = 64;

/// Who is being taken up.
pub(super) struct Waking {
    names: [tokio::sync::Mutex<()>; WAKING_NAMES],
    lookups: Arc<Semaphore>,
}

impl Default for Waking {
    fn default() -> Self {
        Self { names: std::array::from_fn(|_| tokio::sync::Mutex::default()), lookups: Arc::new(Semaphore::new(MAX_LOOKUPS)) }
    }
}

/// Why a session is not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// There is none of that name, or it is another's.
    #[error("Session not found or expired")]
    Unknown,
    /// The store does not say in time, or there is no room to take the session up.
    #[error("the session cannot be taken up now: try again in a moment")]
    Busy,
}
