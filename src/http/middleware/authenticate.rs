//! Authentication: finds the caller, and refuses who may not be here. Everything is closed that is not named open.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::cookie::Cookie;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use tickgate_core::access::Scope;

use super::browser::{Entered, browser_caller};
use crate::auth::AuthError;
use crate::http::error::Problem;
use crate::http::gateway::{HttpSettings, client_ip, is_trusted, worker};
use crate::settings::AuthMode;

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
        // Who comes here is about to be known, or to be forgotten.
        "/auth/login" | "/auth/callback" | "/callback" | "/auth/logout" => Door::Open,
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
    let entered = match door(request.path(), settings) {
        Door::Open => Ok(None),
        Door::Needs(scope) => enter(&request, &worker, scope).await,
    };
    match entered {
        Ok(cookie) => {
            let mut response = next.call(request).await?;
            if let Some(cookie) = cookie {
                response.response_mut().add_cookie(&cookie)?;
            }
            Ok(response.map_into_left_body())
        }
        Err(problem) => {
            worker.gateway.metrics.refused.with_label_values(&["authenticate"]).inc();
            let response = problem.respond(request.request());
            Ok(request.into_response(response).map_into_right_body())
        }
    }
}

/// Lets a caller in; perhaps with a cookie for the next time.
async fn enter(request: &ServiceRequest, worker: &crate::http::Worker, scope: Scope) -> Result<Option<Cookie<'static>>, Problem> {
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
        return Ok(None);
    }
    let ip = client_ip(request.request(), settings);
    let (caller, cookie) = match browser_caller(request, worker).await? {
        Some(Entered { caller, cookie }) => (caller, cookie),
        None => (worker.gateway.authenticator.authenticate(request.headers(), ip).map_err(unauthorized)?, None),
    };
    if !caller.scope.allows(scope) {
        return Err(Problem::insufficient_scope(scope, format!("Forbidden: this needs the scope {scope}")));
    }
    request.extensions_mut().insert(caller);
    Ok(cookie)
}

pub(super) fn unauthorized(error: AuthError) -> Problem {
    let reason = match error {
        AuthError::Missing => "unauthorized",
        AuthError::Invalid => "invalid_token",
    };
    Problem::new(StatusCode::UNAUTHORIZED, reason, "Unauthorized: Invalid or missing API key")
}
