//! What a request is known by: its id and its caller.

use actix_web::http::header::HeaderMap;
use actix_web::{HttpMessage, HttpRequest};
use tickgate_core::access::Caller;

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
