//! Which era a POST belongs to (protocol.md §2): decided per request by one pure function; the body decides, headers only
//! cross-check. Served now: the stateful era. A well-formed request of the stateless era is told apart and handed back.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::revision::{MODERN_REVISIONS, Revision};
use crate::rpc::{Body, ClientMessage, ErrorCode, RequestId, RpcError};

/// The single key whose presence claims the stateless era.
const CLAIM: &str = "io.modelcontextprotocol/protocolVersion";
/// The other key that a stateless request must have.
const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// What a POST is.
#[derive(Debug)]
pub enum Era {
    /// Stateful: `initialize`, or a message within a session.
    Legacy(ClientMessage),
    /// Stateful batch: legal only in a session that negotiated 2025-03-26.
    LegacyBatch(Vec<Result<ClientMessage, RpcError>>),
    /// Stateless: the message carries its own version.
    Modern(ClientMessage),
    /// Neither.
    Refused(Refusal),
}

/// A refusal at the level of HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The id to echo, when it could be read.
    pub id: Option<RequestId>,
    /// What to say.
    pub error: RpcError,
}

impl Refusal {
    /// A refusal that answers no particular request.
    #[must_use]
    pub const fn new(status: u16, error: RpcError) -> Self {
        Self { status, id: None, error }
    }
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow, default, rename = "_meta")]
    meta: Option<&'a RawValue>,
}

enum Claim {
    None,
    /// The key is there, with this value if it is a string; `complete` when the envelope is well formed.
    Made {
        version: Option<String>,
        complete: bool,
    },
}

/// Decides by the `MCP-Protocol-Version` header (as received, if any) and the body. `lenient`: an unknown header is
/// allowed in the stateful era (`PROTOCOL_VERSION_CHECK`).
#[must_use]
pub fn classify(header: Option<&str>, body: Body, lenient: bool) -> Era {
    let header = header.map(str::trim).filter(|header| !header.is_empty());
    let modern_header = header.is_some_and(|header| MODERN_REVISIONS.contains(&header));
    let unknown_header = !lenient && header.is_some_and(|header| !modern_header && Revision::by_name(header).is_none());
    match body {
        Body::Batch(batch) => classify_batch(batch, modern_header, unknown_header.then_some(header).flatten()),
        Body::One(message) => classify_message(message, header, modern_header, unknown_header),
    }
}

fn classify_batch(batch: Vec<Result<ClientMessage, RpcError>>, modern_header: bool, unknown_header: Option<&str>) -> Era {
    let claimed = |message: &Result<ClientMessage, RpcError>| {
        message.as_ref().is_ok_and(|message| matches!(claim_of(message), Claim::Made { .. }))
    };
    if modern_header || batch.iter().any(claimed) {
        return refuse(
            None,
            ErrorCode::INVALID_REQUEST,
            "Invalid Request: this revision has no batches; send one message per POST",
        );
    }
    match unknown_header {
        Some(header) => unsupported(None, header),
        None => Era::LegacyBatch(batch),
    }
}

fn classify_message(message: ClientMessage, header: Option<&str>, modern_header: bool, unknown_header: bool) -> Era {
    let claim = claim_of(&message);
    match &message {
        ClientMessage::Response { .. } if modern_header => {
            refuse(None, ErrorCode::INVALID_REQUEST, "Invalid Request: clients send no responses in this revision")
        }
        ClientMessage::Request { id, method, .. } if &**method == "initialize" => {
            classify_initialize(id.clone(), claim, modern_header, message)
        }
        ClientMessage::Request { id, .. } => match claim {
            Claim::Made { .. } => Era::Modern(message),
            Claim::None if modern_header => {
                let error = RpcError::new(
                    ErrorCode::INVALID_PARAMS,
                    format!("missing `params._meta` with {CLAIM} and {CLIENT_CAPABILITIES}"),
                );
                let data = json!({"missing": [CLAIM, CLIENT_CAPABILITIES]});
                Era::Refused(Refusal { status: 400, id: Some(id.clone()), error: error.with_data(data) })
            }
            Claim::None if unknown_header => unsupported(Some(id.clone()), header.unwrap_or_default()),
            Claim::None => Era::Legacy(message),
        },
        ClientMessage::Notification { .. } => match claim {
            Claim::Made { .. } => Era::Modern(message),
            Claim::None if modern_header => Era::Modern(message),
            Claim::None if unknown_header => unsupported(None, header.unwrap_or_default()),
            Claim::None => Era::Legacy(message),
        },
        ClientMessage::Response { .. } if unknown_header => unsupported(None, header.unwrap_or_default()),
        ClientMessage::Response { .. } => Era::Legacy(message),
    }
}

/// `initialize` negotiates in its body, so an unknown header on it is ignored (DESIGN §6).
fn classify_initialize(id: RequestId, claim: Claim, modern_header: bool, message: ClientMessage) -> Era {
    match claim {
        Claim::Made { complete: true, version: Some(version) } if MODERN_REVISIONS.contains(&version.as_str()) => {
            Era::Modern(message)
        }
        _ if modern_header => {
            refuse(Some(id), ErrorCode::HEADER_MISMATCH, "MCP-Protocol-Version names a revision without a handshake")
        }
        Claim::Made { version: Some(version), .. } if Revision::by_name(&version).is_some() => unsupported(Some(id), &version),
        Claim::Made { .. } => refuse(Some(id), ErrorCode::INVALID_PARAMS, "malformed `params._meta`"),
        Claim::None => Era::Legacy(message),
    }
}

fn claim_of(message: &ClientMessage) -> Claim {
    let (ClientMessage::Request { params: Some(params), .. } | ClientMessage::Notification { params: Some(params), .. }) =
        message
    else {
        return Claim::None;
    };
    let Ok(Params { meta: Some(meta) }) = serde_json::from_str(params.get()) else { return Claim::None };
    let Ok(Value::Object(meta)) = serde_json::from_str(meta.get()) else { return Claim::None };
    match meta.get(CLAIM) {
        None => Claim::None,
        Some(version) => Claim::Made {
            version: version.as_str().map(ToOwned::to_owned),
            complete: version.is_string() && meta.get(CLIENT_CAPABILITIES).is_some_and(Value::is_object),
        },
    }
}

fn refuse(id: Option<RequestId>, code: ErrorCode, message: &'static str) -> Era {
    Era::Refused(Refusal { status: 400, id, error: RpcError::new(code, message) })
}

fn unsupported(id: Option<RequestId>, requested: &str) -> Era {
    let supported: Vec<&str> = Revision::ALL.iter().map(|revision| revision.as_str()).collect();
    let requested: String = requested.chars().take(64).collect();
    let error = RpcError::new(
        ErrorCode::UNSUPPORTED_VERSION,
        format!("Unsupported protocol version: use one of {}", supported.join(", ")),
    )
    .with_data(json!({"supported": supported, "requested": requested}));
    Era::Refused(Refusal { status: 400, id, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODERN: &str = "2026-07-28";

    fn outcome(header: Option<&str>, body: &str) -> String {
        match classify(header, Body::parse(body.as_bytes()).unwrap(), false) {
            Era::Legacy(_) => "legacy".into(),
            Era::LegacyBatch(_) => "batch".into(),
            Era::Modern(_) => "modern".into(),
            Era::Refused(refusal) => format!("{} {}", refusal.status, refusal.error.code.0),
        }
    }

    fn request(method: &str, meta: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"_meta":{meta}}}}}"#)
    }

    /// Every row of protocol.md §2.3 and the rulings of DESIGN §6.
    #[test]
    fn the_decision_table_holds_row_by_row() {
        let plain = request("tools/list", "{}");
        let claimed = request("tools/list", &format!(r#"{{"{CLAIM}":"{MODERN}","{CLIENT_CAPABILITIES}":{{}}}}"#));
        let malformed = request("tools/list", &format!(r#"{{"{CLAIM}":7}}"#));
        let escaped = request("tools/list", r#"{"\u0069o.modelcontextprotocol/protocolVersion":"2026-07-28"}"#);
        let initialize = request("initialize", "{}");
        let modern_initialize = request("initialize", &format!(r#"{{"{CLAIM}":"{MODERN}","{CLIENT_CAPABILITIES}":{{}}}}"#));
        let legacy_claim = request("initialize", &format!(r#"{{"{CLAIM}":"2025-06-18","{CLIENT_CAPABILITIES}":{{}}}}"#));
        let malformed_initialize = request("initialize", &format!(r#"{{"{CLAIM}":7}}"#));
        let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned();
        let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned();
        let (batch, claimed_batch) = (format!("[{plain}]"), format!("[{plain},{claimed}]"));
        for (header, body, expected) in [
            (None, &claimed_batch, "400 -32600"),
            (Some(MODERN), &batch, "400 -32600"),
            (None, &batch, "batch"),
            (Some("2025-03-26"), &batch, "batch"),
            (Some("1999-01-01"), &batch, "400 -32022"),
            (Some(MODERN), &response, "400 -32600"),
            (None, &response, "legacy"),
            (Some("2025-06-18"), &response, "legacy"),
            (None, &modern_initialize, "modern"),
            (Some(MODERN), &modern_initialize, "modern"),
            (Some(MODERN), &initialize, "400 -32020"),
            (Some(MODERN), &malformed_initialize, "400 -32020"),
            (Some(MODERN), &legacy_claim, "400 -32020"),
            (None, &legacy_claim, "400 -32022"),
            (None, &malformed_initialize, "400 -32602"),
            (None, &initialize, "legacy"),
            (Some("2025-06-18"), &initialize, "legacy"),
            (Some("1999-01-01"), &initialize, "legacy"),
            (None, &claimed, "modern"),
            (Some(MODERN), &claimed, "modern"),
            (Some("2025-06-18"), &claimed, "modern"),
            (None, &malformed, "modern"),
            (None, &escaped, "modern"),
            (Some(MODERN), &plain, "400 -32602"),
            (Some("1999-01-01"), &plain, "400 -32022"),
            (Some(" 2025-11-25 "), &plain, "legacy"),
            (Some(""), &plain, "legacy"),
            (None, &plain, "legacy"),
            (Some(MODERN), &notification, "modern"),
            (Some("1999-01-01"), &notification, "400 -32022"),
            (None, &notification, "legacy"),
        ] {
            assert_eq!(outcome(header, body), expected, "header {header:?}, body {body}");
        }
    }

    #[test]
    fn a_lenient_gateway_allows_an_unknown_header_in_the_stateful_era() {
        let plain = Body::parse(request("tools/list", "{}").as_bytes()).unwrap();
        assert!(matches!(classify(Some("1999-01-01"), plain, true), Era::Legacy(_)));
    }
}
