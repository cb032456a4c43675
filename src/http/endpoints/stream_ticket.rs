//! `POST /auth/stream-ticket`: a ticket with which an EventSource, which can send no header, opens one stream.

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::identity::{Once, StreamPass};

use super::auth::{happening, shown};
use super::mcp::{must_be_json, read_bytes, unknown_caller};
use super::query::wrong;
use crate::http::error::Problem;
use crate::http::gateway::{OnWorker, Worker};
use crate::http::request::caller;
use crate::http::route::{Kind, RouteSpec};
use crate::http::routes::ROUTES;
use crate::identity::Who;

/// The stream of a ticket when nothing is said.
const DEFAULT_STREAM: &str = "/events";
/// Longest body: a path and the JSON around it.
const MAX_BODY_BYTES: usize = 1_024;
/// How long a ticket is good, in seconds.
const TICKET_SECS: u64 = Once::Ticket.longest_ms() / 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    path: String,
}

pub(in crate::http) async fn post(request: HttpRequest, payload: Payload, OnWorker(worker): OnWorker) -> HttpResponse {
    let mut response = match give(&request, payload, &worker).await {
        Ok(json) => HttpResponse::Ok().json(json),
        Err(problem) => problem.respond(&request),
    };
    response.headers_mut().insert(CACHE_CONTROL, actix_web::http::header::HeaderValue::from_static("no-store"));
    response
}

fn no_tickets() -> Problem {
    let detail = "There are no tickets here: the operator sets SESSION_SECRET_KEY (`tickgate secrets` prints one).";
    Problem::new(StatusCode::NOT_FOUND, "not_configured", detail)
}

async fn give(request: &HttpRequest, payload: Payload, worker: &Worker) -> Result<Value, Problem> {
    let tickets = worker.gateway.tickets.as_ref().ok_or_else(no_tickets)?;
    let caller = caller(request).ok_or_else(unknown_caller)?;
    let body = read_bytes(payload, MAX_BODY_BYTES).await?;
    let path = if body.is_empty() {
        DEFAULT_STREAM.to_owned()
    } else {
        must_be_json(request.headers())?;
        serde_json::from_slice::<Body>(&body).map(|body| body.path).map_err(|_| {
            Problem::bad_request("invalid_body", "the body must be a JSON object with the text `path`, and nothing else")
        })?
    };
    if RouteSpec::kind_of(&path) != Some(Kind::Stream) {
        let streams: Vec<&str> = ROUTES.iter().filter(|spec| spec.kind == Kind::Stream).map(|spec| spec.path).collect();
        return Err(wrong("path", format!("it must be one of {}", streams.join(", "))));
    }
    let who = caller.principal.clone();
    let pass = StreamPass::new((caller.principal, caller.scope), caller.credential.written(), path.clone(), caller.expires);
    let ticket = tickets.give(pass).await.map_err(|error| {
        tracing::error!(error = %error, "a stream ticket cannot be kept");
        Problem::unavailable("no ticket can be given: try again in a moment")
    })?;
    worker.gateway.audit.note(happening(request, worker, Who::Somebody(who), AuditAction::TicketIssue, Outcome::Done));
    Ok(json!({"ticket": shown(&ticket), "path": path, "expires_in": TICKET_SECS}))
}
