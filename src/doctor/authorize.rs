//! Does the page where people sign in come up, and does it send nobody to a stranger?

use tickgate_actors::clock::random_u128;
use tickgate_core::identity::oauth::challenge_of;
use tickgate_core::rpc::excerpt;
use url::Url;

use super::finding::{Finding, Report};
use super::issuer::Issuer;
use super::register::Registered;
use super::resource::Resource;
use super::spelling::is_safe;
use super::visit::{Ask, Seen, Visitor};

const STEP: &str = "sign-in page";
/// Most redirects within the server before its page must have come.
const MAX_HOPS: usize = 5;
/// Where nobody that we know lives (RFC 2606).
const STRANGER: &str = "https://stranger.invalid/callback";

/// What a client asks its person's browser to open, and what it remembers of it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) url: Url,
    pub(super) redirect: String,
    pub(super) state: String,
    pub(super) verifier: String,
}

impl Asked {
    pub(super) fn new(endpoint: &Url, client: &Registered, resource: &Resource, redirect: &str) -> Self {
        // RFC 7636 §4.1 wants 43 to 128 characters; 256 bits in hex are 64.
        let verifier = format!("{:032x}{:032x}", random_u128(), random_u128());
        let state = format!("{:032x}", random_u128());
        let mut url = endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &client.id)
            .append_pair("redirect_uri", redirect)
            .append_pair("code_challenge", &challenge_of(&verifier))
            .append_pair("code_challenge_method", "S256")
            .append_pair("state", &state);
        if !resource.scopes.is_empty() {
            url.query_pairs_mut().append_pair("scope", &resource.scopes.join(" "));
        }
        if !resource.name.is_empty() {
            url.query_pairs_mut().append_pair("resource", &resource.name);
        }
        Self { url, redirect: redirect.to_owned(), state, verifier }
    }
}

/// Opens the page as a browser without cookies, and asks once with an address that was never registered.
pub(super) async fn look(
    visitor: &Visitor,
    issuer: &Issuer,
    client: &Registered,
    asked: &Asked,
    resource: &Resource,
    report: &mut Report,
) {
    let mut at = asked.url.clone();
    for _ in 0..MAX_HOPS {
        let seen = match visitor.ask(Ask::get(&at).header("accept", "text/html")).await {
            Ok(seen) => seen,
            Err(fault) => {
                report.add(&Finding::fail(STEP, fault.to_string(), "look at the server's log"));
                return;
            }
        };
        match judge(&at, asked, &seen) {
            Ok(next) => at = next,
            Err(finding) => {
                report.add(&finding);
                break;
            }
        }
    }
    let Some(endpoint) = &issuer.authorization else { return };
    let wrong = Asked::new(endpoint, client, resource, STRANGER);
    if let Ok(seen) = visitor.ask(Ask::get(&wrong.url).header("accept", "text/html")).await {
        report.add(&judge_stranger(&seen));
    }
}

/// Where the page sends the browser on to within the server, or what was found.
fn judge(at: &Url, asked: &Asked, seen: &Seen) -> Result<Url, Finding> {
    match seen.status {
        200..300 => Err(Finding::ok(STEP, format!("{} shows a page", at.path()))),
        300..=399 => {
            let Some(to) = seen.header("location").and_then(|to| at.join(to).ok()) else {
                return Err(Finding::fail(
                    STEP,
                    format!("a redirect ({}) that leads nowhere", seen.status),
                    "look at the server's log",
                ));
            };
            if to.as_str().starts_with(&asked.redirect) {
                return Err(sent_back(&to));
            }
            if to.origin() == at.origin() {
                return Ok(to);
            }
            let host = to.host_str().unwrap_or("nowhere").to_owned();
            if !is_safe(&to) {
                return Err(Finding::warn(STEP, format!("it leads to {host} over plain http"), "use https there"));
            }
            Err(Finding::ok(STEP, format!("it leads to {host} to sign in")))
        }
        status => Err(Finding::fail(
            STEP,
            format!("{}: status {status} {}", at.path(), page_words(seen)),
            "people see this page instead of the sign-in: look at the server's log, and at its settings for the provider",
        )),
    }
}

/// Nobody was asked: it can be an error, or a code for anybody.
fn sent_back(to: &Url) -> Finding {
    let said = |name: &str| to.query_pairs().find(|(other, _)| other == name).map(|(_, value)| value.into_owned());
    match said("error") {
        Some(error) => {
            let why = said("error_description").map_or_else(String::new, |why| format!(": {why}"));
            let todo = match error.as_str() {
                "invalid_target" => "the server does not know the resource under this name: let both be the same",
                "invalid_scope" => "the scopes of the resource metadata are not those of the authorization server",
                _ => "the server refuses what every client asks for: look at its log",
            };
            Finding::fail(STEP, format!("the client is sent back with {error}{why}"), todo)
        }
        None => Finding::warn(STEP, "a code comes without a page", "ask the person: any site could get a token otherwise"),
    }
}

fn judge_stranger(seen: &Seen) -> Finding {
    let step = "redirect check";
    let to = seen.header("location").unwrap_or_default();
    if to.starts_with(STRANGER) {
        let todo = "compare with the registered addresses letter by letter: codes can be stolen";
        return Finding::fail(step, "the server sends browsers to an address that was never registered", todo);
    }
    match seen.status {
        400..500 => Finding::ok(step, format!("an address that was never registered is refused with {}", seen.status)),
        status => Finding::warn(
            step,
            format!("an address that was never registered is answered with {status}"),
            "refuse it with a page at once: it may be refused later, which cannot be seen from here",
        ),
    }
}

/// The words of a page without its tags.
fn page_words(seen: &Seen) -> String {
    let text = String::from_utf8_lossy(&seen.body);
    let between = |tag: &str| -> Option<String> {
        let rest = text.split_once(&format!("<{tag}>"))?.1;
        Some(rest.split('<').next()?.trim().to_owned())
    };
    let heading = between("h1").or_else(|| between("title"));
    let words: Vec<String> = [heading, between("p")].into_iter().flatten().filter(|words| !words.is_empty()).collect();
    if words.is_empty() { seen.words() } else { excerpt(&words.join(": ")) }
}
