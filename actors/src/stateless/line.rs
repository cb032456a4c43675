//! A call's line through the answer that carries it. Answer and call are polled by the same task, so plain cells do.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;

use bytes::Bytes;
use serde_json::Value;
use tickgate_core::mcp::{LogLevel, Progress, Question, Round, Voice, log_message};
use tickgate_core::task::TaskTerms;

use crate::tasks::TaskLine;

/// Messages that a call may say in one go before its reader gets a turn.
const MAX_BREATH: usize = 64;

/// What a call has said and what has become of it.
pub(crate) struct StatelessLine {
    said: RefCell<VecDeque<Bytes>>,
    voice: RefCell<Voice>,
    log_level: Option<LogLevel>,
    pub(super) round: RefCell<Round>,
    streams: Cell<bool>,
    terms: Cell<Option<TaskTerms>>,
    task: RefCell<Option<Rc<TaskLine>>>,
}

impl StatelessLine {
    pub(super) fn new(voice: Voice, log_level: Option<LogLevel>, round: Round) -> Self {
        Self {
            said: RefCell::default(),
            voice: RefCell::new(voice),
            log_level,
            round: RefCell::new(round),
            streams: Cell::new(false),
            terms: Cell::new(None),
            task: RefCell::new(None),
        }
    }

    pub(crate) fn task(&self) -> Option<Rc<TaskLine>> {
        self.task.borrow().clone()
    }

    pub(super) fn become_task(&self, task: Rc<TaskLine>) {
        *self.task.borrow_mut() = Some(task);
    }

    pub(crate) fn stream(&self) {
        self.streams.set(true);
    }

    pub(crate) async fn progress(&self, report: &Progress) {
        let notification = self.voice.borrow_mut().progress(report);
        self.say(notification).await;
    }

    pub(crate) async fn log(&self, level: LogLevel, logger: &str, data: &[u8]) {
        self.say(log_message(self.log_level, level, logger, data)).await;
    }

    async fn say(&self, message: Option<Bytes>) {
        let Some(message) = message else { return };
        let waiting = {
            let mut said = self.said.borrow_mut();
            said.push_back(message);
            said.len()
        };
        if waiting >= MAX_BREATH {
            yield_once().await;
        }
    }

    pub(crate) async fn ask(&self, key: &str, question: &Question) -> Value {
        let answer = self.round.borrow_mut().answer(key, question);
        match answer {
            Some(answer) => answer,
            // The answer comes with another request; this run ends here.
            None => pending().await,
        }
    }

    /// Waits until the call is a task.
    pub(crate) async fn detach(&self, terms: TaskTerms) {
        poll_fn(|_| {
            if self.task.borrow().is_some() {
                return Poll::Ready(());
            }
            self.terms.set(Some(terms));
            Poll::Pending
        })
        .await;
    }

    /// The answer is a stream: from now on only what is said counts as speaking.
    pub(super) fn speaks_as_a_stream(&self) {
        self.streams.set(false);
    }

    pub(super) fn heard(&self) -> Option<Bytes> {
        self.said.borrow_mut().pop_front()
    }

    pub(super) fn has_spoken(&self) -> bool {
        self.streams.get() || !self.said.borrow().is_empty()
    }

    /// The terms under which the call wants to be a task, asked once.
    pub(super) fn wants_to_detach(&self) -> Option<TaskTerms> {
        self.terms.take()
    }

    pub(super) fn has_asked(&self) -> bool {
        self.round.borrow().has_asked()
    }
}

/// Gives way once.
async fn yield_once() {
    let mut yielded = false;
    poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
