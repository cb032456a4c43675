//! Does the server say where to sign in (RFC 9728), and in the words that clients compare?

use serde_json::Value;
use url::Url;

use super::challenge::Challenge;
use super::finding::{Finding, Mark, Report};
use super::spelling::{at, difference, well_known};
use super::visit::{Ask, Seen, Visitor};

const STEP: &str = "resource metadata";
const KIND: &str = "oauth-protected-resource";

/// What the server says of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Resource {
    /// What tokens are asked for; clients send it as `resource`.
    pub(super) name: String,
    /// Who gives tokens.
    pub(super) issuer: String,
    /// What to ask for.
    pub(super) scopes: Vec<String>,
}

/// What came of looking.
pub(super) enum Described {
    As(Resource),
    /// There is something, and clients cannot use it.
    Wrong,
    Nowhere,
}

/// Looks at every place where clients look. Where nobody has to sign in, clients do not look, and nothing of it is a fault.
pub(super) async fn describe(
    visitor: &Visitor,
    (url, typed): (&Url, &str),
    challenge: Option<&Challenge>,
    locked: bool,
    report: &mut Report,
) -> Described {
    let mut findings = Vec::new();
    let described = look(visitor, (url, typed), challenge, &mut findings).await;
    for finding in findings {
        let softened = !locked && finding.mark == Mark::Fail;
        report.add(&if softened { Finding { mark: Mark::Warn, ..finding } } else { finding });
    }
    described
}

async fn look(
    visitor: &Visitor,
    (url, typed): (&Url, &str),
    challenge: Option<&Challenge>,
    findings: &mut Vec<Finding>,
) -> Described {
    let named = challenge.and_then(|challenge| challenge.get("resource_metadata"));
    let mut places = Vec::new();
    if let Some(named) = named {
        match Url::parse(named) {
            Ok(place) if matches!(place.scheme(), "http" | "https") => places.push(place),
            _ => {
                findings.push(Finding::fail(STEP, format!("WWW-Authenticate points to {named:?}"), "it must be a whole address"))
            }
        }
    }
    let is_named = |place: &Url| named.is_some_and(|named| Url::parse(named).is_ok_and(|named| named == *place));
    for place in [well_known(url, KIND), at(url, &format!("/.well-known/{KIND}"))] {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let (mut found, mut absent) = (Vec::<(Url, Value)>::new(), Vec::new());
    for place in places {
        match visitor.ask(Ask::get(&place).header("accept", "application/json")).await {
            Ok(seen) if seen.status == 404 && !is_named(&place) => absent.push(place),
            Ok(seen) => {
                let (told, document) = served(STEP, &place, &seen);
                findings.extend(told);
                found.extend(document.map(|document| (place, document)));
            }
            Err(fault) => findings.push(Finding::fail(
                STEP,
                format!("{place}: {fault}"),
                "it must be there for everybody, without a credential",
            )),
        }
    }
    findings.extend(told_twice(&found, &absent));
    let Some((place, document)) = found.first() else {
        return if findings.is_empty() { Described::Nowhere } else { Described::Wrong };
    };
    let (told, resource) = judge(typed, place, document);
    findings.extend(told);
    resource.map_or(Described::Wrong, Described::As)
}

/// Who gives tokens where nothing describes the resource: by the revision 2025-03-26 the origin itself.
pub(super) async fn old_way(visitor: &Visitor, url: &Url) -> Option<Resource> {
    let seen = visitor.ask(Ask::get(&at(url, "/.well-known/oauth-authorization-server"))).await.ok()?;
    seen.json().filter(|document| seen.status == 200 && document["issuer"].is_string())?;
    Some(Resource { issuer: url.origin().ascii_serialization(), ..Resource::default() })
}

/// Whether clients that look at only one of the places find the same.
fn told_twice(found: &[(Url, Value)], absent: &[Url]) -> Vec<Finding> {
    let Some((first, document)) = found.first() else { return Vec::new() };
    let mut findings = Vec::new();
    for (place, other) in &found[1..] {
        if other["resource"] != document["resource"] || other["authorization_servers"] != document["authorization_servers"] {
            let seen = format!("{first} and {place} say different things");
            findings.push(Finding::warn(STEP, seen, "some clients look at the one, some at the other: let both say the same"));
        }
    }
    for place in absent {
        findings.push(Finding::warn(
            STEP,
            format!("nothing at {place}"),
            "serve the same document there: some clients look only there",
        ));
    }
    findings
}

/// The JSON object that is served at a place, and what is wrong with how.
pub(super) fn served(step: &'static str, place: &Url, seen: &Seen) -> (Vec<Finding>, Option<Value>) {
    let fail = |told: String, todo: &str| (vec![Finding::fail(step, told, todo)], None);
    if let Some(cut) = seen.cut {
        return fail(format!("{place}: {cut}"), "it must be a small document that comes at once");
    }
    match seen.status {
        200 => {}
        300..=399 => {
            let to = seen.header("location").unwrap_or("nowhere");
            return fail(format!("{place} redirects to {to}"), "serve it there without a redirect: clients follow none");
        }
        401 | 403 => {
            return fail(format!("{place}: status {}", seen.status), "it must be there for everybody, without a credential");
        }
        status => return fail(format!("{place}: status {status} {}", seen.words()), "it must answer 200 with the document"),
    }
    let Some(document) = seen.json().filter(Value::is_object) else {
        let told = if seen.is_html() { "a web page" } else { "no JSON object" };
        return fail(
            format!("{place}: {told}"),
            "send /.well-known/ on to the server: a proxy or a login page answers in its place",
        );
    };
    let mut findings = Vec::new();
    if !seen.is_json() {
        let kind = seen.header("content-type").unwrap_or("none");
        findings.push(Finding::warn(step, format!("{place}: content type {kind}"), "serve it as application/json"));
    }
    if seen.header("access-control-allow-origin").is_none() {
        let todo = "send `Access-Control-Allow-Origin: *`: clients in browsers cannot read it otherwise";
        findings.push(Finding::warn(step, format!("{place} is not open to other origins"), todo));
    }
    (findings, Some(document))
}

fn judge(typed: &str, place: &Url, document: &Value) -> (Vec<Finding>, Option<Resource>) {
    let mut findings = Vec::new();
    let name = document["resource"].as_str().unwrap_or_default();
    findings.push(match difference(typed, name) {
        None => Finding::ok(STEP, format!("{place} describes exactly {name}")),
        Some(_) if name.is_empty() => Finding::fail(STEP, format!("{place} names no `resource`"), format!("it must be {typed}")),
        Some(difference) => Finding::fail(
            STEP,
            format!("the address is {typed}, the server calls itself {name} ({difference})"),
            format!("clients compare letter by letter: type {name}, or let the server know its name (tickgate: PUBLIC_URL)"),
        ),
    });
    let issuers: Vec<&str> =
        document["authorization_servers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(issuer) = issuers.first() else {
        let todo = "name who gives tokens: clients cannot sign in";
        findings.push(Finding::fail(STEP, format!("{place} names no `authorization_servers`"), todo));
        return (findings, None);
    };
    let scopes: Vec<String> =
        document["scopes_supported"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    if scopes.is_empty() {
        let todo = "name them: clients ask for none otherwise, or for all that they know";
        findings.push(Finding::warn(STEP, "no `scopes_supported`", todo));
    } else if scopes.iter().any(|scope| scope == "offline_access") {
        findings.push(Finding::warn(STEP, "`scopes_supported` has offline_access", "it is no scope of a resource: leave it out"));
    }
    (findings, Some(Resource { name: name.to_owned(), issuer: (*issuer).to_owned(), scopes }))
}
