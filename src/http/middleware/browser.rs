//! Who calls when no header says it: a browser that has signed in, or an event stream with a ticket.
//!
//! A browser sends its cookie by itself, so it counts on the routes that pages use and nowhere else, and a write needs a sign
//! that a page of ours made it. A cookie that is nobody's counts as none: on a developer's machine the gateways of all ports
//! share their cookies.

use actix_web::HttpMessage;
use actix_web::cookie::Cookie;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use tickgate_core::access::{Caller, CredentialId};
use tickgate_core::identity::{SessionId, StreamPass};
use tickgate_core::ports::StoreError;

use super::authenticate::unauthorized;
use crate::auth::{AuthError, Authenticator, BrowserSessions, Redeemed};
use crate::http::Worker;
use crate::http::error::Problem;
use crate::http::request::{cross_site, is_from_own_page};
use crate::http::route::{Kind, RouteSpec};

/// A browser's caller.
pub(super) struct Entered {
    pub(super) caller: Caller,
    /// With what it comes back.
    pub(super) cookie: Option<Cookie<'static>>,
}

/// The caller of a browser's request; `None` when a header decides, or there is neither cookie nor ticket.
pub(super) async fn browser_caller(request: &ServiceRequest, worker: &Worker) -> Result<Option<Entered>, Problem> {
    let gateway = &worker.gateway;
    let Some(browsers) = &gateway.browsers else { return Ok(None) };
    if Authenticator::credential(request.headers()).is_some() {
        return Ok(None);
    }
    let kind = RouteSpec::kind_of(request.path());
    if kind.is_some_and(Kind::takes_cookies)
        && let Some((session, user)) = browsers.signed_in(request.headers()).await.map_err(away)?
        && let Some(scope) = user.scope()
    {
        if !request.method().is_safe() && !is_from_own_page(request.headers()) {
            return Err(cross_site());
        }
        let caller = Caller {
            credential: CredentialId::BrowserSession(session.id.0),
            expires: Some(session.expires()),
            ..Caller::trusted(user.principal(), scope)
        };
        request.extensions_mut().insert(session);
        request.extensions_mut().insert(user);
        return Ok(Some(Entered { caller, cookie: None }));
    }
    if request.method() == Method::GET && kind == Some(Kind::Stream) {
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
    if let Some(Redeemed { pass, cookie }) = redeemed
        && let Some(caller) = caller_now(&pass, worker, browsers).await.map_err(away)?
    {
        return Ok(Some(Entered { caller, cookie }));
    }
    // A ticket was shown: a bad one is refused, nothing falls through.
    if ticket.is_some() { Err(unauthorized(AuthError::Invalid)) } else { Ok(None) }
}

/// Whose pass it is, if the credential with which it was asked for is good now.
async fn caller_now(pass: &StreamPass, worker: &Worker, browsers: &BrowserSessions) -> Result<Option<Caller>, StoreError> {
    let gateway = &worker.gateway;
    let most = gateway.directory.scope_of(&pass.principal);
    let (Some(credential), Some(most)) = (CredentialId::read(&pass.credential), most) else { return Ok(None) };
    if let CredentialId::BrowserSession(id) = credential
        && !browsers.lives(SessionId(id)).await?
    {
        return Ok(None);
    }
    let caller = Caller {
        principal: pass.principal.clone(),
        scope: pass.scope.min(most),
        authenticated: credential != CredentialId::None,
        credential,
        expires: pass.credential_expires,
    };
    Ok(gateway.directory.stands(&caller, gateway.clock.now()).is_ok().then_some(caller))
}

fn away(error: StoreError) -> Problem {
    tracing::error!(error = %error, "a browser's session cannot be looked up");
    Problem::unavailable("sessions cannot be looked up: try again in a moment")
}
