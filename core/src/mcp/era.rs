//! Which era a POST belongs to (protocol.md §2): decided per request by one pure function; the body decides, headers only
//! cross-check.

use serde_json::json;

use super::envelope::{CAPABILITIES_KEY, Envelope, VERSION_KEY};
use super::revision::Revision;
use crate::rpc::{Body, ClientMessage, ErrorCode, RequestId, RpcError};

/// What a POST is.
#[derive(Debug)]
pub enum Era {
    /// Stateful: `initialize`, or a message within a session.
    Legacy(ClientMessage),
    /// Stateful batch: legal only in a session whose revision has batches.
    LegacyBatch(Vec<Result<ClientMessage, RpcError>>),
    /// Stateless: a request with what it says of itself.
    Modern(ClientMessage, Box<Envelope>),
    /// Stateless: a notification. None of the protocol's has an effect, so it is acknowledged and dropped.
    ModernNotification,
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

/// Decides by the `MCP-Protocol-Version` header (as received, if any) and the body. `lenient`: an unknown header is
/// allowed in the stateful era (`PROTOCOL_VERSION_CHECK`).
#[must_use]
pub fn classify(header: Option<&str>, body: Body, lenient: bool) -> Era {
    let header = header.map(str::trim).filter(|header| !header.is_empty());
    let modern_header = header.is_some_and(is_stateless);
    let unknown_header = !lenient && header.is_some_and(|header| Revision::by_name(header).is_none());
    match body {
        Body::Batch(batch) => classify_batch(batch, modern_header, unknown_header.then_some(header).flatten()),
        Body::One(message) => classify_message(message, header, modern_header, unknown_header),
    }
}

/// The same on a transport without headers (stdio), where only the body can say.
#[must_use]
pub fn classify_line(body: Body) -> Era {
    match body {
        Body::One(message @ ClientMessage::Notification { .. }) if Envelope::of(&message).is_some() => Era::ModernNotification,
        body => classify(None, body, false),
    }
}

fn classify_batch(batch: Vec<Result<ClientMessage, RpcError>>, modern_header: bool, unknown_header: Option<&str>) -> Era {
    let claimed =
        |message: &Result<ClientMessage, RpcError>| message.as_ref().is_ok_and(|message| Envelope::of(message).is_some());
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
    let envelope = Envelope::of(&message);
    match (&message, envelope) {
        (ClientMessage::Response { .. }, _) if modern_header => {
            refuse(None, ErrorCode::INVALID_REQUEST, "Invalid Request: clients send no responses in this revision")
        }
        (ClientMessage::Request { id, method, .. }, envelope) if &**method == "initialize" => {
            classify_initialize(id.clone(), envelope, modern_header, message)
        }
        (ClientMessage::Request { .. }, Some(envelope)) => Era::Modern(message, Box::new(envelope)),
        (ClientMessage::Request { id, .. }, None) if modern_header => {
            let error = RpcError::new(
                ErrorCode::INVALID_PARAMS,
                format!("missing `params._meta` with {VERSION_KEY} and {CAPABILITIES_KEY}"),
            );
            let data = json!({"missing": [VERSION_KEY, CAPABILITIES_KEY]});
            Era::Refused(Refusal { status: 400, id: Some(id.clone()), error: error.with_data(data) })
        }
        (ClientMessage::Notification { .. }, Some(envelope)) => classify_notification(&envelope, header),
        (ClientMessage::Notification { .. }, None) if modern_header => Era::ModernNotification,
        _ if unknown_header => {
            let id = match &message {
                ClientMessage::Request { id, .. } => Some(id.clone()),
                _ => None,
            };
            unsupported(id, header.unwrap_or_default())
        }
        _ => Era::Legacy(message),
    }
}

/// `initialize` negotiates in its body, so an unknown header on it is ignored (DESIGN §6).
fn classify_initialize(id: RequestId, envelope: Option<Envelope>, modern_header: bool, message: ClientMessage) -> Era {
    let Some(envelope) = envelope else {
        return if modern_header { handshake_refused(id) } else { Era::Legacy(message) };
    };
    let named = envelope.version.as_deref().unwrap_or_default();
    if envelope.is_complete() && is_stateless(named) {
        return Era::Modern(message, Box::new(envelope));
    }
    if modern_header {
        return handshake_refused(id);
    }
    match &envelope.version {
        Some(named) if Revision::by_name(named).is_some() => Era::Refused(not_served(Some(id), named)),
        _ => refuse(Some(id), ErrorCode::INVALID_PARAMS, "malformed `params._meta`"),
    }
}

fn handshake_refused(id: RequestId) -> Era {
    refuse(Some(id), ErrorCode::HEADER_MISMATCH, "MCP-Protocol-Version names a revision without a handshake")
}

fn classify_notification(envelope: &Envelope, header: Option<&str>) -> Era {
    let named = envelope.version.as_deref().unwrap_or_default();
    if header != Some(named) {
        return refuse(None, ErrorCode::HEADER_MISMATCH, "MCP-Protocol-Version does not match the version in `params._meta`");
    }
    if is_stateless(named) { Era::ModernNotification } else { Era::Refused(not_served(None, named)) }
}

fn is_stateless(name: &str) -> bool {
    Revision::by_name(name).is_some_and(Revision::is_stateless)
}

fn refuse(id: Option<RequestId>, code: ErrorCode, message: &'static str) -> Era {
    Era::Refused(Refusal { status: 400, id, error: RpcError::new(code, message) })
}

/// An unknown header without a claim: every revision that we speak may be the remedy.
fn unsupported(id: Option<RequestId>, requested: &str) -> Era {
    Era::Refused(version_refusal(id, requested, Revision::STATEFUL.into_iter().chain(Revision::STATELESS).collect()))
}

/// A claim of a revision that is not served statelessly: only stateless ones are a remedy (protocol.md §2.4).
pub(super) fn not_served(id: Option<RequestId>, requested: &str) -> Refusal {
    version_refusal(id, requested, Revision::STATELESS.to_vec())
}

fn version_refusal(id: Option<RequestId>, requested: &str, supported: Vec<Revision>) -> Refusal {
    let supported: Vec<&str> = supported.into_iter().map(Revision::as_str).collect();
    let requested: String = requested.chars().take(64).collect();
    let error = RpcError::new(
        ErrorCode::UNSUPPORTED_VERSION,
        format!("Unsupported protocol version: use one of {}", supported.join(", ")),
    )
    .with_data(json!({"supported": supported, "requested": requested}));
    Refusal { status: 400, id, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODERN: &str = "2026-07-28";

    fn outcome(header: Option<&str>, body: &str) -> String {
        match classify(header, Body::parse(body.as_bytes()).unwrap(), false) {
            Era::Legacy(_) => "legacy".into(),
            Era::LegacyBatch(_) => "batch".into(),
            Era::Modern(..) => "modern".into(),
            Era::ModernNotification => "dropped".into(),
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
        let claimed = request("tools/list", &format!(r#"{{"{VERSION_KEY}":"{MODERN}","{CAPABILITIES_KEY}":{{}}}}"#));
        let malformed = request("tools/list", &format!(r#"{{"{VERSION_KEY}":7}}"#));
        let escaped = request("tools/list", r#"{"\u0069o.modelcontextprotocol/protocolVersion":"2026-07-28"}"#);
        let initialize = request("initialize", "{}");
        let modern_initialize = request("initialize", &format!(r#"{{"{VERSION_KEY}":"{MODERN}","{CAPABILITIES_KEY}":{{}}}}"#));
        let legacy_claim = request("initialize", &format!(r#"{{"{VERSION_KEY}":"2025-06-18","{CAPABILITIES_KEY}":{{}}}}"#));
        let malformed_initialize = request("initialize", &format!(r#"{{"{VERSION_KEY}":7}}"#));
        let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned();
        let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned();
        let told = |version: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"_meta":{{"{VERSION_KEY}":"{version}","{CAPABILITIES_KEY}":{{}}}}}}}}"#
            )
        };
        let (claimed_notification, future_notification) = (told(MODERN), told("2099-01-01"));
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
            (Some(MODERN), &notification, "dropped"),
            (Some(MODERN), &claimed_notification, "dropped"),
            (None, &claimed_notification, "400 -32020"),
            (Some("2025-06-18"), &claimed_notification, "400 -32020"),
            (Some("2099-01-01"), &future_notification, "400 -32022"),
            (Some("1999-01-01"), &notification, "400 -32022"),
            (None, &notification, "legacy"),
        ] {
            assert_eq!(outcome(header, body), expected, "header {header:?}, body {body}");
        }
    }

    /// A claim counts wherever it stands; a list is no `_meta`, whatever it holds.
    #[test]
    fn a_claim_cannot_be_hidden_and_is_not_read_into_lists() {
        let claim = format!(r#"{{"{VERSION_KEY}":"{MODERN}","{CAPABILITIES_KEY}":{{}}}}"#);
        let with_params = |params: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{params}}}"#);
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        for params in [
            format!(r#"{{"_meta":{claim},"_meta":{{}}}}"#),
            format!(r#"{{"_meta":{{}},"_meta":{claim}}}"#),
            format!(r#"{{"_meta":7,"\u005fmeta":{claim}}}"#),
            format!(r#"{{"_meta":{{"{VERSION_KEY}":"{MODERN}","{VERSION_KEY}":"{MODERN}"}}}}"#),
            format!(r#"{{"_meta":{{"{VERSION_KEY}":1,"{VERSION_KEY}":2,"x":{deep}}}}}"#),
            format!(r#"{{"x":{deep},"_meta":{claim}}}"#),
            format!(r#"{{"\ud800":1,"_meta":{claim}}}"#),
            format!(r#"{{"_meta":{{"\ud800":1,"{VERSION_KEY}":"{MODERN}"}}}}"#),
        ] {
            assert_eq!(outcome(None, &with_params(&params)), "modern", "{params}");
        }
        for params in [
            format!(r#"{{"_meta":["{MODERN}",{{}}]}}"#),
            format!(r#"{{"_meta":[{claim}]}}"#),
            format!(r#"{{"_meta":"{VERSION_KEY}"}}"#),
            format!(r#"{{"x":{{"_meta":{claim}}}}}"#),
            format!("[{claim}]"),
            format!("[[\"{MODERN}\",{{}}]]"),
        ] {
            assert_eq!(outcome(None, &with_params(&params)), "legacy", "{params}");
        }
    }

    #[test]
    fn without_headers_a_claim_in_the_body_is_enough() {
        let line = |body: &str| classify_line(Body::parse(body.as_bytes()).unwrap());
        let claim = format!(r#"{{"{VERSION_KEY}":"{MODERN}","{CAPABILITIES_KEY}":{{}}}}"#);
        let told =
            format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":1,"_meta":{claim}}}}}"#);
        assert!(matches!(line(&told), Era::ModernNotification));
        assert!(matches!(line(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#), Era::Legacy(_)));
        assert!(matches!(line(&request("tools/list", &claim)), Era::Modern(..)));
        assert!(matches!(line(&request("tools/list", "{}")), Era::Legacy(_)));
    }

    #[test]
    fn a_lenient_gateway_allows_an_unknown_header_in_the_stateful_era() {
        let plain = Body::parse(request("tools/list", "{}").as_bytes()).unwrap();
        assert!(matches!(classify(Some("1999-01-01"), plain, true), Era::Legacy(_)));
    }
}
