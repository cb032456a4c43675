//! What the owner of a task is told (SEP-2663): flat objects, times as RFC 3339, durations as whole milliseconds.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::machine::{Task, TaskStatus};
use crate::mcp::{FeatureResult, questions};

impl Task {
    /// The answer to the call that became this task.
    #[must_use]
    pub fn created_result(&self) -> FeatureResult {
        FeatureResult::of_kind("task", Value::Object(self.members()).to_string().into())
    }

    /// The answer to `tasks/get`.
    #[must_use]
    pub fn get_result(&self) -> FeatureResult {
        FeatureResult::new(self.detailed().into())
    }

    /// The parameters of `notifications/tasks`, a JSON object.
    #[must_use]
    pub fn detailed(&self) -> String {
        let mut members = self.members();
        if self.status == TaskStatus::InputRequired {
            members.insert("inputRequests".into(), questions(&self.asked));
        }
        let mut text = Value::Object(members).to_string();
        if let Some(ending) = &self.ending {
            let member = if self.status == TaskStatus::Failed { "error" } else { "result" };
            text.pop();
            text.push_str(&format!(",\"{member}\":{}}}", RawValue::get(ending)));
        }
        text
    }

    fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("taskId".into(), self.id.to_string().into());
        members.insert("status".into(), self.status.as_str().into());
        members.insert("createdAt".into(), self.created.to_string().into());
        members.insert("lastUpdatedAt".into(), self.updated.to_string().into());
        members.insert("ttlMs".into(), json!(self.terms.ttl_ms));
        members.insert("pollIntervalMs".into(), json!(self.terms.poll_ms));
        if let Some(message) = &self.message {
            members.insert("statusMessage".into(), message.as_str().into());
        }
        members
    }
}
