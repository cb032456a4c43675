//! Health: what is checked was found out before it is asked, so that the answer takes no time.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use tickgate_actors::stream::Health;

use crate::http::error::Problem;
use crate::http::gateway::OnWorker;

/// An upstream whose answers take longer than this of late is degraded, in ms: prices are polled once a second.
const SLOW_MS: u64 = 1_000;

/// Everything, with checks. A degraded upstream does not make the gateway unhealthy: it goes on serving what it has. Without its store
/// it breaks promises.
pub(in crate::http) async fn health(OnWorker(worker): OnWorker) -> HttpResponse {
    let gateway = &worker.gateway;
    let typical_ms = gateway.upstream.typical_ms();
    let (upstream, reason) = match gateway.market_state.health() {
        Health::Degraded(kind) => ("degraded", Some(kind.as_str())),
        Health::Ok if typical_ms > SLOW_MS => ("degraded", Some("slow")),
        health => (health.as_str(), None),
    };
    let fails = gateway.store.is_failing();
    let status = match upstream {
        _ if fails => "unhealthy",
        "degraded" => "degraded",
        _ => "healthy",
    };
    let body = json!({
        "status": status,
        "timestamp": gateway.clock.now().to_string(),
        "uptime_seconds": gateway.clock.uptime().as_secs(),
        "version": env!("CARGO_PKG_VERSION"),
        "checks": {
            "upstream": {"status": upstream, "reason": reason, "typical_ms": typical_ms},
            "store": {"status": if fails { "failing" } else { "ok" }, "kind": gateway.store.kind()},
            "sessions": {"open": gateway.sessions.len()},
            "draining": gateway.is_draining(),
        },
    });
    let code = if fails { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    HttpResponse::build(code).insert_header(("cache-control", "no-store")).content_type("application/json").body(body.to_string())
}

/// The process answers.
pub(in crate::http) async fn live() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(r#"{"status":"alive"}"#)
}

/// New work may come; false while shutting down.
pub(in crate::http) async fn ready(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    if worker.gateway.is_draining() {
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "draining", "the gateway is shutting down")
            .retry_after(5)
            .respond(&request);
    }
    HttpResponse::Ok().content_type("application/json").body(r#"{"status":"ready"}"#)
}
