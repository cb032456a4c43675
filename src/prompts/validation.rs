//! What is wrong with arguments, field by field and all at once (requirements M4, M5, M9).

use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use serde_json::{Value, json};
use tickgate_core::market::text::clean;
use tickgate_core::rpc::{ErrorCode, RpcError};

/// Characters of a caller's own text that a message repeats.
const MAX_SHOWN_CHARS: usize = 64;

/// What kind of mistake, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldCode {
    /// It has to be given.
    Required,
    /// There is no such argument.
    Unknown,
    /// It is no string, or a string that is no whole number where one is wanted.
    Type,
    /// It is none of the words that are allowed.
    Enum,
    /// It has not the form that is wanted.
    Pattern,
    /// It is not what it should name: a symbol, a time zone.
    Format,
    /// It has too many characters.
    TooLong,
    /// It has too few characters.
    TooShort,
    /// The list has too many entries.
    TooMany,
    /// The list has too few entries.
    TooFew,
    /// The number is too small or too large.
    OutOfBounds,
    /// It holds control, invisible or direction-changing characters.
    Characters,
    /// It breaks another rule.
    Invalid,
}

impl FieldCode {
    /// Every code.
    pub(super) const ALL: &[Self] = &[
        Self::Required,
        Self::Unknown,
        Self::Type,
        Self::Enum,
        Self::Pattern,
        Self::Format,
        Self::TooLong,
        Self::TooShort,
        Self::TooMany,
        Self::TooFew,
        Self::OutOfBounds,
        Self::Characters,
        Self::Invalid,
    ];

    /// What it means, for the documentation.
    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::Required => "It has to be given.",
            Self::Unknown => "There is no such argument.",
            Self::Type => "It is no string, or a string that is no whole number where one is wanted.",
            Self::Enum => "It is none of the words that are allowed.",
            Self::Pattern => "It has not the form that is wanted.",
            Self::Format => "It is not what it should name: a symbol, a time zone.",
            Self::TooLong => "It has too many characters.",
            Self::TooShort => "It has too few characters.",
            Self::TooMany => "The list has too many entries.",
            Self::TooFew => "The list has too few entries.",
            Self::OutOfBounds => "The number is too small or too large.",
            Self::Characters => "It holds control, invisible or direction-changing characters.",
            Self::Invalid => "It breaks another rule.",
        }
    }
}

/// One mistake. It does not change once it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    field: String,
    message: String,
    code: FieldCode,
}

impl FieldError {
    pub(super) fn new(field: &str, code: FieldCode, message: impl Into<String>) -> Self {
        Self { field: shortened(field), message: message.into(), code }
    }

    /// The argument; `arguments` where they are wrong as a whole.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// For people: what is wrong and what is allowed.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// For programs.
    #[must_use]
    pub const fn code(&self) -> FieldCode {
        self.code
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.field, self.message)
    }
}

/// The outcome of a check: every mistake, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValidationResult {
    errors: Vec<FieldError>,
}

impl ValidationResult {
    /// Whether there was no mistake.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    /// The mistakes, in the order of the arguments; unknown ones last.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }
}

impl<T> From<Result<T, Vec<FieldError>>> for ValidationResult {
    fn from(checked: Result<T, Vec<FieldError>>) -> Self {
        Self { errors: checked.err().unwrap_or_default() }
    }
}

impl Serialize for ValidationResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut result = serializer.serialize_struct("ValidationResult", 2)?;
        result.serialize_field("is_valid", &self.is_valid())?;
        result.serialize_field("errors", &self.errors)?;
        result.end()
    }
}

/// The protocol's error for arguments that do not fit: −32602, a sentence, and `data.errors` with `field`, `message` and
/// `code` of each mistake.
#[must_use]
pub fn refusal(prompt: &str, errors: &[FieldError]) -> RpcError {
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let message = format!("the arguments of the prompt {} do not fit: {}", shortened(prompt), told.join("; "));
    RpcError::new(ErrorCode::INVALID_PARAMS, message).with_data(json!({ "errors": errors }))
}

/// A caller's value as a message may repeat it: quoted, cleaned and short.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(&shortened(text)),
        value => shortened(&value.to_string()),
    }
}

/// Text in quotation marks, out of which it cannot break.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn shortened(text: &str) -> String {
    let mut short: String = clean(text).chars().take(MAX_SHOWN_CHARS).collect();
    if text.chars().nth(MAX_SHOWN_CHARS).is_some() {
        short.push('…');
    }
    short
}
