//! What the gateway can ask a client in the middle of a call: to fill in a form, to open a URL, to ask its model, to name its roots.
//! A JSON-RPC request of ours in the stateful era, an entry of `inputRequests` in the stateless one.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::ClientCapabilities;
use super::revision::Revision;

/// A question to a client.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Ask the user to fill in a form: `elicitation/create`.
    Form {
        /// Why.
        message: String,
        /// A flat JSON Schema of an object (protocol.md §5.8).
        schema: Value,
    },
    /// Ask the user to open a URL: `elicitation/create`.
    Url {
        /// Why.
        message: String,
        /// Where to; it carries no secret.
        url: String,
        /// Names the matter; told to stateful clients only.
        id: String,
    },
    /// Ask the client's model: `sampling/createMessage`. The object is its parameters.
    Sample(Map<String, Value>),
    /// Ask for the roots: `roots/list`.
    Roots,
}

/// How a user took a form or a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Agreed; a form is filled in.
    Accept,
    /// Said no.
    Decline,
    /// Went away.
    Cancel,
}

/// The answer to a form or a URL.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Elicited {
    /// How the user took it.
    pub action: Decision,
    /// What was filled in.
    #[serde(default)]
    pub content: Option<Map<String, Value>>,
}

/// The answer of a client's model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sampled {
    /// Who speaks.
    pub role: String,
    /// One block, or several (2025-11-25).
    pub content: Value,
    /// Which model it was.
    pub model: String,
    /// Why it stopped.
    #[serde(default)]
    pub stop_reason: Option<String>,
}

impl Sampled {
    /// The text of all its text blocks.
    #[must_use]
    pub fn text(&self) -> String {
        let blocks = match &self.content {
            Value::Array(blocks) => blocks.as_slice(),
            block => std::slice::from_ref(block),
        };
        blocks.iter().filter_map(|block| block.get("text").and_then(Value::as_str)).collect::<Vec<_>>().join("\n")
    }
}

/// A folder or file that a client lets us know of.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Root {
    /// A `file://` URI.
    pub uri: String,
    /// For people.
    #[serde(default)]
    pub name: Option<String>,
}

/// The answer to `roots/list`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Roots {
    /// All of them.
    pub roots: Vec<Root>,
}

impl Question {
    /// The method on the wire.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Form { .. } | Self::Url { .. } => "elicitation/create",
            Self::Sample(_) => "sampling/createMessage",
            Self::Roots => "roots/list",
        }
    }

    /// Its parameters, as a revision has them.
    #[must_use]
    pub fn params(&self, revision: Revision) -> Value {
        match self {
            Self::Form { message, schema } if revision.has_url_elicitation() => {
                json!({"mode": "form", "message": message, "requestedSchema": schema})
            }
            Self::Form { message, schema } => json!({"message": message, "requestedSchema": schema}),
            Self::Url { message, url, .. } if revision.is_stateless() => json!({"mode": "url", "message": message, "url": url}),
            Self::Url { message, url, id } => json!({"mode": "url", "message": message, "url": url, "elicitationId": id}),
            Self::Sample(params) => Value::Object(params.clone()),
            Self::Roots => json!({}),
        }
    }

    /// Whether a client of these capabilities can be asked this.
    #[must_use]
    pub fn can_be_asked(&self, client: &ClientCapabilities) -> bool {
        match self {
            Self::Form { .. } => client.forms,
            Self::Url { .. } => client.urls,
            Self::Sample(params) => client.sampling && (client.sampling_tools || !params.contains_key("tools")),
            Self::Roots => client.roots,
        }
    }

    /// The capabilities that a client needs for it.
    #[must_use]
    pub fn needs(&self) -> Value {
        match self {
            Self::Form { .. } => json!({"elicitation": {"form": {}}}),
            Self::Url { .. } => json!({"elicitation": {"url": {}}}),
            Self::Sample(params) if params.contains_key("tools") => json!({"sampling": {"tools": {}}}),
            Self::Sample(_) => json!({"sampling": {}}),
            Self::Roots => json!({"roots": {}}),
        }
    }

    /// Whether an answer has the documented form. One that has not counts as none: it is asked again, never taken as given.
    #[must_use]
    pub fn is_answered_by(&self, answer: &Value) -> bool {
        if !answer.is_object() {
            return false;
        }
        match self {
            Self::Form { schema, .. } => Elicited::deserialize(answer).is_ok_and(|elicited| {
                elicited.action != Decision::Accept || elicited.content.is_some_and(|content| fits(&content, schema))
            }),
            Self::Url { .. } => Elicited::deserialize(answer).is_ok(),
            Self::Sample(_) => {
                Sampled::deserialize(answer).is_ok_and(|sampled| sampled.content.is_object() || sampled.content.is_array())
            }
            Self::Roots => Roots::deserialize(answer).is_ok(),
        }
    }
}

/// Whether a filled-in form has every required field, each of its type; what the fields mean is for the handler to judge.
fn fits(content: &Map<String, Value>, schema: &Value) -> bool {
    let required = schema.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let complete = required.iter().filter_map(Value::as_str).all(|name| content.contains_key(name));
    let typed =
        |(name, value): (&String, &Value)| match schema.pointer(&format!("/properties/{name}/type")).and_then(Value::as_str) {
            Some("string") => value.is_string(),
            Some("number") => value.is_number(),
            Some("integer") => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            _ => true,
        };
    complete && content.iter().all(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Question {
        let schema = json!({"type": "object", "properties": {"price": {"type": "number"}}, "required": ["price"]});
        Question::Form { message: "Which price?".into(), schema }
    }

    #[test]
    fn an_answer_of_another_form_counts_as_none() {
        for answer in [
            json!(12345),
            Value::Null,
            json!([]),
            json!({}),
            json!({"action": "maybe"}),
            json!({"action": "accept"}),
            json!({"action": "accept", "content": {}}),
            json!({"action": "accept", "content": {"price": "high"}}),
            json!({"action": "accept", "content": [1]}),
        ] {
            assert!(!form().is_answered_by(&answer), "{answer}");
        }
        assert!(form().is_answered_by(&json!({"action": "accept", "content": {"price": 250}})));
        assert!(form().is_answered_by(&json!({"action": "decline"})));
        assert!(!Question::Roots.is_answered_by(&json!({"roots": [{"name": "no uri"}]})));
        assert!(!Question::Sample(Map::new()).is_answered_by(&json!({"role": "assistant", "content": "text", "model": "m"})));
    }

    #[test]
    fn a_form_names_its_mode_from_2025_11_25_on_and_a_url_its_id_to_stateful_clients_only() {
        assert_eq!(form().params(Revision::V2025_06_18).get("mode"), None);
        assert_eq!(form().params(Revision::V2025_11_25)["mode"], "form");
        let url = Question::Url { message: "m".into(), url: "https://x.example".into(), id: "7".into() };
        assert_eq!(url.params(Revision::V2025_11_25)["elicitationId"], "7");
        assert_eq!(url.params(Revision::V2026_07_28).get("elicitationId"), None);
    }

    #[test]
    fn the_text_of_a_model_is_that_of_its_text_blocks() {
        let sampled = |content| Sampled { role: "assistant".into(), content, model: "m".into(), stop_reason: None };
        assert_eq!(sampled(json!({"type": "text", "text": "a"})).text(), "a");
        assert_eq!(
            sampled(json!([{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}])).text(),
            "a\nb"
        );
    }
}
