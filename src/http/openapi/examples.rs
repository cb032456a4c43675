//! An example of each operation's answer, and of each tool's arguments.

use serde_json::{Value, json};

use crate::tools;

pub(super) fn example(id: &str) -> Value {
    let freshness = json!({"as_of": "2026-03-10T18:31:07.294Z", "age_ms": 120, "source": "poll", "delayed": false, "session": "regular", "position": "a1b2-42"});
    let price = json!({"symbol": "AAPL", "price": 239.85, "change": 0.52, "change_percent": 0.2173, "volume": 41_220_118.0,
        "as_of": "2026-03-10T18:31:07.294Z", "source": "poll", "delayed": false, "session": "regular", "position": "a1b2-42"});
    match id {
        "events" => json!(format!("id: a1b2-42\nevent: price\ndata: {price}\n\n")),
        "stream_news" | "stream_prices" | "stream_alerts" => json!(
            "id: a1b2-42~1773167527000\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{…}}\n\n"
        ),
        "sse_get" => json!("event: endpoint\ndata: /messages?session_id=0f…\n\n"),
        "mcp_get" => json!("id: 0f….0\nretry: 1000\ndata:\n\n"),
        "quote" => json!({"results": price, "position": "a1b2-42", "_freshness": freshness}),
        "news" | "bars" => json!({"results": [], "position": "a1b2-42", "_freshness": freshness}),
        "status" => json!({"state": "ok", "session": "regular", "source": "poll", "delayed": false, "position": "a1b2-42"}),
        "mcp_post" => json!({"jsonrpc": "2.0", "id": 1, "result": {}}),
        "mcp_post_stream" => json!(
            "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{…}}\n\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{…}}\n\n"
        ),
        "tools_list" => json!({"tools": [{"name": "get_aggs", "inputSchema": {"type": "object"}}]}),
        "upstream_key_get" | "upstream_key_put" => json!({"set": true, "plan": "free", "since": "2026-03-10T18:31:07.294Z"}),
        "refresh" => json!({"access_token": "eyJ….….…", "token_type": "Bearer", "expires_in": 3_600, "scope": "write"}),
        "stream_ticket" => json!({"ticket": "tgt_…_…", "path": "/events", "expires_in": 60}),
        "user" => json!({"principal": "user:0f3b9c0a5d2e4f61a7c8b9d0e1f20314", "scope": "write", "user": {
            "id": "0f3b9c0a5d2e4f61a7c8b9d0e1f20314", "name": "Ada", "email": "ada@example.com", "email_verified": true, "role": "user",
            "created": "2026-03-10T18:31:07.294Z", "last_seen": "2026-03-10T18:31:07.294Z"}}),
        "session" => json!({"sign_in": true, "reads": true, "anonymous": null, "own_upstream_key": true, "user": {
            "id": "0f3b9c0a5d2e4f61a7c8b9d0e1f20314", "name": "Ada", "email": "ada@example.com", "email_verified": true, "role": "user",
            "created": "2026-03-10T18:31:07.294Z", "last_seen": "2026-03-10T18:31:07.294Z"}}),
        "clients_list" => {
            json!({"clients": [{"id": "5d2e4f61a7c8b9d0e1f203140f3b9c0a", "client_id": "client-0pHxR2tYw5Zk8mB3nC6vQa",
            "name": "A client", "place": "client.example", "scopes": "read write", "agreed_at": "2026-03-10T18:31:07.294Z",
            "last_used_at": "2026-03-10T18:31:07.294Z", "signed_in": 1}]})
        }
        "api_keys_list" => json!({"api_keys": [super::keys::example()]}),
        "api_keys_get" => super::keys::example(),
        "api_keys_create" | "api_keys_rotate" => {
            let mut example = super::keys::example();
            example["key"] = json!("tg_<id>_<secret>");
            example
        }
        "admin_users_list" => {
            json!({"users": [super::admin::person()], "next": "1773167467294-0f3b9c0a5d2e4f61a7c8b9d0e1f20314"})
        }
        "admin_users_get" | "admin_users_change" => super::admin::person(),
        "admin_audit" => super::admin::rows(),
        "key_link_page" | "key_link_open" => json!("<!doctype html>…"),
        "health" => json!({"status": "healthy", "uptime_seconds": 12, "version": env!("CARGO_PKG_VERSION"), "checks": {}}),
        "live" => json!({"status": "alive"}),
        "ready" => json!({"status": "ready"}),
        "metrics" => json!("# TYPE tickgate_sessions_open gauge\ntickgate_sessions_open 3\n"),
        _ => json!({}),
    }
}

/// Arguments that fit a tool; none for one that needs none.
pub(super) fn arguments(tool: &str) -> Value {
    match tool {
        "stream_stock_prices" => json!({"symbols": ["AAPL", "TSLA"]}),
        "stream_crypto_prices" => json!({"symbols": ["X:BTCUSD", "X:ETHUSD"]}),
        "stream_market_news" | "summarize_news" => json!({"symbol": "TSLA"}),
        "read_tape" => json!({"topics": ["prices:AAPL", "status"], "limit": 5}),
        "set_price_alert" => json!({"symbol": "AAPL", "condition": "above", "target_price": 250.0}),
        "delete_price_alert" => json!({"alert_id": "0f3b9c0a5d2e4f61a7c8b9d0e1f20314"}),
        "watch_price" => json!({"symbol": "AAPL", "condition": "above", "target_price": 250.0, "timeout": 5_000}),
        "get_returns" | "get_volatility" => json!({"symbols": ["AAPL", "TSLA"], "bars": 120, "max_points": 5}),
        "calculate_correlation" => json!({"symbols": ["AAPL", "TSLA"], "bars": 120}),
        "get_support_resistance" => json!({"symbol": "AAPL", "bars": 250}),
        "get_technical_indicators" => {
            json!({"symbol": "AAPL", "indicators": ["rsi", "macd", "sma:50"], "bars": 120, "max_points": 5})
        }
        "refresh_token" => json!({"refresh_token": "tgr_<name>_<secret>"}),
        "manage_api_keys" => {
            json!({"action": "create", "user_id": "ada", "scope": "read", "name": "nightly report", "ttl_hours": 720})
        }
        "search_endpoints" => json!({"query": "dividend yield", "limit": 3}),
        "call_endpoint" => json!({"name": "list_dividends", "arguments": {"ticker": "AAPL", "limit": 3}}),
        _ => tools::sample(tool).unwrap_or_else(|| json!({})),
    }
}
