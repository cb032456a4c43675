//! What does a key look like to those who may see it?

use serde_json::{Value, json};
use tickgate_core::identity::api_key::ApiKey;
use tickgate_core::time::Millis;

/// A key as it is shown: never its secret, never its hash.
#[must_use]
pub fn shown_key(key: &ApiKey, now: Millis) -> Value {
    let state = match key.stands(now) {
        Ok(()) => "good".to_owned(),
        Err(refusal) => refusal.to_string(),
    };
    let time = |time: Option<Millis>| time.map(|time| time.to_string());
    json!({
        "key_id": key.id,
        "name": key.name,
        "user_id": key.owner.as_str().strip_prefix("user:").unwrap_or(key.owner.as_str()),
        "scope": key.scope,
        "state": state,
        "created_at": key.created.to_string(),
        "expires_at": time(key.expires),
        "last_used_at": time(key.last_used),
        "rotated_at": time(key.rotated),
        "old_secret_until": time(key.old.map(|old| old.until).filter(|until| *until > now)),
        "revoked_at": time(key.revoked),
        "limit_per_minute": key.limit_per_minute,
    })
}
