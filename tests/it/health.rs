//! Health, metrics, documents.

use serde_json::Value;

use crate::support::{McpClient, TestGateway, get};

#[test]
fn health_liveness_and_readiness_answer() {
    let gateway = TestGateway::start();
    let health = get("/health").send(gateway.address).json();
    assert_eq!(health["status"], "healthy");
    assert!(
        health["uptime_seconds"].is_u64()
            && health["timestamp"].is_string()
            && health["version"].is_string()
            && health["checks"].is_object()
    );
    assert_eq!(get("/healthz").send(gateway.address).status, 200);
    assert_eq!(get("/readyz").send(gateway.address).status, 200);
    // Orchestrators ask by address.
    assert_eq!(get("/health").header("Host", "10.0.0.7:8080").send(gateway.address).status, 200);
}

#[test]
fn metrics_count_what_was_done_with_bounded_labels() {
    let gateway = TestGateway::start();
    let mut client = McpClient::connect(gateway.address);
    client.call("get_market_status", serde_json::json!({}));
    client.ask("nosuch/method", serde_json::json!({}));
    for n in 0..50 {
        get(&format!("/nosuch/{n}")).send(gateway.address);
    }
    let answer = get("/metrics").send(gateway.address);
    assert!(answer.header("content-type").unwrap().starts_with("text/plain"));
    let text = answer.text();
    for line in [
        "mcp_requests_total{method=\"initialize\",status=\"ok\"} 1",
        "mcp_requests_total{method=\"tools/call\",status=\"ok\"} 1",
        "mcp_requests_total{method=\"other\",status=\"ok\"} 1",
        "mcp_request_duration_seconds_count{method=\"tools/call\"} 1",
        "tickgate_sessions_open 1",
        "tickgate_sessions_opened_total 1",
        "tickgate_upstream_requests_total{outcome=\"ok\"}",
        "process_resident_memory_bytes",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    assert!(!text.contains("/nosuch/"), "unknown paths are one label");
    assert!(text.contains("endpoint=\"unmatched\""));
}

#[test]
fn the_openapi_document_is_served_and_its_page_loads_nothing_from_elsewhere() {
    let gateway = TestGateway::start();
    let document = get("/openapi.json").send(gateway.address).json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.0."));
    assert_eq!(document["servers"][0]["url"], Value::from(format!("http://{}", gateway.address)));
    let page = get("/docs/index.html").send(gateway.address);
    assert_eq!(page.status, 200);
    let html = page.text();
    assert!(!html.contains("http://") && !html.contains("https://"), "{html}");
    for file in html.split(['"', '\'']).filter(|text| text.ends_with(".js") || text.ends_with(".css")) {
        let path = format!("/docs/{}", file.trim_start_matches("./"));
        assert_eq!(get(&path).send(gateway.address).status, 200, "{path}");
    }
    assert!(get("/docs/swagger-initializer.js").send(gateway.address).text().contains("/openapi.json"));
    for path in ["/docs/nosuch.js", "/docs/..%2f..%2fCargo.toml", "/assets/nosuch.js", "/assets/..%2fmod.rs"] {
        assert_eq!(get(path).send(gateway.address).status, 404, "{path}");
    }
    assert_eq!(get("/docs").send(gateway.address).status, 308);
}
