//! Tools as clients see them.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

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
    /// JSON Schema 2020-12 of `structuredContent`; its root is an object.
    pub output_schema: Value,
    /// Hints.
    pub annotations: ToolAnnotations,
}

/// Parameters of `tools/call`.
#[derive(Debug, Deserialize)]
pub struct CallToolParams {
    /// Which tool.
    pub name: Box<str>,
    /// Its arguments, not looked at yet.
    #[serde(default)]
    pub arguments: Option<Box<RawValue>>,
}

/// The result of a tool: text for models, and the same as data where there is any. `structured` is a JSON object.
#[must_use]
pub fn tool_result(text: &str, structured: Option<&[u8]>, is_error: bool) -> Bytes {
    let mut result = BytesMut::with_capacity(text.len() + text.len() / 8 + structured.map_or(0, <[u8]>::len) + 96);
    result.put_slice(b"{\"content\":[{\"type\":\"text\",\"text\":");
    let mut writer = result.writer();
    serde_json::to_writer(&mut writer, text).expect("a string is always JSON and memory is no failing writer");
    let mut result = writer.into_inner();
    result.put_slice(b"}]");
    if let Some(structured) = structured {
        result.put_slice(b",\"structuredContent\":");
        result.put_slice(structured);
    }
    result.put_slice(if is_error { b",\"isError\":true}" } else { b",\"isError\":false}" });
    result.freeze()
}
