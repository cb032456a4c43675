//! The handshake's words.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::client::TASKS_EXTENSION;
use super::feature::parse;
use super::outcome::{CacheScope, FeatureResult};
use super::revision::Revision;
use crate::rpc::RequestId;

/// Parameters of `initialize`; members we do not know are allowed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitializeParams {
    /// The revision that the client would like.
    pub protocol_version: String,
    /// What the client can do.
    #[serde(default)]
    pub capabilities: Option<Box<RawValue>>,
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

impl LogLevel {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Alert => "alert",
            Self::Emergency => "emergency",
        }
    }
}

/// A picture for people; PNG of our own origin.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Icon {
    /// Where it is.
    pub src: String,
    /// What it is.
    pub mime_type: &'static str,
    /// How large, e.g. `48x48`.
    pub sizes: Vec<&'static str>,
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
    /// Our site.
    pub website: String,
    /// Our pictures.
    pub icons: Vec<Icon>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CancelledParams {
    request_id: RequestId,
}

/// The request that a notification cancels; `None` when it is another notification, or names none.
#[must_use]
pub fn cancelled_request(method: &str, params: Option<&RawValue>) -> Option<RequestId> {
    if method != "notifications/cancelled" {
        return None;
    }
    parse::<CancelledParams>(method, params).ok().map(|cancelled| cancelled.request_id)
}

/// How long a client may keep what `server/discover` says, in ms: it changes with a new version of the gateway only.
const DISCOVER_TTL_MS: u64 = 3_600_000;

impl ServerInfo {
    /// The result of `initialize`. The two experimental members are objects: a bare boolean breaks the official clients.
    #[must_use]
    pub fn initialize_result(&self, revision: Revision) -> Vec<u8> {
        let enabled = json!({"enabled": self.streaming});
        let mut capabilities = self.capabilities();
        capabilities["experimental"] = json!({"streaming": enabled, "serverSentEvents": enabled});
        json!({
            "protocolVersion": revision.as_str(),
            "capabilities": capabilities,
            "serverInfo": self.implementation(revision),
            "instructions": self.instructions,
        })
        .to_string()
        .into_bytes()
    }

    /// The result of `server/discover`.
    #[must_use]
    pub fn discover_result(&self) -> FeatureResult {
        let mut capabilities = self.capabilities();
        capabilities["extensions"] = json!({TASKS_EXTENSION: {}});
        let supported: Vec<&str> = Revision::STATELESS.iter().map(|revision| revision.as_str()).collect();
        let body = json!({"supportedVersions": supported, "capabilities": capabilities, "instructions": self.instructions});
        FeatureResult::new(body.to_string().into()).cached(DISCOVER_TTL_MS, CacheScope::Public)
    }

    /// The inside of `_meta` that every stateless result carries.
    #[must_use]
    pub fn result_meta(&self) -> Bytes {
        format!("\"io.modelcontextprotocol/serverInfo\":{}", self.short_implementation()).into()
    }

    fn capabilities(&self) -> Value {
        json!({
            "tools": {"listChanged": true},
            "prompts": {"listChanged": true},
            "resources": {"subscribe": true},
            "completions": {},
            "logging": {},
        })
    }

    /// Name and version: what each result repeats.
    fn short_implementation(&self) -> Value {
        json!({"name": self.name, "version": self.version})
    }

    fn implementation(&self, revision: Revision) -> Value {
        let mut info = self.short_implementation();
        if revision >= Revision::V2025_06_18 {
            info["title"] = json!("tickgate market data gateway");
        }
        if revision >= Revision::V2025_11_25 {
            info["websiteUrl"] = json!(self.website);
            info["icons"] = json!(self.icons);
        }
        info
    }
}
