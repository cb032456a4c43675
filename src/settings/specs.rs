//! The one list of settings.

use std::fmt::Write as _;

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Its name in the environment; the flag is `--max-body-bytes`, the key in the file `max_body_bytes`.
    pub name: &'static str,
    /// What holds when nothing is said; `None`: see `help`.
    pub default: Option<&'static str>,
    /// What may be said.
    pub allowed: &'static str,
    /// Whether its value is never shown, and can come from the file that `NAME_FILE` names.
    pub secret: bool,
    /// What it means.
    pub help: &'static str,
}

const fn spec(name: &'static str, default: &'static str, allowed: &'static str, help: &'static str) -> Spec {
    Spec { name, default: Some(default), allowed, secret: false, help }
}

const fn open(name: &'static str, allowed: &'static str, help: &'static str) -> Spec {
    Spec { name, default: None, allowed, secret: false, help }
}

const fn secret(name: &'static str, allowed: &'static str, help: &'static str) -> Spec {
    Spec { name, default: None, allowed, secret: true, help }
}

/// Every setting, in the order of the documentation.
pub const SPECS: &[Spec] = &[
    spec("HOST", "127.0.0.1", "an IP address", "Address to listen on."),
    spec("PORT", "8080", "0 to 65535", "Port to listen on; 0 takes a free one."),
    open(
        "PUBLIC_URL",
        "an http or https URL without path",
        "URL that clients use; the default is http://HOST:PORT. It gives links and the allowed host and origin.",
    ),
    spec("APP_ENV", "development", "development, staging or production", "What kind of deployment this is."),
    open(
        "AUTH",
        "required, optional, off or insecure-off",
        "Who gets in; the default is off in development on loopback, else required. optional: credentials are checked if sent, anonymous callers read. off: loopback only. insecure-off: anywhere, warned at every start.",
    ),
    secret(
        "MCP_API_KEYS",
        "a comma list of key[:scope[:user]], keys of 16 to 256 characters",
        "Static API keys; the default scope is write.",
    ),
    secret(
        "JWT_SECRET_KEY",
        "hex or base64 of at least 32 random bytes, or a comma list of them",
        "Signs access tokens; a list rotates: the first signs, all are accepted. Generated into DATA_DIR in development.",
    ),
    spec("ACCESS_TOKEN_SECS", "3600", "60 to 86400", "Life of an access token."),
    spec(
        "REFRESH_TOKEN_SECS",
        "2592000",
        "3600 to 31536000",
        "How long an MCP client stays signed in by refresh tokens; then its person signs in again.",
    ),
    open(
        "CIMD_ALLOWED_HOSTS",
        "a comma list of host names or addresses, in development only",
        "Hosts of client metadata documents that may have private addresses and certificates of their own making.",
    ),
    open(
        "GOOGLE_CLIENT_ID",
        "the client id of your web application at the provider",
        "Switches on sign-in for browsers at /auth/login; needs GOOGLE_CLIENT_SECRET.",
    ),
    secret("GOOGLE_CLIENT_SECRET", "the client secret that belongs to it", "Our secret at the provider."),
    open(
        "GOOGLE_REDIRECT_URI",
        "an http or https URL with the path /auth/callback or /callback",
        "Where the provider sends browsers back to, as it is registered there; the default is PUBLIC_URL/auth/callback.",
    ),
    spec(
        "GOOGLE_ISSUER",
        "https://accounts.google.com",
        "an https URL, or an http URL of a loopback address",
        "The OpenID Connect provider; any that does discovery, PKCE and RS256.",
    ),
    open("GOOGLE_HOSTED_DOMAIN", "a domain", "Only people of this Google Workspace domain may sign in."),
    open("ADMIN_EMAILS", "a comma list of e-mail addresses", "Who signs in with one of these, verified, is an admin."),
    secret(
        "SESSION_SECRET_KEY",
        "hex or base64 of at least 32 random bytes, or a comma list of them",
        "Seals the cookies of browsers; a list rotates: the first seals, all open. Generated into DATA_DIR in development; needed for sign-in and stream tickets otherwise.",
    ),
    open(
        "ALLOWED_ORIGINS",
        "a comma list of origins",
        "Browser origins let in beside our own; in development also localhost and 127.0.0.1 on any port.",
    ),
    open(
        "ALLOWED_HOSTS",
        "a comma list of hosts",
        "Host headers answered beside our own; in development also localhost and 127.0.0.1 on any port. Health routes take any.",
    ),
    open("TRUSTED_PROXIES", "a comma list of CIDRs", "Peers whose forwarding headers are believed."),
    open(
        "CLIENT_IP_HEADER",
        "a header name",
        "Header in which a trusted proxy tells the client's address; X-Forwarded-For by default.",
    ),
    open(
        "METRICS_PUBLIC",
        "true or false",
        "Whether /metrics needs no credential; the default is true in development, else the admin scope is needed.",
    ),
    open(
        "DOCS_PUBLIC",
        "true or false",
        "Whether /docs and /openapi.json need no credential; the default is true in development, else the admin scope is needed.",
    ),
    spec(
        "RATE_LIMIT_MCP",
        "100",
        "N, N/s, N/min, N/h or 0",
        "Requests per IP to /mcp, /messages, /tools and /api: a burst of N, refilled evenly; 0 switches it off.",
    ),
    spec(
        "RATE_LIMIT_STREAM",
        "10",
        "N, N/s, N/min, N/h or 0",
        "Streams opened per IP; ten times as many for a reconnect that has a cursor.",
    ),
    spec(
        "RATE_LIMIT_KEY",
        "600",
        "N, N/s, N/min, N/h or 0",
        "Requests per known caller, streams included; a stored API key has a bucket of its own.",
    ),
    spec(
        "RATE_LIMIT_AUTH",
        "20",
        "N, N/s, N/min, N/h or 0",
        "Requests per IP to /auth, /authorize, /token, /register and /revoke.",
    ),
    spec("MAX_BODY_BYTES", "1048576", "1024 to 16777216", "Largest request body."),
    spec("MAX_SESSIONS", "100000", "1 to 10000000", "MCP sessions in all."),
    spec("MAX_SESSIONS_PER_CALLER", "1000", "1 to 10000000", "MCP sessions of one caller; with auth off the caller is the IP."),
    spec("MAX_CALLS_PER_SESSION", "64", "1 to 10000", "Calls that run at once in one MCP session."),
    spec("MAX_STREAMS", "100000", "1 to 10000000", "Event streams in all."),
    spec("MAX_STREAMS_PER_CALLER", "32", "1 to 10000000", "Event streams of one caller; with auth off the caller is the IP."),
    spec("MAX_TOPICS_PER_STREAM", "100", "1 to 1000", "Topics of one event stream."),
    spec(
        "SESSION_IDLE_SECS",
        "1800",
        "1 to 604800",
        "An MCP session ends after this long without a message, a running call or an open stream.",
    ),
    spec("SESSION_MAX_SECS", "86400", "1 to 2592000", "An MCP session ends after this long."),
    spec(
        "PROTOCOL_VERSION_CHECK",
        "strict",
        "strict or lenient",
        "lenient: an unknown MCP-Protocol-Version header is logged and allowed.",
    ),
    spec(
        "ENABLE_STREAMING",
        "true",
        "true or false",
        "false: stream:true tool calls answer as JSON at once; other streams are not touched.",
    ),
    spec(
        "TOOLSETS",
        "standard",
        "all, or a comma list of standard, stocks, options, indices, forex, crypto, futures, reference, news, fundamentals, economy, benzinga, analytics, streaming, alerts, assist, account",
        "Tools that are listed. `search_endpoints` and `call_endpoint` of `standard` reach every market endpoint whatever stands here.",
    ),
    spec(
        "MCP_TRANSPORT",
        "http",
        "http or stdio",
        "Also `--transport`. stdio: MCP over stdin and stdout for one client, and no HTTP server.",
    ),
    spec(
        "LEGACY_SSE",
        "false",
        "true or false",
        "Also serve the HTTP+SSE transport of 2024-11-05, on /sse and /messages, for clients that know no other.",
    ),
    spec("SSE_KEEPALIVE_SECS", "15", "1 to 300", "A silent stream gets a comment this often."),
    spec("SSE_RETRY_MS", "3000", "100 to 60000", "How long an EventSource waits before it reconnects."),
    spec("STREAM_MAX_SECS", "600", "0 to 86400", "An event stream is rotated after this long, give or take a fifth; 0 never."),
    spec("TAPE_MAX_EVENTS", "10000", "1 to 10000000", "Events kept per topic."),
    spec("TAPE_MAX_BYTES", "268435456", "65536 to 1099511627776", "Bytes of events kept in all."),
    spec("TAPE_MAX_AGE_SECS", "86400", "1 to 31536000", "Events older than this are dropped."),
    spec("POLL_LINGER_SECS", "30", "0 to 3600", "How long a topic is still polled after its last subscriber left."),
    spec(
        "DATA_DIR",
        "./data",
        "a folder",
        "Where the gateway keeps what must survive a restart; with MCP_TRANSPORT=stdio nothing is kept unless it is named.",
    ),
    secret(
        "DATABASE_URL",
        "a postgres:// or postgresql:// URL; of sslmode: disable, require or verify-full",
        "PostgreSQL database that keeps it instead of a file in DATA_DIR, and that several gateways can share.",
    ),
    secret(
        "DATA_ENCRYPTION_KEY",
        "hex or base64 of at least 32 random bytes, or a comma list of them",
        "Encrypts what is kept in the database; a list rotates: the first encrypts, all decrypt. Generated into DATA_DIR in development; required otherwise.",
    ),
    spec(
        "AUDIT_RETENTION_DAYS",
        "365",
        "0 to 36500",
        "How long rows of the audit log are kept; older ones are purged daily. 0 keeps them for ever.",
    ),
    secret("MASSIVE_API_KEY", "your upstream key", "Upstream key; POLYGON_API_KEY is the same. None: the market is simulated."),
    spec(
        "MASSIVE_API_BASE_URL",
        "https://api.massive.com",
        "simulated, replay:FILE, or an http or https URL",
        "Also `--upstream`. Where the upstream is; replay:FILE plays what `tickgate record` wrote and needs no key.",
    ),
    spec("REPLAY_SPEED", "1", "0.01 to 1000", "Also `--speed`. How fast a recording is played."),
    open(
        "MASSIVE_WS_URL",
        "off, simulated, or a ws or wss URL",
        "Where the upstream's WebSocket feed is; prices are polled while it is away. The default is the vendor's for the plan (real time or delayed) with a key of a paid plan, else off. simulated: the simulated market's own feed.",
    ),
    open(
        "UPSTREAM_PLAN",
        "free, starter, developer or advanced",
        "Plan of the upstream key; decides budget, delay and snapshots. The default is free with a key, advanced when simulated.",
    ),
    spec("FUTURES_API", "vX", "vX or v1", "Version of the vendor's futures API: whichever your plan was moved to."),
    open("UPSTREAM_RPM", "1 to 1000000", "Upstream requests a minute; the default is the plan's."),
    spec(
        "CACHE_MAX_BYTES",
        "67108864",
        "0 to 1099511627776",
        "Bytes of upstream answers kept for callers that ask the same; 0 keeps none.",
    ),
    spec("SIM_SEED", "1", "a whole number", "The simulated market is the same for the same seed."),
    spec("SIM_SPEED", "1", "0.1 to 1000", "How fast time runs in the simulated market."),
    spec("SIM_SYMBOLS", "500", "1 to 20000", "How many stocks the simulated market has."),
    spec(
        "SIM_SESSION",
        "open",
        "open or clock",
        "open keeps the simulated market in its regular session; clock opens and closes it by New York time.",
    ),
    spec("SIM_LATENCY_MS", "0", "0 to 60000", "How late the simulated market answers."),
    open(
        "SIM_FAULTS",
        "a list such as 429:0.1,500:0.05,slow:0.1,malformed:0.01",
        "How often the simulated market fails, by kind.",
    ),
    spec("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING, ERROR or CRITICAL", "What is logged."),
    open("LOG_FORMAT", "text or json", "How it is logged; the default is text on a terminal, else json."),
    secret("SENTRY_DSN", "a Sentry DSN", "Where errors are reported; nothing is sent without it."),
    spec("SENTRY_TRACES_SAMPLE_RATE", "0.1", "0 to 1", "Share of requests whose trace is reported."),
    open("WORKERS", "1 to 256", "HTTP worker threads; the default is one per core."),
    spec("DRAIN_SECS", "30", "1 to 600", "How long open requests may go on after SIGTERM."),
];

/// `docs/CONFIGURATION.md`'s table, made from the list.
#[must_use]
pub fn reference() -> String {
    let mut table = String::from("| setting | flag | default | allowed | meaning |\n|---|---|---|---|---|\n");
    for spec in SPECS {
        let name = if spec.secret { format!("`{0}`, `{0}_FILE`", spec.name) } else { format!("`{}`", spec.name) };
        let flag = super::key_of(spec.name).replace('_', "-");
        let default = spec.default.map_or_else(|| "–".to_owned(), |default| format!("`{default}`"));
        let _ = writeln!(table, "| {name} | `--{flag}` | {default} | {} | {} |", spec.allowed, spec.help);
    }
    table
}
