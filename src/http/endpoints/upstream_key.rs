//! `/api/user/upstream-key`: a caller's own upstream key is set, shown to be set, and forgotten. It goes in and never comes out.

use std::rc::Rc;

use actix_web::http::StatusCode;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use tickgate_core::access::Principal;
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};

use super::auth::happening;
use super::mcp::{must_be_json, read_bytes, unknown_caller};
use super::query::{Query, wrong};
use crate::http::error::Problem;
use crate::http::gateway::{OnWorker, Worker};
use crate::http::request::{RequestIdentity, caller};
use crate::identity::{Happening, Who};
use crate::tools::ToolContext;
use crate::upstream::own::{Change, OwnKey, OwnKeyError, OwnKeys, WantedKey};

/// Longest body: a key, a plan, and the JSON around them.
const MAX_BODY_BYTES: usize = 4_096;

/// What may be sent. What is wrong with it is told in words of ours: the parser's quote what was sent, and that is a secret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    key: String,
    #[serde(default)]
    plan: Option<String>,
}

pub(in crate::http) async fn get(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    respond(&request, state_of(&request, &worker))
}

pub(in crate::http) async fn put(request: HttpRequest, payload: Payload, OnWorker(worker): OnWorker) -> HttpResponse {
    respond(&request, set(&request, payload, &worker).await)
}

pub(in crate::http) async fn delete(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    match forget(&request, &worker).await {
        Ok(()) => HttpResponse::NoContent().insert_header(("cache-control", "no-store")).finish(),
        Err(problem) => problem.respond(&request),
    }
}

fn respond(request: &HttpRequest, answer: Result<String, Problem>) -> HttpResponse {
    match answer {
        Ok(json) => HttpResponse::Ok().insert_header(("cache-control", "no-store")).content_type("application/json").body(json),
        Err(problem) => problem.respond(request),
    }
}

fn state_of(request: &HttpRequest, worker: &Worker) -> Result<String, Problem> {
    Query::read(request, &[])?;
    let principal = user(request)?;
    let key = own_keys(&worker.context)?.find(&principal);
    Ok(key.map_or_else(|| json!({"set": false}).to_string(), |key| shown(&key)))
}

async fn set(request: &HttpRequest, payload: Payload, worker: &Worker) -> Result<String, Problem> {
    Query::read(request, &[])?;
    let principal = user(request)?;
    let own = own_keys(&worker.context)?;
    must_be_json(request.headers())?;
    let body = read_bytes(payload, MAX_BODY_BYTES).await?;
    let wanted = read(&body, &worker.context)?;
    let change = own.may_try(&principal).and_then(|()| own.change(&principal)).map_err(|error| problem(&error))?;
    let (context, request_id) = (Rc::clone(&worker.context), RequestIdentity::of(request));
    // A task of its own: a client that leaves must not stop it between the store and the map.
    let who = principal.clone();
    let set = actix_rt::spawn(async move { try_and_keep(change, wanted, &context, &principal, request_id).await });
    let set = set.await.map_err(|_| Problem::unavailable("the key could not be set: try again"))?;
    tell(request, worker, who, (if set.is_ok() { Outcome::Done } else { Outcome::Refused }, "set")).await;
    set.map_err(|error| problem(&error))
}

/// Writes down that a key was set or forgotten, or that it was not; never which.
async fn tell(request: &HttpRequest, worker: &Worker, who: Principal, (outcome, did): (Outcome, &str)) {
    let row = happening(request, worker, Who::Somebody(who), AuditAction::UpstreamKey, outcome);
    let row = Happening { target: "upstream_key".to_owned(), details: vec![("did", did.to_owned())], ..row };
    worker.gateway.audit.write_or_queue(row).await;
}

async fn try_and_keep(
    change: Change,
    wanted: WantedKey,
    context: &ToolContext,
    principal: &Principal,
    request_id: String,
) -> Result<String, OwnKeyError> {
    let key = change.prepare(wanted)?;
    context.upstream.try_key(&key, principal, request_id).await.map_err(OwnKeyError::Upstream)?;
    let shown = shown(&key);
    change.keep(key).await?;
    tracing::info!(principal = %principal, "a caller set an own upstream key");
    Ok(shown)
}

async fn forget(request: &HttpRequest, worker: &Worker) -> Result<(), Problem> {
    Query::read(request, &[])?;
    let principal = user(request)?;
    let change = own_keys(&worker.context)?.change(&principal).map_err(|error| problem(&error))?;
    let forgotten = actix_rt::spawn(change.forget());
    forgotten
        .await
        .map_err(|_| Problem::unavailable("the key could not be forgotten: try again"))?
        .map_err(|error| problem(&error))?;
    tell(request, worker, principal.clone(), (Outcome::Done, "forgotten")).await;
    tracing::info!(principal = %principal, "a caller has no own upstream key any more");
    Ok(())
}

fn shown(key: &OwnKey) -> String {
    json!({"set": true, "plan": key.plan.as_str(), "since": key.since.to_string()}).to_string()
}

fn read(body: &[u8], context: &ToolContext) -> Result<WantedKey, Problem> {
    // An array would be read as the members in their order.
    let is_object = body.trim_ascii_start().starts_with(b"{");
    let Some(Body { key, plan }) = is_object.then(|| serde_json::from_slice(body).ok()).flatten() else {
        let detail = "the body must be a JSON object with the texts `key` and, if you like, `plan`, and nothing else";
        return Err(Problem::bad_request("invalid_body", detail));
    };
    let key = SecretString::from(key);
    let plan = match plan {
        None => context.upstream.plan(),
        Some(plan) => plan.parse().map_err(|_| wrong("plan", "use free, starter, developer or advanced"))?,
    };
    WantedKey::new(key, plan).map_err(|problem| wrong("key", problem))
}

/// Whose key it is: somebody's who has shown a credential, because an address is shared with others.
fn user(request: &HttpRequest) -> Result<Principal, Problem> {
    let caller = caller(request).ok_or_else(unknown_caller)?;
    if !caller.authenticated {
        let detail = "Unauthorized: an own upstream key belongs to somebody; send a credential with the scope write \
                      (Authorization: Bearer <access token or API key>, or X-API-Key)";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail));
    }
    Ok(caller.principal)
}

fn own_keys(context: &ToolContext) -> Result<&OwnKeys, Problem> {
    context.upstream.own_keys().ok_or_else(|| {
        let detail = "the market is a recording: there is no upstream that could be asked with a key";
        Problem::new(StatusCode::CONFLICT, "no_upstream", detail)
    })
}

fn problem(error: &OwnKeyError) -> Problem {
    let text = error.to_string();
    match error {
        OwnKeyError::Busy => Problem::new(StatusCode::CONFLICT, "busy", text),
        OwnKeyError::TooOften(secs) => Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", text).retry_after(*secs),
        OwnKeyError::Gateways => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "gateways_key", text),
        OwnKeyError::Full | OwnKeyError::Store(_) => Problem::unavailable(text),
        OwnKeyError::Upstream(error) => untried(error),
    }
}

/// The upstream did not say that the key is good.
fn untried(error: &UpstreamError) -> Problem {
    let reason = error.kind.as_str();
    match error.kind {
        UpstreamErrorKind::Auth | UpstreamErrorKind::NotEntitled => {
            let detail = "the upstream refuses this key, so nothing was changed: look it up at your provider and send it again";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, reason, detail)
        }
        UpstreamErrorKind::Budget | UpstreamErrorKind::RateLimited => {
            let secs = error.retry_after_ms.unwrap_or(1_000).div_ceil(1_000);
            Problem::new(StatusCode::TOO_MANY_REQUESTS, reason, format!("the key could not be tried: {}", error.message))
                .retry_after(secs)
        }
        _ => {
            let detail = format!("the key could not be tried, so nothing was changed: {}", error.message);
            Problem { reason, ..Problem::unavailable(detail) }
        }
    }
}
