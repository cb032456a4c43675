//! Authentication: finds the caller, and refuses who may not be here. Everything is closed that is not named open.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::cookie::Cookie;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse};
use tickgate_core::access::{Caller, CredentialId, Scope};
use tickgate_core::identity::audit::AuditAction;

use super::browser::{Entered, browser_caller};
use super::rate_limit::spent;
use crate::auth::AuthError;
use crate::http::error::Problem;
use crate::http::gateway::{Gateway, HttpSettings, client_ip, is_trusted, worker};
use crate::http::request::RequestIdentity;
use crate::http::route::{Door, Kind, RouteSpec};
use crate::identity::{KeyEntry, Refusal};
use crate::settings::AuthMode;

/// Headers by which a proxy shows that it forwarded a request.
const FORWARDING_HEADERS: [&str; 7] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "fly-client-ip", "cf-connecting-ip"];

/// The scope that a request needs; `None` where everyone may come in. A path of nothing is closed, so that it tells nothing.
pub(super) fn needed(request: &ServiceRequest, settings: &HttpSettings) -> Option<Scope> {
    let spec = RouteSpec::of(request.path()).filter(|spec| spec.is_served(settings));
    spec.map_or(Door::Needs(Scope::Read), |spec| spec.door_for(request.method())).needs(settings)
}

/// The layer.
pub(in crate::http) async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let worker = worker(request.request());
    let settings = &worker.gateway.settings;
    let entered = match needed(&request, settings) {
        None => Ok(None),
        Some(scope) => enter(&request, &worker, scope).await,
    };
    match entered {
        Ok(cookie) => {
            let mut response = next.call(request).await?;
            if let Some(cookie) = cookie {
                response.response_mut().add_cookie(&cookie)?;
            }
            Ok(response.map_into_left_body())
        }
        Err(Closed::Problem(problem)) => {
            worker.gateway.metrics.refused.with_label_values(&["authenticate"]).inc();
            let response = problem.respond(request.request());
            Ok(request.into_response(response).map_into_right_body())
        }
        Err(Closed::Spent(wait)) => {
            let limit =
                caller_of(&request).and_then(|caller| key_of(&caller, &worker)).and_then(|entry| entry.key.limit_per_minute);
            let response = spent(limit.unwrap_or_default(), wait, HttpResponse::TooManyRequests());
            Ok(request.into_response(response).map_into_right_body())
        }
    }
}

/// Why a request goes no further.
enum Closed {
    Problem(Problem),
    /// The key's own limit is spent, for so long.
    Spent(Duration),
}

impl From<Problem> for Closed {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Lets a caller in; perhaps with a cookie for the next time.
async fn enter(request: &ServiceRequest, worker: &crate::http::Worker, scope: Scope) -> Result<Option<Cookie<'static>>, Closed> {
    let settings = &worker.gateway.settings;
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let forwarded = FORWARDING_HEADERS.iter().any(|name| request.headers().contains_key(*name));
    if settings.auth == AuthMode::Off && forwarded && !peer.is_some_and(|peer| is_trusted(peer, settings)) {
        let detail =
            "Forbidden: authentication is off, which is for this machine only, and this request was forwarded; set AUTH=required";
        return Err(Problem::new(StatusCode::FORBIDDEN, "forwarded", detail).into());
    }
    // A route that does not take OPTIONS answers 405 to anyone.
    if request.method() == Method::OPTIONS {
        return Ok(None);
    }
    let ip = client_ip(request.request(), settings);
    let (caller, cookie) = match browser_caller(request, worker).await? {
        Some(Entered { caller, cookie }) => (caller, cookie),
        None => (find_caller(request, worker, ip).await?, None),
    };
    let (allowed, entry) = (caller.scope.allows(scope), key_of(&caller, worker));
    if !allowed && !caller.authenticated {
        let detail = format!("Unauthorized: this needs the scope {scope}; sign in at /auth/login or send a credential");
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail).into());
    }
    // Also of who is refused: it is written down who it was.
    request.extensions_mut().insert(caller);
    if !allowed {
        return Err(Problem::insufficient_scope(scope, format!("Forbidden: this needs the scope {scope}")).into());
    }
    let Some(entry) = entry else { return Ok(cookie) };
    entry.used(worker.gateway.clock.now());
    let label = RouteSpec::kind_of(request.path()).map_or("other", Kind::label);
    let labels = [&*entry.key.id.to_string(), label];
    worker.gateway.metrics.key_uses.with_label_values(&labels).inc();
    entry.charge().map_err(Closed::Spent)?;
    Ok(cookie)
}

/// Who calls. A key or owner that is not known here may have been made elsewhere a moment ago: then the store is asked first, and
/// for every stored key that is refused, so that the time does not tell which of them exist.
async fn find_caller(request: &ServiceRequest, worker: &crate::http::Worker, ip: IpAddr) -> Result<Caller, Problem> {
    let gateway = &worker.gateway;
    let mut found = gateway.authenticator.authenticate(request.headers(), ip);
    if found.as_ref().is_err_and(|error| error.may_be_out_of_date()) && gateway.directory.catch_up().await {
        found = gateway.authenticator.authenticate(request.headers(), ip);
    }
    found.map_err(|error| {
        note(error, request, ip, gateway);
        unauthorized(error)
    })
}

/// Writes down that a credential was refused; that there was none is nothing.
fn note(error: AuthError, request: &ServiceRequest, ip: IpAddr, gateway: &Gateway) {
    let (request_id, now) = (RequestIdentity::of(request.request()), gateway.clock.now());
    let reason = match error {
        AuthError::Missing => return,
        AuthError::Key(id, why) => {
            return gateway.refusals.note((id, why), Some(ip), request_id, (&gateway.directory, &gateway.audit), now);
        }
        AuthError::Invalid => "not genuine",
        AuthError::Owner => "its owner may do nothing",
        AuthError::Ended => "its sign-in was ended",
    };
    let (action, target) = (AuditAction::CredentialRefused, "credential".to_owned());
    let refusal = Refusal { who: None, from: Some(ip), request_id, action, target, reason };
    gateway.refusals.note_caller(refusal, &gateway.audit, now);
}

pub(super) fn unauthorized(error: AuthError) -> Problem {
    let reason = if error == AuthError::Missing { "unauthorized" } else { "invalid_token" };
    Problem::not_known(reason)
}

fn caller_of(request: &ServiceRequest) -> Option<Caller> {
    request.extensions().get::<Caller>().cloned()
}

/// The stored key that a caller showed.
pub(super) fn key_of(caller: &Caller, worker: &crate::http::Worker) -> Option<Arc<KeyEntry>> {
    match caller.credential {
        CredentialId::ApiKey(id) => worker.gateway.directory.key(id),
        _ => None,
    }
}
