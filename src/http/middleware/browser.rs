//! Who calls when no header says it: a browser that has signed in, or an event stream with a ticket.
//!
//! A browser sends its cookie by itself, so it counts on the routes that pages use and nowhere else, and a write needs a sign
//! that a page of ours made it. A cookie that is nobody's counts as none: on a developer's machine the gateways of all ports
//! share their cookies.

use actix_web::HttpMessage;
use actix_web::cookie::Cookie;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use tickgate_core::access::{Caller, Scope};
use tickgate_core::identity::{SessionId, StreamPass, UserId};
use tickgate_core::ports::StoreError;

use super::authenticate::unauthorized;
use crate::auth::{AuthError, Authenticator, BrowserSessions};
use crate::http::Worker;
use crate::http::endpoints::stream_ticket::{SESSION_CREDENTIAL, is_stream};
use crate::http::error::Problem;
use crate::http::request::{cross_site, is_from_own_page};

/// A browser's caller.
pub(super) struct Entered {
    pub(super) caller: Caller,
    /// With what it comes back.
    pub(super) cookie: Option<Cookie<'static>>,
}

/// Where a cookie counts.
fn is_browser_route(path: &str) -> bool {
    matches!(path, "/" | "/events") || path.starts_with("/api/") || path.starts_with("/auth/")
}

/// The caller of a browser's request; `None` when a header decides, or there is neither cookie nor ticket.
pub(super) async fn browser_caller(request: &ServiceRequest, worker: &Worker) -> Result<Option<Entered>, Problem> {
    let gateway = &worker.gateway;
    let Some(browsers) = &gateway.browsers else { return Ok(None) };
    if Authenticator::credential(request.headers()).is_some() {
        return Ok(None);
    }
    if is_browser_route(request.path())
        && let Some((session, user)) = browsers.signed_in(request.headers()).await.map_err(away)?
        && let Some(scope) = user.scope()
    {
        if !request.method().is_safe() && !is_from_own_page(request.headers()) {
            return Err(cross_site());
        }
        let caller = Caller { principal: user.principal(), scope, authenticated: true };
        request.extensions_mut().insert(session);
        request.extensions_mut().insert(user);
        return Ok(Some(Entered { caller, cookie: None }));
    }
    if request.method() == Method::GET && is_stream(request.path()) {
        by_ticket(request, worker, browsers).await
    } else {
        Ok(None)
    }
}

async fn by_ticket(request: &ServiceRequest, worker: &Worker, browsers: &BrowserSessions) -> Result<Option<Entered>, Problem> {
    let Some(tickets) = &worker.gateway.tickets else { return Ok(None) };
    let query = url::form_urlencoded::parse(request.query_string().as_bytes());
    let ticket = query.into_iter().find(|(name, _)| name == "ticket").map(|(_, ticket)| ticket);
    let redeemed = tickets.redeem(ticket.as_deref(), request.path(), request.headers()).await.map_err(away)?;
    let scope = match &redeemed {
        Some(redeemed) => scope_now(&redeemed.pass, browsers).await.map_err(away)?,
        None => None,
    };
    match (redeemed, scope) {
        (Some(redeemed), Some(scope)) => {
            let principal = redeemed.pass.principal;
            let authenticated = !principal.as_str().starts_with("ip:");
            Ok(Some(Entered { caller: Caller { principal, scope, authenticated }, cookie: redeemed.cookie }))
        }
        // A ticket was shown: a bad one is refused, nothing falls through.
        _ if ticket.is_some() => Err(unauthorized(AuthError::Invalid)),
        _ => Ok(None),
    }
}

/// What a pass is good for now: what ended the credential or the rights behind it ends it too.
async fn scope_now(pass: &StreamPass, browsers: &BrowserSessions) -> Result<Option<Scope>, StoreError> {
    if let Some(session) = pass.credential.strip_prefix(SESSION_CREDENTIAL) {
        let Ok(id) = session.parse::<SessionId>() else { return Ok(None) };
        if !browsers.lives(id).await? {
            return Ok(None);
        }
    }
    let Some(id) = UserId::of_principal(&pass.principal) else { return Ok(Some(pass.scope)) };
    let scope = browsers.person(id).await?.and_then(|user| user.scope());
    Ok(scope.map(|scope| scope.min(pass.scope)))
}

fn away(error: StoreError) -> Problem {
    tracing::error!(error = %error, "a browser's session cannot be looked up");
    Problem::unavailable("sessions cannot be looked up: try again in a moment")
}
