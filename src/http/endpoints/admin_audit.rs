//! `GET /admin/audit`: what has happened, the newest first. That somebody looks is itself a row.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};
use tickgate_core::access::Principal;
use tickgate_core::identity::audit::{Actor, AuditAction, AuditEntry, AuditFilter, Outcome};
use tickgate_core::ports::{AuditRow, StoreError};
use tickgate_core::time::Millis;

use super::admin::{admin, respond};
use super::query::{Query, wrong};
use crate::http::error::Problem;
use crate::http::gateway::{OnWorker, Worker};
use crate::identity::{By, Happening, RowsWanted, search};

/// Rows of a page when nothing is said.
const DEFAULT_LIMIT: u64 = 100;
/// Most rows of a page: each has at most some kilobytes.
const MAX_LIMIT: u64 = 1_000;
/// What can be asked.
const PARAMETERS: [&str; 7] = ["after", "limit", "action", "actor", "outcome", "from", "to"];

pub(in crate::http) async fn get(request: HttpRequest, OnWorker(worker): OnWorker) -> HttpResponse {
    respond(&request, rows(&request, &worker).await)
}

async fn rows(request: &HttpRequest, worker: &Worker) -> Result<Value, Problem> {
    let query = Query::read(request, &PARAMETERS)?;
    let time = |text: &str| Millis::parse_rfc3339(text).ok_or("it must be a date and time, such as 2026-12-01T08:00:00Z");
    let filter = AuditFilter {
        action: query.parsed("action", |text| text.parse::<AuditAction>().map_err(|_| known(AuditAction::ALL)))?,
        outcome: query.parsed("outcome", |text| text.parse::<Outcome>().map_err(|_| known(Outcome::ALL)))?,
        actor: None,
        from: query.parsed("from", time)?,
        to: query.parsed("to", time)?,
    };
    let after = query.number("after", &(1..=u64::MAX))?;
    let limit = query.number("limit", &(1..=MAX_LIMIT))?.unwrap_or(DEFAULT_LIMIT);
    let by = admin(request, worker)?;
    let Some(actor) = actor(&query, worker).await? else {
        tell(worker, by, &query, 0).await;
        return Ok(json!({ "rows": [] }));
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let wanted = RowsWanted { filter: AuditFilter { actor, ..filter }, after, limit };
    let found = search(worker.gateway.audit.log(), &wanted).await.map_err(|error| problem(&error))?;
    tell(worker, by, &query, found.rows.len()).await;
    let mut answer = json!({ "rows": found.rows.iter().map(shown).collect::<Vec<_>>() });
    if let Some(next) = found.next {
        answer["next"] = json!(next.to_string());
    }
    Ok(answer)
}

/// Whose rows are wanted; `Some(None)` everybody's, `None` those of somebody who has none.
async fn actor(query: &Query, worker: &Worker) -> Result<Option<Option<Actor>>, Problem> {
    let Some(text) = query.text("actor") else { return Ok(Some(None)) };
    if text.strip_prefix("user:").is_some_and(|name| !name.is_empty()) {
        let id = worker.gateway.audit.known_audit_id(&Principal::restored(text)).await.map_err(|error| problem(&error))?;
        return Ok(id.map(|id| Some(Actor::Someone(id))));
    }
    let actor = text.parse::<Actor>();
    actor
        .map(|actor| Some(Some(actor)))
        .map_err(|error| wrong("actor", format!("{error}, or user:<id> as /admin/users shows it")))
}

fn known(words: &[impl ToString]) -> String {
    format!("it must be one of {}", words.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

/// Writes down who looked for what, before they see it. Whom they looked for is not repeated: a name of a person is in no row.
async fn tell(worker: &Worker, by: By, query: &Query, rows: usize) {
    let By { who, from, request_id } = by;
    let asked = PARAMETERS.into_iter().filter(|name| *name != "actor");
    let asked = asked.filter_map(|name| query.text(name).map(|value| (name, value.to_owned())));
    let details = asked.chain([("rows", rows.to_string())]).collect();
    let (action, target) = (AuditAction::AdminAuditRead, "audit".to_owned());
    let row = Happening { who, from, request_id, action, target, owner: None, outcome: Outcome::Done, details };
    worker.gateway.audit.write_or_queue(row).await;
}

fn shown((row, entry): &(AuditRow, Option<AuditEntry>)) -> Value {
    let mut shown = json!({"seq": row.seq, "at": row.at.to_string(), "hash": hex::encode(row.hash)});
    let Some(entry) = entry else {
        shown["unreadable"] = json!(true);
        return shown;
    };
    let details: Map<String, Value> = entry.details.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    shown["actor"] = json!(entry.actor.text());
    shown["action"] = json!(entry.action);
    shown["target"] = json!(entry.target);
    shown["outcome"] = json!(entry.outcome);
    shown["from"] = json!(entry.from);
    shown["request_id"] = json!(entry.request_id);
    shown["details"] = json!(details);
    shown
}

fn problem(error: &StoreError) -> Problem {
    tracing::error!(%error, "the audit log cannot be read");
    match error {
        StoreError::Unavailable(_) => Problem::unavailable("the audit log cannot be read: try again in a moment"),
        StoreError::Unreadable(_) => {
            let detail =
                "a row of the audit log cannot be read with this DATA_ENCRYPTION_KEY: `tickgate audit verify` says which";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "unreadable_audit", detail)
        }
    }
}
