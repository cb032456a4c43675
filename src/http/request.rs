//! What a request is known by: its id, its caller, and whether a page of ours made it.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, ORIGIN};
use actix_web::{HttpMessage, HttpRequest};
use tickgate_core::access::Caller;

use super::error::Problem;

/// Header that carries the id, in and out.
pub(super) const REQUEST_ID: &str = "x-request-id";

/// The id of a request: the client's, if it is sound, else our own.
#[derive(Clone, Debug)]
pub(super) struct RequestIdentity(pub(super) String);

impl RequestIdentity {
    /// Takes the client's id, or makes one.
    pub(super) fn from_headers(headers: &HeaderMap) -> Self {
        let sound = |id: &&str| {
            (1..=64).contains(&id.len()) && id.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-'))
        };
        let sent = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(sound);
        Self(sent.map_or_else(|| format!("{:032x}", tickgate_actors::clock::random_u128()), ToOwned::to_owned))
    }

    /// The id of this request.
    pub(super) fn of(request: &HttpRequest) -> String {
        request.extensions().get::<Self>().map(|id| id.0.clone()).unwrap_or_default()
    }
}

/// The caller of this request; every route behind authentication has one.
pub(super) fn caller(request: &HttpRequest) -> Option<Caller> {
    request.extensions().get::<Caller>().cloned()
}

/// Whether a page that we let in made this request, and not another site behind the person's back. An `Origin` that is not
/// allowed has been refused before (`middleware/guard`).
pub(super) fn is_from_own_page(headers: &HeaderMap) -> bool {
    let same_origin = headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    same_origin || headers.contains_key(ORIGIN)
}

/// The refusal of a write by cookie that shows no sign of our own page.
pub(super) fn cross_site() -> Problem {
    let detail = "Forbidden: a change by cookie needs an allowed Origin or Sec-Fetch-Site: same-origin";
    Problem::new(StatusCode::FORBIDDEN, "cross_site", detail)
}
