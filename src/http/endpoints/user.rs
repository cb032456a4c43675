//! `GET /api/user`: who am I? `DELETE /api/user`: erase me, and all that is mine.

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use tickgate_core::access::CredentialId;
use tickgate_core::identity::{User, UserId};

use super::admin::people_problem;
use super::api_keys::by;
use super::auth::signed_in;
use super::mcp::unknown_caller;
use super::query::Query;
use crate::http::error::Problem;
use crate::http::gateway::{OnWorker, Worker};
use crate::http::request::caller;

pub(in crate::http) async fn get(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    match answer(&request, &worker).await {
        Ok(json) => HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(json),
        Err(problem) => problem.respond(&request),
    }
}

async fn answer(request: &HttpRequest, worker: &Worker) -> Result<Value, Problem> {
    Query::read(request, &[])?;
    let caller = caller(request).ok_or_else(unknown_caller)?;
    if !caller.authenticated {
        let detail = "Unauthorized: nobody is signed in; sign in at /auth/login or send a credential";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail));
    }
    let user = match (signed_in(request), UserId::of_principal(&caller.principal), &worker.gateway.browsers) {
        (Some(user), ..) => Some(user),
        (None, Some(id), Some(browsers)) => browsers.person(id).await.map_err(|error| {
            tracing::error!(error = %error, "a person cannot be looked up");
            Problem::unavailable("accounts cannot be looked up: try again in a moment")
        })?,
        _ => None,
    };
    Ok(json!({
        "principal": caller.principal.as_str(),
        "scope": caller.scope.as_str(),
        "user": user.as_ref().map(shown),
    }))
}

pub(in crate::http) async fn delete(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    if let Err(problem) = erase(&request, &worker).await {
        return problem.respond(&request);
    }
    let mut response = HttpResponse::NoContent();
    response.insert_header((CACHE_CONTROL, "no-store"));
    if let Some(browsers) = &worker.gateway.browsers {
        response.cookie(browsers.no_cookie());
    }
    response.finish()
}

async fn erase(request: &HttpRequest, worker: &Worker) -> Result<(), Problem> {
    Query::read(request, &[])?;
    let caller = caller(request).ok_or_else(unknown_caller)?;
    if !caller.authenticated {
        let detail = "Unauthorized: nobody is signed in, so nothing is kept of you; sign in at /auth/login or send a credential";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail));
    }
    if matches!(caller.credential, CredentialId::StaticKey(_)) {
        let detail = "Forbidden: this key is of the gateway's configuration (MCP_API_KEYS) and would come back with its next start; \
                      its operator takes it out there";
        return Err(Problem::new(StatusCode::FORBIDDEN, "static_key", detail));
    }
    if matches!(caller.credential, CredentialId::Family(_)) {
        let detail = "Forbidden: an MCP client does not erase its person: they do it themselves at /account";
        return Err(Problem::new(StatusCode::FORBIDDEN, "client_token", detail));
    }
    let (people, by) = (worker.gateway.people.clone(), by(&caller, request, worker));
    // A task of its own: a client that leaves must not stop it half way.
    let done = actix_rt::spawn(async move { people.erase_own(by, &caller.principal).await });
    done.await.map_err(|_| Problem::unavailable("the erasure was cut off: try again"))?.map_err(|error| people_problem(&error))
}

/// A person as they see themselves.
pub(super) fn shown(user: &User) -> Value {
    json!({
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "email_verified": user.email_verified,
        "role": user.role.as_str(),
        "created": user.created.to_string(),
        "last_seen": user.last_seen.to_string(),
    })
}
