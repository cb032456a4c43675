//! One task: working, waiting for its client, or over. What is over stays as it is.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::id::TaskId;
use crate::access::Scope;
use crate::mcp::{ClientCapabilities, Question};
use crate::time::Millis;

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Its handler runs.
    Working,
    /// Its handler waits for answers of the client.
    InputRequired,
    /// It gave a result, also one that tells of a failure.
    Completed,
    /// It ended with a protocol error.
    Failed,
    /// Its owner has stopped it.
    Cancelled,
}

impl TaskStatus {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::InputRequired => "input_required",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// How long a task is kept, and how often to ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskTerms {
    /// Kept for this long after it was made, in ms; what runs then is stopped.
    pub ttl_ms: u64,
    /// Asking more often than this tells nothing new, in ms.
    pub poll_ms: u64,
}

/// The call that a task makes, kept so that it can be made again after a restart.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskCall {
    /// The tool.
    pub tool: Box<str>,
    /// Its arguments.
    pub arguments: Option<Box<RawValue>>,
    /// What the client has answered before it became a task, by key.
    pub answers: Map<String, Value>,
    /// What the client can do.
    pub client: ClientCapabilities,
    /// What its owner might do when it was made.
    pub scope: Scope,
}

/// A task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task {
    /// Its name.
    pub id: TaskId,
    /// Whose it is.
    pub principal: String,
    /// What it runs.
    pub call: TaskCall,
    /// How long, how often.
    pub terms: TaskTerms,
    /// When it was made.
    pub created: Millis,
    pub(super) updated: Millis,
    pub(super) status: TaskStatus,
    pub(super) message: Option<String>,
    /// The result or the error as JSON.
    pub(super) ending: Option<Box<RawValue>>,
    /// What it is asked. Not kept: a handler that runs again asks again.
    #[serde(skip)]
    pub(super) asked: Vec<(String, Question)>,
}

impl Task {
    /// A task that has just begun.
    #[must_use]
    pub const fn new(id: TaskId, principal: String, call: TaskCall, terms: TaskTerms, now: Millis) -> Self {
        Self {
            id,
            principal,
            call,
            terms,
            created: now,
            updated: now,
            status: TaskStatus::Working,
            message: None,
            ending: None,
            asked: Vec::new(),
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn status(&self) -> TaskStatus {
        self.status
    }

    /// When it is forgotten.
    #[must_use]
    pub const fn expires(&self) -> Millis {
        self.created.plus(self.terms.ttl_ms)
    }

    /// What its handler is doing, in words.
    pub fn says(&mut self, message: String, now: Millis) {
        if !self.status.is_terminal() {
            self.message = Some(message);
            self.updated = now;
        }
    }

    /// The client's answer to a question; without one that fits, it is asked.
    pub fn answer(&mut self, key: &str, question: &Question, now: Millis) -> Option<Value> {
        if let Some(answer) = self.call.answers.get(key) {
            return Some(answer.clone());
        }
        if !self.status.is_terminal() && !self.asked.iter().any(|(asked, _)| asked == key) {
            self.asked.push((key.to_owned(), question.clone()));
            self.status = TaskStatus::InputRequired;
            self.updated = now;
        }
        None
    }

    /// Takes answers of the client. Those that fit no open question, or do not fit it, are ignored: they stay asked.
    /// Says whether anything came of it.
    pub fn update(&mut self, mut responses: Map<String, Value>, now: Millis) -> bool {
        if self.status.is_terminal() {
            return false;
        }
        let before = self.asked.len();
        let answers = &mut self.call.answers;
        self.asked.retain(|(key, question)| match responses.remove(key) {
            Some(answer) if question.is_answered_by(&answer) => {
                answers.insert(key.clone(), answer);
                false
            }
            _ => true,
        });
        if self.asked.len() == before {
            return false;
        }
        if self.asked.is_empty() {
            self.status = TaskStatus::Working;
        }
        self.updated = now;
        true
    }

    /// The handler is done: `Ok` with the result, `Err` with the error, both JSON. A task that is over stays as it is. Says whether it
    /// was running.
    pub fn finish(&mut self, ending: Result<Box<RawValue>, Box<RawValue>>, now: Millis) -> bool {
        let (status, ending) = match ending {
            Ok(result) => (TaskStatus::Completed, result),
            Err(error) => (TaskStatus::Failed, error),
        };
        let ended = self.end(status, now);
        if ended {
            self.ending = Some(ending);
        }
        ended
    }

    /// The owner stops it. Says whether it was running.
    pub fn cancel(&mut self, now: Millis) -> bool {
        self.end(TaskStatus::Cancelled, now)
    }

    fn end(&mut self, status: TaskStatus, now: Millis) -> bool {
        if self.status.is_terminal() {
            return false;
        }
        self.status = status;
        self.asked.clear();
        self.updated = now;
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: Millis = Millis(1_000);

    fn task() -> Task {
        let terms = TaskTerms { ttl_ms: 60_000, poll_ms: 1_000 };
        Task::new(TaskId(7), "user:ada".into(), call(), terms, NOW)
    }

    fn call() -> TaskCall {
        TaskCall {
            tool: "watch_price".into(),
            arguments: None,
            answers: Map::new(),
            client: ClientCapabilities::default(),
            scope: Scope::Write,
        }
    }

    fn raw(value: &Value) -> Box<RawValue> {
        serde_json::value::to_raw_value(value).unwrap()
    }

    fn responses(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_task_waits_for_all_that_it_asks_and_keeps_the_rest_pending() {
        let mut task = task();
        assert_eq!(task.answer("a", &Question::Roots, NOW), None);
        assert_eq!(task.answer("b", &Question::Roots, NOW), None);
        assert_eq!(task.status(), TaskStatus::InputRequired);
        assert!(!task.update(responses(json!({"a": 7, "c": {"roots": []}})), NOW));
        assert!(task.update(responses(json!({"a": {"roots": []}})), NOW));
        assert_eq!(task.status(), TaskStatus::InputRequired);
        assert!(task.update(responses(json!({"b": {"roots": []}})), NOW));
        assert_eq!(task.status(), TaskStatus::Working);
        assert!(task.answer("a", &Question::Roots, NOW).is_some());
    }

    #[test]
    fn what_is_over_stays_as_it_is() {
        let mut task = task();
        assert!(task.cancel(NOW));
        assert!(!task.cancel(NOW));
        task.finish(Ok(raw(&json!({}))), NOW);
        assert!(!task.update(Map::new(), NOW));
        assert_eq!((task.status(), task.ending.is_none()), (TaskStatus::Cancelled, true));
    }

    #[test]
    fn a_task_that_moves_asks_again_for_what_was_open() {
        let mut moved: Task = {
            let mut task = task();
            task.answer("a", &Question::Roots, NOW);
            task.answer("b", &Question::Roots, NOW);
            task.update(responses(json!({"a": {"roots": []}})), NOW);
            serde_json::from_str(&serde_json::to_string(&task).unwrap()).unwrap()
        };
        assert!(moved.answer("a", &Question::Roots, NOW).is_some());
        assert_eq!(moved.answer("b", &Question::Roots, NOW), None);
        assert!(moved.update(responses(json!({"b": {"roots": []}})), NOW));
    }

    proptest! {
        #[test]
        fn once_terminal_always_the_same(steps in proptest::collection::vec(0u8..5, 1..40)) {
            let mut task = task();
            let mut over: Option<TaskStatus> = None;
            for step in steps {
                match step {
                    0 => { task.answer("a", &Question::Roots, NOW); }
                    1 => { task.update(responses(json!({"a": {"roots": []}})), NOW); }
                    2 => { task.finish(Ok(raw(&json!({}))), NOW); }
                    3 => { task.finish(Err(raw(&json!({}))), NOW); }
                    _ => { task.cancel(NOW); }
                }
                if let Some(over) = over {
                    prop_assert_eq!(task.status(), over);
                }
                over = over.or(task.status().is_terminal().then(|| task.status()));
                prop_assert!(task.asked.is_empty() || task.status() == TaskStatus::InputRequired);
            }
        }
    }
}
