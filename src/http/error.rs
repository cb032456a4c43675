//! Refusals: the only place that turns a reason into an HTTP answer.
//!
//! | where | form |
//! |---|---|
//! | `/mcp`, `/sse`, `/messages` | a JSON-RPC error; where JSON-RPC has no code, the HTTP status is the code, with `data.reason` |
//! | elsewhere | `application/problem+json` with `type`, `title`, `status`, `detail`, `request_id` |
//!
//! No text from inside (paths, URLs, secrets, panics) is ever put into one.

use std::rc::Rc;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use tickgate_core::access::Scope;
use tickgate_core::field::FieldError;
use tickgate_core::identity::oauth::{Challenge, ChallengeError, ScopeSet};
use tickgate_core::mcp::{Refusal, Revision};
use tickgate_core::rpc::{ErrorCode, RequestId, RpcError, error_response, idless_error, null_id_error};

use super::gateway::{HttpSettings, Worker, worker};
use super::request::RequestIdentity;

/// What to send, for who is not known.
const WHAT_TO_SEND: &str = ": send `Authorization: Bearer <API key or access token>`, or `X-API-Key`";

/// A refusal of the edge.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    /// A word for programs: `unauthorized`, `rate_limited`, …
    pub(super) reason: &'static str,
    /// A sentence for people.
    pub(super) detail: String,
    /// Whether what to send is told too, where there is room for it: JSON-RPC's message is one that clients know.
    pub(super) asks_for_credential: bool,
    pub(super) retry_after_secs: Option<u64>,
    /// JSON-RPC code on `/mcp`, where it is not the status.
    pub(super) code: Option<ErrorCode>,
    /// The methods that there are.
    pub(super) allow: Option<String>,
    /// The scope that would be enough.
    pub(super) needs: Option<Scope>,
    /// What is wrong with which field of a body.
    pub(super) errors: Vec<FieldError>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, reason: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            reason,
            detail: detail.into(),
            asks_for_credential: false,
            retry_after_secs: None,
            code: None,
            allow: None,
            needs: None,
            errors: Vec::new(),
        }
    }

    /// Who shows no good credential, whatever is wrong with it (requirement B5).
    pub(super) fn not_known(reason: &'static str) -> Self {
        let problem = Self::new(StatusCode::UNAUTHORIZED, reason, "Unauthorized: Invalid or missing API key");
        Self { asks_for_credential: true, ..problem }
    }

    pub(super) fn bad_request(reason: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason, detail)
    }

    /// What exists but wants more of the caller than they may.
    pub(super) fn insufficient_scope(scope: Scope, detail: impl Into<String>) -> Self {
        Self { needs: Some(scope), ..Self::new(StatusCode::FORBIDDEN, "insufficient_scope", detail) }
    }

    /// Every mistake in the fields of a body at once.
    pub(super) fn invalid_fields(errors: Vec<FieldError>) -> Self {
        let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Self { errors, ..Self::bad_request("invalid_fields", told.join("; ")) }
    }

    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).retry_after(2)
    }

    pub(super) const fn retry_after(mut self, secs: u64) -> Self {
        self.retry_after_secs = Some(secs);
        self
    }

    /// JSON-RPC's own code, where it has one for this.
    pub(super) const fn with_code(mut self, code: ErrorCode) -> Self {
        self.code = Some(code);
        self
    }

    pub(super) fn allow(mut self, methods: impl Into<String>) -> Self {
        self.allow = Some(methods.into());
        self
    }

    /// The answer, in the form of the place that was asked.
    pub(super) fn respond(&self, request: &HttpRequest) -> HttpResponse {
        self.respond_at(&Place::of(request))
    }

    /// The same, once the request itself is gone.
    pub(super) fn respond_at(&self, place: &Place) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(secs) = self.retry_after_secs {
            response.insert_header((RETRY_AFTER, secs.max(1).to_string()));
        }
        if let Some(methods) = &self.allow {
            response.insert_header((ALLOW, methods.as_str()));
        }
        let settings = &place.worker.gateway.settings;
        if let Some(scope) = self.needs {
            response.insert_header(step_up(scope.as_str(), settings));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let told = (ChallengeError::InvalidToken, "the key or token is unknown, expired or revoked");
            let error = (self.reason == "invalid_token").then_some(told);
            // Clients ask their user for what stands here: all that is no administration.
            response.insert_header(challenge(ScopeSet::all().within(Scope::Write), error, settings));
        }
        if place.mcp { self.json_rpc(place, response) } else { self.problem_json(place, response) }
    }

    fn json_rpc(&self, place: &Place, mut response: actix_web::HttpResponseBuilder) -> HttpResponse {
        let error = match self.code {
            Some(code) => RpcError::new(code, self.detail.clone()),
            None => {
                let mut data = json!({ "reason": self.reason });
                if let Some(secs) = self.retry_after_secs {
                    data["retry_after_seconds"] = secs.max(1).into();
                }
                RpcError::new(ErrorCode(i32::from(self.status.as_u16())), self.detail.clone()).with_data(data)
            }
        };
        response.insert_header((CONTENT_TYPE, "application/json")).body(if place.stateless {
            idless_error(&error)
        } else {
            null_id_error(&error)
        })
    }

    fn problem_json(&self, place: &Place, mut response: actix_web::HttpResponseBuilder) -> HttpResponse {
        let advice = if self.asks_for_credential { WHAT_TO_SEND } else { "" };
        let mut body = json!({
            "type": format!("https://tickgate.dev/problems/{}", self.reason.replace('_', "-")),
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": format!("{}{advice}", self.detail),
            "request_id": place.request_id,
        });
        if !self.errors.is_empty() {
            body["errors"] = json!(self.errors);
        }
        response.insert_header((CONTENT_TYPE, "application/problem+json")).body(body.to_string())
    }
}

/// The place that was asked. A layer keeps this instead of the request: actix allows no second handle on a request that is
/// still to be routed.
pub(super) struct Place {
    pub(super) worker: Rc<Worker>,
    pub(super) request_id: String,
    mcp: bool,
    /// The version header names a stateless revision.
    stateless: bool,
}

impl Place {
    pub(super) fn of(request: &HttpRequest) -> Self {
        let worker = worker(request);
        Self {
            request_id: RequestIdentity::of(request),
            mcp: worker.gateway.settings.is_mcp(request.path()),
            worker,
            stateless: names_a_stateless_revision(request),
        }
    }
}

fn names_a_stateless_revision(request: &HttpRequest) -> bool {
    let version = request.headers().get("mcp-protocol-version").and_then(|value| value.to_str().ok());
    version.and_then(|version| Revision::by_name(version.trim())).is_some_and(Revision::is_stateless)
}

/// A refusal that the protocol decided. `stateless`: in that revision an error without an id has no `id` member.
pub(super) fn refused(refusal: &Refusal, stateless: bool) -> HttpResponse {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    let body = match &refusal.id {
        Some(id) => error_response(id, &refusal.error),
        None if stateless => idless_error(&refusal.error),
        None => null_id_error(&refusal.error),
    };
    let mut response = HttpResponse::build(status);
    response.insert_header((CONTENT_TYPE, "application/json")).body(body)
}

/// The same for what a caller asked for: a scope that is missing is a challenge.
pub(super) fn refused_to_caller(refusal: &Refusal, settings: &HttpSettings) -> HttpResponse {
    let mut response = refused(refusal, false);
    if let Some(scope) = needed_scope(refusal) {
        let (name, value) = step_up(scope, settings);
        response.headers_mut().insert(name, value);
    }
    response
}

/// The challenge of a missing scope: the client asks its user for more and comes back.
pub(super) fn step_up(scope: &str, settings: &HttpSettings) -> (HeaderName, HeaderValue) {
    challenge(ScopeSet::read(scope), Some((ChallengeError::InsufficientScope, "this needs a greater scope")), settings)
}

/// What a client needs to get in: where to ask for it, and for which scopes (protocol.md §6.1).
fn challenge(scopes: ScopeSet, error: Option<(ChallengeError, &str)>, settings: &HttpSettings) -> (HeaderName, HeaderValue) {
    let challenge = Challenge { resource_metadata: settings.resource_metadata.as_deref(), scopes, error };
    let value = HeaderValue::from_str(&challenge.to_string());
    (WWW_AUTHENTICATE, value.unwrap_or_else(|_| HeaderValue::from_static("Bearer")))
}

fn needed_scope(refusal: &Refusal) -> Option<&str> {
    let data = refusal.error.data.as_ref().filter(|_| refusal.status == 403)?;
    data.get("scope").and_then(serde_json::Value::as_str)
}

/// An HTTP status with the request's own id, for what HTTP refuses and JSON-RPC has no code for.
pub(super) fn refused_request(id: Option<RequestId>, status: StatusCode, reason: &'static str, detail: &str) -> HttpResponse {
    let error = RpcError::new(ErrorCode(i32::from(status.as_u16())), detail.to_owned()).with_data(json!({ "reason": reason }));
    let mut response = refused(&Refusal { status: status.as_u16(), id, error }, false);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    response
}
