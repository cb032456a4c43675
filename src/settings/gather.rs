//! Gathers the settings and checks what must hold between them.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use secrecy::SecretString;
use tickgate_core::tape::Limits;

use super::reader::{Reader, SettingError};
use super::sign_in::{check as check_sign_in, sign_in};
use super::sources::Sources;
use super::values::{
    AuthMode, Environment, Transport, boolean, feed_url, host, list, log_level, origin, secret_key, static_key, toolsets,
    web_url, within,
};
use super::{
    AccessSettings, FeedSource, LimitSettings, ListenSettings, MarketSource, SessionSettings, Settings, StorageSettings,
    StreamSettings, TelemetrySettings, UpstreamSettings,
};
use crate::settings::values::LogFormat;
use crate::upstream::polygon::{Plan, vendor_feed};
use crate::upstream::simulated::SimulatorSettings;

impl Settings {
    /// Reads and checks every setting.
    ///
    /// # Errors
    /// Every setting that cannot be used, at once.
    pub fn gather(sources: &Sources) -> Result<Self, Vec<SettingError>> {
        let mut reader = Reader::new(sources);
        let listen = listen(&mut reader);
        let access = access(&mut reader, &listen);
        let sessions = sessions(&mut reader);
        let settings = Self {
            limits: limits(&mut reader),
            streams: streams(&mut reader),
            storage: storage(&mut reader),
            upstream: upstream(&mut reader),
            telemetry: telemetry(&mut reader, sessions.transport),
            sessions,
            listen,
            access,
        };
        settings.check_together(&mut reader.errors);
        if reader.errors.is_empty() { Ok(settings) } else { Err(reader.errors) }
    }

    fn check_together(&self, errors: &mut Vec<SettingError>) {
        let loopback = self.listen.host.is_loopback();
        match self.access.mode {
            // Nothing listens: whoever started the process is the one caller.
            _ if self.sessions.transport == Transport::Stdio => {}
            AuthMode::Off if !loopback => errors.push(SettingError::together(format!(
                "AUTH=off is for loopback only, and HOST is {}: set AUTH=required with MCP_API_KEYS, or AUTH=insecure-off to let everyone in",
                self.listen.host
            ))),
            // Elsewhere a stored key would do; whether there is one, the start finds out.
            AuthMode::Required if self.lacks_data_key() && !self.access.has_credentials() => errors.push(SettingError::together(
                "AUTH=required but no credential is configured, so nobody could get in: set MCP_API_KEYS, JWT_SECRET_KEY or GOOGLE_CLIENT_ID, or set \
                 DATA_ENCRYPTION_KEY and make a key with `tickgate keys create`",
            )),
            _ => {}
        }
        let lets_strangers_in = matches!(self.access.mode, AuthMode::Optional | AuthMode::InsecureOff);
        let shared_key_is_real = matches!(self.upstream.market, MarketSource::Real { .. });
        if shared_key_is_real && lets_strangers_in && !loopback && self.sessions.transport != Transport::Stdio {
            errors.push(SettingError::together(format!(
                "AUTH={} would spend the upstream key's quota on strangers and show them data that its plan may not let you pass on: \
                 set AUTH=required, bind to loopback, or leave the key out for the simulated market",
                self.access.mode
            )));
        }
        if self.lacks_data_key() {
            errors.push(SettingError::together(format!(
                "DATA_ENCRYPTION_KEY is needed when APP_ENV is {}, to encrypt what is kept: `tickgate secrets` prints a good one",
                self.listen.environment
            )));
        }
        check_sign_in(self, errors);
        if self.listen.environment != Environment::Development && !self.access.cimd_allowed_hosts.is_empty() {
            errors.push(SettingError::together(format!(
                "CIMD_ALLOWED_HOSTS lets strangers make the gateway connect to private addresses, and APP_ENV is {}: leave it out",
                self.listen.environment
            )));
        }
        if self.sessions.idle_secs > self.sessions.max_secs {
            errors.push(SettingError::together("SESSION_IDLE_SECS is longer than SESSION_MAX_SECS: make it at most as long"));
        }
    }
}

impl Settings {
    fn lacks_data_key(&self) -> bool {
        self.listen.environment != Environment::Development && self.storage.data_keys.is_empty()
    }
}

fn listen(reader: &mut Reader<'_>) -> ListenSettings {
    ListenSettings {
        host: reader.read("HOST", |text| {
            text.parse::<IpAddr>().or_else(|error| if text == "localhost" { Ok(Ipv4Addr::LOCALHOST.into()) } else { Err(error) })
        }),
        port: reader.read("PORT", within(0..=u16::MAX)),
        public_url: reader.optional("PUBLIC_URL", |text| {
            web_url(text).and_then(|url| if matches!(url.path(), "" | "/") { Ok(url) } else { Err("it has a path".to_owned()) })
        }),
        environment: reader.read("APP_ENV", str::parse),
        workers: reader
            .optional("WORKERS", within(1..=256))
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
        drain_secs: reader.read("DRAIN_SECS", within(1..=600)),
        data_dir: reader.read("DATA_DIR", |text| Ok::<_, String>(PathBuf::from(text))),
        data_dir_is_said: reader.is_said("DATA_DIR"),
    }
}

fn access(reader: &mut Reader<'_>, listen: &ListenSettings) -> AccessSettings {
    let development = listen.environment == Environment::Development;
    let default_mode = if development && listen.host.is_loopback() { AuthMode::Off } else { AuthMode::Required };
    AccessSettings {
        mode: reader.optional("AUTH", str::parse).unwrap_or(default_mode),
        static_keys: reader.optional("MCP_API_KEYS", list(static_key)).unwrap_or_default(),
        jwt_secrets: reader.optional("JWT_SECRET_KEY", list(secret_key)).unwrap_or_default(),
        access_token_secs: reader.read("ACCESS_TOKEN_SECS", within(60..=86_400)),
        refresh_token_secs: reader.read("REFRESH_TOKEN_SECS", within(3_600..=31_536_000)),
        cimd_allowed_hosts: reader.optional("CIMD_ALLOWED_HOSTS", list(host)).unwrap_or_default(),
        allowed_origins: reader.optional("ALLOWED_ORIGINS", list(origin)).unwrap_or_default(),
        allowed_hosts: reader.optional("ALLOWED_HOSTS", list(host)).unwrap_or_default(),
        trusted_proxies: reader.optional("TRUSTED_PROXIES", list(str::parse)).unwrap_or_default(),
        client_ip_header: reader.optional("CLIENT_IP_HEADER", |text| {
            text.parse::<actix_web::http::header::HeaderName>().map(|name| name.as_str().to_owned())
        }),
        metrics_public: reader.optional("METRICS_PUBLIC", boolean).unwrap_or(development),
        docs_public: reader.optional("DOCS_PUBLIC", boolean).unwrap_or(development),
        session_secrets: reader.optional("SESSION_SECRET_KEY", list(secret_key)).unwrap_or_default(),
        sign_in: sign_in(reader),
    }
}

fn storage(reader: &mut Reader<'_>) -> StorageSettings {
    StorageSettings {
        database_url: reader.optional("DATABASE_URL", str::parse),
        data_keys: reader.optional("DATA_ENCRYPTION_KEY", list(secret_key)).unwrap_or_default(),
        audit_retention_days: Some(reader.read("AUDIT_RETENTION_DAYS", within(0..=36_500))).filter(|days| *days > 0),
    }
}

fn limits(reader: &mut Reader<'_>) -> LimitSettings {
    LimitSettings {
        mcp: reader.read("RATE_LIMIT_MCP", str::parse),
        stream: reader.read("RATE_LIMIT_STREAM", str::parse),
        key: reader.read("RATE_LIMIT_KEY", str::parse),
        auth: reader.read("RATE_LIMIT_AUTH", str::parse),
        max_body_bytes: reader.read("MAX_BODY_BYTES", within(1_024..=16 << 20)),
        max_streams: reader.read("MAX_STREAMS", within(1..=10_000_000)),
        max_streams_per_caller: reader.read("MAX_STREAMS_PER_CALLER", within(1..=10_000_000)),
        max_topics_per_stream: reader.read("MAX_TOPICS_PER_STREAM", within(1..=1_000)),
    }
}

fn sessions(reader: &mut Reader<'_>) -> SessionSettings {
    SessionSettings {
        max_sessions: reader.read("MAX_SESSIONS", within(1..=10_000_000)),
        max_sessions_per_caller: reader.read("MAX_SESSIONS_PER_CALLER", within(1..=10_000_000)),
        max_calls_per_session: reader.read("MAX_CALLS_PER_SESSION", within(1..=10_000)),
        idle_secs: reader.read("SESSION_IDLE_SECS", within(1..=604_800)),
        max_secs: reader.read("SESSION_MAX_SECS", within(1..=2_592_000)),
        version_check: reader.read("PROTOCOL_VERSION_CHECK", str::parse),
        streaming: reader.read("ENABLE_STREAMING", boolean),
        toolsets: reader.read("TOOLSETS", toolsets),
        transport: reader.read("MCP_TRANSPORT", str::parse),
        legacy_sse: reader.read("LEGACY_SSE", boolean),
    }
}

fn streams(reader: &mut Reader<'_>) -> StreamSettings {
    StreamSettings {
        keepalive_secs: reader.read("SSE_KEEPALIVE_SECS", within(1..=300)),
        retry_ms: reader.read("SSE_RETRY_MS", within(100..=60_000)),
        max_secs: reader.read("STREAM_MAX_SECS", within(0..=86_400)),
        tape: Limits {
            max_events_per_topic: reader.read("TAPE_MAX_EVENTS", within(1..=10_000_000)),
            max_bytes: reader.read("TAPE_MAX_BYTES", within(65_536..=1 << 40)),
            max_age_ms: reader.read("TAPE_MAX_AGE_SECS", within(1..=31_536_000)) * 1_000,
        },
        linger_secs: reader.read("POLL_LINGER_SECS", within(0..=3_600)),
    }
}

fn upstream(reader: &mut Reader<'_>) -> UpstreamSettings {
    let key = reader.optional("MASSIVE_API_KEY", |text| {
        if text.bytes().all(|c| c.is_ascii_graphic()) { Ok(SecretString::from(text)) } else { Err("not visible ASCII") }
    });
    let simulated = !reader.is_said("MASSIVE_API_KEY");
    let named = reader.read("MASSIVE_API_BASE_URL", named_upstream);
    let speed = reader.read("REPLAY_SPEED", within(0.01..=1_000.0));
    let market = match (key, named) {
        (_, NamedUpstream::Replay(file)) => MarketSource::Replay { file, speed },
        (Some(key), NamedUpstream::Url(base_url)) => MarketSource::Real { base_url, key },
        (None, NamedUpstream::Url(_)) if reader.is_said("MASSIVE_API_BASE_URL") && simulated => {
            reader.errors.push(SettingError::together(
                "MASSIVE_API_BASE_URL names an upstream but there is no key for it: set MASSIVE_API_KEY",
            ));
            MarketSource::Simulated
        }
        _ => MarketSource::Simulated,
    };
    let default_plan = if matches!(market, MarketSource::Real { .. }) { Plan::Free } else { Plan::Advanced };
    let plan = reader.optional("UPSTREAM_PLAN", str::parse).unwrap_or(default_plan);
    let feed = feed(reader, &market, plan);
    UpstreamSettings {
        market,
        feed,
        plan,
        per_minute: reader.optional("UPSTREAM_RPM", within(1..=1_000_000)).unwrap_or_else(|| plan.per_minute()),
        futures_api: reader.read("FUTURES_API", str::parse),
        cache_max_bytes: reader.read("CACHE_MAX_BYTES", within(0..=1 << 40)),
        simulator: SimulatorSettings {
            seed: reader.read("SIM_SEED", within(0..=u64::MAX)),
            speed: reader.read("SIM_SPEED", within(0.1..=1_000.0)),
            symbols: reader.read("SIM_SYMBOLS", within(1..=20_000)),
            session: reader.read("SIM_SESSION", str::parse),
            latency_ms: reader.read("SIM_LATENCY_MS", within(0..=60_000)),
            faults: reader.optional("SIM_FAULTS", str::parse).unwrap_or_default(),
        },
    }
}

/// The key goes wherever the feed is, so what contradicts itself is refused.
fn feed(reader: &mut Reader<'_>, market: &MarketSource, plan: Plan) -> FeedSource {
    let said = reader.optional("MASSIVE_WS_URL", |text| match text {
        "off" => Ok(FeedSource::Off),
        "simulated" => Ok(FeedSource::Simulated),
        url => feed_url(url).map(FeedSource::At),
    });
    let real = matches!(market, MarketSource::Real { .. });
    let problem = match &said {
        Some(FeedSource::Simulated) if real => {
            "MASSIVE_WS_URL=simulated is the feed of the simulated market, and the market is real: leave it out, or set MASSIVE_API_BASE_URL=simulated"
        }
        Some(FeedSource::At(_)) if !real => "MASSIVE_WS_URL names a feed but there is no key for it: set MASSIVE_API_KEY",
        Some(FeedSource::At(_) | FeedSource::Simulated) if vendor_feed(plan).is_none() => {
            "MASSIVE_WS_URL names a feed but UPSTREAM_PLAN=free has none: set the plan that was bought, or MASSIVE_WS_URL=off"
        }
        Some(feed) => return feed.clone(),
        None => return vendor_feed(plan).filter(|_| real).map_or(FeedSource::Off, FeedSource::At),
    };
    reader.errors.push(SettingError::together(problem));
    FeedSource::Off
}

/// What `MASSIVE_API_BASE_URL` names.
enum NamedUpstream {
    Simulated,
    Replay(PathBuf),
    Url(url::Url),
}

fn named_upstream(text: &str) -> Result<NamedUpstream, String> {
    match text.split_once(':') {
        _ if text == "simulated" => Ok(NamedUpstream::Simulated),
        Some(("replay", "")) => Err("it names no file".to_owned()),
        Some(("replay", file)) => Ok(NamedUpstream::Replay(file.into())),
        _ => web_url(text).map(NamedUpstream::Url),
    }
}

fn telemetry(reader: &mut Reader<'_>, transport: Transport) -> TelemetrySettings {
    use std::io::IsTerminal as _;
    let log_to_stderr = transport == Transport::Stdio;
    let is_terminal = if log_to_stderr { std::io::stderr().is_terminal() } else { std::io::stdout().is_terminal() };
    let default_format = if is_terminal { LogFormat::Text } else { LogFormat::Json };
    TelemetrySettings {
        log_level: reader.read("LOG_LEVEL", log_level),
        log_format: reader.optional("LOG_FORMAT", str::parse).unwrap_or(default_format),
        log_to_stderr,
        sentry_dsn: reader.optional("SENTRY_DSN", |text| text.parse::<sentry::types::Dsn>().map(|_| SecretString::from(text))),
        sentry_traces_sample_rate: reader.read("SENTRY_TRACES_SAMPLE_RATE", within(0.0..=1.0)),
    }
}
