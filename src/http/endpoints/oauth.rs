//! The authorization server for MCP clients, over HTTP: discovery, registration, consent, tokens.

use std::rc::Rc;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, LOCATION, ORIGIN, PRAGMA, REFERRER_POLICY,
    WWW_AUTHENTICATE,
};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use tickgate_core::identity::oauth::{MAX_PARAMS_BYTES, OAuthCode, OAuthError};

use super::mcp::{must_be_json, read_bytes};
use crate::http::error::Problem;
use crate::http::gateway::{OnWorker, Worker, client_ip};
use crate::http::request::RequestIdentity;
use crate::oauth::{Asker, AuthorizationServer, Browser, Discovery, Next, PAGE_POLICY};

/// Longest registration, in bytes: twenty redirect addresses of 2 KB and what is said beside them.
const MAX_REGISTRATION_BYTES: usize = 64 * 1_024;
/// How long discovery documents may be kept by clients.
const KEEP: &str = "public, max-age=300";

pub(in crate::http) async fn resource(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    document(&request, &worker, |discovery| &discovery.resource)
}

pub(in crate::http) async fn server(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    document(&request, &worker, |discovery| &discovery.server)
}

pub(in crate::http) async fn open_id(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    document(&request, &worker, |discovery| &discovery.open_id)
}

pub(in crate::http) async fn keys(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    document(&request, &worker, |discovery| &discovery.keys)
}

fn document(request: &HttpRequest, worker: &Worker, which: fn(&Discovery) -> &Bytes) -> HttpResponse {
    match found(worker) {
        Ok(server) => {
            let document = which(server.discovery()).clone();
            HttpResponse::Ok().insert_header((CACHE_CONTROL, KEEP)).content_type("application/json").body(document)
        }
        Err(problem) => problem.respond(request),
    }
}

/// Registers a client (RFC 7591).
pub(in crate::http) async fn register(request: HttpRequest, payload: Payload, OnWorker(worker): OnWorker) -> HttpResponse {
    let server = match found(&worker) {
        Ok(server) => server,
        Err(problem) => return problem.respond(&request),
    };
    let body = match must_be_json(request.headers()) {
        Ok(()) => read_bytes(payload, MAX_REGISTRATION_BYTES).await,
        Err(problem) => Err(problem),
    };
    let body = match body {
        Ok(body) => body,
        Err(problem) => return problem.respond(&request),
    };
    let fields: Value = serde_json::from_slice(&body).unwrap_or_default();
    match server.register(&fields, &asker(&request, &worker)).await {
        Ok(answer) => json(StatusCode::CREATED, &answer),
        Err(error) => refused(&error),
    }
}

/// Begins an authorization, or goes on with it after the sign-in.
pub(in crate::http) async fn authorize(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    match found(&worker) {
        Ok(server) => page(server.authorize(request.query_string(), request.headers(), &asker(&request, &worker)).await),
        Err(problem) => problem.respond(&request),
    }
}

/// Takes the form of the consent page.
pub(in crate::http) async fn decide(request: HttpRequest, payload: Payload, OnWorker(worker): OnWorker) -> HttpResponse {
    let server = match found(&worker) {
        Ok(server) => server,
        Err(problem) => return problem.respond(&request),
    };
    if !is_from_our_page(request.headers()) {
        let detail = "Forbidden: this form must be sent from the page of this server";
        return Problem::new(StatusCode::FORBIDDEN, "invalid_origin", detail).respond(&request);
    }
    match form(&request, payload).await {
        Ok(form) => page(server.decide(&form, request.headers(), &asker(&request, &worker)).await),
        Err(problem) => problem.respond(&request),
    }
}

/// Gives tokens for a code or a refresh token.
pub(in crate::http) async fn token(request: HttpRequest, payload: Payload, OnWorker(worker): OnWorker) -> HttpResponse {
    let (server, form) = match sent(&request, payload, &worker).await {
        Ok(sent) => sent,
        Err(answer) => return answer,
    };
    let authorization = authorization(&request);
    match server.token(&form, authorization.as_deref(), &asker(&request, &worker)).await {
        Ok(answer) => json(StatusCode::OK, &answer),
        Err(error) => refused(&error),
    }
}

/// Takes tokens back (RFC 7009).
pub(in crate::http) async fn revoke(request: HttpRequest, payload: Payload, OnWorker(worker): OnWorker) -> HttpResponse {
    let (server, form) = match sent(&request, payload, &worker).await {
        Ok(sent) => sent,
        Err(answer) => return answer,
    };
    let authorization = authorization(&request);
    match server.revoke(&form, authorization.as_deref(), &asker(&request, &worker)).await {
        Ok(()) => HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).finish(),
        Err(error) => refused(&error),
    }
}

/// From where a request comes, for the audit log.
pub(super) fn asker(request: &HttpRequest, worker: &Worker) -> Asker {
    Asker { from: Some(client_ip(request, &worker.gateway.settings)), request_id: RequestIdentity::of(request) }
}

async fn sent<'a>(
    request: &HttpRequest,
    payload: Payload,
    worker: &'a Rc<Worker>,
) -> Result<(&'a AuthorizationServer, String), HttpResponse> {
    let server = found(worker).map_err(|problem| problem.respond(request))?;
    let form = form(request, payload).await.map_err(|problem| refused(&unreadable(&problem)))?;
    Ok((server, form))
}

fn unreadable(problem: &Problem) -> OAuthError {
    tracing::debug!(problem = problem.detail, "a form cannot be read");
    let told = "the request must be a form (application/x-www-form-urlencoded) of at most 16 KB";
    OAuthError::told(OAuthCode::InvalidRequest, told)
}

fn found(worker: &Worker) -> Result<&AuthorizationServer, Problem> {
    let detail = "There is no authorization server here: nobody can sign in; docs/AUTH.md says how to set it up.";
    worker.gateway.oauth.as_deref().ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "not_found", detail))
}

pub(super) async fn form(request: &HttpRequest, payload: Payload) -> Result<String, Problem> {
    let named = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = named.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let detail = "Unsupported Media Type: Content-Type must be application/x-www-form-urlencoded";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    }
    let body = read_bytes(payload, MAX_PARAMS_BYTES).await?;
    String::from_utf8(body.into()).map_err(|_| Problem::bad_request("unreadable_body", "the body is no UTF-8"))
}

/// Two of them would be two clients: neither is believed.
fn authorization(request: &HttpRequest) -> Option<String> {
    let mut values = request.headers().get_all(AUTHORIZATION).map(|value| value.to_str().unwrap_or("unreadable"));
    let first = values.next()?;
    Some(if values.next().is_some() { "doubled".to_owned() } else { first.to_owned() })
}

/// The guard has refused foreign origins already; a browser that names none says by itself from where the form comes.
fn is_from_our_page(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN) || headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin")
}

fn json(status: StatusCode, answer: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((PRAGMA, "no-cache"))
        .content_type("application/json")
        .body(serde_json::to_vec(answer).unwrap_or_default())
}

fn refused(error: &OAuthError) -> HttpResponse {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = json(status, error);
    if error.with_basic && status == StatusCode::UNAUTHORIZED {
        let challenge = actix_web::http::header::HeaderValue::from_static("Basic realm=\"tickgate\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// A page, or the way to another one. The referrer policy is not `no-referrer`: under that a browser sends the form of the page with
/// `Origin: null`, which is nobody's.
fn page(Browser { next, cookie }: Browser) -> HttpResponse {
    let mut response = match &next {
        Next::Go(_) => HttpResponse::SeeOther(),
        Next::Page { status, .. } => HttpResponse::build(StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST)),
    };
    response.insert_header((CACHE_CONTROL, "no-store")).insert_header((REFERRER_POLICY, "same-origin"));
    if let Some(cookie) = cookie {
        response.cookie(cookie);
    }
    match next {
        Next::Go(to) => response.insert_header((LOCATION, to)).finish(),
        Next::Page { html, .. } => response
            .insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY))
            .insert_header(("x-frame-options", "DENY"))
            .content_type("text/html; charset=utf-8")
            .body(html),
    }
}
