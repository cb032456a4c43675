//! What is wrong with a request, field by field and all at once?

use std::fmt;

use serde::Serialize;

/// What kind of mistake, for programs. The same words as those of the prompts' arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldCode {
    /// It has to be given.
    Required,
    /// There is no such field.
    Unknown,
    /// It is not of the JSON type that is wanted.
    Type,
    /// It is none of the words that are allowed.
    Enum,
    /// It has not the form that is wanted.
    Pattern,
    /// It has too many characters.
    TooLong,
    /// It has too few characters.
    TooShort,
    /// The number is too small or too large.
    OutOfBounds,
    /// It holds control, invisible or direction-changing characters.
    Characters,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field; an unknown one's name is shortened.
    pub field: String,
    /// For people: what is wrong and what is allowed. It never repeats a value.
    pub message: String,
    /// For programs.
    pub code: FieldCode,
}

impl FieldError {
    pub(super) fn new(field: &str, code: FieldCode, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), message: message.into(), code }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.field, self.message)
    }
}
