//! The stateful era: sessions, their streams, batches.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use tickgate_actors::session::{Answer, FindError, OpenError, SessionHandle, SubmitError};
use tickgate_core::access::Caller;
use tickgate_core::mcp::Refusal;
use tickgate_core::rpc::{ClientMessage, ErrorCode, RequestId, RpcError};
use tickgate_core::session;
use tickgate_core::sse::EventId;

use super::{PROTOCOL_VERSION, SESSION_ID, accepts, is_stateless, not_acceptable, unknown_caller};
use crate::http::error::{Problem, refused, refused_request, refused_to_caller};
use crate::http::event_body::EventBody;
use crate::http::gateway::{OnWorker, Worker};
use crate::http::request::{RequestIdentity, caller};
use crate::http::slots::OpenStream;

pub(in crate::http) async fn get(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    if let Some(problem) = modern_refusal(request.headers()) {
        return problem.respond(&request);
    }
    if !accepts(request.headers(), "text/event-stream") {
        return not_acceptable("text/event-stream").respond(&request);
    }
    let session = match find(&request, &worker).await {
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
    match find(&request, &worker).await {
        Err(problem) => problem.respond(&request),
        Ok(session) => match session.close().await {
            Ok(()) => HttpResponse::NoContent().finish(),
            Err(error) => not_submitted(error, None, &worker, &request),
        },
    }
}

/// GET and DELETE belong to the stateful era.
fn modern_refusal(headers: &HeaderMap) -> Option<Problem> {
    let version = headers.get(PROTOCOL_VERSION).and_then(|value| value.to_str().ok()).map(str::trim)?;
    is_stateless(version).then(|| {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method Not Allowed: this revision uses POST only")
            .allow("POST")
            .with_code(ErrorCode::INVALID_REQUEST)
    })
}

/// One message.
pub(super) async fn message(request: &HttpRequest, message: ClientMessage, worker: &Worker) -> HttpResponse {
    let initializes = matches!(&message, ClientMessage::Request { method, .. } if &**method == "initialize");
    if initializes && !request.headers().contains_key(SESSION_ID) {
        return initialize(request, &message, worker);
    }
    match find(request, worker).await {
        Err(problem) => problem.respond(request),
        Ok(session) => {
            let id = id_of(&message);
            answer(session.submit(message, RequestIdentity::of(request)).await, id, worker, request)
        }
    }
}

/// Several messages.
pub(super) async fn batch(
    request: &HttpRequest,
    messages: Vec<Result<ClientMessage, RpcError>>,
    worker: &Worker,
) -> HttpResponse {
    match find(request, worker).await {
        Err(problem) => problem.respond(request),
        Ok(session) => answer(session.submit_batch(messages, RequestIdentity::of(request)).await, None, worker, request),
    }
}

fn initialize(request: &HttpRequest, message: &ClientMessage, worker: &Worker) -> HttpResponse {
    let ClientMessage::Request { id, params, .. } = message else {
        let error = RpcError::new(ErrorCode::INVALID_REQUEST, "Invalid Request: initialize needs an id");
        return refused(&Refusal::new(400, error), false);
    };
    let Some(caller) = caller(request) else { return unknown_caller().respond(request) };
    let gateway = &worker.gateway;
    if gateway.is_draining() {
        return draining(Some(id.clone()));
    }
    let opened = match session::open(id, params.as_deref(), &gateway.server_info, gateway.session_limits, gateway.clock.now()) {
        Ok(opened) => opened,
        Err(error) => return refused(&Refusal { status: 200, id: Some(id.clone()), error }, false),
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
        Err(error) => not_opened(Some(id.clone()), error),
    }
}

/// No new session while shutting down.
pub(super) fn draining(id: Option<RequestId>) -> HttpResponse {
    let detail = "the gateway is shutting down: try again in a moment";
    refused_request(id, StatusCode::SERVICE_UNAVAILABLE, "draining", detail)
}

pub(super) fn not_opened(id: Option<RequestId>, error: OpenError) -> HttpResponse {
    let status = match error {
        OpenError::Full => StatusCode::SERVICE_UNAVAILABLE,
        OpenError::TooMany => StatusCode::TOO_MANY_REQUESTS,
    };
    refused_request(id, status, "too_many_sessions", &error.to_string())
}

async fn find(request: &HttpRequest, worker: &Worker) -> Result<SessionHandle, Problem> {
    let caller: Caller = caller(request).ok_or_else(unknown_caller)?;
    let mut ids = request.headers().get_all(SESSION_ID);
    let id = match (ids.next(), ids.next()) {
        (Some(id), None) => id.to_str().map_err(|_| not_found())?,
        (Some(_), Some(_)) => return Err(not_found()),
        (None, _) => {
            let detail = "Bad Request: Mcp-Session-Id header is required; begin with initialize";
            return Err(Problem::bad_request("missing_session", detail).with_code(ErrorCode::INVALID_REQUEST));
        }
    };
    let gateway = &worker.gateway;
    if gateway.is_draining() {
        // A session that rests already is not lost: the next start has it.
        let gone = || Problem::unavailable("the gateway is shutting down: try again in a moment");
        let session = gateway.sessions.find(id, &caller.principal);
        return session.map(|session| session.acting_with(caller.scope)).ok_or_else(gone);
    }
    gateway.sessions.find_or_wake(id, &caller, &worker.catalog).await.map_err(|error| match error {
        FindError::Unknown => not_found(),
        FindError::Busy => Problem::unavailable(error.to_string()),
    })
}

pub(super) fn answer(
    answer: Result<Answer, SubmitError>,
    id: Option<RequestId>,
    worker: &Worker,
    request: &HttpRequest,
) -> HttpResponse {
    match answer {
        Ok(Answer::Json(json)) => {
            HttpResponse::Ok().insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json"))).body(json)
        }
        Ok(Answer::Accepted) => HttpResponse::Accepted().finish(),
        Ok(Answer::NothingMore) => HttpResponse::NoContent().finish(),
        Ok(Answer::Refused(refusal)) => refused_to_caller(&refusal, &worker.gateway.settings),
        Ok(Answer::Stream(stream)) => match caller(request) {
            Some(caller) => EventBody::respond(None, stream, open_stream(worker), &caller, worker),
            None => unknown_caller().respond(request),
        },
        Err(error) => not_submitted(error, id, worker, request),
    }
}

/// A session's streams are bounded by its calls and the session table; they take no slot of their own.
fn open_stream(worker: &Worker) -> OpenStream {
    OpenStream::counted_by(worker.gateway.metrics.streams_open.with_label_values(&["mcp"]))
}

fn not_submitted(error: SubmitError, id: Option<RequestId>, worker: &Worker, request: &HttpRequest) -> HttpResponse {
    match error {
        SubmitError::Busy => refused_request(id, StatusCode::SERVICE_UNAVAILABLE, "busy", &error.to_string()),
        // The session rests: whoever comes back after the restart has it again, so this must not read as its end.
        SubmitError::Ended if worker.gateway.is_draining() => draining(id),
        SubmitError::Ended => not_found().respond(request),
    }
}

pub(super) fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "session_not_found", "Session not found or expired").with_code(ErrorCode::INVALID_REQUEST)
}

pub(super) fn id_of(message: &ClientMessage) -> Option<RequestId> {
    match message {
        ClientMessage::Request { id, .. } => Some(id.clone()),
        _ => None,
    }
}
