//! The account page and what it stands on: who is signed in, which clients may act for them, and how that ends.

mod attacks;
mod clients;
mod page;
mod session;

use serde_json::{Value, json};

use crate::oauth::support::{REDIRECT, asking, csrf_of, exchange, form, location, register, told};
use crate::support::browser::signing_in;
use crate::support::{Answer, Browser, OidcProvider, TestGateway, get, postgres};

const DATA_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const SESSION_KEY: &str = "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f";
const JWT_KEY: &str = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";
const CLIENTS: &str = "/api/user/clients";

/// A gateway on this database at which people can sign in; nothing: a file.
fn gateway(provider: &OidcProvider, url: &str, more: &[(&str, &str)]) -> TestGateway {
    let issuer = provider.issuer();
    let own = [
        ("DATABASE_URL", url),
        ("DATA_ENCRYPTION_KEY", DATA_KEY),
        ("SESSION_SECRET_KEY", SESSION_KEY),
        ("JWT_SECRET_KEY", JWT_KEY),
    ];
    TestGateway::with(&signing_in(&issuer, &[&own[..], more].concat()))
}

/// A file, and a database of PostgreSQL.
fn databases() -> [String; 2] {
    [String::new(), postgres::Server::shared().database()]
}

/// A browser in which this person is signed in.
fn signed_in(gateway: &TestGateway, provider: &OidcProvider, name: &str) -> Browser {
    provider.script().person = json!({"sub": name, "email": format!("{name}@example.com"), "email_verified": true, "name": name});
    let mut browser = Browser::of(gateway);
    assert_eq!(browser.sign_in(provider).status, 303);
    browser
}

/// A client that registered under a name, to be sent back there; its id.
fn client(gateway: &TestGateway, name: &str, redirect: &str) -> String {
    let registered = register(gateway, &json!({"redirect_uris": [redirect], "client_name": name}));
    registered["client_id"].as_str().unwrap().to_owned()
}

/// Agrees to a client where asked; a code for it.
fn code(browser: &mut Browser, client: &str, redirect: &str) -> String {
    let asked = browser.get(&asking(client, &[("redirect_uri", redirect)]));
    let back = if asked.status == 303 {
        location(&asked)
    } else {
        let csrf = csrf_of(&asked.text());
        let agree = form("/authorize", &[("csrf", &csrf), ("decision", "allow")]).header("Sec-Fetch-Site", "same-origin");
        location(&browser.send(agree, "/authorize"))
    };
    told(&back)["code"].clone()
}

/// Connects a client; its id, its access token and its refresh token.
fn connect(gateway: &TestGateway, browser: &mut Browser, name: &str) -> (String, String, String) {
    let id = client(gateway, name, REDIRECT);
    let (access, refresh) = tokens(gateway, browser, &id);
    (id, access, refresh)
}

fn tokens(gateway: &TestGateway, browser: &mut Browser, client: &str) -> (String, String) {
    let code = code(browser, client, REDIRECT);
    let tokens = exchange(gateway, client, &code, &[]).json();
    let text = |field: &str| tokens[field].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned();
    (text("access_token"), text("refresh_token"))
}

/// The clients of whoever is signed in in a browser.
fn listed(browser: &mut Browser) -> Vec<Value> {
    let answer = browser.get(CLIENTS);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    answer.json()["clients"].as_array().unwrap().clone()
}

/// What one of them is called.
fn id_of(clients: &[Value], client: &str) -> String {
    let found = clients.iter().find(|listed| listed["client_id"] == client);
    found.unwrap_or_else(|| panic!("no {client} in {clients:?}"))["id"].as_str().unwrap().to_owned()
}

/// Disconnects a client as our own page does.
fn disconnect(browser: &mut Browser, id: &str) -> Answer {
    let path = format!("{CLIENTS}/{id}");
    browser.send(get(&path).method("DELETE").header("Sec-Fetch-Site", "same-origin"), &path)
}
