//! `/mcp`: MCP over Streamable HTTP, both eras on one endpoint. The steps stand in the order of DESIGN §5: body size, type and JSON
//! → version and era → the era's own path.

mod http_sse;
mod stateful;
mod stateless;

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use tickgate_core::access::Principal;
use tickgate_core::mcp::{Era, Revision, classify};
use tickgate_core::rpc::{Body, ClientMessage, ErrorCode};

use crate::http::error::{Problem, refused};
use crate::http::gateway::{OnWorker, Worker};
use crate::http::slots::{NoSlot, StreamSlot};

pub(in crate::http) use http_sse::{post as post_to_stream, stream};
pub(in crate::http) use stateful::{delete, get};

pub(super) const SESSION_ID: &str = "mcp-session-id";
pub(super) const PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// How long a body may take: actix itself waits for ever.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

pub(in crate::http) async fn post(request: HttpRequest, payload: Payload, OnWorker(worker): OnWorker) -> HttpResponse {
    let answered = async {
        match read(&request, payload, &worker).await {
            Ok(body) => take(&request, body, &worker).await,
            Err(problem) => ("unread", problem.respond(&request)),
        }
    };
    measured(&worker, answered).await
}

/// Counts and times an answer by the label that it comes with.
async fn measured(worker: &Worker, answered: impl Future<Output = (&'static str, HttpResponse)>) -> HttpResponse {
    let started = tokio::time::Instant::now();
    let (method, response) = answered.await;
    let metrics = &worker.gateway.metrics;
    let status = if response.status().is_success() {
        "ok"
    } else if response.status().is_server_error() {
        "error"
    } else {
        "refused"
    };
    metrics.mcp_requests.with_label_values(&[method, status]).inc();
    metrics.mcp_duration.with_label_values(&[method]).observe(started.elapsed().as_secs_f64());
    response
}

/// Size, type and JSON.
async fn read(request: &HttpRequest, payload: Payload, worker: &Worker) -> Result<Body, Problem> {
    let headers = request.headers();
    must_be_json(headers)?;
    if !accepts(headers, "application/json") || !accepts(headers, "text/event-stream") {
        return Err(not_acceptable("application/json and text/event-stream"));
    }
    read_body(payload, worker).await
}

pub(super) fn must_be_json(headers: &HeaderMap) -> Result<(), Problem> {
    let mut types = headers.get_all(CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let is_json = |media_type: &str| {
        media_type.split(';').next().is_some_and(|named| named.trim().eq_ignore_ascii_case("application/json"))
    };
    // Sent twice, every one must say it: layers before us may have read another than we do.
    if types.next().is_some_and(is_json) && types.all(is_json) {
        return Ok(());
    }
    let detail = "Unsupported Media Type: Content-Type must be application/json";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail).with_code(ErrorCode::INVALID_REQUEST))
}

async fn read_body(payload: Payload, worker: &Worker) -> Result<Body, Problem> {
    let bytes = read_bytes(payload, worker.gateway.settings.limits.max_body_bytes).await?;
    Body::parse(&bytes).map_err(|error| Problem::bad_request("invalid_message", error.message).with_code(error.code))
}

/// The whole body, at most so many bytes of it and within its time.
pub(super) async fn read_bytes(payload: Payload, most: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("Payload Too Large: a message has at most {most} bytes"),
        )
    };
    match tokio::time::timeout(BODY_DEADLINE, payload.to_bytes_limited(most)).await {
        Err(_) => {
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "Request Timeout: the body did not arrive in 10 s"))
        }
        Ok(Err(_)) => Err(too_large()),
        Ok(Ok(Err(_))) => {
            Err(Problem::bad_request("unreadable_body", "the body could not be read").with_code(ErrorCode::INVALID_REQUEST))
        }
        Ok(Ok(Ok(bytes))) => Ok(bytes),
    }
}

/// Version and era. Also gives the method's label for metrics.
async fn take(request: &HttpRequest, body: Body, worker: &Worker) -> (&'static str, HttpResponse) {
    let version = match one_version(request.headers()) {
        Ok(version) => version,
        Err(problem) => return ("refused", problem.respond(request)),
    };
    match classify(version, body, worker.gateway.settings.lenient_versions) {
        Era::Refused(refusal) => ("refused", refused(&refusal, version.is_some_and(is_stateless))),
        Era::LegacyBatch(messages) => ("batch", stateful::batch(request, messages, worker).await),
        Era::ModernNotification => ("notification", HttpResponse::Accepted().finish()),
        Era::Modern(message, envelope) => (label(&message), stateless::answer(request, message, *envelope, worker).await),
        Era::Legacy(message) => (label(&message), stateful::message(request, message, worker).await),
    }
}

/// The version header; sent twice it must say the same twice, or nobody knows which is meant.
fn one_version(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut versions = headers.get_all(PROTOCOL_VERSION).map(|value| value.to_str().unwrap_or("unreadable").trim());
    let Some(first) = versions.next() else { return Ok(None) };
    if versions.all(|other| other == first) {
        return Ok(Some(first));
    }
    Err(Problem::bad_request("two_versions", "Bad Request: MCP-Protocol-Version was sent twice with different values")
        .with_code(ErrorCode::HEADER_MISMATCH))
}

fn is_stateless(version: &str) -> bool {
    Revision::by_name(version).is_some_and(Revision::is_stateless)
}

/// A place for a stream that is no tape stream.
pub(super) fn take_slot(
    kind: &'static str,
    principal: &Principal,
    worker: &Worker,
) -> Result<StreamSlot, (StatusCode, &'static str)> {
    let gateway = &worker.gateway;
    let open = gateway.metrics.streams_open.with_label_values(&[kind]);
    gateway.slots.take(principal, open).map_err(|no_slot| match no_slot {
        NoSlot::Full => (StatusCode::SERVICE_UNAVAILABLE, "the gateway has no room for another stream: try again later"),
        NoSlot::TooMany => (StatusCode::TOO_MANY_REQUESTS, "you have too many open streams: close one first"),
    })
}

pub(super) fn unknown_caller() -> Problem {
    Problem::not_known("unauthorized")
}

pub(super) fn not_acceptable(needed: &str) -> Problem {
    Problem::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", format!("Not Acceptable: Accept must include {needed}"))
        .with_code(ErrorCode::INVALID_REQUEST)
}

/// Whether `Accept` takes a media type: exactly, by wildcard, and not with q=0.
pub(super) fn accepts(headers: &HeaderMap, wanted: &str) -> bool {
    let (main, _) = wanted.split_once('/').unwrap_or((wanted, ""));
    let mut ranges = headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    ranges.any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let refused = parts.any(|part| {
            part.split_once('=').is_some_and(|(name, q)| name.trim() == "q" && q.trim().parse::<f32>().is_ok_and(|q| q <= 0.0))
        });
        !refused && (media_type == wanted || media_type == "*/*" || media_type == format!("{main}/*"))
    })
}

/// A bounded label: the methods that we know.
fn label(message: &ClientMessage) -> &'static str {
    const KNOWN: [&str; 21] = [
        "initialize",
        "ping",
        "server/discover",
        "subscriptions/listen",
        "tools/list",
        "tools/call",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "resources/subscribe",
        "resources/unsubscribe",
        "prompts/list",
        "prompts/get",
        "completion/complete",
        "logging/setLevel",
        "tasks/get",
        "tasks/update",
        "tasks/cancel",
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/roots/list_changed",
    ];
    match message {
        ClientMessage::Request { method, .. } | ClientMessage::Notification { method, .. } => {
            KNOWN.into_iter().find(|known| *known == &**method).unwrap_or("other")
        }
        ClientMessage::Response { .. } => "response",
    }
}
