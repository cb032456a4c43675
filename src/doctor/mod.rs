//! Why does a client not get in? Walks what an MCP client does that has nothing but the address of a server, any server, and says
//! of each step what was seen and what to do.
//!
//! Judging (what an answer means) is kept apart from asking: judges are plain functions of an answer. A step that cannot be done ends
//! the walk only where the next ones need it. Nothing that is asked for changes anything but a registered client, a session and, when
//! somebody signs in, tokens, and what can be given back is.

mod authorize;
mod callback;
mod challenge;
mod door;
mod finding;
mod issuer;
mod reach;
mod register;
mod resource;
mod session;
mod sign_in;
mod spelling;
mod stream;
mod tls;
mod visit;

use std::time::Duration;

use rustls::pki_types::CertificateDer;
use secrecy::SecretString;
use url::Url;

use authorize::Asked;
use callback::Callback;
use challenge::Challenge;
use door::Door;
pub use finding::{Finding, Mark, Report, Secrets};
pub use reach::read as read_address;
use resource::Resource;
use session::Session;
use sign_in::SignedIn;
use visit::Visitor;

/// Where clients on people's machines are sent back to; the port is the one that VS Code likes.
const USUAL_REDIRECT: &str = "http://127.0.0.1:33418/callback";

/// What is to be looked at.
#[derive(Debug)]
pub struct Errand {
    /// The address as it was typed, letter by letter.
    pub typed: String,
    /// The same, read by [`read_address`].
    pub url: Url,
    /// An API key or a token.
    pub credential: Option<SecretString>,
    /// Whether somebody is there to sign in.
    pub sign_in: bool,
    /// A page's origin that must get through.
    pub origin: Option<String>,
    /// How long one answer may take.
    pub deadline: Duration,
    /// Further authorities whose certificates are believed.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// Walks all steps.
pub async fn examine(errand: Errand, secrets: Secrets, report: &mut Report) {
    if let Some(credential) = &errand.credential {
        secrets.hide(credential);
    }
    report.add(&reach::judge(&errand.typed, &errand.url));
    let tls = tls::config(&errand.authorities);
    if !reach::reach(&errand.url, &tls, errand.deadline, report).await {
        return;
    }
    let visitor = Visitor::new(&tls, errand.deadline, secrets);
    let Some((url, door)) = Box::pin(door::knock(&visitor, &errand.url, report)).await else { return };
    door::browsers(&visitor, &url, errand.origin.as_deref(), report).await;
    door::health(&visitor, &url, report).await;
    let signed_in = Box::pin(find_a_way_in(&visitor, &errand, &url, &door, report)).await;
    let given = credential(&errand, &url, report);
    let token = signed_in.as_ref().map(|signed_in| signed_in.access.clone());
    match (&door, token.or(given)) {
        (Door::Locked(_), None) => {
            let seen =
                "what comes after signing in was not looked at: bring a key with --api-key-file, or sign in with --sign-in";
            report.add(&Finding::skip("session", seen));
        }
        (_, credential) => Box::pin(work(&visitor, &url, credential, report)).await,
    }
    if let Some(signed_in) = signed_in {
        signed_in.give_back(&visitor, report).await;
    }
}

/// The credential that was brought, if the address is still the one it was brought for: a redirect must not lead it away.
fn credential(errand: &Errand, url: &Url, report: &mut Report) -> Option<SecretString> {
    let credential = errand.credential.clone()?;
    if url.origin() == errand.url.origin() {
        return Some(credential);
    }
    let todo = format!("run the doctor with {url}");
    report.add(&Finding::warn("session", "the key was not sent to another origin than the one that was typed", todo));
    None
}

/// Discovery, registration and the sign-in page, and the sign-in itself if somebody is there.
async fn find_a_way_in(visitor: &Visitor, errand: &Errand, url: &Url, door: &Door, report: &mut Report) -> Option<SignedIn> {
    let (challenge, locked) = match door {
        Door::Open => (None, false),
        Door::Locked(challenge) => (challenge.as_ref(), true),
    };
    let typed = if *url == errand.url { errand.typed.as_str() } else { url.as_str() };
    let resource = resource_of(visitor, (url, typed), (challenge, locked), errand, report).await?;
    let issuer = issuer::describe(visitor, &resource.issuer, report).await?;
    let wanted = errand.sign_in && is_for_here(&resource, url, typed, report);
    let mut callback = match wanted.then(Callback::listen).transpose() {
        Ok(callback) => callback,
        Err(error) => {
            report.add(&Finding::fail("sign-in", format!("this machine gives no port to come back to: {error}"), "try again"));
            None
        }
    };
    let redirect = callback.as_ref().map_or(USUAL_REDIRECT, |callback| &callback.redirect).to_owned();
    let client = register::register(visitor, &issuer, &redirect, report).await;
    let endpoint = issuer.authorization.as_ref();
    let signed_in = match (client, endpoint) {
        (Some(client), Some(endpoint)) => {
            let asked = Asked::new(endpoint, &client, &resource, &redirect);
            authorize::look(visitor, &issuer, &client, &asked, &resource, report).await;
            match &mut callback {
                Some(callback) => sign_in::sign_in(visitor, &issuer, client, (&asked, &resource), callback, report).await,
                None if errand.sign_in => None,
                None => {
                    report.add(&Finding::skip("sign-in", "not tried: --sign-in lets you sign in as a client's person does"));
                    None
                }
            }
        }
        _ => None,
    };
    if let Some(callback) = callback {
        callback.close().await;
    }
    signed_in
}

/// Whether a token may be got and shown here. A server that calls itself by another's name would get a token for that other one.
fn is_for_here(resource: &Resource, url: &Url, typed: &str, report: &mut Report) -> bool {
    let own_issuer = Url::parse(&resource.issuer).is_ok_and(|issuer| issuer.origin() == url.origin());
    let is = resource.name == typed || (resource.name.is_empty() && own_issuer);
    if !is {
        report
            .add(&Finding::skip("sign-in", "not done: the token would be for another resource than the address that was typed"));
    }
    is
}

/// What the resource says of itself; without anything, what clients of 2025-03-26 take for granted.
async fn resource_of(
    visitor: &Visitor,
    (url, typed): (&Url, &str),
    (challenge, locked): (Option<&Challenge>, bool),
    errand: &Errand,
    report: &mut Report,
) -> Option<Resource> {
    let step = "resource metadata";
    match resource::describe(visitor, (url, typed), challenge, locked, report).await {
        resource::Described::As(resource) => Some(resource),
        resource::Described::Wrong => None,
        resource::Described::Nowhere if !locked => {
            report.add(&Finding::skip(step, "there is none, and none is needed: nobody has to sign in"));
            None
        }
        resource::Described::Nowhere => {
            if let Some(resource) = resource::old_way(visitor, url).await {
                let todo =
                    "describe the resource at /.well-known/oauth-protected-resource: clients since 2025-06-18 look there only";
                report.add(&Finding::warn(step, "there is none: only clients of 2025-03-26 find where to sign in", todo));
                return Some(resource);
            }
            let seen = "there is none: nobody can sign in here";
            report.add(&if errand.credential.is_some() {
                Finding::warn(step, seen, "fine for clients that bring a key (tickgate: GOOGLE_CLIENT_ID switches sign-in on)")
            } else {
                let todo = "set sign-in up (tickgate: GOOGLE_CLIENT_ID, see docs/AUTH.md), or give clients a key and run this with --api-key-file";
                Finding::fail(step, seen, todo)
            });
            None
        }
    }
}

/// What a client does once it is in.
async fn work(visitor: &Visitor, url: &Url, credential: Option<SecretString>, report: &mut Report) {
    let Some(session) = Session::open(visitor, url, credential, report).await else { return };
    let tools = session.tools(report).await;
    session.call_one(&tools, report).await;
    session.discover(report).await;
    stream::standing(&session, report).await;
    stream::call(&session, &tools, report).await;
    stream::events(&session, report).await;
    session.close().await;
}
