//! A session, as the edge holds it.

use std::sync::Arc;

use actix::Addr;
use tickgate_core::access::Scope;
use tickgate_core::rpc::{ClientMessage, RpcError};
use tickgate_core::sse::EventId;
use tokio::sync::oneshot;

use super::{Answer, Close, OpenStream, SessionActor, Submit, SubmitBatch};

/// Speaks to one session.
pub struct SessionHandle {
    pub(super) session: Arc<Addr<SessionActor>>,
    /// What whoever speaks may do now; that of whoever opened the session when nothing is said.
    scope: Option<Scope>,
}

/// Why a session does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Its mailbox is full.
    #[error("the session has too many requests at once: try again in a moment")]
    Busy,
    /// It has just ended.
    #[error("Session not found or expired")]
    Ended,
}

impl SessionHandle {
    pub(super) const fn new(session: Arc<Addr<SessionActor>>) -> Self {
        Self { session, scope: None }
    }

    /// Speaks for a caller with this scope: a session is its principal's, but what may be done in it is said by the credential of
    /// each request, which may be another than the one that opened it, or be worth less by now.
    #[must_use]
    pub fn acting_with(self, scope: Scope) -> Self {
        Self { scope: Some(scope), ..self }
    }

    /// Submits a message and waits for its answer, for as long as its call takes.
    ///
    /// # Errors
    /// When the session is too busy or gone.
    pub async fn submit(&self, message: ClientMessage, request_id: String) -> Result<Answer, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.session.try_send(Submit { message, request_id, scope: self.scope, reply }).map_err(refused)?;
        answer.await.map_err(|_| SubmitError::Ended)
    }

    /// Submits several messages of one POST and waits for their answer.
    ///
    /// # Errors
    /// When the session is too busy or gone.
    pub async fn submit_batch(
        &self,
        messages: Vec<Result<ClientMessage, RpcError>>,
        request_id: String,
    ) -> Result<Answer, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.session.try_send(SubmitBatch { messages, request_id, scope: self.scope, reply }).map_err(refused)?;
        answer.await.map_err(|_| SubmitError::Ended)
    }

    /// Opens the standalone stream, or resumes a stream after an event.
    ///
    /// # Errors
    /// When the session is too busy or gone.
    pub async fn open_stream(&self, resume: Option<EventId>) -> Result<Answer, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.session.try_send(OpenStream { resume, reply }).map_err(refused)?;
        answer.await.map_err(|_| SubmitError::Ended)
    }

    /// Ends the session and waits until it has ended.
    ///
    /// # Errors
    /// When the session is gone already.
    pub async fn close(&self) -> Result<(), SubmitError> {
        self.session.send(Close).await.map_err(|_| SubmitError::Ended)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is the signature of map_err")]
fn refused<T>(error: actix::prelude::SendError<T>) -> SubmitError {
    match error {
        actix::prelude::SendError::Full(_) => SubmitError::Busy,
        actix::prelude::SendError::Closed(_) => SubmitError::Ended,
    }
}
