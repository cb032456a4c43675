//! What happens when nothing goes wrong, and when something ends.

use serde_json::json;
use tickgate_core::ports::Shelf;

use super::support::*;
use crate::support::{get, post, until};

#[test]
fn a_client_registers_a_person_agrees_and_its_tokens_work_are_refreshed_and_given_back() {
    let gateway = gateway(&[]);
    let client = public_client(&gateway);
    let mut browser = Browser::of(&gateway, "ada");
    let page = browser.get(&asking(&client, &[("resource", &gateway.url("/mcp"))]));
    assert_eq!((page.header("cache-control"), page.header("referrer-policy")), (Some("no-store"), Some("same-origin")));
    assert!(page.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    let page = page.text();
    for shown in ["A test", "client.example", "ada@example.com"] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    let back = location(&browser.form("/authorize", &[("csrf", &csrf_of(&page)), ("decision", "allow")]));
    assert!(back.starts_with(REDIRECT), "{back}");
    let told = told(&back);
    assert_eq!((told["state"].as_str(), told["iss"].clone(), told.len()), ("a state", gateway.url(""), 3), "code, state and iss");

    let answer = exchange(&gateway, &client, &told["code"], &[("resource", &gateway.url("/mcp"))]);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let tokens = answer.json();
    assert_eq!(
        (&tokens["token_type"], &tokens["scope"], &tokens["expires_in"]),
        (&json!("Bearer"), &json!("read write"), &json!(3_600))
    );
    let (access, first) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    assert_eq!(calls(&gateway, &access), 200);

    let rotated = refresh(&gateway, &client, &first, &[]).json();
    let second = text(&rotated, "refresh_token");
    assert_ne!(second, first);
    assert_eq!(calls(&gateway, &text(&rotated, "access_token")), 200);
    let again = refresh(&gateway, &client, &first, &[]).json();
    assert_eq!(
        (text(&again, "refresh_token"), text(&again, "access_token")),
        (second.clone(), text(&rotated, "access_token")),
        "a reply that was lost is given again"
    );

    let given_back = form("/revoke", &[("client_id", &client), ("token", &second)]).send(gateway.address);
    assert_eq!(given_back.status, 200);
    assert_eq!(error(refresh(&gateway, &client, &second, &[])), (400, "invalid_grant".to_owned()));
    until("the access token dies with its family", || calls(&gateway, &access) == 401);
}

#[test]
fn who_is_not_signed_in_is_sent_to_sign_in_and_comes_back_to_the_same_request() {
    let gateway = gateway(&[]);
    let client = public_client(&gateway);
    let long = "s".repeat(3_000);
    let mut browser = Browser::new(&gateway);
    let away = location(&browser.get(&asking(&client, &[("state", &long)])));
    let return_to = told(&gateway.url(&away)).remove("return_to").unwrap();
    assert!(
        away.starts_with("/auth/login?") && return_to.starts_with("/authorize?pending=") && return_to.len() < 1_024,
        "{away}"
    );
    browser.sign_in(&gateway, "ada");
    let back = told(&browser.agree(&return_to));
    assert_eq!(back["state"], long, "what the client wants back waits in the store, not in the address");
    assert_eq!(exchange(&gateway, &client, &back["code"], &[]).status, 200);
}

#[test]
fn who_has_agreed_is_not_asked_again_for_the_same_but_for_more_and_when_the_client_wants_it() {
    let gateway = gateway(&[]);
    let client = public_client(&gateway);
    let mut browser = Browser::of(&gateway, "ada");
    let none = |browser: &mut Browser, client: &str| {
        told(&location(&browser.get(&asking(client, &[("scope", "read"), ("prompt", "none")]))))
    };
    assert_eq!(none(&mut browser, &client)["error"], "consent_required");
    browser.agree(&asking(&client, &[("scope", "read")]));
    assert!(none(&mut browser, &client).contains_key("code"));
    assert!(told(&location(&browser.get(&asking(&client, &[("scope", "read")])))).contains_key("code"));
    assert_eq!(browser.get(&asking(&client, &[("scope", "read write")])).status, 200, "more");
    assert_eq!(browser.get(&asking(&client, &[("scope", "read"), ("prompt", "consent")])).status, 200, "wanted");
    assert_eq!(none(&mut browser, &public_client(&gateway))["error"], "consent_required", "another client");
    assert_eq!(none(&mut Browser::of(&gateway, "bob"), &client)["error"], "consent_required", "another person");
    let mut nobody = Browser::new(&gateway);
    assert_eq!(none(&mut nobody, &client)["error"], "login_required");
}

#[test]
fn a_no_and_every_fault_go_back_to_the_client_with_state_and_issuer() {
    let gateway = gateway(&[]);
    let client = public_client(&gateway);
    let mut browser = Browser::of(&gateway, "ada");
    let csrf = csrf_of(&browser.get(&asking(&client, &[])).text());
    let denied = told(&location(&browser.form("/authorize", &[("csrf", &csrf), ("decision", "deny")])));
    let expected = |error: &str| (error.to_owned(), "a state".to_owned(), gateway.url(""));
    let of =
        |told: std::collections::BTreeMap<String, String>| (told["error"].clone(), told["state"].clone(), told["iss"].clone());
    assert_eq!(of(denied), expected("access_denied"));
    for (changes, code) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("resource", "https://other.example/mcp"), "invalid_target"),
        (("scope", "admin"), "invalid_scope"),
    ] {
        let answer = browser.get(&asking(&client, &[changes]));
        assert_eq!(of(told(&location(&answer))), expected(code), "{changes:?}");
    }
}

#[test]
fn a_client_with_a_secret_shows_it_either_way_and_nobody_else_gets_its_tokens() {
    let gateway = gateway(&[]);
    let body = json!({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "client_secret_basic", "client_uri": null});
    let registered = register(&gateway, &body);
    let (client, secret) = (text(&registered, "client_id"), text(&registered, "client_secret"));
    assert!(registered.get("client_uri").is_none() && registered["client_secret_expires_at"] == 0);
    let mut browser = Browser::of(&gateway, "ada");
    let code = code(&mut browser, &client);
    for wrong in [&[][..], &[("client_secret", "wrong")]] {
        assert_eq!(error(exchange(&gateway, &client, &code, wrong)), (401, "invalid_client".to_owned()));
    }
    let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)];
    let wrong = form("/token", &fields).header("Authorization", &basic(&client, "wrong")).send(gateway.address);
    assert!(wrong.header("www-authenticate").unwrap().starts_with("Basic "));
    assert_eq!(wrong.status, 401);
    let good = form("/token", &fields).header("Authorization", &basic(&client, &secret)).send(gateway.address);
    assert_eq!(good.status, 200);
    let token = text(&good.json(), "refresh_token");
    assert_eq!(refresh(&gateway, &client, &token, &[("client_secret", &secret)]).status, 200);
}

#[test]
fn a_loopback_client_may_listen_on_any_port_and_says_the_same_one_twice() {
    let gateway = gateway(&[]);
    let registered = register(&gateway, &json!({"redirect_uris": ["http://127.0.0.1/cb"], "client_name": "An editor"}));
    let client = text(&registered, "client_id");
    let mut browser = Browser::of(&gateway, "ada");
    let there = [("redirect_uri", "http://127.0.0.1:33418/cb")];
    let page = browser.get(&asking(&client, &there)).text();
    assert!(page.contains("this computer") && page.contains("class=\"warning\""), "any program could listen there");
    let back = browser.agree(&asking(&client, &there));
    assert!(back.starts_with("http://127.0.0.1:33418/cb?"), "{back}");
    let code = told(&back)["code"].clone();
    assert_eq!(
        error(exchange(&gateway, &client, &code, &[("redirect_uri", "http://127.0.0.1:5/cb")])),
        (400, "invalid_grant".to_owned())
    );
    assert_eq!(exchange(&gateway, &client, &code, &there).status, 200);
    assert_eq!(browser.get(&asking(&client, &there)).status, 200, "nobody is sent to their own machine unasked");
    assert_eq!(browser.get(&asking(&client, &[("redirect_uri", "http://127.0.0.1:33418/other")])).status, 400);
}

#[test]
fn a_refresh_may_ask_for_less_and_not_for_more_nor_for_another_resource() {
    let gateway = gateway(&[]);
    let client = public_client(&gateway);
    let mut browser = Browser::of(&gateway, "ada");
    let code = code(&mut browser, &client);
    let token = text(&exchange(&gateway, &client, &code, &[]).json(), "refresh_token");
    assert_eq!(error(refresh(&gateway, &client, &token, &[("scope", "admin")])), (400, "invalid_scope".to_owned()));
    let other = [("resource", "https://other.example/mcp")];
    assert_eq!(error(refresh(&gateway, &client, &token, &other)), (400, "invalid_target".to_owned()));
    let less = refresh(&gateway, &client, &token, &[("scope", "read offline_access")]).json();
    assert_eq!(less["scope"], "read", "the refusals before have used no token up");
}

#[test]
fn the_exact_error_codes_stand_in_front_of_clients() {
    let gateway = gateway(&[]);
    let client = public_client(&gateway);
    let send = |fields: &[(&str, &str)]| error(form("/token", fields).send(gateway.address));
    let of = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(send(&[]), of(400, "invalid_request"));
    assert_eq!(send(&[("client_id", &client)]), of(400, "invalid_request"));
    assert_eq!(send(&[("client_id", &client), ("grant_type", "password")]), of(400, "unsupported_grant_type"));
    let gone = [("client_id", "client-gone"), ("grant_type", "refresh_token"), ("refresh_token", "x")];
    assert_eq!(send(&gone), of(401, "invalid_client"), "on which clients register anew");
    assert_eq!(
        error(refresh(&gateway, &client, "tgr_dead", &[])),
        of(400, "invalid_grant"),
        "on which they ask their person again"
    );
    assert_eq!(error(exchange(&gateway, &client, "tgc_dead", &[])), of(400, "invalid_grant"));
    assert_eq!(
        error(post("/token", "{}").header("Content-Type", "application/json").send(gateway.address)),
        of(400, "invalid_request")
    );
    assert_eq!(get("/token").send(gateway.address).status, 405);
}

#[test]
fn who_is_erased_takes_their_clients_tokens_along() {
    let gateway = gateway(&[]);
    let client = public_client(&gateway);
    let mut browser = Browser::of(&gateway, "ada");
    let code = code(&mut browser, &client);
    let tokens = exchange(&gateway, &client, &code, &[]).json();
    let principal = browser.user.principal();
    on_store(&gateway, async |store| store.erase(principal.as_str()).await.unwrap());
    assert_eq!(error(refresh(&gateway, &client, &text(&tokens, "refresh_token"), &[])), (400, "invalid_grant".to_owned()));
    until("the access token dies", || calls(&gateway, &text(&tokens, "access_token")) == 401);
    let left = on_store(&gateway, async |store| {
        store.of(Shelf::Grants, principal.as_str(), tickgate_actors::Clock::start().now()).await
    });
    assert_eq!(left.unwrap(), []);
}
