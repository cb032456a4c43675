//! The handshake's words.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::revision::Revision;

/// Parameters of `initialize`; members we do not know are allowed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitializeParams {
    /// The revision that the client would like.
    pub protocol_version: String,
    /// What the client can do.
    #[serde(default)]
    pub capabilities: serde_json::Map<String, Value>,
}

/// Severity of a log message to the client (RFC 5424 names).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// The default.
    Info,
    /// Normal but significant.
    Notice,
    /// Something may be wrong.
    Warning,
    /// Something is wrong.
    Error,
    /// A part does not work.
    Critical,
    /// Act at once.
    Alert,
    /// Nothing works.
    Emergency,
}

/// What the gateway says of itself.
#[derive(Debug, Clone)]
pub struct ServerInfo {
    /// `tickgate`.
    pub name: &'static str,
    /// Our version.
    pub version: &'static str,
    /// How a model uses it well.
    pub instructions: String,
    /// Whether `stream:true` is served as a stream.
    pub streaming: bool,
}

impl ServerInfo {
    /// The result of `initialize`. The two experimental members are objects: a bare boolean breaks the official clients.
    #[must_use]
    pub fn initialize_result(&self, revision: Revision) -> Vec<u8> {
        let enabled = json!({"enabled": self.streaming});
        let mut info = json!({"name": self.name, "version": self.version});
        if revision >= Revision::V2025_06_18 {
            info["title"] = json!("tickgate market data gateway");
        }
        json!({
            "protocolVersion": revision.as_str(),
            "capabilities": {
                "tools": {"listChanged": false},
                "logging": {},
                "experimental": {"streaming": enabled, "serverSentEvents": enabled},
            },
            "serverInfo": info,
            "instructions": self.instructions,
        })
        .to_string()
        .into_bytes()
    }
}
