//! How long the upstream's answers are kept: by kind, as the documents say, and apart from health and metrics.

use serde_json::json;
use tickgate_core::market::cache_class::ttl;
use tickgate_core::market::{CacheClass, Session};
use tickgate_core::time::Millis;

use crate::support::{McpClient, TestGateway, get};

#[test]
fn the_documents_name_the_time_of_each_kind() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CONFIGURATION.md");
    let text = std::fs::read_to_string(path).unwrap();
    let now = Millis(1_773_167_468_000);
    for (name, class) in [
        ("live", CacheClass::Live),
        ("session", CacheClass::Session),
        ("daily", CacheClass::Daily),
        ("reference", CacheClass::Reference),
        ("history", CacheClass::History),
    ] {
        let row =
            text.lines().find(|line| line.starts_with(&format!("| {name} |"))).unwrap_or_else(|| panic!("no row of {name}"));
        let seconds = |cell: &str| cell.trim().split(' ').next().and_then(|number| number.parse::<u64>().ok()).unwrap() * 1_000;
        let cells: Vec<&str> = row.split('|').collect();
        let kept = ttl(class, &Session::OPEN, now);
        assert_eq!((seconds(cells[3]), seconds(cells[4])), (kept.fresh_ms, kept.stale_ms), "{row}");
    }
}

#[test]
fn the_same_question_of_several_callers_is_one_call_and_the_answer_says_that_it_was_kept() {
    let gateway = TestGateway::start();
    let asked = || gateway.simulator().requests_to("/v3/reference/tickers/AAPL");
    for _ in 0..5 {
        let result = McpClient::connect(gateway.address).call("get_ticker_details", json!({"ticker": "AAPL"}));
        assert_eq!(result["isError"], false, "{result}");
    }
    assert_eq!(asked(), 1);
    // Health and metrics are never of before.
    for path in ["/health", "/metrics"] {
        let answer = get(path).send(gateway.address);
        assert_ne!(answer.header("cache-control"), Some("public"), "{path}");
        assert!(answer.header("age").is_none(), "{path}");
    }
    let uptime = || get("/health").send(gateway.address).json()["timestamp"].clone();
    let first = uptime();
    crate::support::until("another moment", || uptime() != first);
}
