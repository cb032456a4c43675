//! The OpenAPI 3.0 document: written once at the start, from this table and the registry, through paperclip's models.
//!
//! paperclip knows Swagger 2 and converts it; what that cannot say (event streams, bearer tokens) is added afterwards.

use bytes::Bytes;
use paperclip::v2::models::DefaultApiRaw;
use serde_json::{Map, Value, json};
use tickgate_core::market::symbol::MAX_SYMBOL_BYTES;

use crate::registry::Registry;

/// One operation.
struct Operation {
    method: &'static str,
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    answer: AnswerKind,
}

struct Parameter {
    name: &'static str,
    place: &'static str,
    required: bool,
    kind: &'static str,
    example: &'static str,
    help: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AnswerKind {
    Json,
    Events,
    Text,
    Nothing,
    Accepted,
}

const fn query(name: &'static str, kind: &'static str, example: &'static str, help: &'static str) -> Parameter {
    Parameter { name, place: "query", required: false, kind, example, help }
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

const OPERATIONS: &[Operation] = &[
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
                help: "Comma list of prices:<SYMBOL>, news:<SYMBOL>, news:*, alerts:<ID>, status",
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
        method: "post",
        path: "/mcp",
        id: "mcp_post",
        tag: "mcp",
        summary: "Model Context Protocol over Streamable HTTP: one JSON-RPC message",
        parameters: &[],
        answer: AnswerKind::Json,
    },
    Operation {
        method: "get",
        path: "/mcp",
        id: "mcp_get",
        tag: "mcp",
        summary: "The session's standalone stream, or a stream resumed by Last-Event-ID",
        parameters: &[],
        answer: AnswerKind::Events,
    },
    Operation {
        method: "delete",
        path: "/mcp",
        id: "mcp_delete",
        tag: "mcp",
        summary: "End the session",
        parameters: &[],
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

/// The document.
///
/// # Panics
/// When the table above is no Swagger document: a mistake in the program, found by its test.
#[must_use]
pub fn document(public_url: &str, registry: &Registry) -> Bytes {
    let swagger: DefaultApiRaw = serde_json::from_value(swagger()).expect("the table is a Swagger document");
    let converted = paperclip_core::v3::openapiv2_to_v3(swagger);
    let mut document = serde_json::to_value(converted).expect("an OpenAPI document is JSON");
    document["servers"] = json!([{ "url": public_url }]);
    document["components"]["securitySchemes"] = json!({
        "bearer": {"type": "http", "scheme": "bearer", "description": "An access token or an API key"},
        "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    });
    document["security"] = json!([{}, {"bearer": []}, {"api_key": []}]);
    for operation in OPERATIONS {
        patch(&mut document["paths"][operation.path][operation.method], operation);
    }
    for path in ["/mcp", "/messages"] {
        document["paths"][path]["post"]["requestBody"] = request_body(registry);
    }
    document["x-mcp-tools"] = tools(registry);
    document.to_string().into()
}

fn swagger() -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let parameters: Vec<Value> = operation
            .parameters
            .iter()
            .map(|parameter| {
                json!({"name": parameter.name, "in": parameter.place, "required": parameter.required, "type": parameter.kind, "description": parameter.help})
            })
            .collect();
        let entry = paths.entry(operation.path).or_insert_with(|| json!({}));
        entry[operation.method] = json!({
            "operationId": operation.id,
            "summary": operation.summary,
            "tags": [operation.tag],
            "parameters": parameters,
            "responses": {"200": {"description": "as described"}},
        });
    }
    json!({
        "swagger": "2.0",
        "info": {
            "title": "tickgate",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Streaming gateway for market data. Every event and answer has a position; a stream opened after it misses nothing.",
        },
        "paths": paths,
        "definitions": {},
    })
}

/// What Swagger 2 cannot say.
fn patch(entry: &mut Value, operation: &Operation) {
    let (status, description, content) = match operation.answer {
        AnswerKind::Json => {
            ("200", "The answer", json!({"application/json": {"schema": {"type": "object"}, "example": example(operation.id)}}))
        }
        AnswerKind::Events => (
            "200",
            "An event stream",
            json!({"text/event-stream": {"schema": {"type": "string"}, "example": example(operation.id)}}),
        ),
        AnswerKind::Text => {
            ("200", "The exposition", json!({"text/plain": {"schema": {"type": "string"}, "example": example(operation.id)}}))
        }
        AnswerKind::Nothing => ("204", "Done", Value::Null),
        AnswerKind::Accepted => ("202", "Taken", Value::Null),
    };
    let mut answer = json!({ "description": description });
    if !content.is_null() {
        answer["content"] = content;
    }
    let problem = json!({"schema": {"type": "object", "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}, "request_id": {"type": "string"},
    }}});
    entry["responses"] =
        json!({ status: answer, "default": {"description": "A refusal", "content": {"application/problem+json": problem}} });
    for (at, parameter) in operation.parameters.iter().enumerate() {
        let example = parameter.example.parse::<u64>().map_or_else(|_| json!(parameter.example), |number| json!(number));
        entry["parameters"][at]["example"] = example;
        if parameter.name == "symbol" && parameter.place == "path" {
            entry["parameters"][at]["schema"]["maxLength"] = json!(MAX_SYMBOL_BYTES);
        }
    }
}

fn example(id: &str) -> Value {
    let freshness = json!({"as_of": "2026-03-10T18:31:07.294Z", "age_ms": 120, "source": "poll", "delayed": false, "session": "regular", "position": "a1b2-42"});
    let price = json!({"symbol": "AAPL", "price": 239.85, "change": 0.52, "change_percent": 0.2173, "volume": 41_220_118.0,
        "as_of": "2026-03-10T18:31:07.294Z", "source": "poll", "delayed": false, "session": "regular", "position": "a1b2-42"});
    match id {
        "events" => json!(format!("id: a1b2-42\nevent: price\ndata: {price}\n\n")),
        "stream_news" | "stream_prices" => json!(
            "id: a1b2-42~1773167527000\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{…}}\n\n"
        ),
        "sse_get" => json!("event: endpoint\ndata: /messages?session_id=0f…\n\n"),
        "mcp_get" => json!("id: 0f….0\nretry: 1000\ndata:\n\n"),
        "quote" => json!({"results": price, "position": "a1b2-42", "_freshness": freshness}),
        "news" | "bars" => json!({"results": [], "position": "a1b2-42", "_freshness": freshness}),
        "status" => json!({"state": "ok", "session": "regular", "source": "poll", "delayed": false, "position": "a1b2-42"}),
        "mcp_post" => json!({"jsonrpc": "2.0", "id": 1, "result": {}}),
        "health" => json!({"status": "healthy", "uptime_seconds": 12, "version": env!("CARGO_PKG_VERSION"), "checks": {}}),
        "live" => json!({"status": "alive"}),
        "ready" => json!({"status": "ready"}),
        "metrics" => json!("# TYPE tickgate_sessions_open gauge\ntickgate_sessions_open 3\n"),
        _ => json!({}),
    }
}

fn request_body(registry: &Registry) -> Value {
    let examples: Map<String, Value> = registry
        .tools()
        .iter()
        .map(|tool| {
            let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool.name, "arguments": {}}});
            (tool.name.to_owned(), json!({"summary": tool.title, "value": call}))
        })
        .collect();
    json!({"required": true, "content": {"application/json": {"schema": {"type": "object", "required": ["jsonrpc", "method"]}, "examples": examples}}})
}

/// Every tool, as the registry has it.
fn tools(registry: &Registry) -> Value {
    registry
        .tools()
        .iter()
        .map(|tool| {
            json!({"name": tool.name, "title": tool.title, "description": tool.description, "scope": tool.scope, "streaming": tool.streaming,
                "inputSchema": tool.input_schema, "outputSchema": tool.output_schema})
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_in_the_document_and_every_operation_has_an_example() {
        let document: Value = serde_json::from_slice(&document("http://127.0.0.1:8080", &Registry::standard())).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.0"));
        let pages = ["/", "/favicon.ico", "/assets/{file}", "/docs", "/docs/{file}", "/openapi.json"];
        let routes = include_str!("routes.rs");
        for path in
            routes.split("resource(\"").skip(1).filter_map(|rest| rest.split('"').next()).filter(|path| !pages.contains(path))
        {
            assert!(document["paths"].get(path).is_some(), "{path} is missing in the document");
        }
        for operation in OPERATIONS {
            let entry = &document["paths"][operation.path][operation.method];
            assert_eq!(entry["operationId"], operation.id);
            assert_eq!(entry["parameters"].as_array().map_or(0, Vec::len), operation.parameters.len(), "{}", operation.id);
            assert!(
                entry["responses"]["200"]["content"].is_object()
                    || matches!(operation.answer, AnswerKind::Nothing | AnswerKind::Accepted),
                "{}",
                operation.id
            );
        }
        assert_eq!(document["x-mcp-tools"].as_array().unwrap().len(), Registry::standard().tools().len());
    }
}
