//! What the alerts are asked.

use actix::Message;
use tickgate_core::access::Principal;
use tickgate_core::alert::{Alert, AlertId, Terms};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::AlertError;

/// Where an answer goes, and the place that the question holds until it is answered.
pub(super) struct Asked<T> {
    pub(super) reply: oneshot::Sender<Result<T, AlertError>>,
    pub(super) _place: OwnedSemaphorePermit,
}

impl<T> Asked<T> {
    /// Answers, if anybody still waits.
    pub(super) fn answer(self, answer: Result<T, AlertError>) {
        let _ = self.reply.send(answer);
    }
}

/// Sets an alert.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Create {
    pub(super) principal: Principal,
    pub(super) terms: Terms,
    pub(super) asked: Asked<Alert>,
}

/// Deletes an alert.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Delete {
    pub(super) principal: Principal,
    pub(super) id: AlertId,
    pub(super) asked: Asked<()>,
}

/// Forgets a principal's alerts; answered once nothing of them is written any more.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Forget {
    pub(super) principal: Principal,
    pub(super) asked: Asked<()>,
}

/// Wants to see a principal's alerts.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct List {
    pub(super) principal: Principal,
    pub(super) asked: Asked<Vec<Alert>>,
}

/// Wants to know whether these alerts are all this principal's.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Owned {
    pub(super) principal: Principal,
    pub(super) ids: Vec<AlertId>,
    pub(super) asked: Asked<()>,
}
