//! Health: what is checked was found out before it is asked, so that the answer takes no time.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use tickgate_actors::stream::Health;

use crate::http::error::Problem;
use crate::http::gateway::OnWorker;

/// Everything, with checks. Neither a degraded upstream nor a database that is away makes the gateway unhealthy: it goes on serving what
/// it has. Why the database is away is in the log: this page is public.
pub(in crate::http) async fn health(OnWorker(worker): OnWorker) -> HttpResponse {
    let gateway = &worker.gateway;
    let upstream = gateway.market_state.health();
    let store = if gateway.store.is_available() { "ok" } else { "unavailable" };
    let degraded = matches!(upstream, Health::Degraded(_)) || !gateway.store.is_available();
    let status = if degraded { "degraded" } else { "healthy" };
    let reason = match upstream {
        Health::Degraded(kind) => Some(kind.as_str()),
        Health::Ok | Health::Unknown => None,
    };
    let body = json!({
        "status": status,
        "timestamp": gateway.clock.now().to_string(),
        "uptime_seconds": gateway.clock.uptime().as_secs(),
        "version": env!("CARGO_PKG_VERSION"),
        "checks": {
            "upstream": {"status": upstream.as_str(), "reason": reason},
            "store": {"status": store, "kind": gateway.store.kind()},
            "sessions": {"open": gateway.sessions.len()},
            "draining": gateway.is_draining(),
        },
    });
    HttpResponse::Ok().insert_header(("cache-control", "no-store")).content_type("application/json").body(body.to_string())
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
