//! An example of each operation's answer.

use serde_json::{Value, json};

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
        "health" => json!({"status": "healthy", "uptime_seconds": 12, "version": env!("CARGO_PKG_VERSION"), "checks": {}}),
        "live" => json!({"status": "alive"}),
        "ready" => json!({"status": "ready"}),
        "metrics" => json!("# TYPE tickgate_sessions_open gauge\ntickgate_sessions_open 3\n"),
        _ => json!({}),
    }
}
