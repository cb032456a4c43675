//! `get_user_info`: who is the caller, or whoever holds this token (requirement A11)?
//!
//! Who holds a token could call with it as well, so whoever shows one may ask about it. It is checked as on any request, and
//! neither said back nor written down.

use std::sync::Arc;

use futures_util::FutureExt as _;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tickgate_core::access::{Caller, CredentialId, Scope};
use tickgate_core::identity::{User, UserId};

use super::{Account, account_of};
use crate::auth::{AuthError, MAX_CREDENTIAL_BYTES};
use crate::tools::arguments;
use crate::tools::outcome::{ToolFailure, ToolOutcome, structured};
use crate::tools::schema;
use crate::tools::tool::{Asks, Tool, ToolCall, ToolRun, Toolset, reads};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// An access token or API key to ask about. Leave it out to ask about yourself: what is sent here stays in the transcript.
    #[serde(default)]
    token: Option<String>,
}

pub(super) fn tool() -> Tool {
    Tool {
        name: "get_user_info",
        title: "Who am I",
        description: "Who the caller is, what they may do, with which kind of credential, until when; `user` is null for who has no \
                      account here. With `token`, the same of whoever holds that access token or API key; one that is not good is an error."
            .to_owned(),
        input_schema: schema::of::<Arguments>(),
        output_schema: Some(output_schema()),
        scope: Scope::Read,
        toolset: Toolset::Account,
        streaming: false,
        hints: reads(false),
        asks: Asks::Nothing,
        icons: Vec::new(),
        run: Arc::new(|call| ToolRun::Running(run(call).boxed_local())),
    }
}

fn output_schema() -> Value {
    let text = |description: &str| json!({"type": ["string", "null"], "description": description});
    json!({
        "type": "object",
        "properties": {
            "principal": {"type": "string", "description": "To whom sessions, alerts and keys belong"},
            "scope": {"type": "string", "enum": ["read", "write", "admin"]},
            "authenticated": {"type": "boolean", "description": "Whether a credential was shown"},
            "credential": {"type": "string", "enum": ["none", "static_key", "api_key", "access_token", "browser_session"]},
            "key_id": text("The name of the API key, which is no secret"),
            "expires_at": text("When the credential ends; null for never"),
            "limit_per_minute": {"type": ["integer", "null"], "description": "The key's own limit, in place of that of every caller"},
            "user": {
                "type": ["object", "null"],
                "properties": {
                    "id": {"type": "string"},
                    "name": text("As the sign-in provider says"),
                    "email": text("As the sign-in provider says"),
                    "role": {"type": "string", "enum": ["user", "admin"]},
                    "created": {"type": "string"},
                },
                "required": ["id", "role", "created"],
            },
        },
        "required": ["principal", "scope", "authenticated", "credential", "expires_at", "user"],
    })
}

async fn run(call: ToolCall) -> ToolOutcome {
    let Arguments { token } = arguments::read(call.arguments.as_deref())?;
    let told = match (&call.context.account, token) {
        (None, None) => shown(&call.caller, None, None),
        (_, None) => about(&*account_of(&call)?, &call.caller).await?,
        (_, Some(token)) => {
            let account = account_of(&call)?;
            let caller = holder(&account, &token, call.link.request_id()).await?;
            about(&account, &caller).await?
        }
    };
    Ok(structured(told.to_string().as_bytes()))
}

/// Who holds a token, checked as the edge checks it: a key that was made elsewhere a moment ago counts, a refused one is noted, and one
/// that is good has been used.
async fn holder(account: &Account, token: &str, request_id: &str) -> Result<Caller, ToolFailure> {
    if token.len() > MAX_CREDENTIAL_BYTES {
        return Err(not_good());
    }
    let mut found = account.authenticator.check(token);
    if found.as_ref().is_err_and(|error| error.may_be_out_of_date()) && account.directory.catch_up().await {
        found = account.authenticator.check(token);
    }
    let now = account.clock.now();
    let caller = found.map_err(|error| {
        if let AuthError::Key(id, why) = error {
            let to = (&account.directory, &account.audit);
            account.refusals.note((id, why), None, request_id.to_owned(), to, now);
        }
        not_good()
    })?;
    if let CredentialId::ApiKey(id) = caller.credential
        && let Some(entry) = account.directory.key(id)
    {
        entry.used(now);
    }
    Ok(caller)
}

/// The same for whatever is wrong with it.
fn not_good() -> ToolFailure {
    ToolFailure::new("invalid_token", "the token is not good here: it is unknown, expired or revoked")
}

async fn about(account: &Account, caller: &Caller) -> Result<Value, ToolFailure> {
    let limit = match caller.credential {
        CredentialId::ApiKey(id) => account.directory.key(id).and_then(|entry| entry.key.limit_per_minute),
        _ => None,
    };
    let user = match (UserId::of_principal(&caller.principal), &account.browsers) {
        (Some(id), Some(browsers)) if caller.authenticated => browsers.person(id).await.map_err(|error| {
            tracing::error!(error = %error, "a person cannot be looked up");
            ToolFailure::new("unavailable", "accounts cannot be looked up: try again in a moment")
        })?,
        _ => None,
    };
    Ok(shown(caller, limit, user.as_ref()))
}

fn shown(caller: &Caller, limit_per_minute: Option<u32>, user: Option<&User>) -> Value {
    let (credential, key_id) = match caller.credential {
        CredentialId::None => ("none", None),
        CredentialId::StaticKey(_) => ("static_key", None),
        CredentialId::ApiKey(name) => ("api_key", Some(tickgate_core::identity::api_key::KeyId::new(name))),
        CredentialId::Family(_) | CredentialId::Token(_) => ("access_token", None),
        CredentialId::BrowserSession(_) => ("browser_session", None),
    };
    json!({
        "principal": caller.principal.as_str(),
        "scope": caller.scope.as_str(),
        "authenticated": caller.authenticated,
        "credential": credential,
        "key_id": key_id,
        "expires_at": caller.expires.map(|expires| expires.to_string()),
        "limit_per_minute": limit_per_minute,
        "user": user.map(|user| json!({
            "id": user.id,
            "name": user.name,
            "email": user.email,
            "role": user.role.as_str(),
            "created": user.created.to_string(),
        })),
    })
}
