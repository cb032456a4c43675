//! What a client gets. How it is written depends on the revision.

use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};

use super::revision::Revision;
use crate::access::Scope;
use crate::rpc::{ErrorCode, RequestId, RpcError};

/// Who may keep an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheScope {
    /// Any cache, for any caller.
    Public,
    /// The caller alone.
    Private,
}

/// How long an answer may be kept, and by whom (2026-07-28).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheHint {
    /// How long, in ms.
    pub ttl_ms: u64,
    /// By whom.
    pub scope: CacheScope,
}

/// A result, before it is written for a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureResult {
    /// A JSON object without `_meta`, `resultType` and caching hints.
    body: Bytes,
    /// The inside of `_meta`, without braces.
    meta: Option<Bytes>,
    cache: Option<CacheHint>,
    /// What `resultType` says.
    kind: &'static str,
}

impl FeatureResult {
    /// A complete result. `body`: a JSON object on one line.
    #[must_use]
    pub const fn new(body: Bytes) -> Self {
        Self { body, meta: None, cache: None, kind: "complete" }
    }

    /// A result whose type is not `complete`: `input_required`, `task`.
    #[must_use]
    pub const fn of_kind(kind: &'static str, body: Bytes) -> Self {
        Self { body, meta: None, cache: None, kind }
    }

    /// An empty acknowledgement.
    #[must_use]
    pub const fn empty() -> Self {
        Self::new(Bytes::from_static(b"{}"))
    }

    /// With hints for caches.
    #[must_use]
    pub const fn cached(mut self, ttl_ms: u64, scope: CacheScope) -> Self {
        self.cache = Some(CacheHint { ttl_ms, scope });
        self
    }

    /// With members of `_meta`, beside those that it has: JSON members without braces, at least one.
    #[must_use]
    pub fn with_meta(mut self, members: Bytes) -> Self {
        self.meta = Some(match self.meta {
            Some(meta) => [&meta[..], &members[..]].join(&b","[..]).into(),
            None => members,
        });
        self
    }

    /// The body, a JSON object.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The answer to a request. `server`: the inside of `_meta` that every stateless result carries, without braces.
    #[must_use]
    pub fn response(&self, id: &RequestId, revision: Revision, server: &[u8]) -> Bytes {
        let mut line = BytesMut::with_capacity(self.body.len() + server.len() + 192);
        line.put_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
        crate::rpc::put_id(&mut line, id);
        line.put_slice(b",\"result\":");
        self.write(&mut line, revision, server);
        line.put_u8(b'}');
        line.freeze()
    }

    /// The result alone, for a revision.
    pub fn write(&self, line: &mut BytesMut, revision: Revision, server: &[u8]) {
        let (server, hints) = if revision.is_stateless() { (server, self.cache) } else { (&b""[..], None) };
        let meta = self.meta.as_deref().unwrap_or_default();
        if !revision.is_stateless() && meta.is_empty() {
            return line.put_slice(&self.body);
        }
        let members = self.body.get(1..self.body.len().saturating_sub(1)).unwrap_or_default().trim_ascii();
        let mut parts = Parts { line, any: false };
        parts.line.put_u8(b'{');
        if revision.is_stateless() {
            parts.put(format!("\"resultType\":\"{}\"", self.kind).as_bytes());
        }
        parts.put(members);
        if let Some(CacheHint { ttl_ms, scope }) = hints {
            let scope = if scope == CacheScope::Public { "public" } else { "private" };
            parts.put(format!("\"ttlMs\":{ttl_ms},\"cacheScope\":\"{scope}\"").as_bytes());
        }
        if !(meta.is_empty() && server.is_empty()) {
            parts.put(b"\"_meta\":{");
            parts.any = false;
            parts.put(meta);
            parts.put(server);
            parts.line.put_u8(b'}');
        }
        parts.line.put_u8(b'}');
    }
}

/// Members of an object, with commas between them.
struct Parts<'a> {
    line: &'a mut BytesMut,
    any: bool,
}

impl Parts<'_> {
    fn put(&mut self, members: &[u8]) {
        if members.is_empty() {
            return;
        }
        if self.any {
            self.line.put_u8(b',');
        }
        self.line.put_slice(members);
        self.any = true;
    }
}

/// Why a feature gives no result.
#[derive(Clone, Debug, PartialEq)]
pub enum FeatureError {
    /// The parameters are wrong: an unknown tool, a bad cursor, bad arguments of a prompt.
    InvalidParams {
        /// For people.
        message: Cow<'static, str>,
        /// For programs.
        data: Option<Value>,
    },
    /// There is no such resource, or none for this caller.
    ResourceNotFound {
        /// Which.
        uri: Box<str>,
    },
    /// The client lacks a capability without which it cannot be done: an object of `ClientCapabilities`.
    MissingCapability(Value),
    /// The caller may not.
    InsufficientScope {
        /// What for.
        what: Box<str>,
        /// What would be enough.
        needed: Scope,
    },
    /// The request is right, but what it needs is not to be had now: an internal error that says why.
    Failed {
        /// A class for programs, e.g. `rate_limited`.
        reason: &'static str,
        /// For people.
        message: String,
    },
    /// Exactly this error.
    Rpc(RpcError),
}

/// What a feature gives.
pub type Outcome = Result<FeatureResult, FeatureError>;

impl FeatureError {
    /// Wrong parameters, in words.
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::InvalidParams { message: message.into(), data: None }
    }

    /// The error as a revision says it.
    #[must_use]
    pub fn rpc(&self, revision: Revision) -> RpcError {
        match self {
            Self::InvalidParams { message, data } => {
                RpcError { code: ErrorCode::INVALID_PARAMS, message: message.clone(), data: data.clone() }
            }
            Self::ResourceNotFound { uri } => {
                let code = if revision.is_stateless() { ErrorCode::INVALID_PARAMS } else { ErrorCode::RESOURCE_NOT_FOUND };
                RpcError::new(code, "Resource not found: resources/list and resources/templates/list have all of them")
                    .with_data(json!({ "uri": uri }))
            }
            Self::MissingCapability(needed) => RpcError::new(
                ErrorCode::MISSING_CAPABILITY,
                "The client must declare a capability for this; see data.requiredCapabilities",
            )
            .with_data(json!({ "requiredCapabilities": needed })),
            Self::InsufficientScope { what, needed } => RpcError::new(ErrorCode(403), format!("{what} needs the scope {needed}"))
                .with_data(json!({"reason": "insufficient_scope", "scope": needed})),
            Self::Failed { reason, message } => {
                RpcError::new(ErrorCode::INTERNAL, message.clone()).with_data(json!({ "reason": reason }))
            }
            Self::Rpc(error) => error.clone(),
        }
    }

    /// The HTTP status, as long as nothing has been sent. What a handler refuses is 200, because clients of both eras take a 4xx
    /// for a server of the other era (protocol.md §2.4).
    #[must_use]
    pub const fn status(&self, revision: Revision) -> u16 {
        match self {
            Self::MissingCapability(_) if matches!(revision, Revision::V2026_07_28) => 400,
            Self::InsufficientScope { .. } => 403,
            _ => 200,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &[u8] = br#""s":1"#;

    fn written(result: &FeatureResult, revision: Revision) -> String {
        String::from_utf8(result.response(&RequestId::Number(1), revision, SERVER).to_vec()).unwrap()
    }

    #[test]
    fn a_result_has_its_type_hints_and_server_in_the_stateless_revision_alone() {
        let (old, new) = (Revision::V2025_11_25, Revision::V2026_07_28);
        let empty = FeatureResult::empty();
        assert_eq!(written(&empty, old), r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
        assert_eq!(written(&empty, new), r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","_meta":{"s":1}}}"#);
        let blank = FeatureResult::new(Bytes::from_static(b"{ }"));
        assert_eq!(written(&blank, new), written(&empty, new));
        let full = FeatureResult::new(Bytes::from_static(br#"{"a":2}"#))
            .cached(5, CacheScope::Private)
            .with_meta(Bytes::from_static(br#""m":3"#));
        assert_eq!(written(&full, old), r#"{"jsonrpc":"2.0","id":1,"result":{"a":2,"_meta":{"m":3}}}"#);
        let expected = r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","a":2,"ttlMs":5,"cacheScope":"private","_meta":{"m":3,"s":1}}}"#;
        assert_eq!(written(&full, new), expected);
    }

    #[test]
    fn a_missing_resource_has_the_code_of_its_era() {
        let error = FeatureError::ResourceNotFound { uri: "x:y".into() };
        assert_eq!(error.rpc(Revision::V2025_11_25).code.0, -32002);
        assert_eq!(error.rpc(Revision::V2026_07_28).code.0, -32602);
        assert_eq!(error.rpc(Revision::V2026_07_28).data.unwrap()["uri"], "x:y");
    }

    #[test]
    fn what_is_not_to_be_had_now_is_no_fault_of_the_parameters() {
        let error = FeatureError::Failed { reason: "unavailable", message: "the upstream is down".into() };
        let rpc = error.rpc(Revision::V2026_07_28);
        assert_eq!((rpc.code.0, &*rpc.message), (-32603, "the upstream is down"));
        assert_eq!((rpc.data.unwrap(), error.status(Revision::V2026_07_28)), (json!({"reason": "unavailable"}), 200));
    }

    #[test]
    fn only_a_missing_capability_and_a_missing_scope_have_a_status_of_their_own() {
        let missing = FeatureError::MissingCapability(json!({"sampling": {}}));
        assert_eq!((missing.status(Revision::V2026_07_28), missing.status(Revision::V2025_11_25)), (400, 200));
        assert_eq!(missing.rpc(Revision::V2026_07_28).data.unwrap()["requiredCapabilities"]["sampling"], json!({}));
        assert_eq!(FeatureError::invalid_params("no").status(Revision::V2026_07_28), 200);
    }
}
