//! The alerts, as the edges hold them.

use std::sync::Arc;
use std::time::Duration;

use actix::Handler;
use actix::prelude::SendError;
use tickgate_core::access::Principal;
use tickgate_core::alert::{Alert, AlertId, Condition, MAX_ALERTS_PER_PRINCIPAL, Terms, TermsError};
use tickgate_core::market::Symbol;
use tokio::sync::{Semaphore, oneshot};

use super::messages::{Asked, Create, Delete, Forget, List, Owned};
use super::{AlertsActor, AlertsParts};
use crate::slot::Slot;
use crate::supervisor::WatchError;

/// Alerts that may be on their way into or out of the store at once.
const MAX_CHANGES: usize = 1_024;
/// Questions that may wait at once.
const MAX_QUESTIONS: usize = 1_024;
/// Longest wait for a change: the symbol's recording, its first look and the store, each with its own bound, and a little more.
const CHANGE_DEADLINE: Duration = Duration::from_secs(20);
/// Longest wait for an answer from memory.
const QUESTION_DEADLINE: Duration = Duration::from_secs(5);

/// Why an alert could not be set, listed or deleted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AlertError {
    /// There can be no such alert.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// Its symbol cannot be watched: above all, the upstream knows no such symbol.
    #[error(transparent)]
    Watch(WatchError),
    /// The caller has as many as one may have.
    #[error("you have {MAX_ALERTS_PER_PRINCIPAL} price alerts, as many as one may have: delete some with delete_price_alert")]
    TooMany,
    /// The gateway has as many as it can hold.
    #[error("the gateway has no room for another price alert: try again later")]
    Full,
    /// There is no such alert, or it is another's.
    #[error("no such price alert: list_price_alerts shows yours")]
    NotFound,
    /// The store did not do it.
    #[error("price alerts cannot be stored at the moment, so nothing was promised: try again in a few seconds")]
    Store,
    /// Too many are being asked for at once.
    #[error("the gateway is too busy with price alerts: try again in a few seconds")]
    Busy,
    /// They are being loaded, or rebuilt after a failure.
    #[error("price alerts are not available at the moment: try again in a few seconds")]
    Unavailable,
}

/// Everybody's alerts. Clones are the same.
#[derive(Clone)]
pub struct Alerts {
    slot: Slot<AlertsActor>,
    /// The mailbox's own bound counts per clone of an address; these count what is not answered yet.
    changes: Arc<Semaphore>,
    questions: Arc<Semaphore>,
}

impl Alerts {
    /// Starts the alerts on this arbiter: loads what the store has and arms it.
    #[must_use]
    pub fn start(parts: AlertsParts) -> Self {
        let slot = Slot::empty();
        AlertsActor::build(parts, &slot, Duration::ZERO);
        Self { slot, changes: Arc::new(Semaphore::new(MAX_CHANGES)), questions: Arc::new(Semaphore::new(MAX_QUESTIONS)) }
    }

    /// Sets an alert: it is durable when this returns, and the answer shows whether it has fired at its first look.
    /// A caller who stops waiting takes it back.
    ///
    /// # Errors
    /// When the terms are impossible, the symbol unknown, the caller or the gateway has too many, or the store fails. An
    /// upstream that is down is no error: the alert waits for it.
    pub async fn create(
        &self,
        principal: &Principal,
        symbol: Symbol,
        condition: Condition,
        target: f64,
        note: Option<&str>,
    ) -> Result<Alert, AlertError> {
        let terms = Terms::new(symbol, condition, target, note)?;
        let create = |asked| Create { principal: principal.clone(), terms, asked };
        self.ask(&self.changes, CHANGE_DEADLINE, create).await
    }

    /// A principal's alerts, in the order in which they were made; at most [`MAX_ALERTS_PER_PRINCIPAL`].
    ///
    /// # Errors
    /// [`AlertError::Busy`] and [`AlertError::Unavailable`].
    pub async fn list(&self, principal: &Principal) -> Result<Vec<Alert>, AlertError> {
        self.ask(&self.questions, QUESTION_DEADLINE, |asked| List { principal: principal.clone(), asked }).await
    }

    /// Deletes an alert: when this returns, it will not fire again.
    ///
    /// # Errors
    /// [`AlertError::NotFound`] when there is none, or it is another's. When the store fails the alert stays.
    pub async fn delete(&self, principal: &Principal, id: AlertId) -> Result<(), AlertError> {
        self.ask(&self.changes, CHANGE_DEADLINE, |asked| Delete { principal: principal.clone(), id, asked }).await
    }

    /// Forgets every alert of a principal: none fires again, and nothing of them is written any more when this returns. What the store
    /// keeps of them is for the caller to erase.
    ///
    /// # Errors
    /// [`AlertError::Busy`] and [`AlertError::Unavailable`].
    pub async fn forget_all_of(&self, principal: &Principal) -> Result<(), AlertError> {
        self.ask(&self.changes, CHANGE_DEADLINE, |asked| Forget { principal: principal.clone(), asked }).await
    }

    /// Whether all of these alerts are this principal's, so that it may read their topics.
    ///
    /// # Errors
    /// [`AlertError::NotFound`] when one does not exist or is another's.
    pub async fn owned(&self, principal: &Principal, ids: &[AlertId]) -> Result<(), AlertError> {
        let owned = |asked| Owned { principal: principal.clone(), ids: ids.to_vec(), asked };
        self.ask(&self.questions, QUESTION_DEADLINE, owned).await
    }

    async fn ask<M, T>(
        &self,
        places: &Arc<Semaphore>,
        deadline: Duration,
        message: impl FnOnce(Asked<T>) -> M,
    ) -> Result<T, AlertError>
    where
        AlertsActor: Handler<M>,
        M: actix::Message<Result = ()> + Send + 'static,
    {
        let place = Arc::clone(places).try_acquire_owned().map_err(|_| AlertError::Busy)?;
        let (reply, answer) = oneshot::channel();
        let actor = self.slot.get().ok_or(AlertError::Unavailable)?;
        actor.try_send(message(Asked { reply, _place: place })).map_err(|error| match error {
            SendError::Full(_) => AlertError::Busy,
            SendError::Closed(_) => AlertError::Unavailable,
        })?;
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(answer)) => answer,
            // It died with the question, or takes too long.
            Ok(Err(_)) | Err(_) => Err(AlertError::Unavailable),
        }
    }

    #[cfg(test)]
    pub(super) fn actor(&self) -> actix::Addr<AlertsActor> {
        self.slot.get().unwrap()
    }
}
