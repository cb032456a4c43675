//! Requests that stand alone (2026-07-28). Nothing is kept between them, so nothing here is an actor: a call lives in the answer
//! that carries it, and dropping the answer cancels it.

mod call;
mod line;
mod listen;

#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tickgate_core::access::Caller;
use tickgate_core::mcp::{Asked, FeatureError, FeatureRequest, Outcome, StatelessRequest};
use tickgate_core::ports::Seal;
use tickgate_core::rpc::{RequestId, error_response};
use tokio::sync::watch;

use crate::call::Catalog;
use crate::clock::Clock;
use crate::tasks::Tasks;

pub use call::StatelessStream;
pub(crate) use line::StatelessLine;

/// What stateless requests are served with, on one worker.
#[derive(Clone)]
pub struct Stateless {
    /// What is offered.
    pub catalog: Rc<dyn Catalog>,
    /// Calls that outlive their request.
    pub tasks: Tasks,
    /// Seals `requestState`.
    pub seal: Arc<dyn Seal>,
    /// The time.
    pub clock: Clock,
    /// Turns true when the gateway is shutting down.
    pub draining: watch::Receiver<bool>,
    /// How long a listener may listen; for ever when `None`. Its client listens anew.
    pub listen_for: Option<Duration>,
    /// The inside of `_meta` that every result carries.
    pub meta: Bytes,
}

/// The answer to a stateless request.
pub enum StatelessAnswer {
    /// One JSON message under this HTTP status.
    Json(u16, Bytes),
    /// Messages, the last of which is the answer.
    Stream(StatelessStream),
}

impl Stateless {
    /// Answers a request. Dropping the future or the stream cancels it.
    pub async fn answer(&self, request: StatelessRequest, caller: &Caller, request_id: String) -> StatelessAnswer {
        match request.asked {
            Asked::Discover => self.json(&request.id, Ok(self.catalog.server().discover_result())),
            Asked::Listen(_) => listen::listen(self, request, caller),
            Asked::Feature(FeatureRequest::GetTask { id }, _) => {
                let outcome = self.tasks.get(&id, &caller.principal);
                self.json(&request.id, outcome)
            }
            Asked::Feature(FeatureRequest::UpdateTask { id, responses }, _) => {
                let outcome = self.tasks.update(&id, &caller.principal, responses).await;
                self.json(&request.id, outcome)
            }
            Asked::Feature(FeatureRequest::CancelTask { id }, _) => {
                let outcome = self.tasks.cancel(&id, &caller.principal).await;
                self.json(&request.id, outcome)
            }
            Asked::Feature(..) => call::answer(self, request, caller, request_id).await,
        }
    }

    fn json(&self, id: &RequestId, outcome: Outcome) -> StatelessAnswer {
        let (status, body) = self.write(id, outcome);
        StatelessAnswer::Json(status, body)
    }

    /// The message that answers, and its HTTP status.
    fn write(&self, id: &RequestId, outcome: Outcome) -> (u16, Bytes) {
        let revision = tickgate_core::mcp::Revision::V2026_07_28;
        match outcome {
            Ok(result) => (200, result.response(id, revision, &self.meta)),
            Err(error) => (FeatureError::status(&error, revision), error_response(id, &error.rpc(revision))),
        }
    }
}
