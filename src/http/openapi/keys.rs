//! The operations on API keys, and what they take.

use serde_json::{Value, json};
use tickgate_core::identity::api_key::{MAX_GRACE_HOURS, MAX_KEY_NAME_CHARS, MAX_LIMIT_PER_MINUTE, MAX_TTL_HOURS};

use super::operations::{AnswerKind, Operation, Parameter, query};
use crate::http::endpoints::{API_KEYS, KEY_LINK};

/// One key.
const ONE: &str = "/auth/api-keys/{id}";
/// Its new secret.
const ROTATE: &str = "/auth/api-keys/{id}/rotate";

const ID: Parameter = Parameter {
    name: "id",
    place: "path",
    required: true,
    kind: "string",
    example: "4fJ2kQ9sXwZ1",
    help: "The key's id: what stands between tg_ and the next _",
};

pub(super) const KEY_OPERATIONS: &[Operation] = &[
    Operation {
        method: "get",
        path: API_KEYS,
        id: "api_keys_list",
        tag: "account",
        summary: "Your API keys, dead ones too, without secrets; with all=true everyone's, for admins",
        parameters: &[query("all", "boolean", "", "true: the keys of all owners; needs the scope admin")],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "post",
        path: API_KEYS,
        id: "api_keys_create",
        tag: "account",
        summary: "Make an API key; `key` is shown this once. Needs the scope write, for somebody else admin",
        parameters: &[],
        answer: AnswerKind::Created,
    },
    Operation {
        method: "get",
        path: ONE,
        id: "api_keys_get",
        tag: "account",
        summary: "One of your API keys, without its secret",
        parameters: &[ID],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "delete",
        path: ONE,
        id: "api_keys_revoke",
        tag: "account",
        summary: "Revoke an API key: it is worth nothing within a second, and what was opened with it ends",
        parameters: &[ID],
        answer: AnswerKind::Nothing,
    },
    Operation {
        method: "post",
        path: ROTATE,
        id: "api_keys_rotate",
        tag: "account",
        summary: "Give an API key a new secret; `key` is shown this once, and the old secret stays good for a while",
        parameters: &[ID],
        answer: AnswerKind::Json,
    },
];

/// The page of a one-time link.
pub(super) const LINK_OPERATIONS: &[Operation] = &[
    Operation {
        method: "get",
        path: KEY_LINK,
        id: "key_link_page",
        tag: "account",
        summary: "The page of a one-time link to an API key, for browsers: a button. It opens nothing by itself",
        parameters: &[],
        answer: AnswerKind::Text,
    },
    Operation {
        method: "post",
        path: KEY_LINK,
        id: "key_link_open",
        tag: "account",
        summary: "Open a one-time link (a form with `link`): a page that shows the key, once",
        parameters: &[],
        answer: AnswerKind::Text,
    },
];

/// Adds what the operations take.
pub(super) fn patch_bodies(document: &mut Value) {
    let create = json!({"type": "object", "additionalProperties": false, "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_NAME_CHARS, "description": "What it is for"},
        "scope": {"type": "string", "enum": ["read", "write", "admin"], "default": "read", "description": "At most yours"},
        "ttl_hours": {"type": "integer", "minimum": 1, "maximum": MAX_TTL_HOURS, "description": "For ever when left out"},
        "limit_per_minute": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT_PER_MINUTE, "description": "In place of the limit of every caller"},
        "user_id": {"type": "string", "maxLength": 64, "description": "Whose it is; you when left out"},
    }});
    let rotate = json!({"type": "object", "additionalProperties": false, "properties": {
        "grace_hours": {"type": "integer", "minimum": 0, "maximum": MAX_GRACE_HOURS, "default": 24, "description": "How long the old secret stays good"},
    }});
    let body = |schema: Value, example: Value| json!({"content": {"application/json": {"schema": schema, "example": example}}});
    let example = json!({"name": "nightly report", "scope": "read", "ttl_hours": 720});
    document["paths"][API_KEYS]["post"]["requestBody"] = body(create, example);
    let link = json!({"type": "object", "required": ["link"], "properties": {
        "link": {"type": "string", "description": "What stands behind the # in the link"},
    }});
    document["paths"][KEY_LINK]["post"]["requestBody"] =
        json!({"required": true, "content": {"application/x-www-form-urlencoded": {"schema": link}}});
    document["paths"][ROTATE]["post"]["requestBody"] = body(rotate, json!({"grace_hours": 24}));
}

/// A key as it is shown.
pub(super) fn example() -> Value {
    json!({"key_id": "4fJ2kQ9sXwZ1", "name": "nightly report", "user_id": "ada", "scope": "read", "state": "good",
        "created_at": "2026-03-10T18:31:07.294Z", "expires_at": "2026-04-09T18:31:07.294Z", "last_used_at": null, "rotated_at": null,
        "old_secret_until": null, "revoked_at": null, "limit_per_minute": null})
}
