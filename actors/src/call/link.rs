//! A call's line to its client.

use std::rc::Rc;

use bytes::Bytes;
use serde_json::Value;
use tickgate_core::mcp::{ClientCapabilities, LogLevel, Progress, Question, Revision};
use tickgate_core::session::CallEvent;
use tickgate_core::task::TaskTerms;

use super::ask::AskError;
use crate::session::SessionLine;
use crate::stateless::StatelessLine;
use crate::tasks::TaskLine;

/// What is known of a call's client and request.
#[derive(Clone, Debug)]
pub struct CallInfo {
    /// In which revision the call is answered.
    pub revision: Revision,
    /// What the client can do.
    pub client: ClientCapabilities,
    /// Whether the client gave a progress token.
    pub wants_progress: bool,
    /// The id of the HTTP request that made the call.
    pub request_id: String,
    /// W3C trace context of the client.
    pub traceparent: Option<String>,
}

/// What a call rides on.
pub(crate) enum Line {
    Session(SessionLine),
    Stateless(Rc<StatelessLine>),
    Task(Rc<TaskLine>),
}

/// A call's line to its client. Waiting for it is the back pressure on the call: whoever carries it never waits.
pub struct CallLink {
    info: CallInfo,
    line: Line,
}

impl CallLink {
    pub(crate) const fn new(info: CallInfo, line: Line) -> Self {
        Self { info, line }
    }

    /// In which revision the call is answered.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.info.revision
    }

    /// What the client can do.
    #[must_use]
    pub const fn client(&self) -> ClientCapabilities {
        self.info.client
    }

    /// Whether the client gave a progress token.
    #[must_use]
    pub const fn wants_progress(&self) -> bool {
        self.info.wants_progress
    }

    /// The id of the HTTP request that made the call.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.info.request_id
    }

    /// W3C trace context of the client.
    #[must_use]
    pub fn traceparent(&self) -> Option<&str> {
        self.info.traceparent.as_deref()
    }

    fn task(&self) -> Option<Rc<TaskLine>> {
        match &self.line {
            Line::Session(_) => None,
            Line::Stateless(line) => line.task(),
            Line::Task(task) => Some(Rc::clone(task)),
        }
    }

    /// The answer becomes a stream now: the call will speak before it answers.
    pub async fn stream(&self) {
        match &self.line {
            Line::Session(line) => line.say(CallEvent::Streaming).await,
            Line::Stateless(line) => line.stream(),
            Line::Task(_) => {}
        }
    }

    /// Closes the connection for a while where the revision allows it; what is said meanwhile waits for the client's return.
    pub async fn pause(&self, retry_ms: u64) {
        if let Line::Session(line) = &self.line {
            line.say(CallEvent::Pause { retry_ms }).await;
        }
    }

    /// Reports progress; a task tells the message as its status.
    pub async fn progress(&self, report: Progress) {
        if let Some(task) = self.task() {
            return task.progress(&report);
        }
        match &self.line {
            Line::Session(line) => line.say(CallEvent::Progress(report)).await,
            Line::Stateless(line) => line.progress(&report).await,
            Line::Task(_) => {}
        }
    }

    /// Logs to the client; a task has nobody to log to. `data`: JSON.
    pub async fn log(&self, level: LogLevel, logger: &'static str, data: Bytes) {
        if self.task().is_some() {
            return;
        }
        match &self.line {
            Line::Session(line) => line.say(CallEvent::Log { level, logger, data }).await,
            Line::Stateless(line) => line.log(level, logger, &data).await,
            Line::Task(_) => {}
        }
    }

    /// Asks the client. A stateless client answers with its next request: until then the future is pending, and the handler runs
    /// again from its beginning. So whatever comes before a question must be harmless to repeat.
    ///
    /// # Errors
    /// When the client cannot be asked or does not answer.
    pub async fn ask(&self, key: &str, question: Question, patience_ms: u64) -> Result<Value, AskError> {
        if !question.can_be_asked(&self.info.client) {
            return Err(AskError::Unsupported(question.needs()));
        }
        if let Some(task) = self.task() {
            return Ok(task.ask(key, &question).await);
        }
        match &self.line {
            Line::Session(line) => line.ask(&question, self.info.revision, patience_ms).await,
            Line::Stateless(line) => Ok(line.ask(key, &question).await),
            Line::Task(task) => Ok(task.ask(key, &question).await),
        }
    }

    /// Goes on as a task, if the client understands tasks: the request is answered now, the result is fetched later. Does nothing
    /// for other clients, or where the call is a task already.
    pub async fn detach(&self, terms: TaskTerms) {
        if let Line::Stateless(line) = &self.line
            && self.info.client.tasks
        {
            line.detach(terms).await;
        }
    }

    /// The same for a call that makes sense as a task only.
    ///
    /// # Errors
    /// When the client does not understand tasks.
    pub async fn must_detach(&self, terms: TaskTerms) -> Result<(), AskError> {
        if !self.info.client.tasks {
            return Err(AskError::without_tasks());
        }
        self.detach(terms).await;
        Ok(())
    }

    /// When the call began as a task, if it is one: a handler that runs again after a restart goes on from there.
    #[must_use]
    pub fn task_began(&self) -> Option<tickgate_core::time::Millis> {
        self.task().map(|task| task.began())
    }
}
