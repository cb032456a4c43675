//! HTTP+SSE of 2024-11-05 on `/sse` and `/messages`, where `LEGACY_SSE` switches it on: a stream that carries everything, and POSTs
//! that are answered on it. The session is open before `initialize` and ends with its stream.

use std::rc::Rc;

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use tickgate_actors::session::{Answer, SessionHandle, SessionId};
use tickgate_core::rpc::{Body, ErrorCode};
use tickgate_core::session::{Framing, Session};

use super::stateful::{answer, draining, id_of, not_found, not_opened};
use super::{accepts, label, measured, must_be_json, not_acceptable, read_body, take_slot, unknown_caller};
use crate::http::endpoints::query::Query;
use crate::http::error::{Problem, refused_request};
use crate::http::event_body::EventBody;
use crate::http::gateway::{OnWorker, Worker};
use crate::http::request::{RequestIdentity, caller};

/// Parameter by which a POST names its stream's session.
const SESSION: &str = "session_id";

/// `GET /sse`.
pub(in crate::http) async fn stream(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    if !accepts(request.headers(), "text/event-stream") {
        return not_acceptable("text/event-stream").respond(&request);
    }
    let Some(caller) = caller(&request) else { return unknown_caller().respond(&request) };
    let gateway = &worker.gateway;
    if gateway.is_draining() {
        return draining(None);
    }
    let slot = match take_slot("sse", &caller.principal, &worker) {
        Ok(slot) => slot,
        Err((status, detail)) => return refused_request(None, status, "too_many_streams", detail),
    };
    let principal = caller.principal.clone();
    let opener = caller.clone();
    let session = Session::on_a_pipe(Framing::BareEvents, gateway.session_limits, gateway.clock.now());
    let id = match gateway.sessions.open(session, caller, Rc::clone(&worker.catalog)) {
        Ok(id) => id,
        Err(error) => return not_opened(None, error),
    };
    tracing::info!(session.id = ?id, caller.id = %principal, "session opened on a stream");
    let Some(session) = gateway.sessions.find(&id.to_string(), &principal) else { return not_found().respond(&request) };
    match session.open_stream(None).await {
        Ok(Answer::Stream(frames)) => EventBody::respond(Some(endpoint(id)), frames, slot, &opener, &worker),
        other => answer(other, None, &worker, &request),
    }
}

/// The first event: where the client's messages go, relative to this stream's own address.
fn endpoint(id: SessionId) -> Bytes {
    format!("event: endpoint\ndata: /messages?{SESSION}={id}\n\n").into()
}

/// `POST /messages`. What a message says of its revision does not matter here: this transport knows only sessions.
pub(in crate::http) async fn post(request: HttpRequest, payload: Payload, OnWorker(worker): OnWorker) -> HttpResponse {
    measured(&worker, take(&request, payload, &worker)).await
}

async fn take(request: &HttpRequest, payload: Payload, worker: &Worker) -> (&'static str, HttpResponse) {
    let body = match must_be_json(request.headers()) {
        Ok(()) => read_body(payload, worker).await,
        Err(problem) => Err(problem),
    };
    let (body, session) = match body.and_then(|body| Ok((body, find(request, worker)?))) {
        Ok(found) => found,
        Err(problem) => return ("unread", problem.respond(request)),
    };
    let request_id = RequestIdentity::of(request);
    match body {
        Body::One(message) => {
            let (label, id) = (label(&message), id_of(&message));
            (label, answer(session.submit(message, request_id).await, id, worker, request))
        }
        Body::Batch(messages) => ("batch", answer(session.submit_batch(messages, request_id).await, None, worker, request)),
    }
}

fn find(request: &HttpRequest, worker: &Worker) -> Result<SessionHandle, Problem> {
    let caller = caller(request).ok_or_else(unknown_caller)?;
    let query = Query::read(request, &[SESSION])?;
    let Some(id) = query.text(SESSION) else {
        let detail = "Bad Request: the session_id of an open stream is required; GET /sse opens one and names it";
        return Err(Problem::bad_request("missing_session", detail).with_code(ErrorCode::INVALID_REQUEST));
    };
    let session = worker.gateway.sessions.find(id, &caller.principal);
    session.map(|session| session.acting_with(caller.scope)).ok_or_else(not_found)
}
