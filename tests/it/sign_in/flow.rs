//! Sign-in as it goes when nothing is wrong, and who somebody is afterwards (requirements A1–A10, A13, A16).

use serde_json::{Value, json};

use crate::support::browser::signing_in;
use crate::support::oidc_provider::{CLIENT, Endpoint};
use crate::support::{Browser, OidcProvider, TestGateway, get, post};

const KEY: &str = "a-key-for-the-tests-1";
const SECRET: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

#[test]
fn a1_a2_a4_a5_a_browser_signs_in_with_a_code_and_pkce_and_may_use_what_needs_a_credential() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let mut browser = Browser::of(&gateway);
    assert_eq!(browser.get("/api/status").status, 401, "nobody yet");
    let away = browser.get("/auth/login?return_to=/docs%3Fx%3D1");
    assert_eq!(away.status, 302);
    let to = url::Url::parse(away.header("location").unwrap()).unwrap();
    assert_eq!(to.origin().ascii_serialization(), issuer);
    let said: std::collections::HashMap<_, _> = to.query_pairs().into_owned().collect();
    let redirect_uri = gateway.url("/auth/callback");
    let wanted =
        [("response_type", "code"), ("client_id", CLIENT.0), ("redirect_uri", &redirect_uri), ("code_challenge_method", "S256")];
    for (name, value) in wanted {
        assert_eq!(said[name], value, "{name}");
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert!(said[name].len() >= 43, "{name} has 256 random bits");
    }
    assert!(!to.as_str().contains(CLIENT.1), "the secret stays here");
    let back = get(&crate::support::browser::path_of(to.as_str())).send(provider.address);
    let callback = crate::support::browser::path_of(back.header("location").unwrap());
    let done = browser.get(&callback);
    assert_eq!((done.status, done.header("location")), (303, Some("/docs?x=1")));
    assert_eq!(browser.get("/api/status").status, 200);
    let form = provider.script().seen.last().unwrap().clone();
    assert!(form["code_verifier"].len() >= 43 && form["redirect_uri"] == redirect_uri, "{form:?}");
    let user = browser.get("/api/user");
    assert_eq!((user.status, user.header("cache-control")), (200, Some("no-store")));
    let user = user.json();
    assert_eq!(
        (&user["user"]["email"], &user["user"]["name"], &user["user"]["role"]),
        (&json!("ada@example.com"), &json!("Ada"), &json!("user"))
    );
    assert_eq!((user["scope"].as_str(), user["principal"].as_str().unwrap().len()), (Some("write"), "user:".len() + 32));
}

#[test]
fn a3_the_callback_is_also_at_the_short_path_and_works_once() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[("PORT", "0")]));
    let mut browser = Browser::of(&gateway);
    let callback = browser.reach_provider(&provider, "/auth/login").replace("/auth/callback", "/callback");
    let cookies = browser.cookies.clone();
    let done = browser.get(&callback);
    assert_eq!((done.status, done.header("location")), (303, Some("/")));
    // The same address once more, with the cookies as they were.
    browser.cookies = cookies;
    let again = browser.get(&callback);
    assert_eq!((again.status, again.all("set-cookie").len()), (400, 0));
    assert_eq!(provider.asked(Endpoint::Token), 1, "a used state asks the provider nothing");
}

#[test]
fn two_tabs_that_sign_in_at_once_do_not_disturb_each_other() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let mut browser = Browser::of(&gateway);
    let first = browser.reach_provider(&provider, "/auth/login?return_to=/one");
    let second = browser.reach_provider(&provider, "/auth/login?return_to=/two");
    assert_eq!(browser.get(&first).header("location"), Some("/one"));
    assert_eq!(browser.get(&second).header("location"), Some("/two"));
    assert_eq!(browser.cookies.len(), 1, "the session's is left: {:?}", browser.cookies.keys());
}

#[test]
fn a_person_is_the_same_at_each_sign_in_and_another_subject_is_another_whatever_the_address() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let sign_in = |person: Value| {
        provider.script().person = person;
        let mut browser = Browser::of(&gateway);
        assert_eq!(browser.sign_in(&provider).status, 303);
        browser.get("/api/user").json()
    };
    let first = sign_in(json!({"sub": "1", "email": "a@example.com", "email_verified": true, "name": "A"}));
    let renamed = sign_in(json!({"sub": "1", "email": "b@example.com", "email_verified": true, "name": "B"}));
    assert_eq!(first["principal"], renamed["principal"]);
    assert_eq!(renamed["user"]["email"], "b@example.com");
    assert_eq!(first["user"]["created"], renamed["user"]["created"]);
    let other = sign_in(json!({"sub": "2", "email": "a@example.com", "email_verified": true}));
    assert_ne!(first["principal"], other["principal"]);
}

#[test]
fn who_is_on_the_list_with_a_verified_address_is_an_admin() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[("ADMIN_EMAILS", "Boss@example.com, other@example.com")]));
    let role = |person: Value| {
        provider.script().person = person;
        let mut browser = Browser::of(&gateway);
        assert_eq!(browser.sign_in(&provider).status, 303);
        let user = browser.get("/api/user").json();
        (user["user"]["role"].as_str().unwrap().to_owned(), user["scope"].as_str().unwrap().to_owned())
    };
    let admin = ("admin".to_owned(), "admin".to_owned());
    assert_eq!(role(json!({"sub": "1", "email": "boss@example.com", "email_verified": true})), admin);
    assert_eq!(role(json!({"sub": "2", "email": "boss@example.com", "email_verified": false})).0, "user");
    assert_eq!(role(json!({"sub": "3", "email": "eve@example.com", "email_verified": true})).0, "user");
    // Who is taken from the list at the provider is no admin any more.
    assert_eq!(role(json!({"sub": "1", "email": "left@example.com", "email_verified": true})).0, "user");
}

#[test]
fn a10_signing_out_ends_the_session_everywhere_and_needs_a_page_of_ours() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let mut browser = Browser::of(&gateway);
    browser.sign_in(&provider);
    let copy = browser.cookies.clone();
    let foreign = browser.send(post("/auth/logout", ""), "/auth/logout");
    assert_eq!((foreign.status, foreign.all("set-cookie").len()), (403, 0));
    let cross_site = browser.send(post("/auth/logout", "").header("Sec-Fetch-Site", "cross-site"), "/auth/logout");
    assert_eq!(cross_site.status, 403);
    assert_eq!(browser.get("/auth/logout").status, 405, "a link signs nobody out");
    assert_eq!(browser.get("/api/user").status, 200);
    assert_eq!(browser.post("/auth/logout", "").status, 204);
    assert!(browser.cookies.is_empty());
    browser.cookies = copy;
    assert_eq!(browser.get("/api/user").status, 401, "a copy of the cookie is worth nothing");
    let form = post("/auth/logout", "").header("Origin", &gateway.url("")).header("Accept", "text/html,*/*;q=0.8");
    let out = browser.send(form, "/auth/logout");
    assert_eq!((out.status, out.header("location")), (303, Some("/")));
}

#[test]
fn a6_a10_a_page_that_has_signed_in_gets_access_tokens_of_ours_for_its_person() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let mut browser = Browser::of(&gateway);
    assert_eq!(browser.post("/auth/refresh", "").status, 401);
    browser.sign_in(&provider);
    let (one, two) = (browser.post("/auth/refresh", "").json(), browser.post("/auth/refresh", "").json());
    assert_ne!(one["access_token"], two["access_token"]);
    assert_eq!(
        (one["token_type"].as_str(), one["scope"].as_str(), one["expires_in"].as_u64()),
        (Some("Bearer"), Some("write"), Some(3600))
    );
    let bearer = format!("Bearer {}", one["access_token"].as_str().unwrap());
    let me = get("/api/user").header("Authorization", &bearer).send(gateway.address).json();
    assert_eq!(me, browser.get("/api/user").json(), "the same person by either credential");
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{}}"#;
    let mcp =
        post("/mcp", ping).header("Authorization", &bearer).header("Content-Type", "application/json").send(gateway.address);
    assert_ne!(mcp.status, 401);
    assert_eq!(post("/auth/refresh", "").header("X-API-Key", KEY).send(gateway.address).status, 401, "a key makes no token");
}

#[test]
fn a13_user_says_who_it_is_or_401() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    assert_eq!(get("/api/user").send(gateway.address).status, 401);
    let key = get("/api/user").header("X-API-Key", KEY).send(gateway.address).json();
    assert_eq!((&key["user"], &key["scope"]), (&Value::Null, &json!("write")));
    assert!(key["principal"].as_str().unwrap().starts_with("key:"));
    let open = TestGateway::start();
    assert_eq!(get("/api/user").send(open.address).status, 401, "with auth off nobody is somebody");
}

#[test]
fn a16_what_is_missing_or_wrong_refuses_to_start_and_says_so() {
    let refused = |settings: &[(&str, &str)]| TestGateway::try_with(settings).err().unwrap();
    let production = [("APP_ENV", "production"), ("DATA_ENCRYPTION_KEY", SECRET), ("PUBLIC_URL", "https://gate.example")];
    let google = [("GOOGLE_CLIENT_ID", "id"), ("GOOGLE_CLIENT_SECRET", "a-secret")];
    let error = refused(&[&production[..], &google[..]].concat());
    assert!(error.contains("SESSION_SECRET_KEY is needed") && !error.contains("a-secret"), "{error}");
    assert!(TestGateway::try_with(&[&production[..], &google[..], &[("SESSION_SECRET_KEY", SECRET)]].concat()).is_ok());
    assert!(refused(&production).contains("GOOGLE_CLIENT_ID"), "nobody could get in");
    for one in google {
        assert!(refused(&[one]).contains("set both, or neither"));
    }
    let wrong = [
        ("GOOGLE_ISSUER", "http://accounts.example.com"),
        ("GOOGLE_REDIRECT_URI", "https://gate.example/elsewhere"),
        ("GOOGLE_HOSTED_DOMAIN", "not a domain"),
        ("ADMIN_EMAILS", "boss"),
        ("SESSION_SECRET_KEY", "hunter2-hunter2-hunter2-hunter2-hunter2"),
    ];
    for (name, value) in wrong {
        let error = refused(&[google[0], google[1], (name, value)]);
        assert!(error.contains(name) && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn without_the_settings_nobody_signs_in_and_the_answer_says_what_to_set() {
    let gateway = TestGateway::start();
    for path in ["/auth/login", "/auth/callback?code=1&state=2"] {
        let answer = get(path).send(gateway.address);
        assert_eq!((answer.status, answer.header("cache-control")), (404, Some("no-store")));
        assert!(answer.text().contains("GOOGLE_CLIENT_ID"));
    }
}
