//! `/mcp`: MCP over Streamable HTTP. The steps stand in the order of DESIGN §5: body size, type and JSON → version and era → session.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use tickgate_actors::session::{Answer, OpenError, SessionHandle, SubmitError};
use tickgate_core::access::Caller;
use tickgate_core::mcp::{Era, MODERN_REVISIONS, Refusal, classify};
use tickgate_core::rpc::{Body, ClientMessage, ErrorCode, RequestId, RpcError};
use tickgate_core::session;
use tickgate_core::sse::EventId;

use crate::http::error::{Problem, refused, refused_request};
use crate::http::gateway::{OnWorker, Worker};
use crate::http::request::{RequestIdentity, caller};
use crate::http::session_body::SessionBody;

const SESSION_ID: &str = "mcp-session-id";
const PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// How long a body may take: actix itself waits for ever.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

pub(in crate::http) async fn post(request: HttpRequest, payload: Payload, OnWorker(worker): OnWorker) -> HttpResponse {
    let started = tokio::time::Instant::now();
    let (method, response) = match read(&request, payload, &worker).await {
        Ok(body) => take(&request, body, &worker).await,
        Err(problem) => ("unread", problem.respond(&request)),
    };
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

pub(in crate::http) async fn get(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    if let Some(problem) = modern_refusal(request.headers()) {
        return problem.respond(&request);
    }
    if !accepts(request.headers(), "text/event-stream") {
        return not_acceptable("text/event-stream").respond(&request);
    }
    let session = match find(&request, &worker) {
        Ok(session) => session,
        Err(problem) => return problem.respond(&request),
    };
    let resume = match request.headers().get("last-event-id").map(|id| String::from_utf8_lossy(id.as_bytes()).parse::<EventId>())
    {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(error)) => {
            return Problem::bad_request("invalid_event_id", error.to_string())
                .with_code(ErrorCode::INVALID_REQUEST)
                .respond(&request);
        }
    };
    answer(session.open_stream(resume).await, None, &worker, &request)
}

pub(in crate::http) async fn delete(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    if let Some(problem) = modern_refusal(request.headers()) {
        return problem.respond(&request);
    }
    match find(&request, &worker) {
        Err(problem) => problem.respond(&request),
        Ok(session) => match session.close().await {
            Ok(()) => HttpResponse::NoContent().finish(),
            Err(_) => not_found().respond(&request),
        },
    }
}

pub(in crate::http) async fn other_method(request: HttpRequest) -> HttpResponse {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method Not Allowed: use POST, GET or DELETE")
        .allow("GET, POST, DELETE")
        .with_code(ErrorCode::INVALID_REQUEST)
        .respond(&request)
}

/// GET and DELETE belong to the stateful era.
fn modern_refusal(headers: &HeaderMap) -> Option<Problem> {
    let version = headers.get(PROTOCOL_VERSION).and_then(|value| value.to_str().ok()).map(str::trim)?;
    MODERN_REVISIONS.contains(&version).then(|| {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method Not Allowed: this revision uses POST only")
            .allow("POST")
            .with_code(ErrorCode::INVALID_REQUEST)
    })
}

/// Size, type and JSON.
async fn read(request: &HttpRequest, payload: Payload, worker: &Worker) -> Result<Body, Problem> {
    let headers = request.headers();
    let media_type =
        headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).and_then(|value| value.split(';').next()).map(str::trim);
    if !media_type.is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json")) {
        let detail = "Unsupported Media Type: Content-Type must be application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
            .with_code(ErrorCode::INVALID_REQUEST));
    }
    if !accepts(headers, "application/json") || !accepts(headers, "text/event-stream") {
        return Err(not_acceptable("application/json and text/event-stream"));
    }
    let most = worker.gateway.settings.limits.max_body_bytes;
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
        Ok(Ok(Ok(bytes))) => {
            Body::parse(&bytes).map_err(|error| Problem::bad_request("invalid_message", error.message).with_code(error.code))
        }
    }
}

/// Version and era, then the session. Also gives the method's label for metrics.
async fn take(request: &HttpRequest, body: Body, worker: &Worker) -> (&'static str, HttpResponse) {
    let mut versions = request.headers().get_all(PROTOCOL_VERSION);
    let version = versions.next().map(|value| value.to_str().unwrap_or("unreadable"));
    let message = match classify(version, body, worker.gateway.settings.lenient_versions) {
        Era::Refused(refusal) => return ("refused", refused(&refusal)),
        Era::LegacyBatch(_) => {
            let error =
                RpcError::new(ErrorCode::INVALID_REQUEST, "Invalid Request: batches are not served; send one message per POST");
            return ("batch", refused(&Refusal::new(400, error)));
        }
        Era::Modern(message) => return ("modern", not_served_yet(message)),
        Era::Legacy(message) => message,
    };
    let label = label(&message);
    if label == "initialize" && !request.headers().contains_key(SESSION_ID) {
        return (label, initialize(request, &message, worker));
    }
    let response = match find(request, worker) {
        Err(problem) => problem.respond(request),
        Ok(session) => {
            let id = id_of(&message);
            answer(session.submit(message, RequestIdentity::of(request)).await, id, worker, request)
        }
    };
    (label, response)
}

/// A client of the stateless era takes this as "use the handshake".
fn not_served_yet(message: ClientMessage) -> HttpResponse {
    let text = "this gateway speaks the revisions 2024-11-05 to 2025-11-25: begin with initialize";
    let id = match message {
        ClientMessage::Request { id, .. } => Some(id),
        _ => None,
    };
    refused(&Refusal { status: 400, id, error: RpcError::new(ErrorCode::INVALID_REQUEST, text) })
}

fn initialize(request: &HttpRequest, message: &ClientMessage, worker: &Worker) -> HttpResponse {
    let ClientMessage::Request { id, params, .. } = message else {
        let error = RpcError::new(ErrorCode::INVALID_REQUEST, "Invalid Request: initialize needs an id");
        return refused(&Refusal::new(400, error));
    };
    let Some(caller) = caller(request) else { return unknown_caller().respond(request) };
    let gateway = &worker.gateway;
    if gateway.is_draining() {
        return refused_request(
            Some(id.clone()),
            StatusCode::SERVICE_UNAVAILABLE,
            "draining",
            "the gateway is shutting down: try again in a moment",
        );
    }
    let opened = match session::open(id, params.as_deref(), &gateway.server_info, gateway.session_limits, gateway.clock.now()) {
        Ok(opened) => opened,
        Err(error) => return refused(&Refusal { status: 200, id: Some(id.clone()), error }),
    };
    let revision = opened.session.revision().as_str();
    let principal = caller.principal.clone();
    match gateway.sessions.open(opened.session, caller, std::rc::Rc::clone(&worker.catalog)) {
        Ok(session) => {
            tracing::info!(session.id = ?session, caller.id = %principal, mcp.revision = revision, "session opened");
            HttpResponse::Ok()
                .insert_header((SESSION_ID, session.to_string()))
                .content_type("application/json")
                .body(opened.answer)
        }
        Err(error @ OpenError::Full) => {
            refused_request(Some(id.clone()), StatusCode::SERVICE_UNAVAILABLE, "too_many_sessions", &error.to_string())
        }
        Err(error @ OpenError::TooMany) => {
            refused_request(Some(id.clone()), StatusCode::TOO_MANY_REQUESTS, "too_many_sessions", &error.to_string())
        }
    }
}

fn find(request: &HttpRequest, worker: &Worker) -> Result<SessionHandle, Problem> {
    let Caller { principal, .. } = caller(request).ok_or_else(unknown_caller)?;
    let mut ids = request.headers().get_all(SESSION_ID);
    match (ids.next(), ids.next()) {
        (None, _) => {
            Err(Problem::bad_request("missing_session", "Bad Request: Mcp-Session-Id header is required; begin with initialize")
                .with_code(ErrorCode::INVALID_REQUEST))
        }
        (Some(id), None) => id.to_str().ok().and_then(|id| worker.gateway.sessions.find(id, &principal)).ok_or_else(not_found),
        (Some(_), Some(_)) => Err(not_found()),
    }
}

fn answer(answer: Result<Answer, SubmitError>, id: Option<RequestId>, worker: &Worker, request: &HttpRequest) -> HttpResponse {
    match answer {
        Ok(Answer::Json(json)) => {
            HttpResponse::Ok().insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json"))).body(json)
        }
        Ok(Answer::Accepted) => HttpResponse::Accepted().finish(),
        Ok(Answer::NothingMore) => HttpResponse::NoContent().finish(),
        Ok(Answer::Refused(refusal)) => refused(&refusal),
        Ok(Answer::Stream(stream)) => SessionBody::respond(stream, worker),
        Err(SubmitError::Busy) => refused_request(id, StatusCode::SERVICE_UNAVAILABLE, "busy", &SubmitError::Busy.to_string()),
        Err(SubmitError::Ended) => not_found().respond(request),
    }
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "session_not_found", "Session not found or expired").with_code(ErrorCode::INVALID_REQUEST)
}

fn unknown_caller() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "Unauthorized: Invalid or missing API key")
}

fn not_acceptable(needed: &str) -> Problem {
    Problem::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", format!("Not Acceptable: Accept must include {needed}"))
        .with_code(ErrorCode::INVALID_REQUEST)
}

/// Whether `Accept` takes a media type: exactly, by wildcard, and not with q=0.
fn accepts(headers: &HeaderMap, wanted: &str) -> bool {
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
    const KNOWN: [&str; 7] = [
        "initialize",
        "ping",
        "tools/list",
        "tools/call",
        "logging/setLevel",
        "notifications/initialized",
        "notifications/cancelled",
    ];
    match message {
        ClientMessage::Request { method, .. } | ClientMessage::Notification { method, .. } => {
            KNOWN.into_iter().find(|known| *known == &**method).unwrap_or("other")
        }
        ClientMessage::Response { .. } => "response",
    }
}

fn id_of(message: &ClientMessage) -> Option<RequestId> {
    match message {
        ClientMessage::Request { id, .. } => Some(id.clone()),
        _ => None,
    }
}
