//! Which refused requests are written down? What a caller may not (403), and what a rate limit refused (429): a row a minute for each
//! caller and reason, and one for all whom nobody knows, so that nobody fills the log by being refused.

use actix_web::HttpMessage as _;
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::WWW_AUTHENTICATE;
use tickgate_core::access::Caller;
use tickgate_core::identity::audit::AuditAction;

use crate::http::error::Place;
use crate::http::gateway::client_ip;
use crate::http::route::{Kind, RouteSpec};
use crate::identity::Refusal;

/// Writes a refusal down, if it is one. `limited`: a rate limit made it.
pub(super) fn note_refusal<B>(response: &ServiceResponse<B>, limited: bool, place: &Place) {
    let request = response.request();
    let who = request.extensions().get::<Caller>().filter(|caller| caller.authenticated).map(|caller| caller.principal.clone());
    let (action, reason) = match (limited, response.status()) {
        (true, _) if who.is_some() => (AuditAction::RateLimited, "caller"),
        (true, _) => (AuditAction::RateLimited, "address"),
        (false, StatusCode::FORBIDDEN) if response.headers().contains_key(WWW_AUTHENTICATE) => {
            (AuditAction::AccessDenied, "scope")
        }
        (false, StatusCode::FORBIDDEN) => (AuditAction::AccessDenied, "forbidden"),
        _ => return,
    };
    let gateway = &place.worker.gateway;
    let refusal = Refusal {
        who,
        from: Some(client_ip(request, &gateway.settings)),
        request_id: place.request_id.clone(),
        action,
        target: format!("route:{}", RouteSpec::kind_of(request.path()).map_or("other", Kind::label)),
        reason,
    };
    gateway.refusals.note_caller(refusal, &gateway.audit, gateway.clock.now());
}
