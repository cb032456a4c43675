//! Is the body JSON, and what does its outside say? Every answer of the upstream that is an object has the same few fields
//! around its data (polygon.md §4.2); their types are not relied upon.

use serde::Deserialize;
use serde::de::{Error as _, IgnoredAny};
use serde_json::value::RawValue;

/// Longest request id believed, in bytes.
const MAX_ID_BYTES: usize = 64;

/// Deepest nesting believed. No documented answer comes near it, and clients' parsers give up soon after (serde_json at 128).
const MAX_DEPTH: usize = 64;

/// Longest number that is in the range of a double whatever its digits are.
const MAX_PLAIN_DIGITS: usize = 300;

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
    /// Reads the outside of a body, which must be valid JSON to its last byte, and such that every client can read it, because its
    /// rows are handed on as they came. An array has no outside.
    pub(super) fn read(body: &[u8]) -> serde_json::Result<Self> {
        let envelope = Self::outside(body)?;
        if is_readable(body) {
            Ok(envelope)
        } else {
            Err(serde_json::Error::custom("too deep, a number too large, or a text that is none"))
        }
    }

    fn outside(body: &[u8]) -> serde_json::Result<Self> {
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

/// Whether valid JSON is nested no deeper than [`MAX_DEPTH`], every number of it is one of a double, and every text Unicode.
fn is_readable(json: &[u8]) -> bool {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => match text_len(&json[at + 1..]) {
                Some(len) => at += len,
                None => return false,
            },
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'-' | b'0'..=b'9' => {
                let is_part = |c: &u8| matches!(c, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                let number = &json[at..at + json[at..].iter().take_while(|c| is_part(c)).count()];
                if !is_double(number) {
                    return false;
                }
                at += number.len() - 1;
            }
            _ => {}
        }
        if depth > MAX_DEPTH {
            return false;
        }
        at += 1;
    }
    true
}

/// Bytes of a text from behind its first quote to its last, which counts; `None` when half of a surrogate pair stands in it.
fn text_len(rest: &[u8]) -> Option<usize> {
    let unit = |at: usize| -> Option<u16> {
        let digits = rest.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut at = 0;
    while let Some(byte) = rest.get(at) {
        match (byte, unit(at)) {
            (b'"', _) => return Some(at + 1),
            (b'\\', Some(0xd800..=0xdbff)) => {
                unit(at + 6).filter(|low| matches!(low, 0xdc00..=0xdfff))?;
                at += 12;
            }
            (b'\\', Some(0xdc00..=0xdfff)) => return None,
            (b'\\', _) => at += 2,
            _ => at += 1,
        }
    }
    Some(at)
}

fn is_double(number: &[u8]) -> bool {
    let is_plain = number.len() <= MAX_PLAIN_DIGITS && !number.iter().any(|c| matches!(c, b'e' | b'E'));
    is_plain || std::str::from_utf8(number).ok().and_then(|text| text.parse::<f64>().ok()).is_some_and(f64::is_finite)
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
    fn what_a_client_could_not_read_is_refused() {
        let nested = |depth: usize| format!("{{\"results\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        let digits = "9".repeat(400);
        for good in [
            r#"{"results":[1.7976931348623157e308,-0,0.5,7.0E+7,1e-999,99999999999999999999],"e":true}"#,
            r#"{"id":"1e999","text":"a \"1e999 [[[ \\","n":1}"#,
            r#"["\ud83d\ude80 \\ud800 \u00e9", 1]"#,
            "[1,[]]",
            &nested(MAX_DEPTH - 1),
        ] {
            assert!(Envelope::read(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in [
            r#"{"results":[1e999]}"#,
            r#"{"results":[{"p":-1E+309}]}"#,
            r#"{"a":"\\","p":1e400}"#,
            "[1e400]",
            r#"{"name":"a\ud800"}"#,
            r#"["\ude80"]"#,
            r#"["\ud83d\u0041"]"#,
            &format!("[{digits}]"),
            &nested(MAX_DEPTH),
            &nested(1_000_000),
        ] {
            assert!(Envelope::read(bad.as_bytes()).is_err(), "{bad:.60}");
        }
    }

    #[test]
    fn a_body_that_is_not_json_to_its_end_is_refused() {
        for body in ["", "{", "[1,", "{\"status\":\"OK\"", "{\"results\":[{\"p\":1]}", "{} x", "<html>", "{\"a\":\"\u{1}\"}"] {
            assert!(Envelope::read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
