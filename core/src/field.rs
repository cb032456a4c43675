//! What is wrong with what somebody sent, field by field and all at once (requirements M4, M5, M9)?

use std::fmt;

use serde::Serialize;

use crate::market::text::clean;

/// Characters of a caller's own text that a message repeats.
const MAX_SHOWN_CHARS: usize = 64;

/// What kind of mistake, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldCode {
    /// It has to be given.
    Required,
    /// There is no such field.
    Unknown,
    /// It is not of the type that is wanted, or a string that is no whole number where one is wanted.
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
    pub const ALL: &[Self] = &[
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
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Required => "It has to be given.",
            Self::Unknown => "There is no such field.",
            Self::Type => "It is not of the type that is wanted, or a string that is no whole number where one is wanted.",
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
    /// A mistake of this field, whose name is shortened; `message` never repeats a secret.
    #[must_use]
    pub fn new(field: &str, code: FieldCode, message: impl Into<String>) -> Self {
        Self { field: shortened(field), message: message.into(), code }
    }

    /// The field; of a prompt `arguments` where they are wrong as a whole.
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

/// A caller's text as a message may repeat it: cleaned and short.
#[must_use]
pub fn shortened(text: &str) -> String {
    let mut short: String = clean(text).chars().take(MAX_SHOWN_CHARS).collect();
    if text.chars().nth(MAX_SHOWN_CHARS).is_some() {
        short.push('…');
    }
    short
}
