//! What kind of failure is it, may it be tried again, and what is the reader told? Nothing here shows a key, a URL or a host.

use std::fmt;
use std::io::ErrorKind;

use actix_web::error::ParseError;
use awc::error::{ConnectError, PayloadError, SendRequestError};
use awc::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use tickgate_core::market::text::clean;
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};

use super::envelope::Envelope;
use super::retry::Retry;

/// Longest text of the upstream that is quoted, in characters.
const MAX_QUOTED_CHARS: usize = 200;

/// Least length of a key that no text holds by chance, in bytes; the vendor's have 32.
const MIN_SECRET_BYTES: usize = 16;

/// A failed attempt.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: UpstreamError,
    pub(super) retry: Retry,
}

impl Failure {
    fn new(kind: UpstreamErrorKind, message: impl Into<std::borrow::Cow<'static, str>>, retry: Retry) -> Self {
        Self { error: UpstreamError::new(kind, message), retry }
    }

    /// The attempt took too long.
    pub(super) fn timeout() -> Self {
        let message = "the upstream did not answer in time: try again, or ask for less at once";
        Self::new(UpstreamErrorKind::Timeout, message, Retry::Later)
    }

    /// The answer is not what the API promises.
    pub(super) fn invalid_response() -> Self {
        Self { error: invalid_response(), retry: Retry::Later }
    }

    /// The address or a header cannot be written.
    pub(super) fn unsendable() -> Self {
        let message = "the request cannot be put into an address: use shorter arguments or fewer at once";
        Self::new(UpstreamErrorKind::InvalidParams, message, Retry::Never)
    }

    /// The key cannot be written into a header.
    pub(super) fn unusable_key() -> Self {
        let message = "the gateway's upstream key holds characters that no key has: its operator has to set the right one";
        Self::new(UpstreamErrorKind::Auth, message, Retry::Never)
    }

    /// The body is shorter than its head said.
    pub(super) fn cut() -> Self {
        Self::lost(Retry::Later)
    }

    fn lost(retry: Retry) -> Self {
        let message = "the connection to the upstream was lost before its answer was complete: try again in a few seconds";
        Self::new(UpstreamErrorKind::Unavailable, message, retry)
    }

    /// No head of an answer came.
    pub(super) fn of_sending(error: &SendRequestError) -> Self {
        match error {
            SendRequestError::Url(_) | SendRequestError::Http(_) => Self::unsendable(),
            SendRequestError::Connect(ConnectError::Disconnected) | SendRequestError::Send(_) => Self::lost(Retry::AtOnce),
            SendRequestError::Timeout => Self::timeout(),
            SendRequestError::Response(ParseError::Io(_) | ParseError::Incomplete) => Self::lost(Retry::AtOnce),
            SendRequestError::Response(_) => Self::invalid_response(),
            _ => {
                let message = "the upstream cannot be reached: try again in a minute";
                Self::new(UpstreamErrorKind::Unavailable, message, Retry::Later)
            }
        }
    }

    /// The body broke off or is too large.
    pub(super) fn of_reading(error: &PayloadError) -> Self {
        match error {
            PayloadError::Overflow => {
                let message =
                    "the upstream's answer is larger than the gateway reads: ask for a shorter range or a smaller limit";
                Self::new(UpstreamErrorKind::TooLarge, message, Retry::Never)
            }
            PayloadError::EncodingCorrupted | PayloadError::UnknownLength => Self::invalid_response(),
            // What says that it is compressed and is not.
            PayloadError::Incomplete(Some(error)) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData) => {
                Self::invalid_response()
            }
            _ => Self::lost(Retry::Later),
        }
    }

    /// The upstream refused. `told` is what it said, already fit to be quoted.
    pub(super) fn refused(kind: UpstreamErrorKind, status: StatusCode, told: &str) -> Self {
        let because = if told.is_empty() { String::new() } else { format!(" (it says: {told})") };
        let retry = if matches!(status.as_u16(), 408 | 500..=599) { Retry::Later } else { Retry::Never };
        match kind {
            UpstreamErrorKind::InvalidParams => {
                Self::new(kind, format!("the upstream refused an argument{because}: correct it and try again"), retry)
            }
            UpstreamErrorKind::NotFound => {
                Self::new(kind, format!("the upstream knows no such thing{because}: check the symbol or id"), retry)
            }
            UpstreamErrorKind::Auth => {
                Self::new(kind, "the upstream refused the gateway's key: its operator has to set a valid one", retry)
            }
            UpstreamErrorKind::NotEntitled => {
                let message = "the gateway's upstream plan does not include this data: ask for other data, or its operator for a larger plan";
                Self::new(kind, message, retry)
            }
            UpstreamErrorKind::RateLimited => {
                Self::new(kind, "the upstream says that its plan's rate of requests is exceeded: try again later", retry)
            }
            UpstreamErrorKind::Timeout => Self { retry, ..Self::timeout() },
            UpstreamErrorKind::Unavailable => {
                Self::new(kind, "the upstream is out of order at the moment: try again in a minute", retry)
            }
            _ => Self { error: invalid_response(), retry },
        }
    }
}

/// The answer is not what the API promises.
pub(in super::super) fn invalid_response() -> UpstreamError {
    let message = "the upstream's answer makes no sense to the gateway: try again; if it stays so, tell the operator";
    UpstreamError::new(UpstreamErrorKind::InvalidResponse, message)
}

/// Which kind of failure a refusal is (polygon.md §4.3). `is_page`: the body is something else than JSON, so that it was not
/// the API that answered.
pub(super) fn kind_of(status: StatusCode, envelope: &Envelope, is_page: bool) -> UpstreamErrorKind {
    let said = envelope.said.as_deref().unwrap_or_default();
    match status.as_u16() {
        401 => UpstreamErrorKind::Auth,
        408 => UpstreamErrorKind::Timeout,
        429 => UpstreamErrorKind::RateLimited,
        500..=599 => UpstreamErrorKind::Unavailable,
        _ if is_page => UpstreamErrorKind::InvalidResponse,
        403 => kind_of_text(said).unwrap_or(UpstreamErrorKind::NotEntitled),
        404 | 410 => UpstreamErrorKind::NotFound,
        400 | 409 | 413 | 414 | 416 | 422 => kind_of_text(said).unwrap_or(UpstreamErrorKind::InvalidParams),
        200..=299 => match envelope.status.as_deref() {
            Some("NOT_AUTHORIZED") => UpstreamErrorKind::NotEntitled,
            Some("NOT_FOUND") => UpstreamErrorKind::NotFound,
            _ if said.is_empty() => UpstreamErrorKind::InvalidResponse,
            _ => kind_of_text(said).unwrap_or(UpstreamErrorKind::InvalidParams),
        },
        _ => UpstreamErrorKind::InvalidResponse,
    }
}

/// Some refusals come with a status that means something else (a missing key was seen with 400): their text is clearer.
fn kind_of_text(said: &str) -> Option<UpstreamErrorKind> {
    let said = said.to_ascii_lowercase();
    let has = |words: &str| said.contains(words);
    if has("exceeded the maximum requests") {
        Some(UpstreamErrorKind::RateLimited)
    } else if has("unknown api key") || has("api key was not provided") {
        Some(UpstreamErrorKind::Auth)
    } else if has("not entitled") || has("not authorized") {
        Some(UpstreamErrorKind::NotEntitled)
    } else {
        None
    }
}

/// Makes the upstream's words fit to be quoted.
pub(super) struct Quoting {
    key: SecretString,
    host: String,
}

impl Quoting {
    /// Words that hold `key` or `host` are not quoted.
    pub(super) fn new(key: SecretString, host: &str) -> Self {
        Self { key, host: host.to_ascii_lowercase() }
    }

    /// The text in one line, without addresses, cut to 200 characters; nothing of it when it holds the key.
    pub(super) fn quote(&self, said: &str) -> String {
        let cleaned = clean(said);
        if self.shows_key(&cleaned) || self.shows_key(said) {
            return String::new();
        }
        let words: Vec<&str> = cleaned.split_whitespace().filter(|word| !self.is_address(word)).collect();
        words.join(" ").chars().take(MAX_QUOTED_CHARS).collect()
    }

    /// Whether the key stands in it.
    pub(super) fn shows_key(&self, text: &str) -> bool {
        let key = self.key.expose_secret();
        !key.is_empty() && text.contains(key)
    }

    /// Whether a body repeats the key elsewhere than in its `next_url`, out of which it is taken. Short keys are words that may stand
    /// there by chance: the simulated market's is one.
    pub(super) fn is_told_in(&self, body: &[u8], next_url: &str) -> bool {
        let key = self.key.expose_secret();
        let told = |text: &str| text.matches(key).count();
        key.len() >= MIN_SECRET_BYTES && std::str::from_utf8(body).is_ok_and(|body| told(body) > told(next_url))
    }

    fn is_address(&self, word: &str) -> bool {
        let word = word.to_ascii_lowercase();
        let hosts = ["://", "www.", "massive.com", "polygon.io", "apikey="];
        hosts.iter().any(|part| word.contains(part)) || (!self.host.is_empty() && word.contains(&self.host))
    }
}

impl fmt::Debug for Quoting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Quoting")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(said: &str) -> String {
        Quoting::new(SecretString::from("s3cret-key"), "upstream.example").quote(said)
    }

    #[test]
    fn a_quotation_shows_no_key_no_address_and_nothing_invisible() {
        assert_eq!(quote("limit must be\n between 1 and\u{202E} 1000"), "limit must be between 1 and 1000");
        assert_eq!(
            quote("see (https://massive.com/pricing) or massive.com/x or http://upstream.example:80/v2 now"),
            "see or or now"
        );
        assert_eq!(quote("UPSTREAM.example refused BRK.B at 1.5"), "refused BRK.B at 1.5");
        assert_eq!(quote("the key s3cret-key is bad"), "");
        assert_eq!(quote("the key s3cret\u{200B}-key is bad"), "");
        assert_eq!(quote(&"ab ".repeat(300)).chars().count(), 200);
    }

    #[test]
    fn a_body_tells_the_key_unless_only_its_next_page_does_or_the_key_is_a_word() {
        let quoting = Quoting::new(SecretString::from("a-key-of-the-vendors"), "upstream.example");
        let next = "https://x/v2/y?apiKey=a-key-of-the-vendors";
        let page = format!(r#"{{"next_url":"{next}","results":[]}}"#);
        assert!(!quoting.is_told_in(page.as_bytes(), next) && quoting.is_told_in(page.as_bytes(), ""));
        assert!(!quoting.is_told_in(b"[]", ""));
        let word = Quoting::new(SecretString::from("simulated"), "upstream.example");
        assert!(!word.is_told_in(b"[\"simulated\"]", ""));
    }

    #[test]
    fn the_kind_follows_the_status_and_where_that_misleads_the_text() {
        use UpstreamErrorKind::{Auth, InvalidParams, InvalidResponse, NotEntitled, NotFound, RateLimited, Timeout, Unavailable};
        for (status, word, said, kind) in [
            (400, "ERROR", "limit must be between 1 and 1000", InvalidParams),
            (400, "ERROR", "API Key was not provided", Auth),
            (401, "ERROR", "Unknown API Key", Auth),
            (403, "NOT_AUTHORIZED", "You are not entitled to this data.", NotEntitled),
            (403, "ERROR", "", NotEntitled),
            (403, "ERROR", "Unknown API Key", Auth),
            (404, "NOT_FOUND", "Ticker not found.", NotFound),
            (408, "", "", Timeout),
            (409, "", "", InvalidParams),
            (429, "", "", RateLimited),
            (500, "", "", Unavailable),
            (599, "", "", Unavailable),
            (302, "", "", InvalidResponse),
            (418, "", "", InvalidResponse),
            (200, "ERROR", "You've exceeded the maximum requests per minute", RateLimited),
            (200, "ERROR", "bad cursor", InvalidParams),
            (200, "ERROR", "", InvalidResponse),
            (200, "NOT_AUTHORIZED", "", NotEntitled),
            (200, "NOT_FOUND", "", NotFound),
        ] {
            let envelope = Envelope { status: Some(word.to_owned()), said: Some(said.to_owned()), ..Envelope::default() };
            assert_eq!(kind_of(StatusCode::from_u16(status).unwrap(), &envelope, false), kind, "{status} {word} {said}");
        }
    }

    #[test]
    fn a_page_is_no_answer_of_the_api_unless_its_status_says_enough() {
        for (status, kind) in [
            (200, UpstreamErrorKind::InvalidResponse),
            (403, UpstreamErrorKind::InvalidResponse),
            (404, UpstreamErrorKind::InvalidResponse),
            (429, UpstreamErrorKind::RateLimited),
            (502, UpstreamErrorKind::Unavailable),
        ] {
            assert_eq!(kind_of(StatusCode::from_u16(status).unwrap(), &Envelope::default(), true), kind, "{status}");
        }
    }
}
