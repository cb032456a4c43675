//! What every answer carries, refusals too: request id, security headers, CORS headers for allowed origins. A refusal that a
//! layer left without a body gets one here, in the form of the place that was asked.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};

use super::audited::note_refusal;
use super::guard::is_allowed_origin;
use crate::http::error::{Place, Problem};
use crate::http::request::REQUEST_ID;
use crate::http::route::{Kind, RouteSpec};

/// Content security policy of every page but the docs: nothing inline, nothing from elsewhere.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                              base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// Response headers that browser code may read.
const EXPOSED: &str = "Mcp-Session-Id, WWW-Authenticate, X-Request-Id, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, \
     X-Tickgate-Freshness, X-Tickgate-Truncated, X-Tickgate-Next";

/// The layer.
pub(in crate::http) async fn finish(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let place = Place::of(request.request());
    let any = RouteSpec::kind_of(request.path()).is_some_and(Kind::is_for_any_origin);
    let origin = Origin { named: request.headers().get(ORIGIN).cloned(), any };
    if encodes_needlessly(request.path()) {
        let problem = Problem::bad_request("needless_encoding", "The path encodes characters that need no encoding.");
        let mut response = problem.respond_at(&place);
        complete(response.headers_mut(), &place, origin);
        return Ok(request.into_response(response).map_into_right_body());
    }
    match next.call(request).await {
        Ok(response) if is_bare_refusal(&response) => {
            place.worker.gateway.metrics.refused.with_label_values(&["rate_limit"]).inc();
            note_refusal(&response, true, &place);
            let mut dressed = rate_limited(&response, &place);
            complete(dressed.headers_mut(), &place, origin);
            Ok(response.into_response(dressed).map_into_right_body())
        }
        // An error that a handler raised: actix put its own text into the answer.
        Ok(response) if response.response().error().is_some() => {
            let mut dressed = response
                .response()
                .error()
                .map_or_else(|| HttpResponse::InternalServerError().finish(), |error| failed(error).respond_at(&place));
            complete(dressed.headers_mut(), &place, origin);
            Ok(response.into_response(dressed).map_into_right_body())
        }
        Ok(mut response) => {
            note_refusal(&response, false, &place);
            complete(response.headers_mut(), &place, origin);
            Ok(response.map_into_left_body())
        }
        // A panic that was caught, or an error that a framework layer raised: never its own text.
        Err(error) => {
            place.worker.gateway.metrics.refused.with_label_values(&["error"]).inc();
            let mut response = failed(&error).respond_at(&place);
            complete(response.headers_mut(), &place, origin);
            Err(InternalError::from_response(error, response).into())
        }
    }
}

fn rate_limited<B>(response: &ServiceResponse<B>, place: &Place) -> HttpResponse {
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(1);
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Rate limit exceeded").retry_after(retry_after);
    let mut dressed = problem.respond_at(place);
    for (name, value) in response.headers().iter().filter(|(name, _)| name.as_str().starts_with("ratelimit-")) {
        dressed.headers_mut().insert(name.clone(), value.clone());
    }
    dressed
}

fn failed(error: &Error) -> Problem {
    let status = error.as_response_error().status_code();
    if status.is_server_error() {
        Problem::new(status, "internal", "Something went wrong here; the request id tells us what.")
    } else {
        Problem::new(status, "unreadable_request", "The request cannot be read.")
    }
}

/// From which origin a page asks, and whether every origin may.
#[derive(Clone)]
struct Origin {
    named: Option<HeaderValue>,
    any: bool,
}

fn complete(headers: &mut HeaderMap, place: &Place, origin: Origin) {
    let settings = &place.worker.gateway.settings;
    secure(headers, &place.request_id, settings.public_url.starts_with("https:"));
    if origin.any {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    } else if let Some(origin) = origin.named.filter(|origin| is_allowed_origin(origin.as_bytes(), settings)) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
}

/// The router reads paths decoded and the layers as sent: a letter that is encoded (RFC 3986 §2.3) would show them two paths.
fn encodes_needlessly(path: &str) -> bool {
    path.split('%').skip(1).any(|rest| {
        let byte = rest.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        byte.is_none_or(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
    })
}

fn is_bare_refusal<B>(response: &ServiceResponse<B>) -> bool {
    response.status() == StatusCode::TOO_MANY_REQUESTS && !response.headers().contains_key(CONTENT_TYPE)
}

fn secure(headers: &mut HeaderMap, identity: &str, https: bool) {
    if let Ok(value) = HeaderValue::from_str(identity) {
        headers.insert(HeaderName::from_static(REQUEST_ID), value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(REFERRER_POLICY) {
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    }
    if https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000; includeSubDomains"));
    }
}
