//! `/tools/*`: the registry for programs that speak no MCP. A tool's arguments are the body, its structured answer is the answer, and
//! its failure is a problem with the HTTP status of its class.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::web::{Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use tickgate_actors::stateless::{StatelessAnswer, StatelessStream};
use tickgate_core::access::Scope;
use tickgate_core::mcp::{Answers, Asked, ClientCapabilities, FeatureRequest, Revision, StatelessRequest};
use tickgate_core::rpc::{ErrorCode, RequestId};

use super::mcp::{must_be_json, read_bytes, take_slot, unknown_caller};
use super::query::Query;
use crate::http::error::Problem;
use crate::http::gateway::{OnWorker, Worker};
use crate::http::request::{RequestIdentity, caller};

/// The status of each class of failure of a tool.
const CLASSES: [(&str, StatusCode); 22] = [
    ("invalid_argument", StatusCode::BAD_REQUEST),
    ("not_found", StatusCode::NOT_FOUND),
    ("not_entitled", StatusCode::FORBIDDEN),
    ("budget", StatusCode::TOO_MANY_REQUESTS),
    ("rate_limited", StatusCode::TOO_MANY_REQUESTS),
    ("too_many", StatusCode::TOO_MANY_REQUESTS),
    ("upstream_auth", StatusCode::BAD_GATEWAY),
    ("invalid_response", StatusCode::BAD_GATEWAY),
    ("too_large", StatusCode::BAD_GATEWAY),
    ("busy", StatusCode::SERVICE_UNAVAILABLE),
    ("unavailable", StatusCode::SERVICE_UNAVAILABLE),
    ("draining", StatusCode::SERVICE_UNAVAILABLE),
    ("timeout", StatusCode::GATEWAY_TIMEOUT),
    ("too_few_bars", StatusCode::UNPROCESSABLE_ENTITY),
    ("undefined", StatusCode::UNPROCESSABLE_ENTITY),
    // Of accounts. That a token in the arguments is not good says nothing of the credential of the request, so it is no 401.
    ("invalid_token", StatusCode::UNPROCESSABLE_ENTITY),
    ("invalid_grant", StatusCode::BAD_REQUEST),
    ("invalid_client", StatusCode::BAD_REQUEST),
    ("forbidden", StatusCode::FORBIDDEN),
    ("conflict", StatusCode::CONFLICT),
    ("client_capability_missing", StatusCode::UNPROCESSABLE_ENTITY),
    // What has no better one.
    ("tool_failed", StatusCode::UNPROCESSABLE_ENTITY),
];

/// Headers of an answer in CSV: what JSON says in `_freshness`, `truncated` and `next`.
const FRESHNESS: &str = "x-tickgate-freshness";
const TRUNCATED: &str = "x-tickgate-truncated";
const NEXT: &str = "x-tickgate-next";

/// What the executor answers, as far as it is looked at.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<Error<'a>>,
}

#[derive(Deserialize)]
struct Error<'a> {
    code: i32,
    #[serde(borrow)]
    message: Cow<'a, str>,
    data: Option<ErrorData>,
}

#[derive(Deserialize)]
struct ErrorData {
    scope: Option<Scope>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult<'a> {
    #[serde(borrow)]
    structured_content: Option<&'a RawValue>,
    #[serde(borrow)]
    content: &'a RawValue,
    #[serde(default)]
    is_error: bool,
    #[serde(rename = "_meta", default, borrow)]
    meta: Meta<'a>,
}

#[derive(Default, Deserialize)]
struct Meta<'a> {
    #[serde(rename = "tickgate/error", default, borrow)]
    error: Option<Failure<'a>>,
}

#[derive(Deserialize)]
struct Failure<'a> {
    class: &'a str,
    retry_after_seconds: Option<u64>,
}

#[derive(Deserialize)]
struct Text<'a> {
    #[serde(borrow, default)]
    text: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(borrow)]
    tools: &'a RawValue,
    #[serde(rename = "nextCursor")]
    next: Option<&'a str>,
}

/// What stands around the rows of an answer.
#[derive(Default, Deserialize)]
struct Around<'a> {
    #[serde(borrow, rename = "_freshness")]
    freshness: Option<&'a RawValue>,
    #[serde(borrow)]
    truncated: Option<&'a RawValue>,
    next: Option<&'a str>,
}

/// The form of the text that was asked for.
#[derive(Default, Deserialize)]
struct Form<'a> {
    #[serde(default, borrow)]
    format: Option<Cow<'a, str>>,
}

pub(in crate::http) async fn list(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    let listed: Result<String, Problem> = async {
        let query = Query::read(&request, &["cursor"])?;
        let asked = FeatureRequest::ListTools { cursor: query.text("cursor").map(Into::into) };
        let message = ask(&request, asked, &worker).await?;
        let Listed { tools, next } = serde_json::from_str(result(&message)?.get()).map_err(|_| internal())?;
        let next = next.map_or_else(String::new, |next| format!(",\"nextCursor\":\"{next}\""));
        Ok(format!("{{\"tools\":{tools}{next}}}"))
    }
    .await;
    match listed {
        Ok(json) => no_store().content_type("application/json").body(json),
        Err(problem) => problem.respond(&request),
    }
}

pub(in crate::http) async fn call(
    request: HttpRequest,
    name: Path<String>,
    payload: Payload,
    OnWorker(worker): OnWorker,
) -> HttpResponse {
    called(&request, name.into_inner(), payload, &worker).await.unwrap_or_else(|problem| problem.respond(&request))
}

async fn called(request: &HttpRequest, name: String, payload: Payload, worker: &Worker) -> Result<HttpResponse, Problem> {
    Query::read(request, &[])?;
    let arguments = arguments(request, payload, worker).await?;
    let wants_csv = arguments
        .as_deref()
        .and_then(|arguments| serde_json::from_str::<Form<'_>>(arguments.get()).ok())
        .is_some_and(|form| form.format.as_deref() == Some("csv"));
    let message = ask(request, FeatureRequest::CallTool { name: name.into(), arguments }, worker).await?;
    let result = result(&message)?;
    let result: ToolResult<'_> = serde_json::from_str(result.get()).map_err(|_| internal())?;
    if result.is_error {
        return Err(failure(&result));
    }
    Ok(match result.structured_content {
        Some(structured) if wants_csv => table(structured, first_text(&result)),
        Some(structured) => no_store().content_type("application/json").body(structured.get().to_owned()),
        None => no_store().content_type("application/json").body(format!("{{\"content\":{}}}", result.content)),
    })
}

/// Rows as CSV. What stands around them in JSON, how fresh they are above all and whether there are more, stands in headers.
fn table(structured: &RawValue, rows: String) -> HttpResponse {
    let mut response = no_store();
    let Around { freshness, truncated, next } = serde_json::from_str(structured.get()).unwrap_or_default();
    let said = [(FRESHNESS, freshness), (TRUNCATED, truncated)].map(|(name, said)| (name, said.map(RawValue::get)));
    for (name, said) in said.into_iter().chain([(NEXT, next)]) {
        if let Some(said) = said {
            response.insert_header((name, said));
        }
    }
    response.content_type("text/csv; charset=utf-8").body(rows)
}

/// The body: an object, or nothing at all.
async fn arguments(request: &HttpRequest, payload: Payload, worker: &Worker) -> Result<Option<Box<RawValue>>, Problem> {
    let body = read_bytes(payload, worker.gateway.settings.limits.max_body_bytes).await?;
    if body.is_empty() {
        return Ok(None);
    }
    must_be_json(request.headers())?;
    let wrong = || Problem::bad_request("invalid_body", "the body must be a JSON object: the arguments of the tool");
    let arguments: Box<RawValue> = serde_json::from_slice(&body).map_err(|_| wrong())?;
    if arguments.get().starts_with('{') { Ok(Some(arguments)) } else { Err(wrong()) }
}

/// Asks the executor of requests that stand alone; the caller can answer no questions and hears no progress.
async fn ask(request: &HttpRequest, asked: FeatureRequest, worker: &Worker) -> Result<Bytes, Problem> {
    let caller = caller(request).ok_or_else(unknown_caller)?;
    let request_id = RequestIdentity::of(request);
    let asked = StatelessRequest {
        id: RequestId::Number(1),
        revision: Revision::V2026_07_28,
        asked: Asked::Feature(asked, Answers::default()),
        client: ClientCapabilities::default(),
        log_level: None,
        progress_token: None,
        traceparent: None,
    };
    match worker.stateless.answer(asked, &caller, request_id).await {
        StatelessAnswer::Json(_, message) => Ok(message),
        StatelessAnswer::Stream(messages) => {
            let slot = take_slot("tools", &caller.principal, worker);
            let _slot = slot.map_err(|(status, detail)| Problem::new(status, "too_many_streams", detail).retry_after(2))?;
            last(messages).await.ok_or_else(|| Problem::unavailable("the call ended without an answer: try again"))
        }
    }
}

/// The answer, which is the last message.
async fn last(mut messages: StatelessStream) -> Option<Bytes> {
    let mut last = None;
    while let Some(message) = messages.next().await {
        last = Some(message);
    }
    last
}

fn result(message: &[u8]) -> Result<&RawValue, Problem> {
    let Message { result, error } = serde_json::from_slice(message).map_err(|_| internal())?;
    match (result, error) {
        (Some(result), _) => Ok(result),
        (None, Some(error)) => Err(refusal(&error)),
        (None, None) => Err(internal()),
    }
}

fn refusal(error: &Error<'_>) -> Problem {
    let detail = error.message.as_ref();
    match ErrorCode(error.code) {
        ErrorCode::INVALID_PARAMS if detail.starts_with("Unknown tool") => {
            Problem::new(StatusCode::NOT_FOUND, "unknown_tool", detail)
        }
        ErrorCode::INVALID_PARAMS => Problem::bad_request("invalid_argument", detail),
        ErrorCode::MISSING_CAPABILITY => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "client_capability_missing", detail),
        ErrorCode(403) => {
            let scope = error.data.as_ref().and_then(|data| data.scope).unwrap_or(Scope::Admin);
            Problem::insufficient_scope(scope, format!("Forbidden: {detail}"))
        }
        ErrorCode(429) => Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail).retry_after(2),
        _ => internal(),
    }
}

fn failure(result: &ToolResult<'_>) -> Problem {
    let told = result.meta.error.as_ref();
    let class = told.map_or("tool_failed", |failure| failure.class);
    let known = CLASSES.iter().find(|(known, _)| *known == class).or(CLASSES.last());
    let (reason, status) = known.copied().unwrap_or(("tool_failed", StatusCode::UNPROCESSABLE_ENTITY));
    let problem = Problem::new(status, reason, first_text(result));
    match told.and_then(|failure| failure.retry_after_seconds) {
        Some(secs) => problem.retry_after(secs),
        None => problem,
    }
}

fn first_text(result: &ToolResult<'_>) -> String {
    let content: Vec<Text<'_>> = serde_json::from_str(result.content.get()).unwrap_or_default();
    content.into_iter().next().map(|first| first.text.into_owned()).unwrap_or_default()
}

fn no_store() -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store"));
    response
}

fn internal() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong here; the request id tells us what.")
}
