//! `/auth/*` and `/callback`: a browser signs in at the provider, has a token made, and signs out.
//!
//! Nothing here is kept by caches, and no page of another site may show it in a frame (`middleware/finish`).

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CACHE_CONTROL, LOCATION};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder};
use secrecy::SecretString;
use serde_json::json;
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::identity::oidc::{CallbackFault, IdTokenFault};
use tickgate_core::identity::{BrowserSession, User};
use tickgate_core::ports::StoreError;

use super::query::Query;
use crate::auth::BrowserSessions;
use crate::html::{self, escaped};
use crate::http::error::Problem;
use crate::http::gateway::{OnWorker, Worker, client_ip};
use crate::http::request::{RequestIdentity, caller, cross_site, is_from_own_page};
use crate::identity::{Happening, Who};
use crate::oidc::{AccountFault, Begun, ProviderFault, SignIn, SignInFault, SignedIn};

/// The page of a sign-in that failed.
const FAILED: &str = include_str!("auth_failed.html");

/// `GET /auth/login`: away to the provider.
pub(in crate::http) async fn login(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    let begun = async {
        let query = Query::read(&request, &["return_to"])?;
        let sign_in = configured(&worker)?;
        Ok::<_, Problem>(sign_in.begin(&worker.provider, query.text("return_to").unwrap_or("/")).await)
    };
    match begun.await {
        Err(problem) => unkept(problem.respond(&request)),
        Ok(Err(fault)) => failed(&request, &fault),
        Ok(Ok(Begun { address, cookie })) => redirect(HttpResponse::Found(), address.as_str(), &[cookie]),
    }
}

/// `GET /auth/callback` and `GET /callback`: back from the provider.
pub(in crate::http) async fn callback(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    let sign_in = match configured(&worker) {
        Ok(sign_in) => sign_in,
        Err(problem) => return unkept(problem.respond(&request)),
    };
    match sign_in.finish(&worker.provider, request.query_string(), request.headers()).await {
        Err(fault) => {
            let other_browser = matches!(fault, SignInFault::Callback(CallbackFault::OtherBrowser));
            let action = if other_browser { AuditAction::BrowserMismatch } else { AuditAction::SignIn };
            let why = vec![("why", fault.to_string())];
            let row = Happening { details: why, ..happening(&request, &worker, Who::Nobody, action, Outcome::Refused) };
            worker.gateway.audit.note(row);
            failed(&request, &fault)
        }
        Ok(SignedIn { user, cookies, return_to, ended }) => {
            tracing::info!(user = %user.id, role = user.role.as_str(), "somebody signed in");
            if let Some(ended) = ended {
                worker.gateway.directory.end_browser_session(ended, worker.gateway.clock.now());
            }
            let who = || Who::Somebody(user.principal());
            if user.created == user.last_seen {
                let row = happening(&request, &worker, who(), AuditAction::UserCreate, Outcome::Done);
                worker.gateway.audit.write_or_queue(row).await;
            }
            let row = happening(&request, &worker, who(), AuditAction::SignIn, Outcome::Done);
            worker.gateway.audit.write_or_queue(row).await;
            redirect(HttpResponse::SeeOther(), &return_to, &cookies)
        }
    }
}

/// `POST /auth/logout`: the session is over everywhere, and the cookie is taken back.
pub(in crate::http) async fn logout(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    let Some(browsers) = &worker.gateway.browsers else { return unkept(not_configured().respond(&request)) };
    if !is_from_own_page(request.headers()) {
        return unkept(cross_site().respond(&request));
    }
    if let Err(error) = end_session(&request, &worker, browsers).await {
        tracing::error!(error = %error, "a session cannot be ended");
        return unkept(Problem::unavailable("you could not be signed out: try again in a moment").respond(&request));
    }
    // A form wants a page next, a script wants none.
    let is_form =
        request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|it| it.contains("text/html"));
    if is_form {
        redirect(HttpResponse::SeeOther(), "/", &[browsers.no_cookie()])
    } else {
        HttpResponse::NoContent().insert_header((CACHE_CONTROL, "no-store")).cookie(browsers.no_cookie()).finish()
    }
}

/// Ends the session of the cookie, if there is one, and what was opened with it.
async fn end_session(request: &HttpRequest, worker: &Worker, browsers: &BrowserSessions) -> Result<(), StoreError> {
    let Some(session) = browsers.find(request.headers()).await? else { return Ok(()) };
    browsers.end(session.id).await?;
    worker.gateway.directory.end_browser_session(session.id, worker.gateway.clock.now());
    let who = Who::Somebody(session.user.principal());
    worker.gateway.audit.write_or_queue(happening(request, worker, who, AuditAction::SignOut, Outcome::Done)).await;
    Ok(())
}

/// `POST /auth/refresh`: an access token for the person of the cookie, for a page that calls `/mcp`.
pub(in crate::http) async fn refresh(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    let answer = || {
        let session = request.extensions().get::<BrowserSession>().cloned();
        let session = session.filter(|_| signed_in(&request).is_some()).ok_or_else(|| {
            let detail = "Unauthorized: this is for a browser that has signed in at /auth/login";
            Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
        })?;
        let scope = caller(&request).map(|caller| caller.scope).ok_or_else(not_configured)?;
        let gateway = &worker.gateway;
        let now = gateway.clock.now();
        let secs = gateway.settings.access_token_secs.min(session.expires().since(now) / 1_000);
        let token = gateway.tokens.issue_in(&session, scope, secs, now).map_err(|_| not_configured())?;
        let row = happening(&request, &worker, Who::Somebody(session.user.principal()), AuditAction::TokenIssue, Outcome::Done);
        gateway.audit.note(Happening { details: vec![("scope", scope.to_string())], ..row });
        Ok(json!({"access_token": token, "token_type": "Bearer", "expires_in": secs, "scope": scope.as_str()}))
    };
    unkept(match answer() {
        Ok(json) => HttpResponse::Ok().json(json),
        Err(problem) => Problem::respond(&problem, &request),
    })
}

/// The person of the cookie that let this request in.
pub(super) fn signed_in(request: &HttpRequest) -> Option<User> {
    request.extensions().get::<User>().cloned()
}

/// A row for the audit log.
pub(super) fn happening(request: &HttpRequest, worker: &Worker, who: Who, action: AuditAction, outcome: Outcome) -> Happening {
    Happening {
        who,
        from: Some(client_ip(request, &worker.gateway.settings)),
        request_id: Some(RequestIdentity::of(request)),
        action,
        target: "browser".to_owned(),
        owner: None,
        outcome,
        details: Vec::new(),
    }
}

fn configured(worker: &Worker) -> Result<&SignIn, Problem> {
    worker.gateway.sign_in.as_ref().ok_or_else(not_configured)
}

pub(super) fn not_configured() -> Problem {
    let detail = "Sign-in is not set up here; the operator sets GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET, SESSION_SECRET_KEY and JWT_SECRET_KEY; docs/AUTH.md has the steps.";
    Problem::new(StatusCode::NOT_FOUND, "not_configured", detail)
}

fn redirect(mut response: HttpResponseBuilder, to: &str, cookies: &[Cookie<'static>]) -> HttpResponse {
    response.insert_header((LOCATION, to)).insert_header((CACHE_CONTROL, "no-store"));
    for cookie in cookies {
        response.cookie(cookie.clone());
    }
    response.finish()
}

fn unkept(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(CACHE_CONTROL, actix_web::http::header::HeaderValue::from_static("no-store"));
    response
}

/// A page for the person, who came here by a link: no word of it comes from outside.
fn failed(request: &HttpRequest, fault: &SignInFault) -> HttpResponse {
    let (status, text) = told(fault);
    tracing::warn!(error = %fault, status = status.as_u16(), "a sign-in failed");
    let page = html::page("Sign-in failed", FAILED, |field| match field {
        "told" => escaped(&text),
        "request" => RequestIdentity::of(request),
        _ => String::new(),
    });
    HttpResponse::build(status).insert_header((CACHE_CONTROL, "no-store")).content_type("text/html; charset=utf-8").body(page)
}

fn told(fault: &SignInFault) -> (StatusCode, String) {
    let fails = "The sign-in provider cannot be reached or is not set up as it must be; the log says more under the request's id";
    match fault {
        SignInFault::Callback(CallbackFault::Denied) => (StatusCode::FORBIDDEN, "The provider did not sign you in".to_owned()),
        SignInFault::Callback(fault) => (StatusCode::BAD_REQUEST, format!("It did not work: {fault}")),
        SignInFault::Provider(ProviderFault::Claims(fault @ (IdTokenFault::HostedDomain | IdTokenFault::Unverified))) => {
            (StatusCode::FORBIDDEN, format!("It did not work: {fault}"))
        }
        SignInFault::Provider(ProviderFault::Claims(_) | ProviderFault::Signature(_)) => {
            (StatusCode::FORBIDDEN, "What the provider says about you is not believed here".to_owned())
        }
        SignInFault::Provider(_) => (StatusCode::BAD_GATEWAY, fails.to_owned()),
        SignInFault::Account(AccountFault::Refused(refusal)) => (StatusCode::FORBIDDEN, format!("It did not work: {refusal}")),
        SignInFault::Account(AccountFault::Store(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "Accounts cannot be looked up at the moment; try again".to_owned())
        }
    }
}

/// A secret in a JSON answer.
pub(super) fn shown(secret: &SecretString) -> &str {
    secrecy::ExposeSecret::expose_secret(secret)
}
