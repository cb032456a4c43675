//! `GET /auth/session`: is somebody signed in in this browser, and could somebody be?
//!
//! Pages ask it before anything else, so that they ask for nothing that they would be refused, and nobody sees an error in a console
//! for not having signed in.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use tickgate_core::access::Scope;

use super::query::Query;
use super::user::shown;
use crate::auth::Authenticator;
use crate::http::error::Problem;
use crate::http::gateway::{OnWorker, Worker};
use crate::settings::AuthMode;

pub(in crate::http) async fn get(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    match answer(&request, &worker).await {
        Ok(json) => HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(json),
        Err(problem) => problem.respond(&request),
    }
}

async fn answer(request: &HttpRequest, worker: &Worker) -> Result<Value, Problem> {
    Query::read(request, &[])?;
    let gateway = &worker.gateway;
    let user = match &gateway.browsers {
        Some(browsers) => browsers.signed_in(request.headers()).await.map_err(|error| {
            tracing::error!(error = %error, "a browser's session cannot be looked up");
            Problem::unavailable("sessions cannot be looked up: try again in a moment")
        })?,
        None => None,
    };
    // A header that a proxy adds is not looked at: it is tried where it counts, and a bad one is told and counted there.
    let decided_elsewhere = Authenticator::credential(request.headers()).is_some();
    let reads = user.is_some() || decided_elsewhere || gateway.settings.auth != AuthMode::Required;
    Ok(json!({
        "sign_in": gateway.sign_in.is_some(),
        "reads": reads,
        "anonymous": gateway.settings.auth.anonymous_scope().map(Scope::as_str),
        "own_upstream_key": worker.context.upstream.own_keys().is_some(),
        "user": user.as_ref().map(|(_, user)| shown(user)),
    }))
}
