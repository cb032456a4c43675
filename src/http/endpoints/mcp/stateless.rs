//! The stateless era (2026-07-28): each request stands alone; no session is read, made or named.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde_json::{Map, Value};
use tickgate_actors::stateless::StatelessAnswer;
use tickgate_core::mcp::{Asked, Envelope, FeatureRequest, HeaderValue, Refusal, RoutingHeaders, StatelessRequest, admit};
use tickgate_core::rpc::{ClientMessage, ErrorCode, RpcError, excerpt};
use tickgate_core::sse::{bare_message, comment};

use super::{PROTOCOL_VERSION, take_slot, unknown_caller};
use crate::http::error::{refused, refused_request, step_up};
use crate::http::event_body::EventBody;
use crate::http::gateway::Worker;
use crate::http::request::{RequestIdentity, caller};

/// Answers one request.
pub(super) async fn answer(request: &HttpRequest, message: ClientMessage, envelope: Envelope, worker: &Worker) -> HttpResponse {
    let Some(caller) = caller(request) else { return unknown_caller().respond(request) };
    let ClientMessage::Request { id, method, params } = message else { return HttpResponse::Accepted().finish() };
    let headers = request.headers();
    let routing = RoutingHeaders {
        version: header(headers, PROTOCOL_VERSION),
        method: header(headers, "mcp-method"),
        name: header(headers, "mcp-name"),
    };
    let admitted = match admit(id, &method, params.as_deref(), envelope, Some(&routing)) {
        Ok(admitted) => admitted,
        Err(refusal) => return refused(&refusal, true),
    };
    if let Some(refusal) = mismatch(&admitted, headers, worker) {
        return refused(&refusal, true);
    }
    if let Some(traceparent) = &admitted.traceparent {
        tracing::Span::current().record("trace.parent", traceparent.as_str());
    }
    let id = admitted.id.clone();
    let slot = match &admitted.asked {
        Asked::Listen(_) => match take_slot("listen", &caller.principal, worker) {
            Ok(slot) => Some(slot),
            Err((status, detail)) => return refused_request(Some(id), status, "too_many_streams", detail),
        },
        _ => None,
    };
    match worker.stateless.answer(admitted, &caller, RequestIdentity::of(request)).await {
        StatelessAnswer::Json(status, body) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            let mut response = HttpResponse::build(status);
            if status == StatusCode::FORBIDDEN {
                let error: Value = serde_json::from_slice(&body).unwrap_or_default();
                let scope = error["error"]["data"]["scope"].as_str().unwrap_or_default();
                response.insert_header(step_up(scope, &worker.gateway.settings));
            }
            response.insert_header((CONTENT_TYPE, "application/json")).body(body)
        }
        StatelessAnswer::Stream(messages) => {
            let slot = match slot.map_or_else(|| take_slot("mcp", &caller.principal, worker), Ok) {
                Ok(slot) => slot,
                // Without its stream the call has no one to answer: it ends with `messages`.
                Err((status, detail)) => return refused_request(Some(id), status, "too_many_streams", detail),
            };
            let frames = messages.map(|message: Bytes| bare_message(&message));
            EventBody::respond(Some(comment("connected")), frames, slot, &caller, worker)
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> HeaderValue<'a> {
    HeaderValue::of(headers.get_all(name).map(|value| std::str::from_utf8(value.as_bytes()).ok()))
}

/// Parameters that the tool's schema wants in headers must be there, and say the same.
fn mismatch(admitted: &StatelessRequest, headers: &HeaderMap, worker: &Worker) -> Option<Refusal> {
    let Asked::Feature(FeatureRequest::CallTool { name, arguments }, _) = &admitted.asked else { return None };
    let registry = worker.gateway.registry.current();
    let params = registry.header_params(name);
    if params.is_empty() {
        return None;
    }
    let arguments: Result<Map<String, Value>, _> =
        arguments.as_ref().map_or_else(|| Ok(Map::new()), |arguments| serde_json::from_str(arguments.get()));
    let error = match arguments {
        Ok(arguments) => {
            let problem = params.iter().find_map(|param| param.check(&arguments, header(headers, &param.header)).err())?;
            RpcError::new(ErrorCode::HEADER_MISMATCH, problem)
        }
        // What cannot be read cannot be compared with its headers.
        Err(error) => {
            RpcError::new(ErrorCode::INVALID_PARAMS, format!("tools/call: `arguments`: {}", excerpt(&error.to_string())))
        }
    };
    Some(Refusal { status: 400, id: Some(admitted.id.clone()), error })
}
