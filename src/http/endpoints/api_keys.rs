//! `/auth/api-keys`: keys are made, listed, rotated and revoked. A key is shown once, when it is made or gets a new secret.

use actix_web::http::StatusCode;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use tickgate_core::access::{Caller, Principal, Scope};
use tickgate_core::field::{FieldCode, FieldError};
use tickgate_core::identity::api_key::{
    ApiKey, KeyForbidden, KeyId, KeyRequest, NewKey, grace_hours, may_be_given_keys, may_create, may_manage,
};
use tickgate_core::identity::audit::AuditAction;
use tickgate_core::time::Millis;

use super::admin::look;
use super::mcp::{must_be_json, read_bytes, unknown_caller};
use super::query::{Query, wrong};
use crate::http::error::Problem;
use crate::http::gateway::{OnWorker, Worker, client_ip};
use crate::http::request::{RequestIdentity, caller};
use crate::identity::{By, KeyError, Refusal, Rotated, Who, shown_key};

/// Longest body.
const MAX_BODY_BYTES: usize = 4_096;
const HOUR_MS: u64 = 3_600_000;

pub(in crate::http) async fn list(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    respond(&request, listed(&request, &worker).await.map(|body| (StatusCode::OK, body)))
}

pub(in crate::http) async fn create(request: HttpRequest, payload: Payload, OnWorker(worker): OnWorker) -> HttpResponse {
    respond(&request, created(&request, payload, &worker).await.map(|body| (StatusCode::CREATED, body)))
}

pub(in crate::http) async fn get(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    respond(&request, found(&request, &worker).await.map(|body| (StatusCode::OK, body)))
}

pub(in crate::http) async fn rotate(request: HttpRequest, payload: Payload, OnWorker(worker): OnWorker) -> HttpResponse {
    respond(&request, rotated(&request, payload, &worker).await.map(|body| (StatusCode::OK, body)))
}

pub(in crate::http) async fn revoke(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    match revoked(&request, &worker).await {
        Ok(()) => HttpResponse::NoContent().insert_header(("cache-control", "no-store")).finish(),
        Err(problem) => problem.respond(&request),
    }
}

fn respond(request: &HttpRequest, answer: Result<(StatusCode, Value), Problem>) -> HttpResponse {
    match answer {
        Ok((status, body)) => HttpResponse::build(status)
            .insert_header(("cache-control", "no-store"))
            .content_type("application/json")
            .body(body.to_string()),
        Err(problem) => problem.respond(request),
    }
}

async fn listed(request: &HttpRequest, worker: &Worker) -> Result<Value, Problem> {
    let query = Query::read(request, &["all"])?;
    let caller = owner_of_keys(request)?;
    let all = query.parsed("all", |text| text.parse::<bool>().map_err(|_| "it must be true or false"))?.unwrap_or(false);
    if all && !caller.scope.allows(Scope::Admin) {
        return Err(forbidden(KeyForbidden::NeedsScope(Scope::Admin)));
    }
    if all {
        look(worker, by(&caller, request, worker), "api_keys").await;
    }
    let keys = worker.gateway.keys.list((!all).then_some(&caller.principal)).await.map_err(|error| problem(&error))?;
    let now = worker.gateway.clock.now();
    Ok(json!({ "api_keys": keys.iter().map(|key| shown_key(key, now)).collect::<Vec<_>>() }))
}

async fn created(request: &HttpRequest, payload: Payload, worker: &Worker) -> Result<Value, Problem> {
    Query::read(request, &[])?;
    let caller = owner_of_keys(request)?;
    let wanted = KeyRequest::read(&fields(request, payload).await?).map_err(Problem::invalid_fields)?;
    let owner = wanted.user_id.as_deref().map_or_else(|| caller.principal.clone(), |user| Principal::new("user", user));
    may_be_given_keys(&caller).and_then(|()| may_create(&caller, &owner, wanted.scope)).map_err(|why| {
        denied(&caller, request, worker, (AuditAction::KeyCreate, "key:new".to_owned(), why));
        forbidden(why)
    })?;
    let ttl_ms = wanted.ttl_ms();
    let KeyRequest { scope, name, limit_per_minute, .. } = wanted;
    let new = NewKey { owner, name, scope, ttl_ms, limit_per_minute };
    let (keys, by, credential) = (worker.gateway.keys.clone(), by(&caller, request, worker), caller.credential);
    // A task of its own: a client that leaves must not stop it between the store and the audit.
    let made = actix_rt::spawn(async move { keys.create(by, credential, new).await });
    let made = made.await.map_err(|_| lost())?.map_err(|error| problem(&error))?;
    Ok(shown_once(&made, worker.gateway.clock.now()))
}

async fn found(request: &HttpRequest, worker: &Worker) -> Result<Value, Problem> {
    Query::read(request, &[])?;
    let caller = owner_of_keys(request)?;
    let key = worker.gateway.keys.get(id_of(request)?, |key| may_manage(&caller, key, false)).await;
    Ok(shown_key(&key.map_err(|error| problem(&error))?, worker.gateway.clock.now()))
}

async fn rotated(request: &HttpRequest, payload: Payload, worker: &Worker) -> Result<Value, Problem> {
    Query::read(request, &[])?;
    let caller = owner_of_keys(request)?;
    let id = id_of(request)?;
    let grace_ms = grace_of(&fields(request, payload).await?).map_err(Problem::invalid_fields)? * HOUR_MS;
    let (keys, by, rotator) = (worker.gateway.keys.clone(), by(&caller, request, worker), caller.clone());
    let made = actix_rt::spawn(async move { keys.rotate(by, id, grace_ms, |key| may_rotate(&rotator, key)).await });
    let made = made.await.map_err(|_| lost())?;
    let made = made.map_err(|error| told(error, &caller, request, worker, (AuditAction::KeyRotate, id)))?;
    Ok(shown_once(&made, worker.gateway.clock.now()))
}

fn may_rotate(caller: &Caller, key: &ApiKey) -> Result<(), KeyForbidden> {
    may_manage(caller, key, true)?;
    may_be_given_keys(caller)
}

async fn revoked(request: &HttpRequest, worker: &Worker) -> Result<(), Problem> {
    Query::read(request, &[])?;
    let caller = owner_of_keys(request)?;
    let id = id_of(request)?;
    let (keys, by, revoker) = (worker.gateway.keys.clone(), by(&caller, request, worker), caller.clone());
    let done = actix_rt::spawn(async move { keys.revoke(by, id, |key| may_manage(&revoker, key, false)).await });
    let done = done.await.map_err(|_| lost())?.map(drop);
    done.map_err(|error| told(error, &caller, request, worker, (AuditAction::KeyRevoke, id)))
}

/// What to answer; that somebody may not is written down.
fn told(error: KeyError, caller: &Caller, request: &HttpRequest, worker: &Worker, what: (AuditAction, KeyId)) -> Problem {
    if let KeyError::Forbidden(why) = &error {
        denied(caller, request, worker, (what.0, format!("key:{}", what.1), *why));
    }
    problem(&error)
}

/// Somebody tried what they may not: a row a minute and reason, so that who tries all names does not fill the log.
fn denied(caller: &Caller, request: &HttpRequest, worker: &Worker, (action, target, why): (AuditAction, String, KeyForbidden)) {
    let reason = match why {
        KeyForbidden::Anonymous => "anonymous",
        KeyForbidden::Client => "an MCP client",
        KeyForbidden::NeedsScope(_) => "scope",
        KeyForbidden::AboveMaker(_) => "above its maker",
        KeyForbidden::NotFound => "no such key of theirs",
    };
    let (who, from) = (Some(caller.principal.clone()), Some(client_ip(request, &worker.gateway.settings)));
    let refusal = Refusal { who, from, request_id: RequestIdentity::of(request), action, target, reason };
    worker.gateway.refusals.note_caller(refusal, &worker.gateway.audit, worker.gateway.clock.now());
}

/// Who asks: somebody who has shown a credential, because an address owns nothing.
fn owner_of_keys(request: &HttpRequest) -> Result<Caller, Problem> {
    let caller = caller(request).ok_or_else(unknown_caller)?;
    if caller.authenticated { Ok(caller) } else { Err(forbidden(KeyForbidden::Anonymous)) }
}

pub(super) fn by(caller: &Caller, request: &HttpRequest, worker: &Worker) -> By {
    By {
        who: Who::Somebody(caller.principal.clone()),
        from: Some(client_ip(request, &worker.gateway.settings)),
        request_id: Some(RequestIdentity::of(request)),
    }
}

/// The key that the path names. What names none is answered like a key that does not exist.
fn id_of(request: &HttpRequest) -> Result<KeyId, Problem> {
    request.match_info().query("id").parse().map_err(|_| forbidden(KeyForbidden::NotFound))
}

/// The fields of the body; none for an empty one.
pub(super) async fn fields(request: &HttpRequest, payload: Payload) -> Result<Map<String, Value>, Problem> {
    let body = read_bytes(payload, MAX_BODY_BYTES).await?;
    if body.is_empty() {
        return Ok(Map::new());
    }
    must_be_json(request.headers())?;
    serde_json::from_slice(&body).map_err(|_| Problem::bad_request("invalid_body", "the body must be a JSON object"))
}

/// For how many hours the old secret stays good.
fn grace_of(fields: &Map<String, Value>) -> Result<u64, Vec<FieldError>> {
    let unknown = fields.keys().filter(|field| *field != "grace_hours").take(8);
    let mut errors: Vec<FieldError> =
        unknown.map(|_| FieldError::new("body", FieldCode::Unknown, "use grace_hours and nothing else")).collect();
    match grace_hours(fields) {
        Ok(hours) if errors.is_empty() => Ok(hours),
        Ok(_) => Err(errors),
        Err(error) => {
            errors.push(error);
            Err(errors)
        }
    }
}

fn shown_once(made: &Rotated, now: Millis) -> Value {
    let mut shown = shown_key(&made.key, now);
    shown["key"] = json!(made.secret.expose_secret());
    shown
}

fn forbidden(why: KeyForbidden) -> Problem {
    match why {
        KeyForbidden::Anonymous => Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Unauthorized: API keys belong to somebody; send a credential with the scope write \
             (Authorization: Bearer <access token or API key>, or X-API-Key)",
        ),
        KeyForbidden::NeedsScope(scope) | KeyForbidden::AboveMaker(scope) => {
            Problem::insufficient_scope(scope, format!("Forbidden: {why}"))
        }
        KeyForbidden::Client => Problem::new(StatusCode::FORBIDDEN, "client_token", format!("Forbidden: {why}")),
        KeyForbidden::NotFound => Problem::new(StatusCode::NOT_FOUND, "unknown_key", why.to_string()),
    }
}

fn lost() -> Problem {
    Problem::unavailable("the key could not be changed: look whether it was, and try again")
}

fn problem(error: &KeyError) -> Problem {
    let text = error.to_string();
    match error {
        KeyError::Forbidden(why) => forbidden(*why),
        KeyError::UnknownOwner => wrong("user_id", text),
        KeyError::TooMany | KeyError::TooManyLinks => Problem::new(StatusCode::CONFLICT, "too_many_keys", text),
        KeyError::Dead(_) => Problem::new(StatusCode::CONFLICT, "dead_key", text),
        KeyError::Busy => Problem::new(StatusCode::CONFLICT, "busy", text),
        KeyError::Full | KeyError::Store(_) => Problem::unavailable(text),
    }
}
