//! The operations of administration, and what they take.

use serde_json::{Value, json};

use super::operations::{AnswerKind, Operation, Parameter, query};

const USERS: &str = "/admin/users";
const ONE: &str = "/admin/users/{id}";

const ID: Parameter = Parameter {
    name: "id",
    place: "path",
    required: true,
    kind: "string",
    example: "0f3b9c0a5d2e4f61a7c8b9d0e1f20314",
    help: "The person's id, as /admin/users shows it",
};

const fn admin(
    method: &'static str,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    answer: AnswerKind,
) -> Operation {
    Operation { method, path, id, tag: "administration", summary, parameters, answer }
}

pub(super) const ADMIN_OPERATIONS: &[Operation] = &[
    admin(
        "get",
        USERS,
        "admin_users_list",
        "People who have signed in, the newest first. Needs the scope admin, as all of /admin",
        &[
            query("role", "string", "", "user or admin: only those"),
            query("after", "string", "", "`next` of the page before"),
            query("limit", "integer", "50", "Most people of a page: 1 to 200"),
        ],
        AnswerKind::Json,
    ),
    admin("get", ONE, "admin_users_get", "A person", &[ID], AnswerKind::Json),
    admin(
        "patch",
        ONE,
        "admin_users_change",
        "Give somebody a role, shut them out or let them in: within a second everywhere. 409 for the last acting admin",
        &[ID],
        AnswerKind::Json,
    ),
    admin(
        "delete",
        ONE,
        "admin_users_erase",
        "Erase a person and all that is theirs; what they did stays in the audit log under a random id",
        &[ID],
        AnswerKind::Nothing,
    ),
    admin(
        "get",
        "/admin/audit",
        "admin_audit",
        "The audit log, the newest row first; at most 10,000 rows are looked at, so a page can be empty and have a `next`",
        &[
            query("after", "integer", "", "`next` of the page before: the rows before this one"),
            query("limit", "integer", "100", "Most rows of a page: 1 to 1000"),
            query("action", "string", "", "Only this action, such as key.create"),
            query("actor", "string", "", "operator, gateway, nobody, someone:<audit id>, or user:<id>"),
            query("outcome", "string", "", "done, refused or failed"),
            query("from", "string", "", "Not before this date and time (RFC 3339)"),
            query("to", "string", "", "Before this date and time"),
        ],
        AnswerKind::Json,
    ),
];

/// Adds what the operations take.
pub(super) fn patch_bodies(document: &mut Value) {
    let schema = json!({"type": "object", "additionalProperties": false, "minProperties": 1, "properties": {
        "role": {"type": "string", "enum": ["user", "admin"], "description": "Stays, whatever ADMIN_EMAILS says"},
        "disabled": {"type": "boolean", "description": "true shuts them out, false lets them in"},
    }});
    document["paths"][ONE]["patch"]["requestBody"] =
        json!({"required": true, "content": {"application/json": {"schema": schema, "example": {"disabled": true}}}});
}

/// A person as admins see them.
pub(super) fn person() -> Value {
    json!({"id": "0f3b9c0a5d2e4f61a7c8b9d0e1f20314", "principal": "user:0f3b9c0a5d2e4f61a7c8b9d0e1f20314", "name": "Ada",
        "email": "ada@example.com", "email_verified": true, "issuer": "https://accounts.google.com", "role": "user", "role_source": "list",
        "created": "2026-03-10T18:31:07.294Z", "last_seen": "2026-03-10T18:31:07.294Z", "disabled": null, "erasing": null})
}

/// A page of the audit log.
pub(super) fn rows() -> Value {
    json!({"next": "41", "rows": [{"seq": 42, "at": "2026-03-10T18:31:07.294Z", "actor": "someone:7d0a…", "action": "key.create",
        "target": "key:4fJ2kQ9sXwZ1", "outcome": "done", "from": "192.0.2.7", "request_id": "4f…", "details": {"scope": "read"}, "hash": "9c…"}]})
}
