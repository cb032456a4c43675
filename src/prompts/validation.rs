//! What is wrong with arguments, field by field and all at once (requirements M4, M5, M9).

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use serde_json::{Value, json};
use tickgate_core::field::shortened;
pub use tickgate_core::field::{FieldCode, FieldError};
use tickgate_core::rpc::{ErrorCode, RpcError};

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
