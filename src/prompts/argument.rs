//! An argument of a prompt: what it may be, how that is said, and how the string that a client sends becomes a value.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tickgate_core::market::text::clean;

use super::format::{self, Format};
use super::validation::{FieldCode, FieldError};
use crate::completion::{Completion, Source, complete_list_where, complete_where};

/// Longest string of an argument, in characters, whatever its schema says: a prompt is no place for documents (M6). Below
/// what [`clean`] keeps, so that nothing is cut off unseen.
const MAX_ARGUMENT_CHARS: usize = 2_000;

/// One argument.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// Unique within its prompt; a letter, then letters, digits and `_`.
    pub name: String,
    /// For people.
    pub title: String,
    /// For people and models: one sentence on what it is for.
    pub description: String,
    /// Whether it must be given. One that need not be should have a `default` in its schema.
    #[serde(default)]
    pub required: bool,
    /// JSON Schema of its value. `type` is `string`, `integer`, or `array` of strings: on the wire, where MCP knows only
    /// strings, these are text, digits, and text with commas.
    pub schema: Map<String, Value>,
    /// What is allowed, in words, where the schema alone does not say it well (a `pattern`).
    #[serde(default)]
    pub allowed: Option<String>,
    /// A good value, as a client sends it.
    pub example: String,
    /// Where completions come from; by default the words of the schema's `enum`.
    #[serde(default)]
    pub completion: Option<Source>,
}

impl Argument {
    /// An argument that takes any short text.
    #[must_use]
    pub fn text(name: &str, description: &str, required: bool) -> Self {
        Self {
            name: name.to_owned(),
            title: name.to_owned(),
            description: description.to_owned(),
            required,
            schema: Map::from_iter([("type".to_owned(), json!("string"))]),
            allowed: None,
            example: "text".to_owned(),
            completion: None,
        }
    }

    /// Its JSON Schema with its name and help, as a property of the prompt's schema.
    pub(super) fn property(&self) -> Value {
        let mut property = self.schema.clone();
        property.insert("title".to_owned(), self.title.as_str().into());
        property.insert("description".to_owned(), self.description.as_str().into());
        property.into()
    }

    /// `string`, `integer` or `array`.
    pub(super) fn kind(&self) -> &str {
        self.schema.get("type").and_then(Value::as_str).unwrap_or("string")
    }

    /// The value where none is given.
    pub(super) fn default(&self) -> Option<&Value> {
        self.schema.get("default")
    }

    /// The default as a client would send it.
    pub(super) fn default_text(&self) -> Option<String> {
        self.default().map(|value| match value {
            Value::Array(entries) => entries.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }

    /// The schema's `format`; of a list, that of its entries.
    pub(super) fn format(&self) -> Option<&'static Format> {
        let schema = if self.kind() == "array" { self.schema.get("items")?.as_object()? } else { &self.schema };
        format::find(schema.get("format")?.as_str()?)
    }

    fn words(&self) -> Option<Vec<&str>> {
        Some(self.schema.get("enum")?.as_array()?.iter().filter_map(Value::as_str).collect())
    }

    /// What is allowed, for people.
    #[must_use]
    pub fn rule(&self) -> String {
        if let Some(allowed) = &self.allowed {
            return allowed.clone();
        }
        if let Some(words) = self.words() {
            return format!("one of {}", words.join(", "));
        }
        match self.kind() {
            "array" => {
                let plural = self.format().map_or("texts", |format| format.plural);
                format!("{} {plural}, separated by commas", self.span("minItems", "maxItems"))
            }
            "integer" => format!("a whole number, {}", self.span("minimum", "maximum")),
            _ => self.format().map_or_else(
                || format!("text of {} characters", self.span("minLength", "maxLength")),
                |format| format.rule.to_owned(),
            ),
        }
    }

    fn span(&self, least: &str, most: &str) -> String {
        let least = self.schema.get(least).and_then(Value::as_i64);
        match (least, self.schema.get(most).and_then(Value::as_i64)) {
            (Some(least), Some(most)) => format!("{least} to {most}"),
            (Some(least), None) => format!("at least {least}"),
            (None, Some(most)) => format!("at most {most}"),
            (None, None) => format!("at most {MAX_ARGUMENT_CHARS}"),
        }
    }

    /// Reads what a client sent; nothing for a blank, which clients send for what was left out.
    pub(super) fn read(&self, sent: &Value) -> Result<Option<Value>, FieldError> {
        let Some(text) = sent.as_str() else {
            let problem = format!("it must be sent as a string: {}", self.rule());
            return Err(FieldError::new(&self.name, FieldCode::Type, problem));
        };
        let length = text.chars().count();
        if length > MAX_ARGUMENT_CHARS {
            let problem = format!("it has {length} characters; at most {MAX_ARGUMENT_CHARS}");
            return Err(FieldError::new(&self.name, FieldCode::TooLong, problem));
        }
        let cleaned = clean(text);
        // Line breaks have become blanks; what was taken out would have been hidden from the reader.
        if cleaned.chars().count() != length {
            let problem = "it holds control, invisible or direction-changing characters; type it anew as plain text";
            return Err(FieldError::new(&self.name, FieldCode::Characters, problem));
        }
        let text = cleaned.trim();
        Ok(match self.kind() {
            _ if text.is_empty() => None,
            // What is no number stays a text, of which the schema then says that it is the wrong type.
            "integer" => Some(text.parse::<i64>().map_or_else(|_| text.into(), Value::from)),
            "array" => entries(text),
            _ => Some(text.into()),
        })
    }

    /// What could stand here, for what was typed so far.
    #[must_use]
    pub fn complete(&self, typed: &str, toolsets: &[&str]) -> Completion {
        let words = || self.words().map(|words| Source::words(&words));
        let Some(source) = self.completion.clone().or_else(words) else { return Completion::default() };
        // A cryptocurrency is a symbol, but no stock.
        let fits = |candidate: &str| self.format().is_none_or(|format| (format.fits)(candidate));
        if self.kind() == "array" {
            complete_list_where(&source, typed, toolsets, fits)
        } else {
            complete_where(&source, typed, toolsets, fits)
        }
    }
}

/// The entries of a list, each once.
fn entries(text: &str) -> Option<Value> {
    let mut entries: Vec<&str> = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    (!entries.is_empty()).then(|| entries.into())
}

/// Checked arguments, defaults included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arguments(pub(super) Map<String, Value>);

impl Arguments {
    /// A value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A text; empty where none was given.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}
