//! Every setting: flag > environment > `tickgate.toml` > default, one name in three spellings.
//!
//! [`SPECS`] is the one list: the command line, the file's known keys, the defaults and `docs/CONFIGURATION.md` come from it.

mod gather;
mod reader;
mod sign_in;
mod sources;
mod specs;
mod values;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use secrecy::SecretString;
use tickgate_core::access::Scope;
use tickgate_core::tape::Limits;
use url::Url;

pub use reader::SettingError;
pub use sources::{Sources, key_of};
pub use specs::{SPECS, Spec, reference};
pub use values::{AuthMode, Environment, LogFormat, RateLimit, StaticKey, Transport, VersionCheck};
pub(crate) use values::{is_secret_key, secret_bytes};

use crate::storage::DatabaseUrl;
use crate::tools::Toolset;
use crate::upstream::polygon::{FuturesApi, Plan};
use crate::upstream::simulated::SimulatorSettings;

/// Gathers the settings again from where they came from.
pub type Reread = std::sync::Arc<dyn Fn() -> Result<Settings, Vec<SettingError>> + Send + Sync>;

/// All settings, checked.
#[derive(Debug)]
pub struct Settings {
    /// Where to listen.
    pub listen: ListenSettings,
    /// Who gets in.
    pub access: AccessSettings,
    /// How much of it.
    pub limits: LimitSettings,
    /// MCP sessions.
    pub sessions: SessionSettings,
    /// Event streams and the tape.
    pub streams: StreamSettings,
    /// What survives a restart.
    pub storage: StorageSettings,
    /// Where prices come from.
    pub upstream: UpstreamSettings,
    /// How we are watched.
    pub telemetry: TelemetrySettings,
}

/// Where to listen, and as whom.
#[derive(Debug)]
pub struct ListenSettings {
    /// `HOST`.
    pub host: IpAddr,
    /// `PORT`; 0 takes a free one.
    pub port: u16,
    /// `PUBLIC_URL`; `http://HOST:PORT` when unset.
    pub public_url: Option<Url>,
    /// `APP_ENV`.
    pub environment: Environment,
    /// `WORKERS`.
    pub workers: usize,
    /// `DRAIN_SECS`.
    pub drain_secs: u64,
    /// `DATA_DIR`.
    pub data_dir: PathBuf,
    /// Whether somebody named it: without, a gateway on stdio keeps nothing.
    pub data_dir_is_said: bool,
}

/// Who gets in.
#[derive(Debug)]
pub struct AccessSettings {
    /// `AUTH`.
    pub mode: AuthMode,
    /// `MCP_API_KEYS`.
    pub static_keys: Vec<StaticKey>,
    /// `JWT_SECRET_KEY`; the first signs, all are accepted.
    pub jwt_secrets: Vec<SecretString>,
    /// `ACCESS_TOKEN_SECS`.
    pub access_token_secs: u64,
    /// `REFRESH_TOKEN_SECS`.
    pub refresh_token_secs: u64,
    /// `CIMD_ALLOWED_HOSTS`; empty outside development.
    pub cimd_allowed_hosts: Vec<String>,
    /// `ALLOWED_ORIGINS`.
    pub allowed_origins: Vec<String>,
    /// `ALLOWED_HOSTS`.
    pub allowed_hosts: Vec<String>,
    /// `TRUSTED_PROXIES`.
    pub trusted_proxies: Vec<IpNet>,
    /// `CLIENT_IP_HEADER`.
    pub client_ip_header: Option<String>,
    /// `METRICS_PUBLIC`.
    pub metrics_public: bool,
    /// `DOCS_PUBLIC`.
    pub docs_public: bool,
    /// `SESSION_SECRET_KEY`; the first seals, all open. Empty in development, or when there is neither sign-in nor ticket.
    pub session_secrets: Vec<SecretString>,
    /// `GOOGLE_*`; `None` when nobody can sign in.
    pub sign_in: Option<SignInSettings>,
}

/// Where browsers sign in.
#[derive(Debug)]
pub struct SignInSettings {
    /// `GOOGLE_ISSUER`, in its one spelling.
    pub issuer: String,
    /// `GOOGLE_CLIENT_ID`.
    pub client_id: String,
    /// `GOOGLE_CLIENT_SECRET`.
    pub client_secret: SecretString,
    /// `GOOGLE_REDIRECT_URI`; `PUBLIC_URL/auth/callback` when unset.
    pub redirect_uri: Option<Url>,
    /// `GOOGLE_HOSTED_DOMAIN`.
    pub hosted_domain: Option<String>,
    /// `ADMIN_EMAILS`.
    pub admin_emails: Vec<String>,
}

/// How much.
#[derive(Debug, Clone, Copy)]
pub struct LimitSettings {
    /// `RATE_LIMIT_MCP`, per IP.
    pub mcp: RateLimit,
    /// `RATE_LIMIT_STREAM`, per IP.
    pub stream: RateLimit,
    /// `RATE_LIMIT_KEY`, per known caller.
    pub key: RateLimit,
    /// `RATE_LIMIT_AUTH`, per IP.
    pub auth: RateLimit,
    /// `MAX_BODY_BYTES`.
    pub max_body_bytes: usize,
    /// `MAX_STREAMS`.
    pub max_streams: usize,
    /// `MAX_STREAMS_PER_CALLER`.
    pub max_streams_per_caller: usize,
    /// `MAX_TOPICS_PER_STREAM`.
    pub max_topics_per_stream: usize,
}

/// MCP sessions.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// `MAX_SESSIONS`.
    pub max_sessions: usize,
    /// `MAX_SESSIONS_PER_CALLER`.
    pub max_sessions_per_caller: usize,
    /// `MAX_CALLS_PER_SESSION`.
    pub max_calls_per_session: usize,
    /// `SESSION_IDLE_SECS`.
    pub idle_secs: u64,
    /// `SESSION_MAX_SECS`.
    pub max_secs: u64,
    /// `PROTOCOL_VERSION_CHECK`.
    pub version_check: VersionCheck,
    /// `ENABLE_STREAMING`.
    pub streaming: bool,
    /// `TOOLSETS`.
    pub toolsets: Vec<Toolset>,
    /// `MCP_TRANSPORT`.
    pub transport: Transport,
    /// `LEGACY_SSE`.
    pub legacy_sse: bool,
}

/// Event streams and the tape.
#[derive(Debug, Clone, Copy)]
pub struct StreamSettings {
    /// `SSE_KEEPALIVE_SECS`.
    pub keepalive_secs: u64,
    /// `SSE_RETRY_MS`.
    pub retry_ms: u64,
    /// `STREAM_MAX_SECS`; 0 never.
    pub max_secs: u64,
    /// `TAPE_MAX_*`.
    pub tape: Limits,
    /// `POLL_LINGER_SECS`.
    pub linger_secs: u64,
}

/// What survives a restart.
#[derive(Debug)]
pub struct StorageSettings {
    /// `DATABASE_URL`; a file in `DATA_DIR` when unset.
    pub database_url: Option<DatabaseUrl>,
    /// `DATA_ENCRYPTION_KEY`; the first encrypts, all decrypt. Empty in development only.
    pub data_keys: Vec<SecretString>,
    /// `AUDIT_RETENTION_DAYS`; `None` keeps the audit log for ever.
    pub audit_retention_days: Option<u64>,
}

/// Where prices come from.
#[derive(Debug)]
pub struct UpstreamSettings {
    /// Real or simulated.
    pub market: MarketSource,
    /// `MASSIVE_WS_URL`, or the vendor's feed for the plan.
    pub feed: FeedSource,
    /// `UPSTREAM_PLAN`.
    pub plan: Plan,
    /// `UPSTREAM_RPM`, or the plan's.
    pub per_minute: u32,
    /// `FUTURES_API`.
    pub futures_api: FuturesApi,
    /// `CACHE_MAX_BYTES`; 0 keeps nothing.
    pub cache_max_bytes: u64,
    /// `SIM_*`.
    pub simulator: SimulatorSettings,
}

/// Where the feed is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedSource {
    /// There is none: prices are polled.
    Off,
    /// The simulated market's.
    Simulated,
    /// Here; the market's name follows as the path.
    At(Url),
}

/// Real or simulated.
#[derive(Debug)]
pub enum MarketSource {
    /// The simulated market, on a port of its own.
    Simulated,
    /// A recording.
    Replay {
        /// The file that `MASSIVE_API_BASE_URL` names.
        file: PathBuf,
        /// `REPLAY_SPEED`.
        speed: f64,
    },
    /// An upstream and our key for it.
    Real {
        /// `MASSIVE_API_BASE_URL`.
        base_url: Url,
        /// `MASSIVE_API_KEY`.
        key: SecretString,
    },
}

/// How we are watched.
#[derive(Debug, Clone)]
pub struct TelemetrySettings {
    /// `LOG_LEVEL`.
    pub log_level: tracing::Level,
    /// `LOG_FORMAT`.
    pub log_format: LogFormat,
    /// Whether logs go to stderr: with `MCP_TRANSPORT=stdio`, stdout carries messages alone.
    pub log_to_stderr: bool,
    /// `SENTRY_DSN`.
    pub sentry_dsn: Option<SecretString>,
    /// `SENTRY_TRACES_SAMPLE_RATE`.
    pub sentry_traces_sample_rate: f32,
}

impl AccessSettings {
    /// Whether somebody could come in by what is configured; else a stored key is needed.
    #[must_use]
    pub const fn has_credentials(&self) -> bool {
        !self.static_keys.is_empty() || !self.jwt_secrets.is_empty() || self.sign_in.is_some()
    }

    /// The scope of a caller without a credential; `None` when there must be one.
    #[must_use]
    pub const fn anonymous_scope(&self) -> Option<Scope> {
        self.mode.anonymous_scope()
    }
}
