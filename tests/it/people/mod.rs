//! People from outside: listed, changed and erased over HTTP and at the command line; what is written down of it, and for how long.

mod admin;
mod audit_log;
mod command;
mod erase;
mod races;
mod retention;

use serde_json::{Value, json};

use crate::api_keys::{ADMIN, ask, make};
use crate::support::oidc_provider::CLIENT;
use crate::support::postgres::Server;
use crate::support::{Answer, Browser, OidcProvider, TestGateway, get};

/// `SESSION_SECRET_KEY` and `JWT_SECRET_KEY` of the tests.
const SECRET: &str = "f0e0d0c0b0a09080706050403020100ff0e0d0c0b0a09080706050403020100f";

/// Both databases: a file, and PostgreSQL.
fn databases() -> [String; 2] {
    [String::new(), Server::shared().database()]
}

/// A gateway at which people can sign in, on this PostgreSQL database, or on a file.
fn gateway(provider: &OidcProvider, url: &str, more: &[(&str, &str)]) -> TestGateway {
    let issuer = provider.issuer();
    let own = [
        ("GOOGLE_ISSUER", issuer.as_str()),
        ("GOOGLE_CLIENT_ID", CLIENT.0),
        ("GOOGLE_CLIENT_SECRET", CLIENT.1),
        ("SESSION_SECRET_KEY", SECRET),
        ("JWT_SECRET_KEY", SECRET),
        ("METRICS_PUBLIC", "true"),
    ];
    crate::api_keys::gateway(url, &[&own[..], more].concat())
}

/// A browser in which somebody of this name has signed in, and their id.
fn sign_in(gateway: &TestGateway, provider: &OidcProvider, name: &str) -> (Browser, String) {
    provider.script().person = json!({"sub": format!("canary-subject-{name}"), "email": format!("{name}@example.com"), "email_verified": true, "name": name});
    let mut browser = Browser::of(gateway);
    assert_eq!(browser.sign_in(provider).status, 303);
    let id = browser.get("/api/user").json()["user"]["id"].as_str().unwrap().to_owned();
    (browser, id)
}

/// A key of this person with this scope.
fn key(gateway: &TestGateway, id: &str, scope: &str) -> String {
    make(gateway, &json!({"user_id": id, "scope": scope}), ADMIN)["key"].as_str().unwrap().to_owned()
}

/// An access token for the page of a browser.
fn token(browser: &mut Browser) -> String {
    browser.post("/auth/refresh", "").json()["access_token"].as_str().unwrap().to_owned()
}

/// Asks for one's own erasure, as our own page does.
fn erase_me(browser: &mut Browser) -> Answer {
    let path = "/api/user";
    browser.send(get(path).method("DELETE").header("Sec-Fetch-Site", "same-origin"), path)
}

fn patch(gateway: &TestGateway, id: &str, change: &Value, by: &str) -> Answer {
    ask(gateway, "PATCH", &format!("/admin/users/{id}"), &change.to_string(), by)
}
