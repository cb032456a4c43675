//! The stateless requests that run, each on its own, until they are answered or cancelled.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::json;
use tickgate_actors::stateless::{Stateless, StatelessAnswer};
use tickgate_core::access::Caller;
use tickgate_core::mcp::StatelessRequest;
use tickgate_core::rpc::{ErrorCode, RequestId, RpcError, error_response, line};
use tokio::task::{AbortHandle, JoinSet};

use super::output::{Gone, Output};

/// The requests that run.
pub(super) struct Calls {
    stateless: Stateless,
    caller: Caller,
    output: Output,
    /// How many may run at once.
    most: usize,
    running: HashMap<RequestId, AbortHandle>,
    tasks: JoinSet<()>,
}

impl Calls {
    pub(super) fn new(stateless: Stateless, caller: Caller, output: Output, most: usize) -> Self {
        Self { stateless, caller, output, most, running: HashMap::new(), tasks: JoinSet::new() }
    }

    /// Runs a request; what it says goes to the output.
    ///
    /// # Errors
    /// When its id is in use, or too many run already.
    pub(super) fn start(&mut self, request: StatelessRequest, request_id: String) -> Result<(), RpcError> {
        self.forget_the_done();
        let id = request.id.clone();
        if self.running.contains_key(&id) {
            return Err(RpcError::new(ErrorCode::INVALID_REQUEST, format!("request id {id} is still in use")));
        }
        if self.running.len() >= self.most {
            let message = format!("{} calls are running: wait for one or cancel one", self.running.len());
            let data = json!({"reason": "too_many_calls", "retry_after_seconds": 1});
            return Err(RpcError::new(ErrorCode(429), message).with_data(data));
        }
        let (stateless, caller, output) = (self.stateless.clone(), self.caller.clone(), self.output.clone());
        let call = async move {
            let id = request.id.clone();
            let answered = AssertUnwindSafe(answer(&stateless, request, &caller, request_id, &output)).catch_unwind().await;
            if answered.is_err() {
                let error = RpcError::new(ErrorCode::INTERNAL, "Something went wrong here.");
                let _ = output.send(line(&error_response(&id, &error))).await;
            }
        };
        self.running.insert(id, self.tasks.spawn_local(call));
        Ok(())
    }

    /// Stops a request, which is then never answered; `false` when it does not run.
    pub(super) fn cancel(&mut self, id: &RequestId) -> bool {
        self.forget_the_done();
        self.running.remove(id).inspect(AbortHandle::abort).is_some()
    }

    /// Waits until all are answered.
    pub(super) async fn all_over(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    fn forget_the_done(&mut self) {
        while self.tasks.try_join_next().is_some() {}
        self.running.retain(|_, call| !call.is_finished());
    }
}

async fn answer(
    stateless: &Stateless,
    request: StatelessRequest,
    caller: &Caller,
    request_id: String,
    output: &Output,
) -> Result<(), Gone> {
    match stateless.answer(request, caller, request_id).await {
        StatelessAnswer::Json(_, message) => output.send(line(&message)).await,
        StatelessAnswer::Stream(mut messages) => {
            while let Some(message) = messages.next().await {
                let message: Bytes = message;
                output.send(line(&message)).await?;
            }
            Ok(())
        }
    }
}
