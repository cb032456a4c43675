//! Host and origin: against DNS rebinding and pages of others (protocol.md §3.7). Answers preflight requests.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HOST,
    ORIGIN,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};
use tickgate_core::rpc::ErrorCode;

use crate::http::error::Problem;
use crate::http::gateway::{HttpSettings, worker};
use crate::http::route::{Kind, RouteSpec};

/// Request headers that browser code may send.
const ALLOWED_HEADERS: &str = "Authorization, Content-Type, Accept, X-API-Key, X-Request-Id, Mcp-Session-Id, MCP-Protocol-Version, Last-Event-ID, Mcp-Method, Mcp-Name";

/// The layer.
pub(in crate::http) async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let worker = worker(request.request());
    if let Some(problem) = refusal(&request, &worker.gateway.settings) {
        worker.gateway.metrics.refused.with_label_values(&["guard"]).inc();
        let response = problem.respond(request.request());
        return Ok(request.into_response(response).map_into_right_body());
    }
    if request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        let response = HttpResponse::NoContent()
            .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, PATCH, DELETE, OPTIONS"))
            .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS))
            .insert_header((ACCESS_CONTROL_MAX_AGE, "600"))
            .finish();
        return Ok(request.into_response(response).map_into_right_body());
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

fn refusal(request: &ServiceRequest, settings: &HttpSettings) -> Option<Problem> {
    let kind = RouteSpec::kind_of(request.path());
    // Orchestrators ask by address.
    if kind != Some(Kind::Probe) && !is_allowed_host(request, settings) {
        let detail = "Forbidden: this Host is not served here; set PUBLIC_URL or ALLOWED_HOSTS";
        return Some(Problem::new(StatusCode::FORBIDDEN, "invalid_host", detail).with_code(ErrorCode::INVALID_REQUEST));
    }
    let origins: Vec<&[u8]> = request.headers().get_all(ORIGIN).map(|origin| origin.as_bytes()).collect();
    if kind.is_some_and(Kind::is_for_any_origin) {
        return None;
    }
    let foreign = origins.len() > 1 || origins.first().is_some_and(|origin| !is_allowed_origin(origin, settings));
    foreign.then(|| {
        Problem::new(StatusCode::FORBIDDEN, "invalid_origin", "Forbidden: Invalid origin").with_code(ErrorCode::INVALID_REQUEST)
    })
}

fn is_allowed_host(request: &ServiceRequest, settings: &HttpSettings) -> bool {
    let mut hosts = request.headers().get_all(HOST);
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default().to_ascii_lowercase(),
        // HTTP/2 has the authority instead.
        (None, None) => request.uri().authority().map(|authority| authority.as_str().to_ascii_lowercase()).unwrap_or_default(),
        _ => return false,
    };
    settings.allowed_hosts.contains(&host) || (settings.any_local_port && is_local(&host))
}

pub(super) fn is_allowed_origin(origin: &[u8], settings: &HttpSettings) -> bool {
    let Ok(origin) = std::str::from_utf8(origin) else { return false };
    if settings.allowed_origins.iter().any(|allowed| allowed == origin) {
        return true;
    }
    let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    settings.any_local_port && host.is_some_and(is_local)
}

/// `localhost`, `127.0.0.1` or `[::1]`, with a port or without.
fn is_local(host: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|local| {
        host.strip_prefix(local)
            .is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()))
    })
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_real_loopback_names_are_local() {
        for host in ["localhost", "localhost:3000", "127.0.0.1:8080", "[::1]", "[::1]:80"] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "localhost.evil.com",
            "localhostevil",
            "127.0.0.1.evil.com",
            "evil.com:localhost",
            "localhost:99999",
            "localhost:",
            "localhost:80/x",
            "",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }
}
