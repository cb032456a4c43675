//! A call's line once it is a task: progress becomes its status, questions wait for `tasks/update`.

use std::sync::Arc;

use serde_json::Value;
use tickgate_core::mcp::{Progress, Question};
use tickgate_core::time::Millis;

use super::table::{Entry, Tasks};

/// Longest status message, in characters.
const MAX_MESSAGE_CHARS: usize = 500;

/// Speaks for one task.
pub(crate) struct TaskLine {
    tasks: Tasks,
    entry: Arc<Entry>,
}

impl TaskLine {
    pub(super) const fn new(tasks: Tasks, entry: Arc<Entry>) -> Self {
        Self { tasks, entry }
    }

    pub(crate) fn began(&self) -> Millis {
        self.entry.task().created
    }

    /// Kept in memory alone: what a task is doing right now is no use after a restart.
    pub(crate) fn progress(&self, report: &Progress) {
        let message = report.message.as_deref().and_then(|message| serde_json::from_slice::<String>(message).ok());
        if let Some(message) = message {
            self.entry.task().says(message.chars().take(MAX_MESSAGE_CHARS).collect(), self.tasks.now());
            self.entry.raise();
        }
    }

    pub(crate) async fn ask(&self, key: &str, question: &Question) -> Value {
        let mut changed = self.entry.changed.subscribe();
        let mut told = false;
        loop {
            // Before the look: an answer that comes after it is a change, and ends the wait below.
            changed.mark_unchanged();
            let answer = self.entry.task().answer(key, question, self.tasks.now());
            if let Some(answer) = answer {
                return answer;
            }
            // Told once, or two questions at a time would wake each other for ever.
            if !std::mem::replace(&mut told, true) {
                self.entry.raise();
                continue;
            }
            // The table keeps the entry, and so its sender, for as long as the task is known.
            if changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
