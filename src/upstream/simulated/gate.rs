//! What every upstream request passes before a route sees it: counting, the switch, the latency, the faults, the key.

use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, Responder, web};

use super::answer::{Answer, Damage, REQUEST_ID, Refusal, RequestMark};
use super::faults::FaultKind;
use super::feed;
use super::noise::mix;
use super::parameters::Parameters;
use super::state::State;

/// A key that is refused.
const BAD_KEY: &str = "bad-key";

/// A key of a plan without snapshots.
const FREE_KEY: &str = "free-key";

/// What the plan of [`FREE_KEY`] lacks.
const SNAPSHOTS: [&str; 3] = ["/v2/snapshot/", "/v3/snapshot", "/v1/summaries"];

const SLOW: Duration = Duration::from_secs(3);
const HANG: Duration = Duration::from_secs(120);

/// Lets a request through to its route, or answers it here.
pub(crate) async fn pass<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(state) = request.app_data::<web::Data<State>>().cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let pattern = request.match_pattern().unwrap_or_else(|| "(none)".to_owned());
    if pattern.starts_with("/_sim/") || pattern == feed::PATTERN {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let number = state.controls.count(&pattern, request.path());
    let fault = state.controls.faults().strike(state.settings.seed, number);
    let request_id = request_id(&request, state.settings.seed, number);
    request.extensions_mut().insert(RequestMark { request_id, damage: fault.and_then(damage) });
    wait(state.settings.latency_ms, fault).await;
    let key = key_of(&request);
    let unknown = key.as_deref().is_some_and(|key| state.controls.show_key(key));
    let refused = if state.controls.is_down() { Some(Refusal::Unavailable.into()) } else { fault.and_then(failure) };
    let refused = refused.or_else(|| unknown.then(|| Refusal::UnknownKey.into()));
    let refused = refused.or_else(|| check_key(key.as_deref(), &pattern).err().map(Answer::from));
    match refused {
        Some(answer) => {
            let response = answer.respond_to(request.request());
            Ok(request.into_response(response))
        }
        None => Ok(next.call(request).await?.map_into_boxed_body()),
    }
}

async fn wait(latency_ms: u64, fault: Option<FaultKind>) {
    let extra = match fault {
        Some(FaultKind::Slow) => SLOW,
        Some(FaultKind::Hang) => HANG,
        _ => Duration::ZERO,
    };
    let latency = Duration::from_millis(latency_ms) + extra;
    if !latency.is_zero() {
        actix_web::rt::time::sleep(latency).await;
    }
}

/// Gives the answer of a fault that needs no route.
fn failure(fault: FaultKind) -> Option<Answer> {
    Some(match fault {
        FaultKind::Unauthorized => Refusal::UnknownKey.into(),
        FaultKind::Forbidden => Refusal::NotEntitled.into(),
        FaultKind::RateLimited => Refusal::RateLimited.into(),
        FaultKind::RateLimitedEmpty => Answer::Empty(StatusCode::TOO_MANY_REQUESTS),
        FaultKind::ServerError => Refusal::ServerError.into(),
        FaultKind::BadGateway => Answer::Page(StatusCode::BAD_GATEWAY),
        FaultKind::Unavailable => Refusal::Unavailable.into(),
        FaultKind::Html => Answer::Page(StatusCode::OK),
        FaultKind::Hang => Answer::Empty(StatusCode::GATEWAY_TIMEOUT),
        FaultKind::Slow | FaultKind::Malformed | FaultKind::NoResults | FaultKind::WrongType | FaultKind::Cut => return None,
    })
}

fn damage(fault: FaultKind) -> Option<Damage> {
    match fault {
        FaultKind::Malformed => Some(Damage::Truncated),
        FaultKind::NoResults => Some(Damage::NoResults),
        FaultKind::WrongType => Some(Damage::WrongType),
        FaultKind::Cut => Some(Damage::Cut),
        _ => None,
    }
}

fn key_of(request: &ServiceRequest) -> Option<String> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = header.and_then(|value| value.strip_prefix("Bearer ")).map(|key| key.trim().to_owned());
    bearer.or_else(|| Parameters::of(request.query_string()).text("apiKey").map(str::to_owned))
}

fn check_key(key: Option<&str>, pattern: &str) -> Result<(), Refusal> {
    match key {
        None | Some("") => Err(Refusal::NoKey),
        Some(BAD_KEY) => Err(Refusal::UnknownKey),
        Some(FREE_KEY) if SNAPSHOTS.iter().any(|start| pattern.starts_with(start)) => Err(Refusal::NotEntitled),
        Some(_) => Ok(()),
    }
}

/// Echoes the caller's request id, or makes one of 32 hex digits.
fn request_id(request: &ServiceRequest, seed: u64, number: u64) -> String {
    let sent = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| !id.is_empty());
    let made = || format!("{:016x}{:016x}", mix(&[seed, number, 1]), mix(&[seed, number, 2]));
    sent.map_or_else(made, str::to_owned)
}
