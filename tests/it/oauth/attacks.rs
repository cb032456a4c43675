//! The attacks of peers.md §5 that go against the authorization server.

use serde_json::json;

use super::support::*;
use crate::support::{TestGateway, get, post, until};

fn dead() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

#[test]
fn attack_19_nobody_is_sent_to_an_address_that_is_not_the_clients_own() {
    let gateway = gateway(&[]);
    let client = public_client(&gateway);
    let mut browser = Browser::of(&gateway, "ada");
    for evil in [
        "https://evil.example/callback",
        "https://client.example/callback/../evil",
        "https://client.example/callback?x=1",
        "https://client.example/callback#x",
        "https://client.example.evil.example/callback",
        "https://client.example@evil.example/callback",
        "//evil.example",
        "javascript:alert(1)",
    ] {
        let answer = browser.get(&asking(&client, &[("redirect_uri", evil), ("response_type", "token")]));
        assert_eq!((answer.status, answer.header("location")), (400, None), "{evil}");
    }
    let answer = browser.get(&asking("client-nobody", &[]));
    assert_eq!((answer.status, answer.header("location")), (400, None));
    let code = code(&mut browser, &client);
    assert_eq!(error(exchange(&gateway, &client, &code, &[("redirect_uri", "https://client.example/callback/")])), dead());
}

#[test]
fn attack_20_an_address_that_was_captured_leads_nowhere_in_another_browser() {
    let gateway = gateway(&[]);
    let client = public_client(&gateway);
    let mut attacker = Browser::new(&gateway);
    let away = location(&attacker.get(&asking(&client, &[])));
    let captured = told(&gateway.url(&away)).remove("return_to").unwrap();
    let mut victim = Browser::of(&gateway, "ada");
    let answer = victim.get(&captured);
    assert_eq!((answer.status, answer.header("location")), (403, None));
    assert!(answer.text().contains("another browser"));
    victim.get(&asking(&client, &[]));
    assert_eq!(victim.get(&captured).status, 403, "nor in one that has a request of its own");
}

#[test]
fn attack_21_a_code_needs_its_verifier_and_its_client_and_works_once() {
    let gateway = gateway(&[]);
    let (client, thief) = (public_client(&gateway), public_client(&gateway));
    let mut browser = Browser::of(&gateway, "ada");
    let code = code(&mut browser, &client);
    assert_eq!(error(exchange(&gateway, &client, &code, &[("code_verifier", &"a".repeat(43))])), dead());
    assert_eq!(error(exchange(&gateway, &client, &code, &[("code_verifier", "")])), (400, "invalid_request".to_owned()));
    assert_eq!(error(exchange(&gateway, &thief, &code, &[])), dead());
    let tokens = exchange(&gateway, &client, &code, &[]).json();
    assert_eq!(calls(&gateway, &text(&tokens, "access_token")), 200, "what went before has not used it up");
    assert_eq!(error(exchange(&gateway, &client, &code, &[])), dead(), "a replay");
    assert_eq!(
        error(refresh(&gateway, &client, &text(&tokens, "refresh_token"), &[])),
        dead(),
        "which ends what the first use gave"
    );
    until("the access token of a replayed code dies", || calls(&gateway, &text(&tokens, "access_token")) == 401);
}

#[test]
fn attack_21_of_many_uses_of_a_code_at_once_at_most_one_gets_tokens_and_no_refresh_token_survives() {
    let gateway = gateway(&[]);
    let client = public_client(&gateway);
    let mut browser = Browser::of(&gateway, "ada");
    let code = code(&mut browser, &client);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let asks: Vec<_> = (0..8).map(|_| scope.spawn(|| exchange(&gateway, &client, &code, &[]))).collect();
        asks.into_iter().map(|ask| ask.join().unwrap()).collect()
    });
    let (good, bad): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert!(good.len() <= 1 && bad.iter().all(|answer| answer.status == 400), "{} {}", good.len(), bad.len());
    for answer in good {
        assert_eq!(error(refresh(&gateway, &client, &text(&answer.json(), "refresh_token"), &[])), dead());
    }
}

#[test]
fn attack_26_a_registration_cannot_hold_what_harms_who_reads_it() {
    let gateway = gateway(&[]);
    let send = |body: &str| post("/register", body).header("Content-Type", "application/json").send(gateway.address);
    for uri in ["javascript:alert(1)", "data:text/html,x", "http://evil.example/cb", "https://a.example/#x", "file:///etc/passwd"]
    {
        let body = json!({"redirect_uris": [uri]}).to_string();
        assert_eq!(error(send(&body)), (400, "invalid_redirect_uri".to_owned()), "{uri}");
    }
    let script = json!({"redirect_uris": [REDIRECT], "logo_uri": "javascript:alert(1)"}).to_string();
    assert_eq!(error(send(&script)), (400, "invalid_client_metadata".to_owned()));
    for body in ["", "[]", "not json", "{}"] {
        assert_eq!(send(body).status, 400, "{body}");
    }
    assert_eq!(send(&format!("{{\"x\":\"{}\"}}", "x".repeat(70_000))).status, 413);
    let name = format!("<script>alert(1)</script>\u{202e}{}", "x".repeat(5_000));
    let registered = register(&gateway, &json!({"redirect_uris": [REDIRECT], "client_name": name}));
    let mut browser = Browser::of(&gateway, "ada");
    let page = browser.get(&asking(&text(&registered, "client_id"), &[])).text();
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script") && !page.contains('\u{202e}'), "{page}");
    assert!(page.len() < 4_000, "cut");
}

#[test]
fn attack_26_a_flood_of_registrations_meets_the_rate_limit() {
    let gateway = gateway(&[("RATE_LIMIT_AUTH", "5")]);
    let body = json!({"redirect_uris": [REDIRECT]}).to_string();
    let statuses: Vec<u16> = (0..8)
        .map(|_| post("/register", body.clone()).header("Content-Type", "application/json").send(gateway.address).status)
        .collect();
    assert_eq!(statuses, [201, 201, 201, 201, 201, 429, 429, 429]);
    assert_eq!(get("/authorize").send(gateway.address).status, 429, "the same account");
}

fn tokens(gateway: &TestGateway) -> (String, String, String) {
    let client = public_client(gateway);
    let mut browser = Browser::of(gateway, "ada");
    let code = code(&mut browser, &client);
    let tokens = exchange(gateway, &client, &code, &[]).json();
    (client, text(&tokens, "access_token"), text(&tokens, "refresh_token"))
}

#[test]
fn attack_27_a_refresh_token_that_was_replaced_twice_ends_its_family_when_it_comes_again() {
    let gateway = gateway(&[]);
    let (client, access, first) = tokens(&gateway);
    let second = text(&refresh(&gateway, &client, &first, &[]).json(), "refresh_token");
    let third = text(&refresh(&gateway, &client, &second, &[]).json(), "refresh_token");
    assert_eq!(error(refresh(&gateway, &client, &first, &[])), dead(), "reuse");
    assert_eq!(error(refresh(&gateway, &client, &third, &[])), dead(), "the live one is dead as well");
    until("the access tokens die with it", || calls(&gateway, &access) == 401);
}

#[test]
fn attack_27_another_client_can_neither_use_nor_end_a_refresh_token() {
    let gateway = gateway(&[]);
    let (client, access, token) = tokens(&gateway);
    let thief = public_client(&gateway);
    assert_eq!(error(refresh(&gateway, &thief, &token, &[])), dead());
    for stolen in [&token, &access] {
        assert_eq!(form("/revoke", &[("client_id", &thief), ("token", stolen)]).send(gateway.address).status, 200);
    }
    assert_eq!((refresh(&gateway, &client, &token, &[]).status, calls(&gateway, &access)), (200, 200));
}

#[test]
fn attack_28_a_form_counts_only_from_our_page_in_its_own_browser_of_its_own_person_and_once() {
    let gateway = gateway(&[]);
    let client = public_client(&gateway);
    let mut browser = Browser::of(&gateway, "ada");
    let csrf = csrf_of(&browser.get(&asking(&client, &[])).text());
    let fields = [("csrf", csrf.as_str()), ("decision", "allow")];
    let foreign = browser.send(form("/authorize", &fields).header("Origin", "https://evil.example"));
    assert_eq!(foreign.status, 403, "another origin");
    let null = browser.send(form("/authorize", &fields).header("Origin", "null"));
    assert_eq!(null.status, 403, "no origin to name");
    let silent = browser.send(form("/authorize", &fields));
    assert_eq!(silent.status, 403, "neither origin nor a word of the browser");
    assert_eq!(browser.form("/authorize", &[("csrf", "guessed"), ("decision", "allow")]).status, 403);
    assert_eq!(browser.form("/authorize", &[("decision", "allow")]).status, 403);
    let mut other = Browser::of(&gateway, "bob");
    assert_eq!(other.form("/authorize", &fields).status, 403, "another browser");
    other.cookies.insert("tickgate-consent".to_owned(), browser.cookies["tickgate-consent"].clone());
    assert_eq!(other.form("/authorize", &fields).status, 403, "another person");
    assert!(told(&location(&browser.form("/authorize", &fields))).contains_key("code"));
    let twice = browser.form("/authorize", &fields);
    assert_eq!((twice.status, twice.header("location")), (403, None), "twice");
}

#[test]
fn attack_28_of_two_pages_of_one_browser_the_newest_counts() {
    let gateway = gateway(&[]);
    let client = public_client(&gateway);
    let mut browser = Browser::of(&gateway, "ada");
    let old = csrf_of(&browser.get(&asking(&client, &[])).text());
    let new = csrf_of(&browser.get(&asking(&client, &[])).text());
    assert_eq!(browser.form("/authorize", &[("csrf", &old), ("decision", "allow")]).status, 403);
    assert!(told(&location(&browser.form("/authorize", &[("csrf", &new), ("decision", "allow")]))).contains_key("code"));
}

#[test]
fn attack_29_a_client_can_take_nothing_with_it_that_outlives_its_persons_consent_and_cannot_erase_them() {
    let gateway = gateway(&[]);
    let client = public_client(&gateway);
    let mut browser = Browser::of(&gateway, "ada");
    let tokens = exchange(&gateway, &client, &code(&mut browser, &client), &[]).json();
    let access = text(&tokens, "access_token");
    let asked = |method: &'static str, path: &str, body: &str| {
        let request = if body.is_empty() { get(path) } else { post(path, body).header("Content-Type", "application/json") };
        let answer = request.method(method).header("Authorization", &format!("Bearer {access}")).send(gateway.address);
        (answer.status, answer.json())
    };
    let (status, told) = asked("POST", "/auth/api-keys", r#"{"scope": "read", "name": "to stay"}"#);
    assert!(status == 403 && told["detail"].as_str().unwrap().contains("/account"), "{told}");
    let own = post("/auth/api-keys", r#"{"scope": "read"}"#).header("Content-Type", "application/json");
    let own = browser.send(own.header("Sec-Fetch-Site", "same-origin"));
    assert_eq!(own.status, 201, "its person makes one");
    let id = own.json()["key_id"].as_str().unwrap().to_owned();
    assert_eq!(asked("POST", &format!("/auth/api-keys/{id}/rotate"), "{}").0, 403);
    assert_eq!(asked("GET", "/auth/api-keys", "").1["api_keys"].as_array().unwrap().len(), 1, "it sees them");
    let (status, told) = asked("DELETE", "/api/user", "");
    assert!(status == 403 && told["detail"].as_str().unwrap().contains("/account"), "{told}");
    assert_eq!(browser.get("/api/user").status, 200);
}
