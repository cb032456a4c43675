//! A call's line through its session.

use std::cell::Cell;

use actix::{Addr, Message};
use serde_json::Value;
use tickgate_core::mcp::{Question, Revision};
use tickgate_core::session::{Ask, CallEvent, CallId, QuestionId, Reply, ReplyError};
use tokio::sync::oneshot;

use super::SessionActor;
use crate::call::AskError;

/// A running call has something to say.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct CallSaid(pub(super) CallId, pub(super) CallEvent);

/// A running call asks the client.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct CallAsks {
    pub(super) call: CallId,
    pub(super) ask: Ask,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// Speaks for one call of a session.
pub(crate) struct SessionLine {
    session: Addr<SessionActor>,
    call: CallId,
    asked: Cell<u64>,
}

impl SessionLine {
    pub(super) const fn new(session: Addr<SessionActor>, call: CallId) -> Self {
        Self { session, call, asked: Cell::new(0) }
    }

    pub(crate) async fn say(&self, event: CallEvent) {
        // A session that is gone has dropped this call with it.
        let _ = self.session.send(CallSaid(self.call, event)).await;
    }

    pub(crate) async fn ask(&self, question: &Question, revision: Revision, patience_ms: u64) -> Result<Value, AskError> {
        let (reply, answer) = oneshot::channel();
        self.asked.set(self.asked.get() + 1);
        let ask = Ask {
            question: QuestionId(self.asked.get()),
            method: question.method(),
            params: question.params(revision).to_string().into(),
            patience_ms,
        };
        let _ = self.session.send(CallAsks { call: self.call, ask, reply }).await;
        let answer = answer.await.unwrap_or(Err(ReplyError::Unreachable))?;
        serde_json::from_str(answer.get()).ok().filter(|answer| question.is_answered_by(answer)).ok_or(AskError::Malformed)
    }
}
