//! Every operation: a row each, in the order of the document.

/// One operation.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) parameters: &'static [Parameter],
    pub(super) answer: AnswerKind,
}

pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) place: &'static str,
    pub(super) required: bool,
    pub(super) kind: &'static str,
    /// Empty where none would work: the page fills it in.
    pub(super) example: &'static str,
    pub(super) help: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerKind {
    Json,
    Created,
    Events,
    Text,
    Nothing,
    Accepted,
    /// On to another page.
    Redirect,
}

pub(super) const fn query(name: &'static str, kind: &'static str, example: &'static str, help: &'static str) -> Parameter {
    Parameter { name, place: "query", required: false, kind, example, help }
}

const fn header(name: &'static str, required: bool, example: &'static str, help: &'static str) -> Parameter {
    Parameter { name, place: "header", required, kind: "string", example, help }
}

const SYMBOL: Parameter = Parameter {
    name: "symbol",
    place: "path",
    required: true,
    kind: "string",
    example: "AAPL",
    help: "Symbol, case-sensitive: AAPL, BRK.B, X:BTCUSD",
};
const INTERVAL: Parameter = query("interval", "integer", "10000", "Poll at least this often, in ms: 250 to 300000");
const DURATION: Parameter = query("duration", "integer", "60000", "Stream for this long, in ms: 1000 to 300000");
const CURSOR: Parameter =
    query("last_event_id", "string", "a1b2-42", "Resume after this position; the Last-Event-ID header wins");

const SESSION: Parameter = header("Mcp-Session-Id", true, "", "From the answer to initialize");
/// The header that names what a request of 2026-07-28 is about; its examples come from the registry.
pub(super) const MCP_NAME: &str = "Mcp-Name";

/// Where a caller's own upstream key is set.
pub(super) const UPSTREAM_KEY: &str = "/api/user/upstream-key";

/// Where tickets for event streams are given.
pub(super) const STREAM_TICKET: &str = "/auth/stream-ticket";
const CALLBACK: &[Parameter] =
    &[query("state", "string", "", "What the provider was sent"), query("code", "string", "", "What the provider gives")];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: "get",
        path: "/events",
        id: "events",
        tag: "streams",
        summary: "Tape events as they happen: event price, news, alert, status or gap, each with its position as id",
        parameters: &[
            Parameter {
                name: "topics",
                place: "query",
                required: true,
                kind: "string",
                example: "prices:AAPL,news:TSLA,status",
                help: "Comma list of prices:<SYMBOL>, bars:<SYMBOL>:<n>s, news:<SYMBOL>, news:*, alerts:<ID>, status",
            },
            query("mode", "string", "conflate", "all: every event; conflate: of prices only the newest"),
            INTERVAL,
            query("window", "integer", "100", "Gather events for this long into one write, in ms: 0 to 60000"),
            CURSOR,
        ],
        answer: AnswerKind::Events,
    },
    Operation {
        method: "get",
        path: "/api/mcp/stream-news",
        id: "stream_news",
        tag: "streams",
        summary: "News as JSON-RPC progress notifications, for EventSource front ends",
        parameters: &[query("symbol", "string", "TSLA", "Symbol, or * for all news"), INTERVAL, DURATION, CURSOR],
        answer: AnswerKind::Events,
    },
    Operation {
        method: "get",
        path: "/api/mcp/stream-prices",
        id: "stream_prices",
        tag: "streams",
        summary: "Prices as JSON-RPC progress notifications, for EventSource front ends",
        parameters: &[
            Parameter {
                name: "symbols",
                place: "query",
                required: true,
                kind: "string",
                example: "AAPL,TSLA",
                help: "Comma list of symbols",
            },
            INTERVAL,
            DURATION,
            CURSOR,
        ],
        answer: AnswerKind::Events,
    },
    Operation {
        method: "get",
        path: "/api/mcp/stream-alerts",
        id: "stream_alerts",
        tag: "streams",
        summary: "Firings of your price alerts as JSON-RPC progress notifications, for EventSource front ends",
        parameters: &[
            Parameter {
                name: "ids",
                place: "query",
                required: true,
                kind: "string",
                example: "0f3b9c0a5d2e4f61a7c8b9d0e1f20314",
                help: "Comma list of the ids of your alerts",
            },
            INTERVAL,
            DURATION,
            CURSOR,
        ],
        answer: AnswerKind::Events,
    },
    Operation {
        method: "get",
        path: "/api/quotes/{symbol}",
        id: "quote",
        tag: "market",
        summary: "The latest price of a symbol",
        parameters: &[SYMBOL],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "get",
        path: "/api/news/{symbol}",
        id: "news",
        tag: "market",
        summary: "The newest articles of a symbol, or of the whole market with *",
        parameters: &[SYMBOL, query("limit", "integer", "20", "Most articles: 1 to 100")],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "get",
        path: "/api/bars/{symbol}",
        id: "bars",
        tag: "market",
        summary: "The newest bars of a symbol, oldest first",
        parameters: &[
            SYMBOL,
            query("timespan", "string", "minute", "minute, hour or day"),
            query("limit", "integer", "60", "Most bars: 1 to 1000"),
        ],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "get",
        path: "/api/status",
        id: "status",
        tag: "market",
        summary: "Market session and upstream health",
        parameters: &[],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "get",
        path: "/tools/list",
        id: "tools_list",
        tag: "tools",
        summary: "The tools, as MCP's tools/list has them; each is a POST to /tools/<name>",
        parameters: &[query("cursor", "string", "", "The nextCursor of the page before")],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "get",
        path: "/auth/login",
        id: "login",
        tag: "account",
        summary: "For browsers: away to the sign-in provider",
        parameters: &[query("return_to", "string", "/docs", "Path of this server to come back to; anything else is taken for /")],
        answer: AnswerKind::Redirect,
    },
    Operation {
        method: "get",
        path: "/auth/callback",
        id: "callback",
        tag: "account",
        summary: "For browsers: back from the sign-in provider",
        parameters: CALLBACK,
        answer: AnswerKind::Redirect,
    },
    Operation {
        method: "get",
        path: "/callback",
        id: "callback_short",
        tag: "account",
        summary: "The same under a shorter name",
        parameters: CALLBACK,
        answer: AnswerKind::Redirect,
    },
    Operation {
        method: "post",
        path: "/auth/logout",
        id: "logout",
        tag: "account",
        summary: "For browsers: end the session; needs a page of an allowed origin",
        parameters: &[],
        answer: AnswerKind::Nothing,
    },
    Operation {
        method: "post",
        path: "/auth/refresh",
        id: "refresh",
        tag: "account",
        summary: "For browsers that have signed in: an access token for /mcp",
        parameters: &[],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "post",
        path: STREAM_TICKET,
        id: "stream_ticket",
        tag: "account",
        summary: "A ticket with which an EventSource opens one event stream within a minute, as ?ticket=",
        parameters: &[],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "get",
        path: "/api/user",
        id: "user",
        tag: "account",
        summary: "Who you are",
        parameters: &[],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "delete",
        path: "/api/user",
        id: "user_erase",
        tag: "account",
        summary: "Erase you and all that is yours, now and for good: account, keys, tokens, alerts, tasks, sessions. Needs the scope write",
        parameters: &[],
        answer: AnswerKind::Nothing,
    },
    Operation {
        method: "get",
        path: UPSTREAM_KEY,
        id: "upstream_key_get",
        tag: "account",
        summary: "Whether you have an own upstream key, of which plan and since when; never the key",
        parameters: &[],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "put",
        path: UPSTREAM_KEY,
        id: "upstream_key_put",
        tag: "account",
        summary: "Set your own upstream key: it is tried once, kept encrypted, and what you ask goes out with it, on its own budget",
        parameters: &[],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "delete",
        path: UPSTREAM_KEY,
        id: "upstream_key_delete",
        tag: "account",
        summary: "Forget your own upstream key: what you ask goes out with the gateway's again",
        parameters: &[],
        answer: AnswerKind::Nothing,
    },
    Operation {
        method: "post",
        path: "/mcp",
        id: "mcp_post",
        tag: "mcp",
        summary: "Model Context Protocol over Streamable HTTP: one JSON-RPC message, or a batch in a session of 2025-03-26 or older",
        parameters: &[
            header("MCP-Protocol-Version", false, "2026-07-28", "Needed by 2026-07-28, as in `_meta` of the body"),
            header("Mcp-Method", false, "tools/call", "Needed by 2026-07-28: `method` of the body"),
            header(
                MCP_NAME,
                false,
                "",
                "Needed by 2026-07-28 for tools/call, prompts/get and resources/read: `name` or `uri` of the body",
            ),
            header("Mcp-Session-Id", false, "", "Needed by all older revisions, from the answer to initialize"),
        ],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "get",
        path: "/mcp",
        id: "mcp_get",
        tag: "mcp",
        summary: "The session's standalone stream, or a stream resumed by Last-Event-ID",
        parameters: &[SESSION, header("Last-Event-ID", false, "", "Id of the last event that came: what came after it is sent")],
        answer: AnswerKind::Events,
    },
    Operation {
        method: "delete",
        path: "/mcp",
        id: "mcp_delete",
        tag: "mcp",
        summary: "End the session",
        parameters: &[SESSION],
        answer: AnswerKind::Nothing,
    },
    Operation {
        method: "get",
        path: "/sse",
        id: "sse_get",
        tag: "mcp",
        summary: "Model Context Protocol over HTTP+SSE (2024-11-05; only with LEGACY_SSE): a session and its one stream",
        parameters: &[],
        answer: AnswerKind::Events,
    },
    Operation {
        method: "post",
        path: "/messages",
        id: "messages_post",
        tag: "mcp",
        summary: "A message to the session of a stream that /sse opened (only with LEGACY_SSE); answered on that stream",
        parameters: &[Parameter {
            name: "session_id",
            place: "query",
            required: true,
            kind: "string",
            example: "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
            help: "As the stream's first event says",
        }],
        answer: AnswerKind::Accepted,
    },
    Operation {
        method: "get",
        path: "/health",
        id: "health",
        tag: "operations",
        summary: "Health with checks",
        parameters: &[],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "get",
        path: "/healthz",
        id: "live",
        tag: "operations",
        summary: "The process answers",
        parameters: &[],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "get",
        path: "/readyz",
        id: "ready",
        tag: "operations",
        summary: "New work may come; 503 while shutting down",
        parameters: &[],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "get",
        path: "/metrics",
        id: "metrics",
        tag: "operations",
        summary: "Prometheus metrics",
        parameters: &[],
        answer: AnswerKind::Text,
    },
    Operation {
        method: "post",
        path: "/test-error",
        id: "test_error",
        tag: "operations",
        summary: "An error on purpose, to see that it is reported",
        parameters: &[],
        answer: AnswerKind::Json,
    },
];
