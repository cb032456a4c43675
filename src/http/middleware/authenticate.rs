//! Authentication: finds the caller, and refuses who may not be here. Everything is closed that is not named open.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use tickgate_core::access::Scope;

use crate::auth::AuthError;
use crate::http::error::Problem;
use crate::http::gateway::{HttpSettings, client_ip, is_trusted, worker};
use crate::settings::AuthMode;

use super::guard::is_for_any_origin;

/// Headers by which a proxy shows that it forwarded a request.
const FORWARDING_HEADERS: [&str; 7] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "fly-client-ip", "cf-connecting-ip"];

/// Who may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// Everyone.
    Open,
    /// Callers with this scope.
    Needs(Scope),
}

fn door(path: &str, settings: &HttpSettings) -> Door {
    match path {
        "/" | "/favicon.ico" | "/health" | "/healthz" | "/readyz" => Door::Open,
        // They know their callers by other means: clients by codes and secrets, people by their browser.
        "/authorize" => Door::Open,
        path if is_for_any_origin(path) => Door::Open,
        path if path.starts_with("/assets/") => Door::Open,
        "/metrics" => {
            if settings.metrics_public {
                Door::Open
            } else {
                Door::Needs(Scope::Admin)
            }
        }
        "/openapi.json" | "/docs" => {
            if settings.docs_public {
                Door::Open
            } else {
                Door::Needs(Scope::Admin)
            }
        }
        path if path.starts_with("/docs/") => {
            if settings.docs_public {
                Door::Open
            } else {
                Door::Needs(Scope::Admin)
            }
        }
        "/test-error" => {
            if settings.development {
                Door::Needs(Scope::Read)
            } else {
                Door::Needs(Scope::Admin)
            }
        }
        _ => Door::Needs(Scope::Read),
    }
}

/// The layer.
pub(in crate::http) async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let worker = worker(request.request());
    let settings = &worker.gateway.settings;
    let problem = match door(request.path(), settings) {
        Door::Open => None,
        Door::Needs(scope) => enter(&request, &worker, scope).err(),
    };
    match problem {
        None => next.call(request).await.map(ServiceResponse::map_into_left_body),
        Some(problem) => {
            worker.gateway.metrics.refused.with_label_values(&["authenticate"]).inc();
            let response = problem.respond(request.request());
            Ok(request.into_response(response).map_into_right_body())
        }
    }
}

fn enter(request: &ServiceRequest, worker: &crate::http::Worker, scope: Scope) -> Result<(), Problem> {
    let settings = &worker.gateway.settings;
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let forwarded = FORWARDING_HEADERS.iter().any(|name| request.headers().contains_key(*name));
    if settings.auth == AuthMode::Off && forwarded && !peer.is_some_and(|peer| is_trusted(peer, settings)) {
        let detail =
            "Forbidden: authentication is off, which is for this machine only, and this request was forwarded; set AUTH=required";
        return Err(Problem::new(StatusCode::FORBIDDEN, "forwarded", detail));
    }
    // A route that does not take OPTIONS answers 405 to anyone.
    if request.method() == Method::OPTIONS {
        return Ok(());
    }
    let ip = client_ip(request.request(), settings);
    let caller = worker.gateway.authenticator.authenticate(request.headers(), ip).map_err(|error| {
        let reason = match error {
            AuthError::Missing => "unauthorized",
            AuthError::Invalid => "invalid_token",
        };
        Problem::new(StatusCode::UNAUTHORIZED, reason, "Unauthorized: Invalid or missing API key")
    })?;
    if !caller.scope.allows(scope) {
        return Err(Problem::insufficient_scope(scope, format!("Forbidden: this needs the scope {scope}")));
    }
    request.extensions_mut().insert(caller);
    Ok(())
}
