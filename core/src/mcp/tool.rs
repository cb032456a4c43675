//! Tools as clients see them, and what a call of one gives.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::lifecycle::Icon;
use super::revision::Revision;

/// Hints for the client's user interface. Said in full, because the defaults assume the worst (2025-03-26).
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolAnnotations {
    /// Changes nothing.
    pub read_only_hint: bool,
    /// May destroy something.
    pub destructive_hint: bool,
    /// The same call again changes nothing more.
    pub idempotent_hint: bool,
    /// Talks to the outside world.
    pub open_world_hint: bool,
}

/// An entry of `tools/list`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolDescriptor {
    /// Unique, `[A-Za-z0-9_.-]{1,128}`.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// For models.
    pub description: String,
    /// JSON Schema 2020-12 of the arguments; its root is an object.
    pub input_schema: Value,
    /// JSON Schema 2020-12 of `structuredContent`; its root is an object. None for a tool that answers with content alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Hints.
    pub annotations: ToolAnnotations,
    /// For people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
}

/// A part of an answer: `text`, `image`, `audio`, `resource` or `resource_link`, as JSON (protocol.md §5.1).
#[derive(Clone, Debug, PartialEq)]
pub struct ContentBlock(pub Value);

impl ContentBlock {
    /// Text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self(json!({"type": "text", "text": text}))
    }

    /// The block as a revision can have it: what it does not know becomes text, because clients cannot skip it.
    fn for_revision(&self, revision: Revision) -> Value {
        let member = |name: &str| self.0.get(name).and_then(Value::as_str).unwrap_or_default();
        match member("type") {
            "audio" if !revision.has_audio() => {
                json!({"type": "text", "text": format!("[audio, {}: this client's revision has no audio]", member("mimeType"))})
            }
            "resource_link" if !revision.has_resource_links() => {
                json!({"type": "text", "text": format!("{}: {}", member("name"), member("uri"))})
            }
            _ => self.0.clone(),
        }
    }
}

/// What a call gives.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolOutput {
    /// Written already: text, and the same as data. Every revision has these.
    Written(Bytes),
    /// Blocks that are written for the revision of the caller.
    Blocks {
        /// The parts.
        content: Vec<ContentBlock>,
        /// The same as data: a JSON object on one line.
        structured: Option<Bytes>,
        /// Whether the tool failed.
        is_error: bool,
    },
}

impl ToolOutput {
    /// Text for models, and the same as data where there is any. `structured` is a JSON object on one line.
    #[must_use]
    pub fn text(text: &str, structured: Option<&[u8]>, is_error: bool) -> Self {
        // Text that is itself JSON grows by a backslash for each quote.
        let mut result = Vec::with_capacity(text.len() + text.len() / 4 + structured.map_or(0, <[u8]>::len) + 96);
        result.extend_from_slice(b"{\"content\":[{\"type\":\"text\",\"text\":");
        serde_json::to_writer(&mut result, text).expect("a string is always JSON and memory is no failing writer");
        result.extend_from_slice(b"}]");
        if let Some(structured) = structured {
            result.extend_from_slice(b",\"structuredContent\":");
            result.extend_from_slice(structured);
        }
        result.extend_from_slice(if is_error { b",\"isError\":true}" } else { b",\"isError\":false}" });
        Self::Written(result.into())
    }

    /// Blocks without data.
    #[must_use]
    pub const fn blocks(content: Vec<ContentBlock>) -> Self {
        Self::Blocks { content, structured: None, is_error: false }
    }

    /// The body of the result, for a revision.
    #[must_use]
    pub fn write(self, revision: Revision) -> Bytes {
        match self {
            Self::Written(body) => body,
            Self::Blocks { content, structured, is_error } => {
                let content: Vec<Value> = content.iter().map(|block| block.for_revision(revision)).collect();
                let mut body = json!({"content": content, "isError": is_error}).to_string().into_bytes();
                if let Some(structured) = structured {
                    body.pop();
                    body.extend_from_slice(b",\"structuredContent\":");
                    body.extend_from_slice(&structured);
                    body.push(b'}');
                }
                body.into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_revision_does_not_know_becomes_text() {
        let link = ContentBlock(json!({"type": "resource_link", "uri": "market://status", "name": "status"}));
        let audio = ContentBlock(json!({"type": "audio", "data": "AAAA", "mimeType": "audio/wav"}));
        let kinds = |revision| {
            let body = ToolOutput::blocks(vec![link.clone(), audio.clone()]).write(revision);
            let body: Value = serde_json::from_slice(&body).unwrap();
            let kind = |at: usize| body["content"][at]["type"].as_str().unwrap().to_owned();
            (kind(0), kind(1))
        };
        assert_eq!(kinds(Revision::V2024_11_05), ("text".into(), "text".into()));
        assert_eq!(kinds(Revision::V2025_03_26), ("text".into(), "audio".into()));
        assert_eq!(kinds(Revision::V2025_06_18), ("resource_link".into(), "audio".into()));
        assert_eq!(kinds(Revision::V2026_07_28), ("resource_link".into(), "audio".into()));
    }
}
