//! `manage_api_keys`: what do admins do with keys without seeing one (requirement B16)? The rules are those of `/auth/api-keys`; a key
//! or its new secret is shown on the page of a one-time link, never here.

use std::sync::Arc;

use futures_util::FutureExt as _;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use tickgate_actors::clock::random_u128;
use tickgate_core::access::{Caller, Principal, Scope};
use tickgate_core::field::FieldError;
use tickgate_core::identity::UserId;
use tickgate_core::identity::api_key::{KeyForbidden, KeyId, KeyRequest, LinkedKey, NewKey, may_create, may_manage};
use tickgate_core::mcp::{Decision, ToolAnnotations};

use super::key_action::{self, KeyAction};
use super::{Account, account_of};
use crate::identity::{By, KeyError, LinkHandedOut, Who, shown_key};
use crate::tools::arguments;
use crate::tools::outcome::{ToolFailure, ToolOutcome, structured};
use crate::tools::tool::{Asks, Tool, ToolCall, ToolRun, Toolset};

const HOUR_MS: u64 = 3_600_000;
/// What a model is to do with a link.
const NEXT_STEP: &str =
    "Give the link to whom the key is for, who opens it in a browser; the key is shown there once. Do not open it yourself.";

/// What a person reads whose client opens the page for them.
const PAGE_MESSAGE: &str =
    "Open this page of the gateway, signed in as yourself, and press the button: the API key is made and shown there, once.";
/// What a model is told then.
const SHOWN_STEP: &str = "The user was shown the page on which the key is made; `list` has it once they have opened it.";

pub(super) fn tool() -> Tool {
    Tool {
        name: "manage_api_keys",
        title: "Manage API keys",
        description: "For admins: lists everybody's API keys (never a secret), revokes one, or hands out a link for a new key (create) or a new \
                      secret (rotate). The link opens once, within 15 minutes; the key is made and shown there, not here."
            .to_owned(),
        input_schema: key_action::schema(),
        output_schema: Some(output_schema()),
        scope: Scope::Admin,
        toolset: Toolset::Account,
        streaming: false,
        hints: ToolAnnotations { read_only_hint: false, destructive_hint: true, idempotent_hint: false, open_world_hint: false },
        asks: Asks::Nothing,
        icons: Vec::new(),
        run: Arc::new(|call| ToolRun::Running(run(call).boxed_local())),
    }
}

fn output_schema() -> Value {
    let key = json!({
        "type": "object",
        "description": "A key without its secret",
        "properties": {
            "key_id": {"type": ["string", "null"], "description": "null for a new key that the user gets on a page of their own"},
            "name": {"type": "string"},
            "user_id": {"type": "string"},
            "scope": {"type": "string", "enum": ["read", "write", "admin"]},
            "state": {"type": "string", "description": "good, waits for its link, expired, revoked"},
        },
        "required": ["key_id", "name", "user_id", "scope", "state"],
    });
    json!({
        "type": "object",
        "properties": {
            "action": {"type": "string", "enum": ["create", "list", "revoke", "rotate"]},
            "api_key": key,
            "api_keys": {"type": "array", "items": key},
            "count": {"type": "integer", "minimum": 0},
            "truncated": {
                "type": "object",
                "description": "There are more than these",
                "properties": {"shown": {"type": "integer"}, "total": {"type": "integer"}},
                "required": ["shown", "total"],
            },
            "link": {"type": "string", "description": "Opens once; whoever has it gets the key"},
            "link_expires_at": {"type": "string"},
            "next_step": {"type": "string"},
        },
        "required": ["action"],
    })
}

/// Who asks, and under which request.
struct Admin {
    caller: Caller,
    request_id: String,
}

impl Admin {
    fn by(&self) -> By {
        By { who: Who::Somebody(self.caller.principal.clone()), from: None, request_id: Some(self.request_id.clone()) }
    }
}

async fn run(call: ToolCall) -> ToolOutcome {
    let fields: Map<String, Value> = arguments::read(call.arguments.as_deref())?;
    let action = KeyAction::read(fields).map_err(|errors| wrong(&errors))?;
    let account = account_of(&call)?;
    let admin = Admin { caller: call.caller.clone(), request_id: call.link.request_id().to_owned() };
    let answer = match action {
        KeyAction::Create(wanted) => {
            let (key, shown) = created(&account, &admin, wanted).await?;
            handed_out(&account, &call, admin, key, json!({"action": "create", "api_key": shown})).await?
        }
        KeyAction::Rotate(id, grace_hours) => {
            let shown = rotated(&account, &admin, id).await?;
            let key = LinkedKey::Rotated(id, grace_hours * HOUR_MS);
            handed_out(&account, &call, admin, key, json!({"action": "rotate", "api_key": shown})).await?
        }
        KeyAction::List(user, limit) => list(&account, user, limit).await?,
        KeyAction::Revoke(id) => finished(async move { revoke(&account, &admin, id).await }).await?,
    };
    Ok(structured(answer.to_string().as_bytes()))
}

/// Does it in a task of its own: a call that is cancelled must not stop it between the store and the audit.
async fn finished(work: impl Future<Output = Result<Value, ToolFailure>> + 'static) -> Result<Value, ToolFailure> {
    let lost = |_| ToolFailure::new("unavailable", "it is not known whether it was done: look at `list`");
    actix_rt::spawn(work).await.map_err(lost)?
}

/// The key that is to be made, as it is shown before. Mistakes are told here and not on the page.
async fn created(account: &Account, admin: &Admin, wanted: KeyRequest) -> Result<(LinkedKey, Value), ToolFailure> {
    let owner = wanted.user_id.as_deref().map_or_else(|| admin.caller.principal.clone(), |user| Principal::new("user", user));
    may_create(&admin.caller, &owner, wanted.scope).map_err(|why| failure(&why.into()))?;
    account.keys.admit(&owner).await.map_err(|error| failure(&error))?;
    let ttl_ms = wanted.ttl_ms();
    let KeyRequest { scope, name, limit_per_minute, .. } = wanted;
    let id = KeyId::new(random_u128());
    let shown = json!({
        "key_id": id,
        "name": name,
        "user_id": owner.as_str().strip_prefix("user:").unwrap_or(owner.as_str()),
        "scope": scope,
        "state": "waits for its link",
    });
    Ok((LinkedKey::New(id, NewKey { owner, name, scope, ttl_ms, limit_per_minute }), shown))
}

/// The key that is to get a new secret, if it can.
async fn rotated(account: &Account, admin: &Admin, id: KeyId) -> Result<Value, ToolFailure> {
    let key = account.keys.get(id, |key| may_manage(&admin.caller, key, true)).await.map_err(|error| failure(&error))?;
    let now = account.clock.now();
    key.stands(now).map_err(|why| failure(&KeyError::Dead(why)))?;
    Ok(shown_key(&key, now))
}

/// Hands out where the key is shown: to the person themselves, whose client opens the page, or as a link in the answer.
async fn handed_out(
    account: &Arc<Account>,
    call: &ToolCall,
    admin: Admin,
    key: LinkedKey,
    mut answer: Value,
) -> Result<Value, ToolFailure> {
    if can_be_shown(account, call) {
        let address = account.links.address_for(&admin.caller, key.clone());
        // In a session each matter has its name; a stateless client brings the answer to the same question again.
        let question = if call.link.revision().is_stateless() { "key".to_owned() } else { format!("key-{}", key.id()) };
        let said = call.link.elicit_url(&question, PAGE_MESSAGE, &address).await?;
        if said.action != Decision::Accept {
            return Err(ToolFailure::new("declined", "the user did not want to open the page: no key was made or changed"));
        }
        account.links.told(admin.by(), &key).await;
        // A stateless run began anew, and the page that the user opened has another name for a new key.
        if matches!(key, LinkedKey::New(..)) {
            answer["api_key"]["key_id"] = Value::Null;
        }
        answer["next_step"] = json!(SHOWN_STEP);
        return Ok(answer);
    }
    let account = Arc::clone(account);
    finished(async move {
        let link = account.links.hand_out(admin.by(), &admin.caller, key).await.map_err(|error| failure(&error))?;
        Ok(with_link(answer, &link))
    })
    .await
}

/// Whether the caller is a person whose client shows them pages, and who can sign in there.
fn can_be_shown(account: &Account, call: &ToolCall) -> bool {
    let is_person = UserId::of_principal(&call.caller.principal).is_some();
    call.link.client().urls && is_person && account.browsers.is_some()
}

async fn revoke(account: &Account, admin: &Admin, id: KeyId) -> Result<Value, ToolFailure> {
    let key = account.keys.revoke(admin.by(), id, |key| may_manage(&admin.caller, key, false)).await;
    let key = key.map_err(|error| failure(&error))?;
    Ok(json!({"action": "revoke", "api_key": shown_key(&key, account.clock.now())}))
}

fn with_link(mut answer: Value, link: &LinkHandedOut) -> Value {
    answer["link"] = json!(link.address.expose_secret());
    answer["link_expires_at"] = json!(link.expires.to_string());
    answer["next_step"] = json!(NEXT_STEP);
    answer
}

async fn list(account: &Account, user: Option<String>, limit: usize) -> Result<Value, ToolFailure> {
    let owner = user.map(|user| Principal::new("user", &user));
    let keys = account.keys.list(owner.as_ref()).await.map_err(|error| failure(&error))?;
    let now = account.clock.now();
    let shown: Vec<Value> = keys.iter().take(limit).map(|key| shown_key(key, now)).collect();
    let mut answer = json!({"action": "list", "count": shown.len()});
    if shown.len() < keys.len() {
        answer["truncated"] = json!({"shown": shown.len(), "total": keys.len()});
    }
    answer["api_keys"] = json!(shown);
    Ok(answer)
}

fn wrong(errors: &[FieldError]) -> ToolFailure {
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    ToolFailure::new("invalid_argument", told.join("; "))
}

fn failure(error: &KeyError) -> ToolFailure {
    let class = match error {
        KeyError::Forbidden(KeyForbidden::NotFound) => "not_found",
        KeyError::Forbidden(_) => "forbidden",
        KeyError::UnknownOwner => return ToolFailure::argument("user_id", error),
        KeyError::TooMany | KeyError::TooManyLinks => "too_many",
        KeyError::Dead(_) => "conflict",
        KeyError::Busy => "busy",
        KeyError::Full | KeyError::Store(_) => "unavailable",
    };
    ToolFailure::new(class, error.to_string())
}
