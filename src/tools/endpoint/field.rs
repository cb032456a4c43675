//! A field of an answer that a model should know of.

use serde_json::{Value, json};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Text.
    Text,
    /// A number, maybe with decimals.
    Number,
    /// A whole number.
    Integer,
    /// True or false.
    Flag,
    /// An object.
    Object,
    /// An array of objects or mixed things.
    List,
    /// An array of texts.
    Texts,
}

/// A field of an answer. Any may be absent or null: which ones there are depends on the plan and on the row.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// As the upstream writes it.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// For models.
    pub help: &'static str,
}

macro_rules! fields {
    ($($make:ident => $kind:ident),+) => {
        $(pub(in crate::tools) const fn $make(name: &'static str, help: &'static str) -> Field {
            Field { name, kind: FieldKind::$kind, help }
        })+
    };
}

fields!(text => Text, number => Number, integer => Integer, flag => Flag, object => Object, list => List, texts => Texts);

impl Field {
    pub(super) fn schema(&self) -> Value {
        let kind = match self.kind {
            FieldKind::Text => "string",
            FieldKind::Number => "number",
            FieldKind::Integer => "integer",
            FieldKind::Flag => "boolean",
            FieldKind::Object => "object",
            FieldKind::List | FieldKind::Texts => "array",
        };
        let mut schema = json!({"type": [kind, "null"], "description": self.help});
        if self.kind == FieldKind::Texts {
            schema["items"] = json!({"type": "string"});
        }
        schema
    }
}
