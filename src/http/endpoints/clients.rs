//! `/api/user/clients`: which MCP clients may act for somebody, and how they disconnect one.

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use tickgate_core::access::Principal;
use tickgate_core::identity::ConnectionId;

use super::mcp::unknown_caller;
use super::oauth::asker;
use super::query::Query;
use crate::http::error::Problem;
use crate::http::gateway::{OnWorker, Worker};
use crate::http::request::caller;
use crate::oauth::{Connected, ConnectedFault};

pub(in crate::http) async fn list(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    match listed(&request, &worker).await {
        Ok(json) => HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(json),
        Err(problem) => problem.respond(&request),
    }
}

pub(in crate::http) async fn disconnect(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    let asked = Query::read(&request, &[]).and_then(|_| owner(&request)).and_then(|person| Ok((person, id_of(&request)?)));
    let (person, id) = match asked {
        Ok(asked) => asked,
        Err(problem) => return problem.respond(&request),
    };
    let asker = asker(&request, &worker);
    // A task of its own: a browser that leaves must not stop it between the consent and the tokens.
    let done = actix_rt::spawn(async move {
        let Some(server) = &worker.gateway.oauth else { return Err(problem(&ConnectedFault::NotFound)) };
        server.disconnect(&person, id, &asker).await.map_err(|fault| problem(&fault))
    });
    match done.await.unwrap_or_else(|_| Err(problem(&ConnectedFault::Unavailable))) {
        Ok(()) => HttpResponse::NoContent().insert_header((CACHE_CONTROL, "no-store")).finish(),
        Err(problem) => problem.respond(&request),
    }
}

async fn listed(request: &HttpRequest, worker: &Worker) -> Result<Value, Problem> {
    Query::read(request, &[])?;
    let person = owner(request)?;
    // Where no client can get in, none is connected.
    let clients = match &worker.gateway.oauth {
        Some(server) => server.connected(&person).await.map_err(|fault| problem(&fault))?,
        None => Vec::new(),
    };
    Ok(json!({ "clients": clients.iter().map(shown).collect::<Vec<_>>() }))
}

/// Whose clients they are: somebody's who has shown a credential, because nobody agrees for an address.
fn owner(request: &HttpRequest) -> Result<Principal, Problem> {
    let caller = caller(request).ok_or_else(unknown_caller)?;
    if caller.authenticated {
        return Ok(caller.principal);
    }
    let detail =
        "Unauthorized: connected clients belong to somebody; sign in at /auth/login or send a credential with the scope write";
    Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail))
}

/// The client that the path names. What names none is answered like a client that does not exist.
fn id_of(request: &HttpRequest) -> Result<ConnectionId, Problem> {
    request.match_info().query("id").parse().map_err(|_| problem(&ConnectedFault::NotFound))
}

fn shown(connected: &Connected) -> Value {
    let client = &connected.client;
    json!({
        "id": client.id,
        "client_id": client.client_id,
        "name": connected.shown_as,
        "place": client.place,
        "scopes": client.scopes,
        "agreed_at": client.agreed.to_string(),
        "last_used_at": client.last_used.map(|used| used.to_string()),
        "signed_in": client.signed_in,
    })
}

fn problem(fault: &ConnectedFault) -> Problem {
    match fault {
        ConnectedFault::NotFound => Problem::new(StatusCode::NOT_FOUND, "unknown_client", fault.to_string()),
        ConnectedFault::Unavailable => Problem::unavailable(fault.to_string()),
    }
}
