//! Errors of the protocol. A tool's own failure is a result, not an error.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

/// A JSON-RPC error code. Where JSON-RPC has none, the HTTP status is the code (DESIGN §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ErrorCode(pub i32);

impl ErrorCode {
    /// The body is no JSON.
    pub const PARSE: Self = Self(-32700);
    /// The message is no request that we can act on.
    pub const INVALID_REQUEST: Self = Self(-32600);
    /// No such method.
    pub const METHOD_NOT_FOUND: Self = Self(-32601);
    /// The method's parameters are wrong.
    pub const INVALID_PARAMS: Self = Self(-32602);
    /// Our fault.
    pub const INTERNAL: Self = Self(-32603);
    /// There is no such resource (MCP until 2025-11-25).
    pub const RESOURCE_NOT_FOUND: Self = Self(-32002);
    /// The client lacks a capability (MCP 2026-07-28).
    pub const MISSING_CAPABILITY: Self = Self(-32021);
    /// A header contradicts the body (MCP 2026-07-28).
    pub const HEADER_MISMATCH: Self = Self(-32020);
    /// The revision is not served (MCP 2026-07-28).
    pub const UNSUPPORTED_VERSION: Self = Self(-32022);
}

/// The `error` member of an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RpcError {
    /// What kind of error.
    pub code: ErrorCode,
    /// For people: what is wrong and what is allowed.
    pub message: Cow<'static, str>,
    /// For programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl RpcError {
    /// An error without data.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// Adds data for programs.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }
}
