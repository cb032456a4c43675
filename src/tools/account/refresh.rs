//! `refresh_token`: how does a client get new tokens for a refresh token (requirement A12)? As at `/token`, for those who cannot ask
//! there; see [`crate::oauth::AuthorizationServer::refresh_own`].

use std::sync::Arc;

use futures_util::FutureExt as _;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use tickgate_core::access::Scope;
use tickgate_core::identity::oauth::{OAuthCode, OAuthError};
use tickgate_core::mcp::ToolAnnotations;

use super::account_of;
use crate::oauth::Asker;
use crate::tools::arguments;
use crate::tools::outcome::{ToolFailure, ToolOutcome, structured};
use crate::tools::schema;
use crate::tools::tool::{Asks, Tool, ToolCall, ToolRun, Toolset};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Your refresh token, as it was given last. It is used up by this.
    refresh_token: String,
}

pub(super) fn tool() -> Tool {
    Tool {
        name: "refresh_token",
        title: "Get new tokens",
        description: "Replaces your own refresh token: a new access token and a new refresh token; the old one is refused from then on, and its \
                      use would end the sign-in. Programs use POST /token instead: what is sent and answered here stays in the transcript."
            .to_owned(),
        input_schema: schema::of::<Arguments>(),
        output_schema: Some(json!({
            "type": "object",
            "properties": {
                "access_token": {"type": "string"},
                "token_type": {"type": "string", "enum": ["Bearer"]},
                "expires_in": {"type": "integer", "minimum": 0, "description": "Seconds"},
                "refresh_token": {"type": "string", "description": "In place of the one that was sent"},
                "scope": {"type": "string", "description": "Words with blanks between"},
            },
            "required": ["access_token", "token_type", "expires_in", "refresh_token", "scope"],
        })),
        scope: Scope::Read,
        toolset: Toolset::Account,
        streaming: false,
        hints: ToolAnnotations { read_only_hint: false, destructive_hint: true, idempotent_hint: false, open_world_hint: false },
        asks: Asks::Nothing,
        icons: Vec::new(),
        run: Arc::new(|call| ToolRun::Running(run(call).boxed_local())),
    }
}

async fn run(call: ToolCall) -> ToolOutcome {
    let Arguments { refresh_token } = arguments::read(call.arguments.as_deref())?;
    let account = account_of(&call)?;
    let Some(oauth) = account.oauth.clone() else {
        let told = "there are no refresh tokens here: nobody can sign in; docs/AUTH.md says how to set it up";
        return Err(ToolFailure::new("not_found", told));
    };
    let asker = Asker { from: None, request_id: call.link.request_id().to_owned() };
    let (token, caller) = (SecretString::from(refresh_token), call.caller.clone());
    // A task of its own: a call that is cancelled must not stop it between the store and the answer that could be asked for again.
    let refreshed = actix_rt::spawn(async move { oauth.refresh_own(&token, &caller, &asker).await });
    let answer = refreshed.await.map_err(|_| lost())?.map_err(|error| failure(&error))?;
    Ok(structured(&serde_json::to_vec(&answer).map_err(|_| lost())?))
}

fn lost() -> ToolFailure {
    ToolFailure::new("unavailable", "the tokens could not be made: try again at once with the same refresh token")
}

fn failure(error: &OAuthError) -> ToolFailure {
    match error.code {
        OAuthCode::InvalidGrant => {
            ToolFailure::new("invalid_grant", "the refresh token is not yours, or it is expired, used or revoked: sign in again")
        }
        OAuthCode::InvalidClient => ToolFailure::new(
            "invalid_client",
            "the client that this token was given to proves who it is at POST /token, with its secret; or it is gone: register again",
        ),
        OAuthCode::TemporarilyUnavailable => ToolFailure::new("unavailable", error.description.clone()),
        _ => ToolFailure::new("tool_failed", error.description.clone()),
    }
}
