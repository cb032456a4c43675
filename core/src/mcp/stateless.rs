//! Admission of a stateless request (protocol.md §2.4): one ladder, the first failure wins. What the request then needs of a tool's
//! schema, a scope or a capability is checked where that is known.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::client::{ClientCapabilities, TASKS_EXTENSION};
use super::envelope::Envelope;
use super::era::{Refusal, not_served};
use super::feature::{FeatureRequest, parse};
use super::header::{HeaderValue, RoutingHeaders, decode_sentinel};
use super::lifecycle::LogLevel;
use super::outcome::FeatureError;
use super::revision::Revision;
use crate::rpc::{ErrorCode, RequestId, RpcError};

/// Resources and tasks that one `subscriptions/listen` may name.
pub const MAX_LISTEN_SUBJECTS: usize = 100;

/// A request that may be carried out.
#[derive(Debug)]
pub struct StatelessRequest {
    /// To be echoed.
    pub id: RequestId,
    /// Its revision.
    pub revision: Revision,
    /// What is asked.
    pub asked: Asked,
    /// What the client can do.
    pub client: ClientCapabilities,
    /// From which level up it wants log messages; none without.
    pub log_level: Option<LogLevel>,
    /// JSON of its progress token.
    pub progress_token: Option<Box<RawValue>>,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

/// What a stateless client can ask.
#[derive(Debug)]
pub enum Asked {
    /// `server/discover`.
    Discover,
    /// `subscriptions/listen`.
    Listen(Subjects),
    /// A feature, perhaps with answers to questions of before.
    Feature(FeatureRequest, Answers),
}

/// What a listener wants to hear of.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Subjects {
    /// The list of tools.
    pub tools_list_changed: bool,
    /// The list of prompts.
    pub prompts_list_changed: bool,
    /// The list of resources.
    pub resources_list_changed: bool,
    /// These resources.
    pub resource_subscriptions: Vec<String>,
    /// These tasks.
    pub task_ids: Vec<String>,
}

/// What a client answers to the questions of the round before (multi round-trip requests).
#[derive(Debug, Default)]
pub struct Answers {
    /// By the question's key.
    pub responses: Map<String, Value>,
    /// `requestState`, as the gateway gave it.
    pub state: Option<Box<str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoundParams {
    #[serde(default)]
    input_responses: Option<Value>,
    #[serde(default)]
    request_state: Option<Box<str>>,
}

#[derive(Deserialize)]
struct ListenParams {
    notifications: Map<String, Value>,
}

/// Admits a request. `headers`: those of its POST; `None` where the transport has none.
///
/// # Errors
/// The first rung that fails.
pub fn admit(
    id: RequestId,
    method: &str,
    params: Option<&RawValue>,
    envelope: Envelope,
    headers: Option<&RoutingHeaders<'_>>,
) -> Result<StatelessRequest, Refusal> {
    let refuse = |status, error| Refusal { status, id: Some(id.clone()), error };
    let mismatch = |message: &'static str| refuse(400, RpcError::new(ErrorCode::HEADER_MISMATCH, message));
    if headers.is_some_and(|sent| [sent.version, sent.method, sent.name].contains(&HeaderValue::Unusable)) {
        return Err(mismatch("MCP-Protocol-Version, Mcp-Method or Mcp-Name was sent more than once or is not readable"));
    }
    if !envelope.is_complete() {
        let message = format!("missing or malformed in `params._meta`: {}", envelope.faults.join(", "));
        let error = RpcError::new(ErrorCode::INVALID_PARAMS, message).with_data(json!({"missing": envelope.faults}));
        return Err(refuse(400, error));
    }
    let (version, client) = (envelope.version.unwrap_or_default(), envelope.capabilities.unwrap_or_default());
    if headers.is_some_and(|sent| sent.version.text() != Some(version.as_str())) {
        return Err(mismatch("MCP-Protocol-Version is missing or does not match the version in `params._meta`"));
    }
    let Some(revision) = Revision::by_name(&version).filter(|revision| revision.is_stateless()) else {
        return Err(not_served(Some(id), &version));
    };
    if headers.is_some_and(|sent| sent.method.text() != Some(method)) {
        return Err(mismatch("Mcp-Method is missing or does not match `method`"));
    }
    let feature = FeatureRequest::read(method, params, revision);
    if let Some(sent) = headers {
        let named = match &feature {
            Ok(Some(feature)) => feature.name().map(|name| Some(Cow::Borrowed(name))),
            Ok(None) => None,
            Err(_) => name_of(method, params).map(|name| name.map(Cow::Owned)),
        };
        if named.is_some_and(|name| name.is_none() || sent.name.text().and_then(decode_sentinel) != name) {
            return Err(mismatch("Mcp-Name is missing or does not match what the request names"));
        }
    }
    let asked = match (method, feature) {
        ("server/discover", _) => Asked::Discover,
        ("subscriptions/listen", _) => Asked::Listen(subjects(params).map_err(|error| refuse(200, error))?),
        (_, Ok(None)) => return Err(refuse(404, RpcError::new(ErrorCode::METHOD_NOT_FOUND, "Method not found"))),
        (_, Err(error)) => return Err(refuse(200, error)),
        (_, Ok(Some(feature))) => {
            let answers =
                if feature.may_ask() { answers(method, params).map_err(|error| refuse(200, error))? } else { Answers::default() };
            Asked::Feature(feature, answers)
        }
    };
    if envelope.bad_log_level {
        let message = "`_meta[io.modelcontextprotocol/logLevel]` must be one of debug, info, notice, warning, error, critical, alert, emergency";
        return Err(refuse(200, RpcError::new(ErrorCode::INVALID_PARAMS, message)));
    }
    if envelope.bad_progress_token {
        let message = "`_meta.progressToken` must be a string of at most 256 bytes or a whole number";
        return Err(refuse(200, RpcError::new(ErrorCode::INVALID_PARAMS, message)));
    }
    if method.starts_with("tasks/") && !client.tasks {
        let error = FeatureError::MissingCapability(json!({"extensions": {TASKS_EXTENSION: {}}}));
        return Err(refuse(error.status(revision), error.rpc(revision)));
    }
    let Envelope { log_level, progress_token, traceparent, .. } = envelope;
    Ok(StatelessRequest { id, revision, asked, client, log_level, progress_token, traceparent })
}

/// What `Mcp-Name` must say where the parameters are not those of the method; `None` for a method without it, `Some(None)` when the parameter that it repeats is no text.
fn name_of(method: &str, params: Option<&RawValue>) -> Option<Option<String>> {
    let member = match method {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        "tasks/get" | "tasks/update" | "tasks/cancel" => "taskId",
        _ => return None,
    };
    let params: Option<Map<String, Value>> = params.and_then(|params| serde_json::from_str(params.get()).ok());
    Some(params.and_then(|mut params| match params.remove(member) {
        Some(Value::String(name)) => Some(name),
        _ => None,
    }))
}

fn subjects(params: Option<&RawValue>) -> Result<Subjects, RpcError> {
    let ListenParams { notifications } = parse("subscriptions/listen", params)?;
    let notifications: Subjects = serde_json::from_value(Value::Object(notifications))
        .map_err(|error| RpcError::new(ErrorCode::INVALID_PARAMS, format!("subscriptions/listen: {error}")))?;
    let count = notifications.resource_subscriptions.len() + notifications.task_ids.len();
    if count > MAX_LISTEN_SUBJECTS {
        let message = format!("subscriptions/listen: {count} resources and tasks; at most {MAX_LISTEN_SUBJECTS}");
        return Err(RpcError::new(ErrorCode::INVALID_PARAMS, message));
    }
    Ok(notifications)
}

fn answers(method: &str, params: Option<&RawValue>) -> Result<Answers, RpcError> {
    let RoundParams { input_responses, request_state } = parse(method, params)?;
    let responses = match input_responses {
        // Null answers nothing: what is missing is asked again.
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(responses)) => responses,
        Some(_) => {
            let message = format!("{method}: `inputResponses` must be an object");
            return Err(RpcError::new(ErrorCode::INVALID_PARAMS, message));
        }
    };
    Ok(Answers { responses, state: request_state })
}

#[cfg(test)]
mod tests {
    use super::super::era::{Era, classify};
    use super::*;
    use crate::rpc::{Body, ClientMessage};

    const MODERN: &str = "2026-07-28";

    /// One POST, good in every way unless a test spoils it.
    struct Post {
        method: &'static str,
        params: Value,
        headers: RoutingHeaders<'static>,
    }

    impl Post {
        fn new(method: &'static str, params: Value) -> Self {
            let name = params.get("name").or(params.get("uri")).or(params.get("taskId")).and_then(Value::as_str);
            let name = name.map_or(HeaderValue::Absent, |name| HeaderValue::Once(name.to_owned().leak()));
            let headers = RoutingHeaders { version: HeaderValue::Once(MODERN), method: HeaderValue::Once(method), name };
            let mut params = params;
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            Self { method, params, headers }
        }

        fn list() -> Self {
            Self::new("tools/list", json!({}))
        }

        fn call() -> Self {
            Self::new("tools/call", json!({"name": "quote", "arguments": {}}))
        }

        fn meta(mut self, key: &str, value: Value) -> Self {
            self.params["_meta"][format!("io.modelcontextprotocol/{key}")] = value;
            self
        }

        fn without(mut self, key: &str) -> Self {
            self.params["_meta"].as_object_mut().unwrap().remove(&format!("io.modelcontextprotocol/{key}"));
            self
        }

        fn with(mut self, change: impl FnOnce(&mut RoutingHeaders<'static>)) -> Self {
            change(&mut self.headers);
            self
        }

        fn admit(&self) -> Result<StatelessRequest, Refusal> {
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": self.method, "params": self.params}).to_string();
            match classify(self.headers.version.text(), Body::parse(body.as_bytes()).unwrap(), false) {
                Era::Modern(ClientMessage::Request { id, method, params }, envelope) => {
                    admit(id, &method, params.as_deref(), *envelope, Some(&self.headers))
                }
                Era::Refused(refusal) => Err(refusal),
                era => panic!("{era:?}"),
            }
        }

        fn refused(&self) -> (u16, i32) {
            let refusal = self.admit().unwrap_err();
            assert_eq!(refusal.id, Some(RequestId::Number(1)), "every error echoes the id");
            (refusal.status, refusal.error.code.0)
        }
    }

    /// Every rung of protocol.md §2.4 that is decided here.
    #[test]
    fn the_first_failing_rung_decides() {
        use HeaderValue::{Absent, Once, Unusable};
        assert!(Post::list().admit().is_ok() && Post::call().admit().is_ok());
        for (post, expected) in [
            (Post::list().with(|sent| sent.method = Unusable).without("clientCapabilities"), (400, -32020)),
            (Post::call().with(|sent| sent.name = Unusable), (400, -32020)),
            (Post::list().without("clientCapabilities"), (400, -32602)),
            (Post::list().without("protocolVersion"), (400, -32602)),
            (Post::list().meta("clientCapabilities", json!([])), (400, -32602)),
            (Post::list().meta("protocolVersion", json!(7)), (400, -32602)),
            (Post::list().meta("clientInfo", json!({"name": "c"})), (400, -32602)),
            (Post::list().meta("clientInfo", json!(["c", "1"])), (400, -32602)),
            (Post::list().meta("protocolVersion", json!("v999")), (400, -32020)),
            (Post::list().with(|sent| sent.version = Absent), (400, -32020)),
            (Post::list().meta("protocolVersion", json!("v999")).with(|sent| sent.version = Once("v999")), (400, -32022)),
            (
                Post::list().meta("protocolVersion", json!("2025-11-25")).with(|sent| sent.version = Once("2025-11-25")),
                (400, -32022),
            ),
            (Post::list().with(|sent| sent.method = Absent), (400, -32020)),
            (Post::list().with(|sent| sent.method = Once("TOOLS/LIST")), (400, -32020)),
            (Post::call().with(|sent| sent.name = Absent), (400, -32020)),
            (Post::call().with(|sent| sent.name = Once("Quote")), (400, -32020)),
            (Post::call().with(|sent| sent.name = Once("=?base64?cXVvdGV?=")), (400, -32020)),
            (Post::new("unknown/method", json!({})), (404, -32601)),
            (Post::new("ping", json!({})), (404, -32601)),
            (Post::new("initialize", json!({})), (404, -32601)),
            (Post::new("logging/setLevel", json!({"level": "info"})), (404, -32601)),
            (Post::new("resources/subscribe", json!({})), (404, -32601)),
            (Post::new("tasks/result", json!({})), (404, -32601)),
            (Post::new("tasks/list", json!({})), (404, -32601)),
            (Post::new("tools/list", json!({"cursor": 7})), (200, -32602)),
            (Post::list().meta("logLevel", json!("loud")), (200, -32602)),
            (Post::new("subscriptions/listen", json!({})), (200, -32602)),
            (Post::new("subscriptions/listen", json!({"notifications": []})), (200, -32602)),
            (Post::new("tools/call", json!({"name": "q", "inputResponses": 7})), (200, -32602)),
            (Post::new("tasks/get", json!({"taskId": "t"})), (400, -32021)),
        ] {
            assert_eq!(post.refused(), expected, "{} {} {:?}", post.method, post.params, post.headers);
        }
    }

    #[test]
    fn a_refused_version_says_what_is_served_and_what_was_asked() {
        let post = Post::list().meta("protocolVersion", json!("v999")).with(|sent| sent.version = HeaderValue::Once("v999"));
        let data = post.admit().unwrap_err().error.data.unwrap();
        assert_eq!(data, json!({"supported": [MODERN], "requested": "v999"}));
    }

    #[test]
    fn a_name_may_be_wrapped_in_base64() {
        let post = Post::call().with(|sent| sent.name = HeaderValue::Once("=?base64?cXVvdGU=?="));
        assert!(post.admit().is_ok());
    }

    #[test]
    fn client_info_is_not_demanded_and_unknown_keys_are_allowed() {
        assert!(
            Post::list()
                .meta("x", json!([]))
                .meta("clientInfo", json!({"name": "c", "version": "1", "title": "C"}))
                .admit()
                .is_ok()
        );
    }

    #[test]
    fn null_answers_nothing() {
        let Asked::Feature(_, answers) =
            Post::new("tools/call", json!({"name": "q", "inputResponses": null})).admit().unwrap().asked
        else {
            panic!("a call")
        };
        assert!(answers.responses.is_empty());
    }

    #[test]
    fn a_listener_may_not_name_more_than_a_hundred_subjects() {
        let uris: Vec<String> = (0..=MAX_LISTEN_SUBJECTS).map(|n| format!("x:{n}")).collect();
        let post = Post::new("subscriptions/listen", json!({"notifications": {"resourceSubscriptions": uris}}));
        assert_eq!(post.refused(), (200, -32602));
    }

    #[test]
    fn where_the_transport_has_no_headers_the_body_alone_decides() {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": Post::list().params}).to_string();
        let Era::Modern(ClientMessage::Request { id, method, params }, envelope) =
            classify(None, Body::parse(message.as_bytes()).unwrap(), false)
        else {
            panic!("modern")
        };
        assert!(admit(id, &method, params.as_deref(), *envelope, None).is_ok());
    }
}
