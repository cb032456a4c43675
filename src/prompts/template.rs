//! How values get into text without becoming part of it (M6): a template is cut up once, before any value is known, so
//! that a value is never looked at for placeholders; and each value stands quoted, so that it cannot end its sentence.

use serde_json::Value;

use super::argument::Arguments;
use super::validation::quoted;

/// Stands where an argument that may be left out has neither value nor default.
const NOT_GIVEN: &str = "(not given)";

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Text(String),
    Value(String),
}

/// Text with `{{argument}}` in it.
#[derive(Clone, Debug)]
pub(super) struct Template(Vec<Segment>);

impl Template {
    /// Cuts a text up.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut segments = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or("a `{{` without its `}}`")?;
            let name = name.trim();
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(format!("`{{{{{name}}}}}` names no argument"));
            }
            segments.extend([Segment::Text(before.to_owned()), Segment::Value(name.to_owned())]);
            rest = after;
        }
        segments.push(Segment::Text(rest.to_owned()));
        Ok(Self(segments))
    }

    /// The arguments that it names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Value(name) => Some(name.as_str()),
            Segment::Text(_) => None,
        })
    }

    /// The text between the values.
    #[cfg(test)]
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Text(text) => Some(text.as_str()),
            Segment::Value(_) => None,
        })
    }

    /// The text with the values in it.
    pub(super) fn fill(&self, arguments: &Arguments) -> String {
        self.0
            .iter()
            .map(|segment| match segment {
                Segment::Text(text) => text.clone(),
                Segment::Value(name) => arguments.get(name).map_or_else(|| NOT_GIVEN.to_owned(), written),
            })
            .collect()
    }
}

/// `"AAPL"`, `["AAPL", "TSLA"]`, `24`: as a tool takes it too.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(entries) => format!("[{}]", entries.iter().map(written).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
