//! A person, their browser, and a client that asks for them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tickgate::auth::BrowserSessions;
use tickgate::sealing::Sealer;
use tickgate::storage::SqliteStore;
use tickgate_actors::Clock;
use tickgate_core::identity::oauth::challenge_of;
use tickgate_core::identity::{AdminEmails, Identity, User, UserId};
use tickgate_core::ports::{Record, Shelf, Store};
use url::Url;

use crate::support::oidc_provider::CLIENT;
use crate::support::{Answer, Request, TestGateway, get, post};

pub(crate) const DATA_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const SESSION_KEY: &str = "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f";
/// RFC 7636 appendix B has it.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mBmoQpbC3FBXGCMbtqDQ5wUvJk0vBE";
pub(crate) const REDIRECT: &str = "https://client.example/callback";

/// A gateway at which people can sign in.
pub(crate) fn gateway(more: &[(&str, &str)]) -> TestGateway {
    let own = [
        ("AUTH", "required"),
        ("MCP_API_KEYS", "a-key-for-the-tests-1"),
        ("DATA_ENCRYPTION_KEY", DATA_KEY),
        ("SESSION_SECRET_KEY", SESSION_KEY),
        ("RATE_LIMIT_AUTH", "0"),
        // Nobody is there: most tests begin with a browser that has signed in.
        ("GOOGLE_ISSUER", "http://127.0.0.1:9"),
        ("GOOGLE_CLIENT_ID", CLIENT.0),
        ("GOOGLE_CLIENT_SECRET", CLIENT.1),
    ];
    TestGateway::with(&[&own[..], more].concat())
}

/// Works on a gateway's store as another process would.
pub(crate) fn on_store<T>(gateway: &TestGateway, work: impl AsyncFnOnce(Arc<dyn Store>) -> T) -> T {
    let sealer = Arc::new(Sealer::new(&[DATA_KEY.into()]).unwrap());
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open_beside(gateway.folder(), sealer).unwrap());
    actix_rt::System::new().block_on(work(store))
}

/// A browser: it keeps cookies, and goes nowhere by itself.
pub(crate) struct Browser {
    gateway: SocketAddr,
    pub(crate) user: UserId,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser {
    /// In which nobody is signed in.
    pub(crate) fn new(gateway: &TestGateway) -> Self {
        Self { gateway: gateway.address, user: UserId(0), cookies: BTreeMap::new() }
    }

    /// In which this person is signed in: the sign-in itself is `tests/it/sign_in`'s.
    pub(crate) fn of(gateway: &TestGateway, name: &str) -> Self {
        let mut browser = Self::new(gateway);
        browser.sign_in(gateway, name);
        browser
    }

    /// The person `root` is an admin.
    pub(crate) fn sign_in(&mut self, gateway: &TestGateway, name: &str) {
        let url = gateway.url("");
        let (user, cookie) = on_store(gateway, async |store| {
            let clock = Clock::start();
            let identity = Identity {
                issuer: "https://accounts.example".to_owned(),
                subject: name.to_owned(),
                email: Some(format!("{name}@example.com")),
                email_verified: true,
                name: Some(name.to_owned()),
            };
            let user = User::first_seen(
                UserId(tickgate_actors::clock::random_u128()),
                &identity,
                &AdminEmails::new(["root@example.com"]),
                clock.now(),
            );
            let record = Record {
                id: user.account_key().0,
                principal: user.principal().as_str().to_owned(),
                expires: None,
                body: serde_json::to_vec(&user).unwrap().into(),
            };
            store.put(Shelf::Users, vec![record]).await.unwrap();
            let browsers = BrowserSessions::new(&[SESSION_KEY.into()], &url, store, clock).unwrap();
            let (_, cookie) = browsers.begin(user.id, &HeaderMap::new()).await.unwrap();
            (user.id, cookie)
        });
        self.user = user;
        self.cookies.insert(cookie.name().to_owned(), cookie.value().to_owned());
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send(get(path))
    }

    /// Sends a form as our own page does.
    pub(crate) fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = format!("http://{}", self.gateway);
        self.send(form(path, fields).header("Origin", &origin).header("Sec-Fetch-Site", "same-origin"))
    }

    pub(crate) fn send(&mut self, mut request: Request) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("Cookie", &cookies.join("; "));
        }
        let answer = request.send(self.gateway);
        for set in answer.all("set-cookie") {
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    /// Opens the consent page of a client and agrees; answers where the browser is sent.
    pub(crate) fn agree(&mut self, path: &str) -> String {
        let page = self.get(path);
        assert_eq!((page.status, page.header("location")), (200, None), "a consent page");
        let csrf = csrf_of(&page.text());
        let answer = self.form("/authorize", &[("csrf", &csrf), ("decision", "allow")]);
        location(&answer)
    }
}

pub(crate) fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 303);
    answer.header("location").unwrap().to_owned()
}

/// The token of the form of a page.
pub(crate) fn csrf_of(page: &str) -> String {
    let rest = page.split("name=\"csrf\" value=\"").nth(1).unwrap_or_else(|| panic!("no form in {page}"));
    rest.split('"').next().unwrap().to_owned()
}

/// What a browser was sent to a client with.
pub(crate) fn told(location: &str) -> BTreeMap<String, String> {
    Url::parse(location).unwrap().query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

pub(crate) fn form(path: &str, fields: &[(&str, &str)]) -> Request {
    post(path, encoded(fields)).header("Content-Type", "application/x-www-form-urlencoded")
}

/// Registers a client with these redirect addresses; answers its registration.
pub(crate) fn register(gateway: &TestGateway, body: &Value) -> Value {
    let answer = post("/register", body.to_string()).header("Content-Type", "application/json").send(gateway.address);
    assert_eq!(answer.status, 201);
    answer.json()
}

/// A public client that is sent back to [`REDIRECT`]; its id.
pub(crate) fn public_client(gateway: &TestGateway) -> String {
    let body = json!({"redirect_uris": [REDIRECT], "client_name": "A test"});
    register(gateway, &body)["client_id"].as_str().unwrap().to_owned()
}

/// The path with which a client asks; `changes` replace or, empty, leave out.
pub(crate) fn asking(client: &str, changes: &[(&str, &str)]) -> String {
    let challenge = challenge_of(VERIFIER);
    let usual = [
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", REDIRECT),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
        ("scope", "read write"),
        ("state", "a state"),
    ];
    let changed = |name: &str| changes.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
    let mut fields: Vec<(&str, &str)> = usual
        .into_iter()
        .map(|(name, value)| (name, changed(name).unwrap_or(value)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    fields.extend(changes.iter().filter(|(name, value)| !value.is_empty() && !usual.iter().any(|(usual, _)| usual == name)));
    format!("/authorize?{}", encoded(&fields))
}

/// A code for a client, by a person who agrees.
pub(crate) fn code(browser: &mut Browser, client: &str) -> String {
    told(&browser.agree(&asking(client, &[])))["code"].clone()
}

/// Asks for tokens with a code; `changes` as in [`asking`].
pub(crate) fn exchange(gateway: &TestGateway, client: &str, code: &str, changes: &[(&str, &str)]) -> Answer {
    let usual = [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let changed = |name: &str| changes.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
    let mut fields: Vec<(&str, &str)> = usual
        .into_iter()
        .map(|(name, value)| (name, changed(name).unwrap_or(value)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    fields.extend(changes.iter().filter(|(name, _)| !usual.iter().any(|(usual, _)| usual == name)));
    form("/token", &fields).send(gateway.address)
}

pub(crate) fn refresh(gateway: &TestGateway, client: &str, token: &str, more: &[(&str, &str)]) -> Answer {
    let usual = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
    form("/token", &[&usual[..], more].concat()).send(gateway.address)
}

/// The status of a call of MCP with this token.
pub(crate) fn calls(gateway: &TestGateway, token: &str) -> u16 {
    get("/tools/list").header("Authorization", &format!("Bearer {token}")).send(gateway.address).status
}

pub(crate) fn text(answer: &Value, field: &str) -> String {
    answer[field].as_str().unwrap_or_else(|| panic!("no {field} in {answer}")).to_owned()
}

pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}

/// The error of an answer, with its status.
pub(crate) fn error(answer: Answer) -> (u16, String) {
    (answer.status, text(&answer.json(), "error"))
}
