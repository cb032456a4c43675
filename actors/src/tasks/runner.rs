//! Runs a task's handler on the worker that took it: until it is done, its owner cancels it, or its time is over.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::FutureExt as _;
use futures_util::future::{Either, LocalBoxFuture, select};
use serde_json::value::{RawValue, to_raw_value};
use tickgate_core::access::{Caller, Principal};
use tickgate_core::mcp::{FeatureRequest, FeatureResult, Outcome, Revision};
use tickgate_core::rpc::{ErrorCode, RpcError};

use super::line::TaskLine;
use super::table::{Entry, Tasks};
use crate::call::{CallInfo, CallLink, Line};

/// A task whose handler is about to run.
pub struct RunningTask {
    tasks: Tasks,
    entry: Arc<Entry>,
    info: Option<CallInfo>,
}

impl RunningTask {
    pub(super) const fn new(tasks: Tasks, entry: Arc<Entry>, info: Option<CallInfo>) -> Self {
        Self { tasks, entry, info }
    }

    /// Whose it is, and what they might do when they made it: it does no more than that.
    #[must_use]
    pub fn caller(&self) -> Caller {
        let task = self.entry.task();
        Caller::trusted(Principal::restored(&task.principal), task.call.scope)
    }

    /// The call to make again, and its line.
    #[must_use]
    pub fn call(&self) -> (FeatureRequest, CallLink) {
        let (name, arguments) = {
            let task = self.entry.task();
            (task.call.tool.clone(), task.call.arguments.clone())
        };
        let client = self.entry.task().call.client;
        let info = self.info.clone().unwrap_or(CallInfo {
            revision: Revision::V2026_07_28,
            client,
            wants_progress: false,
            request_id: String::new(),
            traceparent: None,
        });
        (FeatureRequest::CallTool { name, arguments }, CallLink::new(info, Line::Task(self.line())))
    }

    pub(crate) fn line(&self) -> Rc<TaskLine> {
        Rc::new(TaskLine::new(self.tasks.clone(), Arc::clone(&self.entry)))
    }

    #[cfg(test)]
    pub(super) fn entry(&self) -> Arc<Entry> {
        Arc::clone(&self.entry)
    }

    pub(crate) fn created(&self) -> FeatureResult {
        self.entry.task().created_result()
    }

    /// Ends the task with an outcome that was there at once.
    pub fn finish_with(self, outcome: Outcome) {
        self.run(Box::pin(std::future::ready(outcome)));
    }

    /// Runs the handler on this thread.
    pub fn run(self, handler: LocalBoxFuture<'static, Outcome>) {
        self.tasks.metrics().tasks_running.inc();
        actix::spawn(async move {
            let Self { tasks, entry, .. } = self;
            let outcome = drive(&tasks, &entry, handler).await;
            tasks.metrics().tasks_running.dec();
            if let Some(outcome) = outcome {
                let (ending, now) = (ending(outcome), tasks.now());
                tasks.change(&entry, move |task| task.finish(ending.clone(), now)).await;
            }
            let status = entry.task().status();
            tasks.metrics().tasks_ended.with_label_values(&[status.as_str()]).inc();
        });
    }
}

/// The outcome; `None` when it was cancelled or its time was over.
async fn drive(tasks: &Tasks, entry: &Entry, handler: LocalBoxFuture<'static, Outcome>) -> Option<Outcome> {
    let mut changed = entry.changed.subscribe();
    let stopped = async {
        while !entry.task().status().is_terminal() {
            if changed.changed().await.is_err() {
                break;
            }
        }
    };
    let expires = entry.task().expires();
    let left = Duration::from_millis(expires.since(tasks.now()));
    let handled = AssertUnwindSafe(handler).catch_unwind();
    match tokio::time::timeout(left, select(handled, Box::pin(stopped))).await {
        Ok(Either::Left((Ok(outcome), _))) => Some(outcome),
        Ok(Either::Left((Err(_), _))) => {
            tracing::error!(principal = %Principal::new("task", &entry.task().principal), "a task's handler panicked");
            Some(Err(tickgate_core::mcp::FeatureError::Rpc(RpcError::new(ErrorCode::INTERNAL, "Internal error"))))
        }
        Ok(Either::Right(_)) => None,
        Err(_) => {
            entry.task().cancel(tasks.now());
            entry.raise();
            None
        }
    }
}

fn ending(outcome: Outcome) -> Result<Box<RawValue>, Box<RawValue>> {
    match outcome {
        Ok(result) => {
            let mut text = BytesMut::new();
            result.write(&mut text, Revision::V2026_07_28, &[]);
            let text = String::from_utf8_lossy(&text).into_owned();
            RawValue::from_string(text).map_err(|_| internal())
        }
        Err(error) => Err(to_raw_value(&error.rpc(Revision::V2026_07_28)).unwrap_or_else(|_| internal())),
    }
}

fn internal() -> Box<RawValue> {
    RawValue::from_string(r#"{"code":-32603,"message":"Internal error"}"#.to_owned()).expect("it is JSON")
}
