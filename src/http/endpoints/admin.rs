//! `/admin/users`: people are listed, changed and erased by admins. Each of it is a row of the audit log, also what is refused.

use actix_web::http::StatusCode;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::identity::{Role, User, UserChange, UserId, UserRefusal};
use tickgate_core::time::Millis;

use super::api_keys::{by, fields};
use super::mcp::unknown_caller;
use super::query::Query;
use crate::http::error::Problem;
use crate::http::gateway::{OnWorker, Worker};
use crate::http::request::caller;
use crate::identity::{By, Happening, PeopleError, PeopleWanted, Place};

/// People of a page when nothing is said.
const DEFAULT_LIMIT: u64 = 50;
/// Most people of a page.
const MAX_LIMIT: u64 = 200;

pub(in crate::http) async fn list(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    respond(&request, listed(&request, &worker).await)
}

pub(in crate::http) async fn get(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    respond(&request, found(&request, &worker).await)
}

pub(in crate::http) async fn change(request: HttpRequest, payload: Payload, OnWorker(worker): OnWorker) -> HttpResponse {
    respond(&request, changed(&request, payload, &worker).await)
}

pub(in crate::http) async fn erase(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    match erased(&request, &worker).await {
        Ok(()) => HttpResponse::NoContent().insert_header(("cache-control", "no-store")).finish(),
        Err(problem) => problem.respond(&request),
    }
}

pub(super) fn respond(request: &HttpRequest, answer: Result<Value, Problem>) -> HttpResponse {
    match answer {
        Ok(body) => HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(body),
        Err(problem) => problem.respond(request),
    }
}

async fn listed(request: &HttpRequest, worker: &Worker) -> Result<Value, Problem> {
    let query = Query::read(request, &["role", "after", "limit"])?;
    let role = query.parsed("role", str::parse::<Role>)?;
    let after = query.parsed("after", str::parse::<Place>)?;
    let limit = query.number("limit", &(1..=MAX_LIMIT))?.unwrap_or(DEFAULT_LIMIT);
    let by = admin(request, worker)?;
    look(worker, by, "people").await;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let page = worker.gateway.people.list(&PeopleWanted { role, after, limit }).await.map_err(|error| people_problem(&error))?;
    let mut answer = json!({ "users": page.users.iter().map(shown).collect::<Vec<_>>() });
    if let Some(next) = page.next {
        answer["next"] = json!(next.to_string());
    }
    Ok(answer)
}

async fn found(request: &HttpRequest, worker: &Worker) -> Result<Value, Problem> {
    Query::read(request, &[])?;
    let by = admin(request, worker)?;
    let id = id_of(request)?;
    look(worker, by, "person").await;
    worker.gateway.people.get(id).await.map(|user| shown(&user)).map_err(|error| people_problem(&error))
}

async fn changed(request: &HttpRequest, payload: Payload, worker: &Worker) -> Result<Value, Problem> {
    Query::read(request, &[])?;
    let by = admin(request, worker)?;
    let id = id_of(request)?;
    let change = UserChange::read(&fields(request, payload).await?).map_err(Problem::invalid_fields)?;
    let people = worker.gateway.people.clone();
    // A task of its own: a client that leaves must not stop it between the store and the audit.
    let done = actix_rt::spawn(async move { people.change(by, id, change).await });
    done.await.map_err(|_| lost())?.map(|user| shown(&user)).map_err(|error| people_problem(&error))
}

async fn erased(request: &HttpRequest, worker: &Worker) -> Result<(), Problem> {
    Query::read(request, &[])?;
    let by = admin(request, worker)?;
    let (people, id) = (worker.gateway.people.clone(), id_of(request)?);
    let done = actix_rt::spawn(async move { people.erase(by, id).await });
    done.await.map_err(|_| lost())?.map_err(|error| people_problem(&error))
}

/// Which admin asks. That it is one, the route's door has seen to.
pub(super) fn admin(request: &HttpRequest, worker: &Worker) -> Result<By, Problem> {
    let caller = caller(request).ok_or_else(unknown_caller)?;
    Ok(by(&caller, request, worker))
}

/// Writes down that an admin looks at something that is not theirs, before they see it.
pub(super) async fn look(worker: &Worker, by: By, what: &'static str) {
    let By { who, from, request_id } = by;
    let (action, target) = (AuditAction::AdminOther, what.to_owned());
    let details = vec![("did", "look".to_owned())];
    let row = Happening { who, from, request_id, action, target, owner: None, outcome: Outcome::Done, details };
    worker.gateway.audit.write_or_queue(row).await;
}

/// The person whom the path names. What names nobody is answered like somebody who does not exist.
fn id_of(request: &HttpRequest) -> Result<UserId, Problem> {
    request.match_info().query("id").parse().map_err(|_| people_problem(&PeopleError::NotFound))
}

/// A person as admins see them: no secret, and not what their provider calls them.
fn shown(user: &User) -> Value {
    let time = |time: Option<Millis>| time.map(|time| time.to_string());
    json!({
        "id": user.id,
        "principal": user.principal().as_str(),
        "name": user.name,
        "email": user.email,
        "email_verified": user.email_verified,
        "issuer": user.issuer,
        "role": user.role,
        "role_source": user.role_source,
        "created": user.created.to_string(),
        "last_seen": user.last_seen.to_string(),
        "disabled": time(user.disabled),
        "erasing": time(user.erasing),
    })
}

fn lost() -> Problem {
    Problem::unavailable("the change was cut off: look whether it was made, and try again")
}

pub(super) fn people_problem(error: &PeopleError) -> Problem {
    let text = error.to_string();
    match error {
        PeopleError::NotFound => Problem::new(StatusCode::NOT_FOUND, "unknown_user", text),
        PeopleError::Refused(UserRefusal::LastAdmin) => Problem::new(StatusCode::CONFLICT, "last_admin", text),
        PeopleError::Refused(_) => Problem::new(StatusCode::CONFLICT, "being_erased", text),
        PeopleError::Busy => Problem::new(StatusCode::CONFLICT, "busy", text),
        PeopleError::Unfinished(_) => Problem::unavailable(
            "the erasure has begun and is not finished yet: it goes on by itself, and may be asked for again",
        ),
        PeopleError::Store(_) => Problem::unavailable(text),
    }
}
