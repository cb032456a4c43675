//! Does a person who signs in get tokens that work, are renewed, and end?

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::authorize::Asked;
use super::callback::{Brought, Callback, SIGN_IN_DEADLINE};
use super::finding::{Finding, Report};
use super::issuer::Issuer;
use super::register::Registered;
use super::resource::Resource;
use super::spelling::is_safe;
use super::visit::{Ask, Seen, Visitor};

const STEP: &str = "sign-in";
const TOKENS: &str = "tokens";

/// A person's tokens, and with whom they were got.
pub(super) struct SignedIn {
    pub(super) access: SecretString,
    refresh: Option<SecretString>,
    client: Registered,
    token: Url,
    revocation: Option<Url>,
    resource: String,
}

/// Lets the person sign in, and renews what they get.
pub(super) async fn sign_in(
    visitor: &Visitor,
    issuer: &Issuer,
    client: Registered,
    (asked, resource): (&Asked, &Resource),
    callback: &mut Callback,
    report: &mut Report,
) -> Option<SignedIn> {
    let Some(token) = issuer.token.clone().filter(is_safe) else {
        report.add(&Finding::skip(STEP, "the token endpoint is missing or not safe to send a code to"));
        return None;
    };
    report.tell(&format!(
        "Open this in a browser and sign in, within {} minutes:\n{}",
        SIGN_IN_DEADLINE.as_secs() / 60,
        asked.url
    ));
    let code = wait(visitor, issuer, asked, callback, report).await?;
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code.expose_secret()),
        ("redirect_uri", &asked.redirect),
        ("code_verifier", &asked.verifier),
    ];
    fields.extend(resource_field(&resource.name));
    let seen = ask_for_tokens(visitor, &token, &client, fields).await;
    let (access, refresh) = got(visitor, issuer, seen, report)?;
    let (revocation, resource) = (issuer.revocation.clone().filter(is_safe), resource.name.clone());
    let mut signed_in = SignedIn { access, refresh, client, token, revocation, resource };
    signed_in.renew(visitor, issuer, report).await;
    Some(signed_in)
}

/// The code that a browser brings for this very request.
async fn wait(
    visitor: &Visitor,
    issuer: &Issuer,
    asked: &Asked,
    callback: &mut Callback,
    report: &mut Report,
) -> Option<SecretString> {
    let until = Instant::now() + SIGN_IN_DEADLINE;
    loop {
        let Some(brought) = callback.next(until).await else {
            let seen = format!("nobody came back within {} minutes", SIGN_IN_DEADLINE.as_secs() / 60);
            report.add(&Finding::fail(STEP, seen, "look at which page the browser stopped at"));
            return None;
        };
        for (name, value) in &brought {
            if name == "code" {
                visitor.secrets.hide(&value.as_str().into());
            }
        }
        match judge_return(issuer, asked, &brought) {
            Return::Foreign => {
                report.add(&Finding::warn(STEP, "a browser came with another `state`", "it is not believed; waiting on"))
            }
            Return::Refused(finding) => {
                report.add(&finding);
                return None;
            }
            Return::Code(code, finding) => {
                report.add(&finding);
                return Some(code);
            }
        }
    }
}

enum Return {
    /// Not an answer to our request.
    Foreign,
    Refused(Finding),
    Code(SecretString, Finding),
}

fn judge_return(issuer: &Issuer, asked: &Asked, brought: &Brought) -> Return {
    let said = |wanted: &str| brought.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    if said("state") != Some(&asked.state) {
        return Return::Foreign;
    }
    let refused = |seen: String, todo: &str| Return::Refused(Finding::fail(STEP, seen, todo));
    match said("iss") {
        None if issuer.says_iss => {
            return refused(
                "no `iss` in the answer, though the server promises it".to_owned(),
                "send it: clients refuse the answer",
            );
        }
        Some(iss) if iss != issuer.name => {
            return refused(
                format!("`iss` is {iss}, not {}", issuer.name),
                "both must be the same letter by letter: clients refuse the answer",
            );
        }
        _ => {}
    }
    if let Some(error) = said("error") {
        let why = said("error_description").map_or_else(String::new, |why| format!(": {why}"));
        let todo = if error == "access_denied" { "the person, or the provider, said no" } else { "look at the server's log" };
        return refused(format!("the server says {error}{why}"), todo);
    }
    let Some(code) = said("code").filter(|code| !code.is_empty()) else {
        return refused("the browser came back without a code".to_owned(), "look at the server's log");
    };
    Return::Code(code.into(), Finding::ok(STEP, "the browser came back with a code, the same `state` and the right issuer"))
}

fn resource_field(resource: &str) -> Option<(&'static str, &str)> {
    (!resource.is_empty()).then_some(("resource", resource))
}

async fn ask_for_tokens(
    visitor: &Visitor,
    token: &Url,
    client: &Registered,
    mut fields: Vec<(&str, &str)>,
) -> Result<Seen, super::visit::Fault> {
    fields.push(("client_id", &client.id));
    if let Some(secret) = &client.secret {
        fields.push(("client_secret", secret.expose_secret()));
    }
    visitor.ask(Ask::post_form(token, &fields).header("accept", "application/json")).await
}

/// The tokens of an answer; they are hidden before anything is said of it.
fn got(
    visitor: &Visitor,
    issuer: &Issuer,
    seen: Result<Seen, super::visit::Fault>,
    report: &mut Report,
) -> Option<(SecretString, Option<SecretString>)> {
    let seen = match seen {
        Ok(seen) => seen,
        Err(fault) => {
            report.add(&Finding::fail(TOKENS, fault.to_string(), "look at the token endpoint"));
            return None;
        }
    };
    let answer = seen.json().unwrap_or_default();
    let secret = |name: &str| answer[name].as_str().filter(|text| !text.is_empty()).map(SecretString::from);
    let (access, refresh) = (secret("access_token"), secret("refresh_token"));
    for token in [&access, &refresh, &secret("id_token")].into_iter().flatten() {
        visitor.secrets.hide(token);
    }
    let Some(access) = access.filter(|_| seen.status == 200) else {
        let code = answer["error"].as_str().unwrap_or("no code");
        let words = if answer.is_object() { seen.words() } else { "no JSON".to_owned() };
        report.add(&Finding::fail(TOKENS, format!("status {}, {code}: {words}", seen.status), "look at the server's log"));
        return None;
    };
    report.add_all(&judge_tokens(issuer, &seen, &answer));
    Some((access, refresh))
}

fn judge_tokens(issuer: &Issuer, seen: &Seen, answer: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !answer["token_type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        findings.push(Finding::fail(TOKENS, "`token_type` is not Bearer", "clients refuse the answer"));
    }
    if !seen.header("cache-control").is_some_and(|value| value.to_ascii_lowercase().contains("no-store")) {
        findings.push(Finding::warn(TOKENS, "no `Cache-Control: no-store`", "a proxy may keep tokens otherwise"));
    }
    if answer["refresh_token"].as_str().is_none() && issuer.refreshes {
        let todo = "give one, or do not promise it: some clients wait for it";
        findings.push(Finding::warn(TOKENS, "no refresh token, though the server promises them", todo));
    }
    let secs = answer["expires_in"].as_u64();
    let life = secs.map_or_else(|| "no `expires_in`".to_owned(), |secs| format!("good for {secs} s"));
    let scope = answer["scope"].as_str().map_or_else(String::new, |scope| format!(", scope {scope}"));
    findings.push(Finding::ok(TOKENS, format!("an access token, {life}{scope}")));
    findings
}

impl SignedIn {
    /// Has the tokens renewed, as a client does an hour later.
    async fn renew(&mut self, visitor: &Visitor, issuer: &Issuer, report: &mut Report) {
        let Some(refresh) = self.refresh.clone() else {
            report.add(&Finding::skip("refresh", "there is no refresh token"));
            return;
        };
        let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())];
        fields.extend(resource_field(&self.resource));
        let seen = ask_for_tokens(visitor, &self.token, &self.client, fields).await;
        if let Some((access, next)) = got(visitor, issuer, seen, report) {
            report
                .add(&Finding::ok("refresh", if next.is_some() { "tokens are renewed" } else { "the access token is renewed" }));
            self.access = access;
            self.refresh = next.or(Some(refresh));
        }
    }

    /// Gives the tokens back.
    pub(super) async fn give_back(self, visitor: &Visitor, report: &mut Report) {
        let step = "revocation";
        let Some(place) = &self.revocation else {
            report.add(&Finding::warn(
                step,
                "the server takes no tokens back",
                "the tokens of this visit stay good until they expire",
            ));
            return;
        };
        for token in [self.refresh.as_ref(), Some(&self.access)].into_iter().flatten() {
            let seen = ask_for_tokens(visitor, place, &self.client, vec![("token", token.expose_secret())]).await;
            if !seen.as_ref().is_ok_and(|seen| seen.status == 200) {
                let told =
                    seen.map_or_else(|fault| fault.to_string(), |seen| format!("status {}: {}", seen.status, seen.words()));
                report.add(&Finding::warn(step, told, "the tokens of this visit stay good until they expire"));
                return;
            }
        }
        report.add(&Finding::ok(step, "the tokens of this visit are given back"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        let url = Url::parse("https://id.example/authorize").unwrap();
        Asked { url, redirect: "http://127.0.0.1:1/callback".into(), state: "mine".into(), verifier: "v".into() }
    }

    fn issuer(says_iss: bool) -> Issuer {
        Issuer {
            name: "https://id.example".into(),
            authorization: None,
            token: None,
            registration: None,
            revocation: None,
            by_document: false,
            says_iss,
            refreshes: true,
        }
    }

    /// What is told of an answer; a foreign one is nobody's.
    fn told(says_iss: bool, query: &str) -> String {
        let brought = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        match judge_return(&issuer(says_iss), &asked(), &brought) {
            Return::Foreign => "foreign".to_owned(),
            Return::Refused(finding) => finding.seen,
            Return::Code(code, _) => format!("code {}", code.expose_secret()),
        }
    }

    #[test]
    fn a_code_is_taken_only_for_this_request_and_from_the_right_server() {
        assert_eq!(told(true, "code=c&state=mine&iss=https://id.example"), "code c");
        assert_eq!(told(false, "code=c&state=mine"), "code c", "older servers name no issuer");
        for foreign in ["code=c", "code=c&state=other&iss=https://id.example", "error=access_denied"] {
            assert_eq!(told(true, foreign), "foreign", "{foreign}");
        }
        for (query, word) in [
            ("code=c&state=mine", "no `iss`"),
            ("code=c&state=mine&iss=https://evil.example", "not https://id.example"),
            ("code=c&state=mine&iss=https://id.example/", "not https://id.example"),
            ("error=server_error&error_description=oh&state=mine&iss=https://id.example", "server_error: oh"),
            ("state=mine&iss=https://id.example", "without a code"),
        ] {
            assert!(told(true, query).contains(word), "{query}: {}", told(true, query));
        }
    }
}
