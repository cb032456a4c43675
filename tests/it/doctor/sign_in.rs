//! `--sign-in`: a person with a real browser's cookies, a provider, and what comes back to the doctor.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Stdio};

use serde_json::json;
use url::Url;

use super::command;
use super::site::{Change, KEY, Reply, Site, json_answer};
use crate::support::browser::{path_of, signing_in};
use crate::support::{Browser, OidcProvider, TestGateway, get, post};

/// A doctor that waits for somebody to sign in.
struct Waiting {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    printed: String,
    link: String,
}

impl Waiting {
    fn at(url: &str) -> Self {
        let mut command = command(&[url, "--sign-in"], &[]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut waiting = Self { child, lines, printed: String::new(), link: String::new() };
        let beginning = url.replace("/mcp", "/authorize?");
        while !waiting.link.starts_with(&beginning) {
            let mut line = String::new();
            assert!(waiting.lines.read_line(&mut line).unwrap() > 0, "no link in {}", waiting.printed);
            waiting.printed.push_str(&line);
            line.trim().clone_into(&mut waiting.link);
        }
        waiting
    }

    /// What the link says.
    fn asks(&self, wanted: &str) -> String {
        let link = Url::parse(&self.link).unwrap();
        link.query_pairs().find(|(name, _)| name == wanted).unwrap().1.into_owned()
    }

    /// Where the browser is to come back to.
    fn port(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], Url::parse(&self.asks("redirect_uri")).unwrap().port().unwrap()))
    }

    fn end(mut self) -> (i32, String) {
        self.lines.read_to_string(&mut self.printed).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut self.printed).unwrap();
        (self.child.wait().unwrap().code().unwrap(), std::mem::take(&mut self.printed))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Opens the link, decides, and answers where the browser is sent.
fn decide(browser: &mut Browser, gateway: &TestGateway, link: &str, decision: &str) -> Url {
    let page = browser.get(&path_of(link)).text();
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("csrf", &csrf)
        .append_pair("decision", decision)
        .finish();
    let form = post("/authorize", form).header("Content-Type", "application/x-www-form-urlencoded");
    let form = form.header("Origin", &gateway.url("")).header("Sec-Fetch-Site", "same-origin");
    let sent = browser.send(form, "/authorize");
    assert_eq!(sent.status, 303);
    Url::parse(sent.header("location").unwrap()).unwrap()
}

#[test]
fn a_person_signs_in_and_the_tokens_work_are_renewed_and_are_given_back() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let mut browser = Browser::of(&gateway);
    assert_eq!(browser.sign_in(&provider).status, 303);
    let waiting = Waiting::at(&gateway.url("/mcp"));
    let stranger = get("/callback?code=canary-code&state=wrong").send(waiting.port());
    assert_eq!(stranger.status, 200, "a stranger learns nothing");
    let back = decide(&mut browser, &gateway, &waiting.link, "allow");
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    assert_eq!(get(&path_of(back.as_str())).send(waiting.port()).status, 200);
    let (exit, printed) = waiting.end();
    for line in [
        "warn sign-in — a browser came with another `state`",
        "ok   sign-in — the browser came back with a code",
        "ok   tokens — an access token, good for 3600 s, scope read write",
        "ok   refresh — tokens are renewed",
        "ok   tool call — ",
        "ok   resume — after a cut the stream goes on without a gap",
        "ok   revocation — the tokens of this visit are given back",
        "No fault was found; 1 warning.",
    ] {
        assert!(printed.contains(line), "{line} in\n{printed}");
    }
    assert_eq!(exit, 0, "{printed}");
    for secret in [code.as_str(), "canary-code", "eyJ", "tgr_"] {
        assert!(!printed.contains(secret), "{secret} in\n{printed}");
    }
}

#[test]
fn a_person_who_says_no_is_believed() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let mut browser = Browser::of(&gateway);
    browser.sign_in(&provider);
    let waiting = Waiting::at(&gateway.url("/mcp"));
    let back = decide(&mut browser, &gateway, &waiting.link, "deny");
    get(&path_of(back.as_str())).send(waiting.port());
    let (exit, printed) = waiting.end();
    assert!(exit == 1 && printed.contains("FAIL sign-in — the server says access_denied"), "{printed}");
}

/// What the doctor says of a site whose token endpoint is this.
fn with_tokens(change: Change) -> (i32, String) {
    let site = Site::start(change);
    let waiting = Waiting::at(&site.url());
    let callback = format!("/callback?code=canary-code&state={}", waiting.asks("state"));
    assert_eq!(get(&callback).send(waiting.port()).status, 200);
    waiting.end()
}

#[test]
fn a_code_that_is_refused_is_told_and_not_shown_whatever_the_server_says_back() {
    let (exit, printed) = with_tokens(|heard| {
        let words = format!("{} canary-code is used up", "x".repeat(155));
        let body = json!({"error": "invalid_grant", "error_description": words});
        (heard.what == "POST /token").then(|| Reply::Whole(json_answer("400 Bad Request", &body)))
    });
    assert!(exit == 1 && printed.contains("FAIL tokens — status 400, invalid_grant: xxx"), "{printed}");
    assert!(printed.contains("*** is used up") && !printed.contains("canary"), "{printed}");
}

#[test]
fn tokens_that_cannot_be_renewed_or_given_back_are_used_and_warned_of() {
    let (exit, printed) = with_tokens(|heard| {
        let body = json!({"access_token": KEY, "token_type": "bearer"});
        (heard.what == "POST /token").then(|| Reply::Whole(json_answer("200 OK", &body)))
    });
    for line in [
        "warn tokens — no refresh token, though the server promises them",
        "ok   tokens — an access token, no `expires_in`",
        "skip refresh — there is no refresh token",
        "ok   tool call — look answers",
        "warn revocation — the server takes no tokens back",
    ] {
        assert!(printed.contains(line), "{line} in\n{printed}");
    }
    assert!(exit == 0 && !printed.contains("canary"), "{printed}");
}
