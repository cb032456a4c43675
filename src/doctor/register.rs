//! Does the server take a client that it has never heard of (RFC 7591)?

use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::finding::{Finding, Report};
use super::issuer::Issuer;
use super::visit::{Ask, Seen, Visitor};

const STEP: &str = "registration";

/// What we are there.
#[derive(Clone, Debug)]
pub(super) struct Registered {
    pub(super) id: String,
    /// Only if the server gave one unasked.
    pub(super) secret: Option<SecretString>,
}

/// Registers as a program on somebody's machine does. Servers forget clients that are never used.
pub(super) async fn register(visitor: &Visitor, issuer: &Issuer, redirect: &str, report: &mut Report) -> Option<Registered> {
    let Some(place) = &issuer.registration else {
        if issuer.by_document {
            let seen = "clients show a document of their own; the doctor has none, so signing in is not looked at";
            report.add(&Finding::skip(STEP, seen));
        }
        return None;
    };
    let body = json!({
        "client_name": "tickgate doctor",
        "redirect_uris": [redirect],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    });
    let seen = match visitor.ask(Ask::post_json(place, &body).header("accept", "application/json")).await {
        Ok(seen) => seen,
        Err(fault) => {
            report.add(&Finding::fail(STEP, format!("{place}: {fault}"), "look at whether it is reachable from here"));
            return None;
        }
    };
    if let Some(secret) = seen.json().as_ref().and_then(|answer| answer["client_secret"].as_str()) {
        visitor.secrets.hide(&secret.into());
    }
    let (findings, registered) = judge(place, &seen);
    report.add_all(&findings);
    registered
}

fn judge(place: &Url, seen: &Seen) -> (Vec<Finding>, Option<Registered>) {
    let answer = seen.json().filter(Value::is_object);
    let Some(answer) = answer.filter(|_| matches!(seen.status, 200 | 201)) else {
        let code = seen.json().and_then(|answer| answer["error"].as_str().map(str::to_owned)).unwrap_or_default();
        let todo = match (seen.status, code.as_str()) {
            (401 | 403, _) => "let clients register without a credential, or be known by their document",
            (429, _) => "too many clients register from this address: wait, or raise the limit (tickgate: RATE_LIMIT_AUTH)",
            (_, "invalid_redirect_uri") => "allow http://127.0.0.1 with any port: programs on people's machines come back there",
            (_, "invalid_client_metadata") => {
                "take a public client (`token_endpoint_auth_method` none) with code and refresh_token"
            }
            _ => "it must answer 201 with the client: look at the server's log",
        };
        let code = if code.is_empty() { code } else { format!(" {code}:") };
        return (vec![Finding::fail(STEP, format!("{place}: status {}{code} {}", seen.status, seen.words()), todo)], None);
    };
    let mut findings = Vec::new();
    let Some(id) = answer["client_id"].as_str().filter(|id| !id.is_empty()) else {
        return (
            vec![Finding::fail(STEP, format!("{place}: no `client_id` in the answer"), "give the client its id as text")],
            None,
        );
    };
    if seen.status == 200 {
        findings.push(Finding::warn(STEP, format!("{place} answers 200"), "the standard has 201: some clients look at it"));
    }
    let nulls: Vec<&str> =
        answer.as_object().into_iter().flatten().filter(|(_, value)| value.is_null()).map(|(name, _)| name.as_str()).collect();
    if !nulls.is_empty() {
        let seen = format!("fields that are null: {}", nulls.join(", "));
        findings.push(Finding::fail(STEP, seen, "leave them out: clients of the TypeScript SDK refuse the whole answer"));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(STEP, format!("{place} takes a client of this machine")));
    }
    let secret = answer["client_secret"].as_str().map(SecretString::from);
    (findings, Some(Registered { id: id.to_owned(), secret }))
}
