//! Can clients use the authorization server (RFC 8414) with what it says of itself?

use serde_json::Value;
use url::Url;

use super::finding::{Finding, Report};
use super::resource::served;
use super::spelling::{at, difference, is_safe, well_known};
use super::visit::{Ask, Visitor};

const STEP: &str = "authorization server";

/// What it says of itself, as far as the next steps need it.
#[derive(Clone, Debug)]
pub(super) struct Issuer {
    pub(super) name: String,
    pub(super) authorization: Option<Url>,
    pub(super) token: Option<Url>,
    pub(super) registration: Option<Url>,
    pub(super) revocation: Option<Url>,
    /// Clients may be known by a document of their own.
    pub(super) by_document: bool,
    /// It promises `iss` in its answers.
    pub(super) says_iss: bool,
    /// It promises refresh tokens.
    pub(super) refreshes: bool,
}

/// Finds its metadata as clients do and judges it.
pub(super) async fn describe(visitor: &Visitor, issuer: &str, report: &mut Report) -> Option<Issuer> {
    let Some(url) = Url::parse(issuer).ok().filter(|url| matches!(url.scheme(), "http" | "https")) else {
        report.add(&Finding::fail(STEP, format!("its name {issuer:?} is no address"), "it must be one with https://"));
        return None;
    };
    if !is_safe(&url) {
        report.add(&Finding::warn(STEP, format!("{issuer} is plain http over a network"), "most clients refuse that: use https"));
    }
    let mut tried = Vec::new();
    for place in places(&url) {
        let seen = match visitor.ask(Ask::get(&place).header("accept", "application/json")).await {
            Ok(seen) => seen,
            Err(fault) => {
                report.add(&Finding::fail(
                    STEP,
                    format!("{place}: {fault}"),
                    "look at whether it runs and is reachable from here",
                ));
                return None;
            }
        };
        if seen.status == 404 {
            tried.push(place.path().to_owned());
            continue;
        }
        let (findings, document) = served(STEP, &place, &seen);
        report.add_all(&findings);
        let document = document?;
        let keys = document["jwks_uri"].as_str().and_then(|keys| Url::parse(keys).ok());
        let (findings, found) = judge(issuer, &document);
        report.add_all(&findings);
        if let Some(keys) = keys {
            check_keys(visitor, &keys, report).await;
        }
        return Some(found);
    }
    let seen = format!("{issuer} describes itself nowhere (404 at {})", tried.join(", "));
    report.add(&Finding::fail(STEP, seen, "serve its metadata there, or name another authorization server"));
    None
}

/// Where clients look, in their order (protocol.md §6.4).
fn places(issuer: &Url) -> Vec<Url> {
    let mut places = vec![well_known(issuer, "oauth-authorization-server"), well_known(issuer, "openid-configuration")];
    let path = issuer.path().trim_end_matches('/');
    if !path.is_empty() {
        places.push(at(issuer, &format!("{path}/.well-known/openid-configuration")));
    }
    places
}

fn judge(expected: &str, document: &Value) -> (Vec<Finding>, Issuer) {
    let endpoint = |name: &str| document[name].as_str().and_then(|url| Url::parse(url).ok());
    let lists = |name: &str| -> Option<Vec<&str>> { Some(document[name].as_array()?.iter().filter_map(Value::as_str).collect()) };
    let holds = |name: &str, value: &str| lists(name).is_some_and(|values| values.contains(&value));
    let issuer = Issuer {
        name: document["issuer"].as_str().unwrap_or_default().to_owned(),
        authorization: endpoint("authorization_endpoint"),
        token: endpoint("token_endpoint"),
        registration: endpoint("registration_endpoint"),
        revocation: endpoint("revocation_endpoint"),
        by_document: document["client_id_metadata_document_supported"] == true,
        says_iss: document["authorization_response_iss_parameter_supported"] == true,
        refreshes: holds("grant_types_supported", "refresh_token"),
    };
    let mut findings = vec![match difference(expected, &issuer.name) {
        None => Finding::ok(STEP, format!("{expected} describes itself under this very name")),
        Some(difference) => Finding::fail(
            STEP,
            format!("the resource names {expected}, the server calls itself {:?} ({difference})", issuer.name),
            "both must be the same letter by letter, or clients refuse it (tickgate: PUBLIC_URL)",
        ),
    }];
    findings.extend(judge_endpoints(&issuer));
    if !holds("code_challenge_methods_supported", "S256") {
        let todo = "name S256: clients must refuse a server that does not";
        findings.push(Finding::fail(STEP, "`code_challenge_methods_supported` has no S256 (PKCE)", todo));
    }
    if !holds("token_endpoint_auth_methods_supported", "none") {
        let todo = "name `none`: clients on people's machines can keep no secret";
        findings.push(Finding::warn(STEP, "`token_endpoint_auth_methods_supported` has no `none`", todo));
    }
    if lists("response_types_supported").is_some_and(|types| !types.contains(&"code")) {
        findings.push(Finding::fail(STEP, "`response_types_supported` has no `code`", "clients use nothing else"));
    }
    if !issuer.refreshes {
        let todo = "name and give refresh tokens: people sign in again each time that a token ends otherwise";
        findings.push(Finding::warn(STEP, "`grant_types_supported` has no `refresh_token`", todo));
    }
    if issuer.registration.is_none() && !issuer.by_document {
        let seen = "neither `registration_endpoint` nor `client_id_metadata_document_supported`";
        let todo = "let clients register (RFC 7591) or be known by their document: each client would have to be entered by hand";
        findings.push(Finding::fail(STEP, seen, todo));
    }
    (findings, issuer)
}

fn judge_endpoints(issuer: &Issuer) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, endpoint, needed) in [
        ("authorization_endpoint", &issuer.authorization, true),
        ("token_endpoint", &issuer.token, true),
        ("registration_endpoint", &issuer.registration, false),
        ("revocation_endpoint", &issuer.revocation, false),
    ] {
        match endpoint {
            None if needed => findings.push(Finding::fail(STEP, format!("no `{name}`"), "name it as a whole address")),
            Some(url) if !is_safe(url) => {
                let todo = "it must be https, or on this machine: clients refuse to send codes and tokens there (behind a proxy: tickgate's PUBLIC_URL)";
                findings.push(Finding::fail(STEP, format!("`{name}` is {url}"), todo));
            }
            _ => {}
        }
    }
    findings
}

async fn check_keys(visitor: &Visitor, place: &Url, report: &mut Report) {
    let keys = match visitor.ask(Ask::get(place)).await {
        Ok(seen) => seen.json().and_then(|keys| Some(keys["keys"].as_array()?.len())),
        Err(_) => None,
    };
    report.add(&match keys {
        Some(count @ 1..) => Finding::ok("signing keys", format!("{place} has {count}")),
        _ => Finding::warn("signing keys", format!("{place} has none"), "whoever checks tokens needs them"),
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Mark;
    use super::*;

    fn good() -> Value {
        json!({
            "issuer": "https://gate.example", "authorization_endpoint": "https://gate.example/authorize",
            "token_endpoint": "https://gate.example/token", "registration_endpoint": "https://gate.example/register",
            "response_types_supported": ["code"], "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["none"], "code_challenge_methods_supported": ["S256"],
        })
    }

    #[test]
    fn each_thing_that_is_wrong_is_told_and_nothing_else() {
        let faults = |document: &Value| -> Vec<(Mark, String)> {
            let (findings, _) = judge("https://gate.example", document);
            findings.into_iter().filter(|finding| finding.mark != Mark::Ok).map(|finding| (finding.mark, finding.seen)).collect()
        };
        assert_eq!(faults(&good()), []);
        for (field, value, mark, word) in [
            ("issuer", json!("https://gate.example/"), Mark::Fail, "a slash at the end"),
            ("authorization_endpoint", json!("http://gate.example/authorize"), Mark::Fail, "http://gate.example/authorize"),
            ("token_endpoint", Value::Null, Mark::Fail, "no `token_endpoint`"),
            ("code_challenge_methods_supported", json!(["plain"]), Mark::Fail, "S256"),
            ("token_endpoint_auth_methods_supported", json!(["client_secret_basic"]), Mark::Warn, "`none`"),
            ("registration_endpoint", Value::Null, Mark::Fail, "neither `registration_endpoint`"),
            ("grant_types_supported", json!(["authorization_code"]), Mark::Warn, "refresh_token"),
            ("response_types_supported", json!(["token"]), Mark::Fail, "`code`"),
        ] {
            let mut document = good();
            document[field] = value;
            let told = faults(&document);
            assert!(told.len() == 1 && told[0].0 == mark && told[0].1.contains(word), "{field}: {told:?}");
        }
    }

    #[test]
    fn a_server_with_a_path_has_three_places() {
        let of = |text: &str| places(&Url::parse(text).unwrap()).iter().map(Url::to_string).collect::<Vec<_>>();
        assert_eq!(of("https://id.example").len(), 2);
        assert_eq!(
            of("https://id.example/t"),
            [
                "https://id.example/.well-known/oauth-authorization-server/t",
                "https://id.example/.well-known/openid-configuration/t",
                "https://id.example/t/.well-known/openid-configuration"
            ]
        );
    }
}
