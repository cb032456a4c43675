//! How is an answer put into the vendor's words? Bodies, refusals, the request id in header and body, and the damage that
//! a fault does to a good answer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::rt::time::{Sleep, sleep};
use actix_web::web::Bytes;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, Responder};
use serde_json::{Value, json};

pub(crate) const REQUEST_ID: &str = "X-Request-Id";

/// What a fault does to an answer that is otherwise good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    Truncated,
    NoResults,
    WrongType,
    Cut,
}

/// What the gate leaves on a request for its answer.
#[derive(Debug, Clone)]
pub(crate) struct RequestMark {
    pub(crate) request_id: String,
    pub(crate) damage: Option<Damage>,
}

/// Why a request gets no data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoKey,
    UnknownKey,
    NotEntitled,
    NotFound,
    /// There is such a ticker, but not what was asked about it.
    NoData,
    BadParameter(String),
    RateLimited,
    ServerError,
    Unavailable,
}

/// An answer before it is sent.
pub(crate) enum Answer {
    /// An object that gets a `request_id`.
    Enveloped(StatusCode, Value),
    /// A body that is sent as it is.
    Bare(Value),
    /// An HTML page, as a proxy in between would send.
    Page(StatusCode),
    /// A status without a body.
    Empty(StatusCode),
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let limited = "You've exceeded the maximum requests per minute, please wait or upgrade your subscription to continue. \
                       https://massive.com/pricing";
        let unentitled = "You are not entitled to this data. Please upgrade your plan at https://massive.com/pricing";
        let error = |text: &str| json!({"status": "ERROR", "error": text});
        let (status, body) = match refusal {
            Refusal::NoKey => (StatusCode::UNAUTHORIZED, error("API Key was not provided")),
            Refusal::UnknownKey => (StatusCode::UNAUTHORIZED, error("Unknown API Key")),
            Refusal::NotEntitled => (StatusCode::FORBIDDEN, json!({"status": "NOT_AUTHORIZED", "message": unentitled})),
            Refusal::NotFound => (StatusCode::NOT_FOUND, json!({"status": "NOT_FOUND", "message": "Ticker not found."})),
            Refusal::NoData => (StatusCode::NOT_FOUND, json!({"status": "NOT_FOUND", "message": "Data not found."})),
            Refusal::BadParameter(text) => (StatusCode::BAD_REQUEST, error(&text)),
            Refusal::RateLimited => (StatusCode::TOO_MANY_REQUESTS, error(limited)),
            Refusal::ServerError => (StatusCode::INTERNAL_SERVER_ERROR, error("Internal server error")),
            Refusal::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, error("Service unavailable")),
        };
        Self::Enveloped(status, body)
    }
}

impl From<Result<Value, Refusal>> for Answer {
    fn from(outcome: Result<Value, Refusal>) -> Self {
        outcome.map_or_else(Self::from, |body| Self::Enveloped(StatusCode::OK, body))
    }
}

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let mark = request.extensions().get::<RequestMark>().cloned();
        let request_id = mark.as_ref().map_or("", |mark| mark.request_id.as_str());
        let damage = mark.as_ref().and_then(|mark| mark.damage);
        let (status, mut body) = match self {
            Self::Page(status) => return page(status, request_id),
            Self::Empty(status) => return builder(status, request_id).finish(),
            Self::Bare(body) => (StatusCode::OK, body),
            Self::Enveloped(status, mut body) => {
                body["request_id"] = request_id.into();
                (status, body)
            }
        };
        match damage {
            Some(Damage::NoResults) => remove_results(&mut body),
            Some(Damage::WrongType) => replace_results(&mut body),
            Some(Damage::Truncated | Damage::Cut) | None => {}
        }
        let mut text = body.to_string();
        let mut answer = builder(status, request_id);
        answer.content_type("application/json");
        match damage {
            Some(Damage::Truncated) => {
                text.truncate(text.floor_char_boundary(text.len() / 2));
                answer.body(text)
            }
            // Identity keeps the compressor away: the client is to see half of what was promised.
            Some(Damage::Cut) => {
                answer.insert_header((header::CONTENT_ENCODING, HeaderValue::from_static("identity"))).body(CutBody::of(text))
            }
            _ => answer.body(text),
        }
    }
}

fn builder(status: StatusCode, request_id: &str) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer.insert_header((REQUEST_ID, request_id));
    answer
}

fn page(status: StatusCode, request_id: &str) -> HttpResponse {
    let reason = status.canonical_reason().unwrap_or_default();
    let text = format!("<html><body>{} {reason}</body></html>", status.as_u16());
    builder(status, request_id).content_type("text/html").body(text)
}

/// Names the field that holds the data: `results`; in snapshots `tickers`, `data` or an object `ticker`; `last` of currencies.
fn results_field(body: &Value) -> Option<&'static str> {
    ["results", "tickers", "data", "last"]
        .into_iter()
        .find(|field| body.get(field).is_some())
        .or_else(|| body.get("ticker").filter(|ticker| ticker.is_object()).map(|_| "ticker"))
}

fn remove_results(body: &mut Value) {
    if let (Some(field), Some(fields)) = (results_field(body), body.as_object_mut()) {
        fields.remove(field);
    }
}

fn replace_results(body: &mut Value) {
    match results_field(body) {
        Some(field) => body[field] = "unexpected".into(),
        None => *body = "unexpected".into(),
    }
}

/// How long a cut body waits before it breaks: the dispatcher drops what it has not sent when a body fails.
const SENDING: Duration = Duration::from_millis(20);

/// A body that breaks off after half of what its length promises.
struct CutBody {
    promised: u64,
    half: Option<Bytes>,
    sending: Pin<Box<Sleep>>,
}

impl CutBody {
    fn of(text: String) -> Self {
        let whole = Bytes::from(text);
        let half = whole.slice(..whole.len() / 2);
        Self { promised: whole.len() as u64, half: Some(half), sending: Box::pin(sleep(SENDING)) }
    }
}

impl MessageBody for CutBody {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.promised)
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(half)));
        }
        ready!(self.sending.as_mut().poll(context));
        let broken = std::io::Error::new(std::io::ErrorKind::ConnectionAborted, "cut by a simulated fault");
        Poll::Ready(Some(Err(broken)))
    }
}
