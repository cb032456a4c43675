//! What may be asked of a new key, and what is wrong with the asking?

use serde_json::{Map, Value};

use crate::access::Scope;
use crate::field::{FieldCode, FieldError};
use crate::market::text::clean;

/// Longest name of a key, in characters.
pub const MAX_KEY_NAME_CHARS: usize = 64;
/// Longest life of a key that has an end, in hours: ten years.
pub const MAX_TTL_HOURS: u64 = 87_600;
/// Longest time for which an old secret stays good, in hours: thirty days.
pub const MAX_GRACE_HOURS: u64 = 720;
/// How long an old secret stays good when nothing is said, in hours: a day to bring the new one everywhere.
pub const DEFAULT_GRACE_HOURS: u64 = 24;
/// Most requests a minute that a key's own limit may allow.
pub const MAX_LIMIT_PER_MINUTE: u64 = 1_000_000;
/// Longest name of an owner, in characters.
const MAX_USER_ID_CHARS: usize = 64;
/// Most unknown fields that are told: the rest says nothing new.
const MAX_UNKNOWN_TOLD: usize = 8;
/// Every field that there is, in the order in which they are told.
const FIELDS: [&str; 5] = ["user_id", "scope", "ttl_hours", "name", "limit_per_minute"];

/// A request for a key that fits. Whether it is allowed is another question ([`super::may_create`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRequest {
    /// Whose it is to be, the part of the principal after `user:`; the caller's own when `None`.
    pub user_id: Option<String>,
    /// The most that it may do; `read` when not said.
    pub scope: Scope,
    /// How long it is good, in hours; for ever when `None`.
    pub ttl_hours: Option<u64>,
    /// For people.
    pub name: String,
    /// Requests a minute, if not those of every caller.
    pub limit_per_minute: Option<u32>,
}

impl KeyRequest {
    /// Reads the fields of a request. A `null` is as good as nothing.
    ///
    /// # Errors
    /// Every mistake at once, in the order of the fields, unknown ones last.
    pub fn read(fields: &Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let user_id = given(fields, "user_id").and_then(|value| told(user_id(value), &mut errors));
        let scope = given(fields, "scope").and_then(|value| told(scope(value), &mut errors));
        let ttl_hours = given(fields, "ttl_hours").and_then(|value| told(number("ttl_hours", value, MAX_TTL_HOURS), &mut errors));
        let name = given(fields, "name").and_then(|value| told(name(value), &mut errors));
        let limit = given(fields, "limit_per_minute")
            .and_then(|value| told(number("limit_per_minute", value, MAX_LIMIT_PER_MINUTE), &mut errors));
        let unknown = fields.keys().filter(|field| !FIELDS.contains(&field.as_str())).take(MAX_UNKNOWN_TOLD);
        errors.extend(unknown.map(|field| {
            FieldError::new(field, FieldCode::Unknown, format!("there is no such field: use {}", FIELDS.join(", ")))
        }));
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            user_id,
            scope: scope.unwrap_or(Scope::Read),
            ttl_hours,
            name: name.unwrap_or_else(|| "unnamed".to_owned()),
            limit_per_minute: limit.and_then(|limit| u32::try_from(limit).ok()),
        })
    }

    /// How long it is good, in ms.
    #[must_use]
    pub const fn ttl_ms(&self) -> Option<u64> {
        match self.ttl_hours {
            Some(hours) => Some(hours.saturating_mul(3_600_000)),
            None => None,
        }
    }
}

/// For how many hours the present secret is to stay good after a rotation, as the field `grace_hours` says.
///
/// # Errors
/// When it is no whole number within its bounds.
pub fn grace_hours(fields: &Map<String, Value>) -> Result<u64, FieldError> {
    let Some(hours) = given(fields, "grace_hours") else { return Ok(DEFAULT_GRACE_HOURS) };
    hours.as_u64().filter(|hours| *hours <= MAX_GRACE_HOURS).ok_or_else(|| {
        FieldError::new("grace_hours", FieldCode::OutOfBounds, format!("must be a whole number from 0 to {MAX_GRACE_HOURS}"))
    })
}

fn given<'a>(fields: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    fields.get(field).filter(|value| !value.is_null())
}

fn told<T>(read: Result<T, FieldError>, errors: &mut Vec<FieldError>) -> Option<T> {
    read.map_err(|error| errors.push(error)).ok()
}

fn text<'a>(field: &str, value: &'a Value) -> Result<&'a str, FieldError> {
    value.as_str().ok_or_else(|| FieldError::new(field, FieldCode::Type, "must be a string"))
}

fn user_id(value: &Value) -> Result<String, FieldError> {
    let text = text("user_id", value)?;
    let wrong = |code, message: String| Err(FieldError::new("user_id", code, message));
    if text.is_empty() {
        return wrong(FieldCode::TooShort, "must not be empty: leave it out for yourself".to_owned());
    }
    if text.chars().count() > MAX_USER_ID_CHARS {
        return wrong(FieldCode::TooLong, format!("must have at most {MAX_USER_ID_CHARS} characters"));
    }
    let fits = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
    if !text.bytes().all(fits) {
        return wrong(FieldCode::Pattern, "must be letters, digits, `.`, `_` and `-`, as /admin/users shows it".to_owned());
    }
    Ok(text.to_owned())
}

fn scope(value: &Value) -> Result<Scope, FieldError> {
    let wrong = || FieldError::new("scope", FieldCode::Enum, "must be read, write or admin");
    text("scope", value)?.parse().map_err(|_| wrong())
}

fn number(field: &str, value: &Value, most: u64) -> Result<u64, FieldError> {
    if !value.is_number() {
        return Err(FieldError::new(field, FieldCode::Type, "must be a whole number"));
    }
    let number = value.as_u64().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| FieldError::new(field, FieldCode::OutOfBounds, format!("must be a whole number from 1 to {most}")))
}

fn name(value: &Value) -> Result<String, FieldError> {
    let text = text("name", value)?;
    let wrong = |code, message: String| Err(FieldError::new("name", code, message));
    if text.trim().is_empty() {
        return wrong(FieldCode::TooShort, "must not be blank: leave it out for none".to_owned());
    }
    if text.chars().count() > MAX_KEY_NAME_CHARS {
        return wrong(FieldCode::TooLong, format!("must have at most {MAX_KEY_NAME_CHARS} characters"));
    }
    if clean(text) != text {
        return wrong(FieldCode::Characters, "must hold no control, invisible or direction-changing characters".to_owned());
    }
    Ok(text.trim().to_owned())
}
