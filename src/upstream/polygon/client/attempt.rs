//! One attempt: a request goes out, and what comes back is either an answer worth handing on or a failure of a known kind.

use std::time::{Duration, SystemTime};

use awc::http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, HttpDate,
    RETRY_AFTER,
};
use awc::http::{StatusCode, Uri};
use bytes::Bytes;
use tickgate_core::ports::UpstreamErrorKind;
use tickgate_core::time::Millis;

use super::envelope::{self, Envelope};
use super::error::{Failure, Quoting, kind_of};

/// Largest body read, decoded, in bytes. A compressed one is counted as it unfolds, at most some kilobytes at a time.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Of an error's body only its few fields matter.
const MAX_ERROR_BYTES: usize = 64 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is asked, the same in every attempt.
pub(super) struct Question {
    pub(super) uri: Uri,
    /// Marked as sensitive, so that not even its `Debug` shows it.
    pub(super) authorization: HeaderValue,
    pub(super) request_id: Option<HeaderValue>,
}

/// A good answer.
pub(super) struct Received {
    pub(super) body: Bytes,
    pub(super) envelope: Envelope,
    pub(super) request_id: Option<String>,
}

impl Question {
    /// Asks once. `now` is for dates that the upstream names.
    pub(super) async fn ask(&self, http: &awc::Client, quoting: &Quoting, now: Millis) -> Result<Received, Failure> {
        let mut request = http.get(self.uri.clone()).insert_header((AUTHORIZATION, self.authorization.clone()));
        request = request.insert_header((ACCEPT, HeaderValue::from_static("application/json")));
        if let Some(id) = &self.request_id {
            request = request.insert_header((REQUEST_ID, id.clone()));
        }
        let mut response = request.send().await.map_err(|error| Failure::of_sending(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let is_page = is_page(&headers);
        // Of an error's body what cannot be read is not missed.
        let limit = if status == StatusCode::OK && !is_page { MAX_BODY_BYTES } else { MAX_ERROR_BYTES };
        let read = response.body().limit(limit).await;
        // It is logged: one that is the key is none.
        let believed = |id: &String| !quoting.shows_key(id);
        let request_id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).and_then(envelope::request_id).filter(believed);
        let refused = |mut envelope: Envelope| {
            let request_id = request_id.clone().or_else(|| envelope.request_id.take().filter(believed));
            tracing::debug!(status = status.as_u16(), upstream.request_id = request_id, "the upstream refused a request");
            refusal(status, &envelope, is_page, quoting, asked_ms(&headers, now))
        };
        if status != StatusCode::OK || is_page {
            let body = if is_page { Bytes::new() } else { read.unwrap_or_default() };
            return Err(refused(Envelope::read(&body).unwrap_or_default()));
        }
        let body = read.map_err(|error| Failure::of_reading(&error))?;
        if is_cut(&headers, body.len()) {
            return Err(Failure::cut());
        }
        let mut envelope = Envelope::read(&body).map_err(|_| Failure::invalid_response())?;
        if envelope.is_error() {
            return Err(refused(envelope));
        }
        if quoting.is_told_in(&body, envelope.next_url.as_deref().unwrap_or_default()) {
            tracing::warn!("the upstream's answer repeats the key that it was asked with: it is not handed on");
            return Err(Failure::invalid_response());
        }
        let request_id = request_id.or_else(|| envelope.request_id.take().filter(believed));
        Ok(Received { body, envelope, request_id })
    }
}

fn refusal(status: StatusCode, envelope: &Envelope, is_page: bool, quoting: &Quoting, asked_ms: Option<u64>) -> Failure {
    let kind = kind_of(status, envelope, is_page);
    if is_page && status == StatusCode::OK {
        return Failure::invalid_response();
    }
    let mut failure = Failure::refused(kind, status, &quoting.quote(envelope.said.as_deref().unwrap_or_default()));
    if kind == UpstreamErrorKind::RateLimited {
        failure.error.retry_after_ms = asked_ms;
    }
    failure
}

/// Whether the body is said to be something else than JSON. One that says nothing is judged by its content.
fn is_page(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(CONTENT_TYPE) else { return false };
    let essence = content_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    !(matches!(essence.as_str(), "" | "application/json" | "text/json") || essence.ends_with("+json"))
}

/// Whether a body is shorter than promised: awc ends one whose connection was closed early as if it were whole.
fn is_cut(headers: &HeaderMap, read: usize) -> bool {
    let promised = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.trim().parse().ok());
    let is_plain = headers.get(CONTENT_ENCODING).is_none_or(|encoding| encoding == "identity");
    is_plain && promised.is_some_and(|promised: usize| read < promised)
}

/// How long it asks to be left alone, in ms, if it does. What to make of it is the budget's to decide.
fn asked_ms(headers: &HeaderMap, now: Millis) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let seconds = text.trim().parse::<u64>().ok().map(|seconds| seconds.saturating_mul(1_000));
    seconds.or_else(|| text.parse::<HttpDate>().ok().map(|date| wait_until(date.into(), now)))
}

fn wait_until(date: SystemTime, now: Millis) -> u64 {
    let date = date.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Millis(u64::try_from(date.as_millis()).unwrap_or(u64::MAX)).since(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        headers
    }

    #[test]
    fn what_retry_after_asks_for_is_read_in_both_its_forms() {
        // 2026-03-10T18:31:08Z
        let now = Millis(1_773_167_468_000);
        for (value, ms) in [
            ("7", Some(7_000)),
            ("0", Some(0)),
            ("99999999999999999999", None),
            ("9999999999999999999", Some(u64::MAX)),
            ("Tue, 10 Mar 2026 18:31:38 GMT", Some(30_000)),
            ("Tue, 10 Mar 2026 18:31:00 GMT", Some(0)),
            ("soon", None),
        ] {
            assert_eq!(asked_ms(&headers(RETRY_AFTER, value), now), ms, "{value}");
        }
        assert_eq!(asked_ms(&HeaderMap::new(), now), None);
    }

    #[test]
    fn only_json_is_taken_for_json() {
        for (value, page) in [
            ("application/json", false),
            ("Application/JSON; charset=utf-8", false),
            ("application/problem+json", false),
            ("text/html; charset=utf-8", true),
            ("text/plain", true),
        ] {
            assert_eq!(is_page(&headers(CONTENT_TYPE, value)), page, "{value}");
        }
        assert!(!is_page(&HeaderMap::new()));
    }
}
