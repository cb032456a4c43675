//! What may be asked to change of a person, and what is wrong with the asking?

use serde_json::{Map, Value};

use super::user::Role;
use crate::field::{FieldCode, FieldError};

/// Most unknown fields that are told: the rest says nothing new.
const MAX_UNKNOWN_TOLD: usize = 8;

/// What an admin wants to change of a person. What is `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// What they may do from now on, whatever `ADMIN_EMAILS` says.
    pub role: Option<Role>,
    /// Whether they are shut out.
    pub disabled: Option<bool>,
}

impl UserChange {
    /// Reads the fields of a request. A `null` is as good as nothing.
    ///
    /// # Errors
    /// Every mistake at once, unknown fields last; and that nothing is asked for.
    pub fn read(fields: &Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let role = given(fields, "role").and_then(|value| match value.as_str() {
            None => {
                errors.push(FieldError::new("role", FieldCode::Type, "must be a string"));
                None
            }
            Some(text) => text
                .parse::<Role>()
                .map_err(|_| errors.push(FieldError::new("role", FieldCode::Enum, "must be user or admin")))
                .ok(),
        });
        let disabled = given(fields, "disabled").and_then(|value| {
            if !value.is_boolean() {
                errors.push(FieldError::new("disabled", FieldCode::Type, "must be true or false"));
            }
            value.as_bool()
        });
        let unknown = fields.keys().filter(|field| !matches!(field.as_str(), "role" | "disabled")).take(MAX_UNKNOWN_TOLD);
        errors.extend(
            unknown.map(|field| FieldError::new(field, FieldCode::Unknown, "there is no such field: use role and disabled")),
        );
        if errors.is_empty() && role.is_none() && disabled.is_none() {
            errors.push(FieldError::new("body", FieldCode::Required, "say what to change: role, disabled or both"));
        }
        if errors.is_empty() { Ok(Self { role, disabled }) } else { Err(errors) }
    }
}

fn given<'a>(fields: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    fields.get(field).filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(fields: Value) -> Result<UserChange, Vec<(String, FieldCode)>> {
        let told = |errors: Vec<FieldError>| errors.iter().map(|error| (error.field().to_owned(), error.code())).collect();
        UserChange::read(fields.as_object().unwrap()).map_err(told)
    }

    #[test]
    fn a_change_names_a_role_or_whether_somebody_is_shut_out_or_both() {
        let change = |role, disabled| Ok(UserChange { role, disabled });
        assert_eq!(read(json!({"role": "admin"})), change(Some(Role::Admin), None));
        assert_eq!(read(json!({"disabled": false, "role": null})), change(None, Some(false)));
        assert_eq!(read(json!({"disabled": true, "role": "user"})), change(Some(Role::User), Some(true)));
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let error = |field: &str, code| (field.to_owned(), code);
        let wrong = read(json!({"role": "root", "disabled": "yes", "scope": "admin"}));
        let told = [error("role", FieldCode::Enum), error("disabled", FieldCode::Type), error("scope", FieldCode::Unknown)];
        assert_eq!(wrong, Err(told.to_vec()));
        assert_eq!(read(json!({"role": ["admin"]})), Err(vec![error("role", FieldCode::Type)]));
        assert_eq!(read(json!({})), Err(vec![error("body", FieldCode::Required)]));
        let many: Map<String, Value> = (0..100).map(|n| (format!("field{n}"), Value::Null)).collect();
        assert_eq!(UserChange::read(&many).unwrap_err().len(), MAX_UNKNOWN_TOLD);
    }
}
