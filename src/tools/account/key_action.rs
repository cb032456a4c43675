//! What may be asked of `manage_api_keys`, and what is wrong with the asking? Fields and limits are those of `/auth/api-keys`.

use serde_json::{Map, Value, json};
use tickgate_core::field::{FieldCode, FieldError};
use tickgate_core::identity::api_key::{
    DEFAULT_GRACE_HOURS, KeyId, KeyRequest, MAX_GRACE_HOURS, MAX_KEY_NAME_CHARS, MAX_LIMIT_PER_MINUTE, MAX_TTL_HOURS, grace_hours,
};

/// How many keys `list` shows when nothing is said, and at most: an answer has to fit into a model's context.
const LIST_LIMIT: (u64, u64) = (50, 200);
/// Most unknown arguments that are told: the rest says nothing new.
const MAX_UNKNOWN_TOLD: usize = 8;
/// What any action takes.
const FIELDS: [&str; 8] = ["user_id", "scope", "name", "ttl_hours", "limit_per_minute", "key_id", "grace_hours", "limit"];
const ACTIONS: [&str; 4] = ["create", "list", "revoke", "rotate"];

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeyAction {
    /// Hand out a link to a new key.
    Create(KeyRequest),
    /// Show keys: this user's, or everybody's; so many.
    List(Option<String>, usize),
    /// Make a key worth nothing.
    Revoke(KeyId),
    /// Hand out a link to a new secret; the present one stays good for so many hours.
    Rotate(KeyId, u64),
}

impl KeyAction {
    /// Reads the arguments. Whether it is allowed is another question.
    ///
    /// # Errors
    /// Every mistake at once. No value is said back: it might be a key.
    pub(super) fn read(mut arguments: Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        // A null is as good as nothing.
        arguments.retain(|_, value| !value.is_null());
        let action = arguments.remove("action");
        match action.as_ref().map(Value::as_str) {
            Some(Some("create")) => KeyRequest::read(&arguments).map(Self::Create),
            Some(Some("list")) => list(&arguments),
            Some(Some("revoke")) => key_id(&arguments, &["key_id"]).map(Self::Revoke),
            Some(Some("rotate")) => rotate(&arguments),
            said => {
                let (code, wrong) =
                    if said.is_some() { (FieldCode::Enum, "must be") } else { (FieldCode::Required, "is required:") };
                let mut errors = vec![FieldError::new("action", code, format!("{wrong} one of {}", ACTIONS.join(", ")))];
                errors.extend(unknown(&arguments, &FIELDS));
                Err(errors)
            }
        }
    }
}

fn list(arguments: &Map<String, Value>) -> Result<KeyAction, Vec<FieldError>> {
    let mut errors = unknown(arguments, &["user_id", "limit"]);
    let limit = match arguments.get("limit") {
        None => Some(LIST_LIMIT.0),
        Some(limit) => limit.as_u64().filter(|limit| (1..=LIST_LIMIT.1).contains(limit)),
    };
    if limit.is_none() {
        let message = format!("must be a whole number from 1 to {}", LIST_LIMIT.1);
        errors.push(FieldError::new("limit", FieldCode::OutOfBounds, message));
    }
    let user = arguments.get("user_id").map(|user| KeyRequest::read(&Map::from_iter([("user_id".to_owned(), user.clone())])));
    let user = user.transpose().map_err(|wrong| errors.extend(wrong));
    match (limit, user) {
        (Some(limit), Ok(user)) if errors.is_empty() => {
            Ok(KeyAction::List(user.and_then(|user| user.user_id), usize::try_from(limit).unwrap_or(usize::MAX)))
        }
        _ => Err(errors),
    }
}

fn rotate(arguments: &Map<String, Value>) -> Result<KeyAction, Vec<FieldError>> {
    let id = key_id(arguments, &["key_id", "grace_hours"]);
    match (id, grace_hours(arguments)) {
        (Ok(id), Ok(grace)) => Ok(KeyAction::Rotate(id, grace)),
        (id, grace) => Err(id.err().unwrap_or_default().into_iter().chain(grace.err()).collect()),
    }
}

fn key_id(arguments: &Map<String, Value>, allowed: &[&str]) -> Result<KeyId, Vec<FieldError>> {
    let mut errors = unknown(arguments, allowed);
    let told =
        |code| FieldError::new("key_id", code, "the 12 letters and digits between `tg_` and the next `_`; never a whole key");
    let id = match arguments.get("key_id") {
        None => Err(told(FieldCode::Required)),
        Some(id) => id.as_str().and_then(|id| id.parse().ok()).ok_or_else(|| told(FieldCode::Pattern)),
    };
    match id {
        Ok(id) if errors.is_empty() => Ok(id),
        Ok(_) => Err(errors),
        Err(error) => {
            errors.insert(0, error);
            Err(errors)
        }
    }
}

fn unknown(arguments: &Map<String, Value>, allowed: &[&str]) -> Vec<FieldError> {
    let foreign = arguments.keys().filter(|field| !allowed.contains(&field.as_str())).take(MAX_UNKNOWN_TOLD);
    let told = format!("there is no such argument here: use {}", allowed.join(", "));
    foreign.map(|field| FieldError::new(field, FieldCode::Unknown, &*told)).collect()
}

/// The arguments of all actions together: clients show one form.
pub(super) fn schema() -> Value {
    let key_id = "revoke, rotate: the key's id, as `list` shows it; never a whole key";
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "action": {"type": "string", "enum": ACTIONS, "description": "create and rotate hand out a link; list shows keys without secrets"},
            "user_id": {"type": "string", "minLength": 1, "maxLength": 64, "description": "create: whose key it is, you when left out; list: only this user's"},
            "scope": {"type": "string", "enum": ["read", "write", "admin"], "description": "create: the most that it may do, read when left out"},
            "name": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_NAME_CHARS, "description": "create: what it is for"},
            "ttl_hours": {"type": "integer", "minimum": 1, "maximum": MAX_TTL_HOURS, "description": "create: how long it is good; for ever when left out"},
            "limit_per_minute": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT_PER_MINUTE, "description": "create: in place of the limit of every caller"},
            "key_id": {"type": "string", "pattern": "^[0-9A-Za-z]{12}$", "description": key_id},
            "grace_hours": {"type": "integer", "minimum": 0, "maximum": MAX_GRACE_HOURS,
                "description": format!("rotate: how long the present secret stays good, {DEFAULT_GRACE_HOURS} when left out")},
            "limit": {"type": "integer", "minimum": 1, "maximum": LIST_LIMIT.1,
                "description": format!("list: at most so many, the newest first; {} when left out", LIST_LIMIT.0)},
        },
        "required": ["action"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: Value) -> Result<KeyAction, Vec<(String, FieldCode)>> {
        let errors = |errors: Vec<FieldError>| errors.iter().map(|error| (error.field().to_owned(), error.code())).collect();
        KeyAction::read(serde_json::from_value(arguments).unwrap()).map_err(errors)
    }

    #[test]
    fn each_action_takes_its_own_arguments_and_a_null_is_none() {
        let id: KeyId = "4fJ2kQ9sXwZ1".parse().unwrap();
        assert_eq!(read(json!({"action": "list", "user_id": null})), Ok(KeyAction::List(None, 50)));
        assert_eq!(read(json!({"action": "list", "user_id": "ada", "limit": 7})), Ok(KeyAction::List(Some("ada".into()), 7)));
        assert_eq!(read(json!({"action": "revoke", "key_id": "4fJ2kQ9sXwZ1"})), Ok(KeyAction::Revoke(id)));
        assert_eq!(read(json!({"action": "rotate", "key_id": "4fJ2kQ9sXwZ1"})), Ok(KeyAction::Rotate(id, 24)));
        assert_eq!(read(json!({"action": "rotate", "key_id": "4fJ2kQ9sXwZ1", "grace_hours": 0})), Ok(KeyAction::Rotate(id, 0)));
        assert!(matches!(read(json!({"action": "create", "name": "ci"})), Ok(KeyAction::Create(wanted)) if wanted.name == "ci"));
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        use FieldCode::{Enum, OutOfBounds, Pattern, Required, Type, Unknown};
        let table = [
            (json!({}), vec![("action", Required)]),
            (json!({"action": "delete", "x": 1, "scope": "read"}), vec![("action", Enum), ("x", Unknown)]),
            (json!({"action": ["list"]}), vec![("action", Enum)]),
            (json!({"action": "revoke"}), vec![("key_id", Required)]),
            (json!({"action": "revoke", "key_id": 7, "scope": "read"}), vec![("key_id", Pattern), ("scope", Unknown)]),
            (json!({"action": "rotate", "grace_hours": 721}), vec![("key_id", Required), ("grace_hours", OutOfBounds)]),
            (json!({"action": "list", "limit": 0, "user_id": 5}), vec![("limit", OutOfBounds), ("user_id", Type)]),
            (json!({"action": "create", "scope": "root", "ttl_hours": 0}), vec![("scope", Enum), ("ttl_hours", OutOfBounds)]),
        ];
        for (arguments, expected) in table {
            let expected: Vec<_> = expected.into_iter().map(|(field, code)| (field.to_owned(), code)).collect();
            assert_eq!(read(arguments.clone()), Err(expected), "{arguments}");
        }
    }

    #[test]
    fn attack_30_a_key_in_the_wrong_place_is_not_said_back() {
        let key = "tg_4fJ2kQ9sXwZ1_canary";
        for field in ["action", "key_id", "scope", "name", "user_id", "grace_hours", "limit"] {
            for action in ACTIONS {
                let mut arguments = json!({ "action": action });
                arguments[field] = json!([key]);
                let Err(errors) = KeyAction::read(serde_json::from_value(arguments).unwrap()) else { panic!("{action} {field}") };
                assert!(errors.iter().all(|error| !error.to_string().contains("canary")), "{errors:?}");
            }
        }
    }

    #[test]
    fn the_schema_has_the_fields_that_are_read() {
        let schema = schema();
        let fields: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert!(
            fields.len() == FIELDS.len() + 1 && FIELDS.iter().all(|field| fields.iter().any(|known| known == field)),
            "{fields:?}"
        );
    }
}
