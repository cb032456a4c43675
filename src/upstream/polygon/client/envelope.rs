//! Is the body JSON, and what does its outside say? Every answer of the upstream that is an object has the same few fields
//! around its data (polygon.md §4.2); their types are not relied upon.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Longest request id believed, in bytes.
const MAX_ID_BYTES: usize = 64;

/// The outside of an answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Envelope {
    /// `OK`, `DELAYED`, `ERROR` and so on.
    pub(super) status: Option<String>,
    /// What the upstream says of an error: it stands in `error` or in `message`.
    pub(super) said: Option<String>,
    pub(super) next_url: Option<String>,
    pub(super) request_id: Option<String>,
}

#[derive(Deserialize)]
struct Outside<'a> {
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    next_url: Option<&'a RawValue>,
    #[serde(borrow)]
    request_id: Option<&'a RawValue>,
}

impl Envelope {
    /// Reads the outside of a body, which must be valid JSON to its last byte. An array has no outside.
    pub(super) fn read(body: &[u8]) -> serde_json::Result<Self> {
        if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return serde_json::from_slice::<IgnoredAny>(body).map(|_| Self::default());
        }
        let outside: Outside<'_> = serde_json::from_slice(body)?;
        Ok(Self {
            status: text(outside.status),
            said: text(outside.error).or_else(|| text(outside.message)),
            next_url: text(outside.next_url),
            request_id: text(outside.request_id).and_then(|id| request_id(&id)),
        })
    }

    /// Whether a body that came with HTTP 200 is an error all the same.
    pub(super) fn is_error(&self) -> bool {
        matches!(self.status.as_deref(), Some("ERROR" | "NOT_AUTHORIZED" | "NOT_FOUND"))
    }
}

fn text(value: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(value?.get()).ok()
}

/// Takes a request id of the upstream, if it is one: it goes into logs.
pub(super) fn request_id(id: &str) -> Option<String> {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
    ((1..=MAX_ID_BYTES).contains(&id.len()) && id.bytes().all(plain)).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outside_is_read_whatever_the_types_of_its_fields() {
        let envelope =
            Envelope::read(br#" {"status":"DELAYED","request_id":"ab-1","results":[1],"next_url":"https://x/v2/y"}"#).unwrap();
        assert_eq!(envelope.status.as_deref(), Some("DELAYED"));
        assert_eq!((envelope.next_url.as_deref(), envelope.request_id.as_deref()), (Some("https://x/v2/y"), Some("ab-1")));
        let odd = Envelope::read(br#"{"status":7,"error":{"a":1},"message":"m","next_url":null,"request_id":"a\r\nb"}"#).unwrap();
        assert_eq!(odd, Envelope { said: Some("m".to_owned()), ..Envelope::default() });
        assert_eq!(Envelope::read(b"[1,2]").unwrap(), Envelope::default());
    }

    #[test]
    fn a_body_that_is_not_json_to_its_end_is_refused() {
        for body in ["", "{", "[1,", "{\"status\":\"OK\"", "{\"results\":[{\"p\":1]}", "{} x", "<html>", "{\"a\":\"\u{1}\"}"] {
            assert!(Envelope::read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
