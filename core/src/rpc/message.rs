//! One message from a client, or a batch of them.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::error::{ErrorCode, RpcError};

/// Longest request id accepted, in bytes; it is echoed with every message about the request.
pub const MAX_ID_BYTES: usize = 256;

/// The id of a request: a string or a whole number, never null (MCP narrows JSON-RPC here).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RequestId {
    /// A number.
    Number(i64),
    /// A string.
    Text(Box<str>),
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// A message from a client.
#[derive(Clone, Debug)]
pub enum ClientMessage {
    /// Wants an answer.
    Request {
        /// To be echoed.
        id: RequestId,
        /// What is asked.
        method: Box<str>,
        /// With what.
        params: Option<Box<RawValue>>,
    },
    /// Wants none.
    Notification {
        /// What is told.
        method: Box<str>,
        /// With what.
        params: Option<Box<RawValue>>,
    },
    /// Answers a request of ours.
    Response {
        /// Which.
        id: RequestId,
        /// The result, or the error, as JSON.
        outcome: Result<Box<RawValue>, Box<RawValue>>,
    },
}

/// The body of a POST.
#[derive(Clone, Debug)]
pub enum Body {
    /// One message.
    One(ClientMessage),
    /// A JSON array, even of one element: its elements, each on its own.
    Batch(Vec<Result<ClientMessage, RpcError>>),
}

#[derive(Deserialize)]
#[serde(expecting = "a JSON-RPC message, which is an object")]
struct Envelope<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// Keeps an explicit null apart from an absent member.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl Body {
    /// Reads a body.
    ///
    /// # Errors
    /// −32700 when it is no JSON, −32600 when it is JSON but no JSON-RPC message.
    pub fn parse(bytes: &[u8]) -> Result<Self, RpcError> {
        let text =
            std::str::from_utf8(bytes).map_err(|_| RpcError::new(ErrorCode::PARSE, "Parse error: the body is not UTF-8"))?;
        if text.trim_start().starts_with('[') {
            let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| refusal(&error))?;
            if elements.is_empty() {
                return Err(RpcError::new(ErrorCode::INVALID_REQUEST, "Invalid Request: an empty batch"));
            }
            return Ok(Self::Batch(elements.into_iter().map(|element| ClientMessage::parse(element.get())).collect()));
        }
        ClientMessage::parse(text).map(Self::One)
    }
}

impl ClientMessage {
    fn parse(text: &str) -> Result<Self, RpcError> {
        let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| refusal(&error))?;
        // A list would be read as members in order.
        if !text.trim_start().starts_with('{') {
            return Err(RpcError::new(ErrorCode::INVALID_REQUEST, "Invalid Request: a message is an object"));
        }
        if envelope.jsonrpc.as_deref() != Some("2.0") {
            return Err(RpcError::new(ErrorCode::INVALID_REQUEST, "Invalid Request: `jsonrpc` must be \"2.0\""));
        }
        let id = envelope.id.map(request_id).transpose()?;
        let params = match envelope.params {
            Some(params) if !params.get().starts_with(['{', '[']) => {
                return Err(RpcError::new(ErrorCode::INVALID_REQUEST, "Invalid Request: `params` must be an object"));
            }
            params => params.map(ToOwned::to_owned),
        };
        match (envelope.method, id, envelope.result, envelope.error) {
            (Some(method), Some(id), None, None) => Ok(Self::Request { id, method: method.into(), params }),
            (Some(method), None, None, None) => Ok(Self::Notification { method: method.into(), params }),
            (None, Some(id), Some(result), None) => Ok(Self::Response { id, outcome: Ok(result.to_owned()) }),
            (None, Some(id), None, Some(error)) => Ok(Self::Response { id, outcome: Err(error.to_owned()) }),
            _ => Err(RpcError::new(
                ErrorCode::INVALID_REQUEST,
                "Invalid Request: send `method` (with `id` for a request), or `id` with exactly one of `result` and `error`",
            )),
        }
    }
}

fn request_id(raw: &RawValue) -> Result<RequestId, RpcError> {
    serde_json::from_str(raw.get()).ok().filter(|_| raw.get().len() <= MAX_ID_BYTES).ok_or_else(|| {
        RpcError::new(ErrorCode::INVALID_REQUEST, "Invalid Request: `id` must be a string of at most 256 bytes or a whole number")
    })
}

fn refusal(error: &serde_json::Error) -> RpcError {
    match error.classify() {
        Category::Data => RpcError::new(ErrorCode::INVALID_REQUEST, format!("Invalid Request: {error}")),
        Category::Io | Category::Syntax | Category::Eof => RpcError::new(ErrorCode::PARSE, format!("Parse error: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(text: &str) -> i32 {
        match Body::parse(text.as_bytes()) {
            Ok(_) => 0,
            Err(error) => error.code.0,
        }
    }

    #[test]
    fn requests_notifications_and_responses_are_told_apart() {
        for (text, kind) in [
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, "Request"),
            (r#" {"jsonrpc":"2.0","id":"a","method":"ping","params":{}}"#, "Request"),
            (r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, "Notification"),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, "Response"),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}"#, "Response"),
        ] {
            let Ok(Body::One(message)) = Body::parse(text.as_bytes()) else { panic!("{text}") };
            assert!(format!("{message:?}").starts_with(kind), "{text}");
        }
        assert!(
            matches!(Body::parse(br#"[{"jsonrpc":"2.0","id":1,"method":"ping"},1]"#), Ok(Body::Batch(b)) if b[0].is_ok() && b[1].is_err())
        );
    }

    #[test]
    fn what_is_no_json_is_32700_and_what_is_no_request_is_32600() {
        for text in ["", "{", "{\"jsonrpc\":\"2.0\",", "nul", "{\"id\":NaN}", "\u{feff}{}"] {
            assert_eq!(code(text), -32700, "{text:?}");
        }
        assert_eq!(Body::parse(&[b'{', 0xff, b'}']).unwrap_err().code.0, -32700);
        for text in [
            "{}",
            "[]",
            "1",
            "null",
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":7}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#,
            r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"METHOD":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            r#"{"jsonrpc":"2.0","result":{}}"#,
            "7",
        ] {
            assert_eq!(code(text), -32600, "{text}");
        }
    }

    #[test]
    fn a_list_in_a_batch_is_no_message_whatever_it_holds() {
        let Ok(Body::Batch(elements)) = Body::parse(br#"[["2.0",1,"ping"], {"jsonrpc":"2.0","id":1,"method":"ping"}]"#) else {
            panic!("a batch")
        };
        assert!(elements[0].is_err() && elements[1].is_ok());
    }

    proptest! {
        #[test]
        fn no_body_makes_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Body::parse(&bytes);
        }
    }
}
