//! `/auth/key-link`: the page of a one-time link, under which `manage_api_keys` hands out a key.
//!
//! Opening the address shows a button and nothing else: the secret stands behind `#`, which is not sent, so previews, scanners and
//! prefetching use nothing up. The button sends it in a form, and the answer shows the key, once.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use secrecy::ExposeSecret as _;
use tickgate_core::access::Principal;
use tickgate_core::identity::api_key::LinkRefusal;
use tickgate_core::identity::oauth::Params;
use tickgate_core::time::Millis;

use super::oauth::form;
use super::query::Query;
use crate::html::{self, escaped};
use crate::http::error::Problem;
use crate::http::gateway::{OnWorker, Worker, client_ip};
use crate::http::request::{RequestIdentity, is_from_own_page};
use crate::identity::{KeyError, LinkFault, Rotated};

const OPEN: &str = include_str!("key_link/open.html");
const KEY: &str = include_str!("key_link/key.html");
const FAULT: &str = include_str!("key_link/fault.html");
/// What the page with the button may do: run our script, which fills in the form, and send it here. Nothing may be asked for by it.
const OPEN_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                           frame-ancestors 'none'";
/// What the other pages may do: run the same script, which copies the key and takes another link, and be looked at. It can send nothing
/// anywhere: no `connect-src`, no form.
const SHOWN_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; \
                            frame-ancestors 'none'";

/// The page with the button. It is the same for everybody, and knows of no link.
pub(in crate::http) async fn page(request: HttpRequest) -> HttpResponse {
    if let Err(problem) = Query::read(&request, &[]) {
        return problem.respond(&request);
    }
    // Under `no-referrer` a browser sends the form with `Origin: null`, which is nobody's; what stands behind `#` is never in it.
    let page = html::page("An API key for you", OPEN, |_| String::new());
    answer(StatusCode::OK, page, OPEN_POLICY, "same-origin")
}

/// Opens a link.
pub(in crate::http) async fn open(request: HttpRequest, payload: Payload, OnWorker(worker): OnWorker) -> HttpResponse {
    let body = match Query::read(&request, &[]) {
        Ok(_) => form(&request, payload).await,
        Err(problem) => Err(problem),
    };
    let body = match body {
        Ok(body) => body,
        Err(problem) => return problem.respond(&request),
    };
    let text = Params::read(&body).ok().and_then(|params| params.get("link").map(str::to_owned)).unwrap_or_default();
    let person = match signed_in(&worker, &request).await {
        Ok(person) => person,
        Err(problem) => return problem.respond(&request),
    };
    let (links, from) = (worker.gateway.links.clone(), client_ip(&request, &worker.gateway.settings));
    let request_id = RequestIdentity::of(&request);
    // A task of its own: a browser that leaves must not stop it between the link and the key.
    let opened = actix_rt::spawn(async move { links.open(text.trim(), person.as_ref(), Some(from), &request_id).await });
    match opened.await {
        Ok(Ok(made)) => answer(StatusCode::OK, shown(&made), SHOWN_POLICY, "no-referrer"),
        Ok(Err(fault)) => {
            let (status, told) = told(&fault);
            answer(status, page_of_fault(&told), SHOWN_POLICY, "no-referrer")
        }
        Err(_) => Problem::unavailable("it is not known whether the key was made: ask who gave you the link").respond(&request),
    }
}

/// Who is signed in in the browser, if a page of ours sends the form. A link that is for nobody by name does not look at it.
async fn signed_in(worker: &Worker, request: &HttpRequest) -> Result<Option<Principal>, Problem> {
    let Some(browsers) = worker.gateway.browsers.as_ref().filter(|_| is_from_own_page(request.headers())) else {
        return Ok(None);
    };
    let found = browsers.signed_in(request.headers()).await.map_err(|error| {
        tracing::error!(error = %error, "a browser's session cannot be looked up");
        Problem::unavailable("the link cannot be looked up at the moment; it still waits: try again soon")
    })?;
    Ok(found.map(|(_, user)| user.principal()))
}

fn answer(status: StatusCode, page: String, policy: &'static str, referrer: &'static str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, referrer))
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .insert_header(("x-frame-options", "DENY"))
        .insert_header(("x-robots-tag", "noindex"))
        .content_type("text/html; charset=utf-8")
        .body(page)
}

fn shown(made: &Rotated) -> String {
    let key = &made.key;
    let until = key.expires.map_or_else(|| "until it is revoked".to_owned(), |expires| format!("until {}", time(expires)));
    let old = key.old.map_or_else(String::new, |old| format!("<p>The secret before it is good until {}.</p>", time(old.until)));
    html::page("Your API key", KEY, |field| match field {
        "key" => escaped(made.secret.expose_secret()),
        "id" => key.id.to_string(),
        "name" => escaped(&key.name),
        "owner" => escaped(key.owner.as_str().strip_prefix("user:").unwrap_or(key.owner.as_str())),
        "scope" => key.scope.to_string(),
        "until" => until.clone(),
        "old" => old.clone(),
        _ => String::new(),
    })
}

/// A moment, which the script of the page writes as all our pages do.
fn time(moment: Millis) -> String {
    format!("<time datetime=\"{moment}\">{}</time>", minute(moment))
}

/// A moment for people: `2026-03-10 18:31 UTC`.
fn minute(moment: Millis) -> String {
    let text = moment.to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{day} {} UTC", time.get(..5).unwrap_or(time))
}

fn page_of_fault(told: &str) -> String {
    html::page("No key", FAULT, |field| if field == "told" { escaped(told) } else { String::new() })
}

/// The status of a fault, and what people are told.
fn told(fault: &LinkFault) -> (StatusCode, String) {
    const ASK: &str = "Ask who gave you the link for another one.";
    match fault {
        LinkFault::Refused(LinkRefusal::Opened(at), key) => {
            let key = key.map_or_else(String::new, |id| format!(" {id}"));
            let told = format!(
                "This link was opened already, at {}. If that was not you, somebody else has the key: tell who gave you the link to \
                 revoke the key{key} at once.",
                minute(*at)
            );
            (StatusCode::GONE, told)
        }
        LinkFault::Refused(LinkRefusal::Expired, _) => {
            (StatusCode::GONE, format!("This link was good for 15 minutes, and they are over. Nothing was made. {ASK}"))
        }
        LinkFault::Refused(LinkRefusal::Unknown, _) => (
            StatusCode::NOT_FOUND,
            format!("There is no such link. Was it copied as a whole, with all that stands behind the #? {ASK}"),
        ),
        LinkFault::NotSignedIn => {
            let told = "This page is for the person who asked for the key: sign in here as that person (/auth/login), then open the \
                        address again. Nothing was made.";
            (StatusCode::FORBIDDEN, told.to_owned())
        }
        LinkFault::MakerGone => {
            (StatusCode::GONE, format!("Who made this link may do so no more, so it opens nothing. Nothing was made. {ASK}"))
        }
        LinkFault::Store(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The link cannot be looked up at the moment; it still waits: try again soon.".to_owned(),
        ),
        LinkFault::Key(error) => {
            let status = match error {
                KeyError::Store(_) | KeyError::Full | KeyError::Busy => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::CONFLICT,
            };
            (status, format!("The link is used up, but the key was not made: {error}. {ASK}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_have_no_script_and_no_style_of_their_own() {
        for page in [OPEN, KEY, FAULT] {
            assert!(!page.contains("style=") && !page.contains("onclick"), "{page}");
            assert!(page.contains("<script type=\"module\" src=\"/assets/key-link.js\"></script>"));
            assert_eq!(page.matches("<script").count(), 1);
        }
        assert!(!SHOWN_POLICY.contains("connect-src") && SHOWN_POLICY.contains("form-action 'none'"));
    }

    #[test]
    fn times_are_told_to_the_minute() {
        assert_eq!(minute(Millis(1_773_167_467_294)), "2026-03-10 18:31 UTC");
    }

    #[test]
    fn a_fault_is_text() {
        assert!(page_of_fault("<b>").contains("&lt;b&gt;"));
    }
}
