//! A provider that is slow, broken, hostile or set up wrongly: nobody is signed in, the person is told, and the next try works.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::browser::signing_in;
use crate::support::oidc_provider::{Endpoint, Manner};
use crate::support::{Browser, OidcProvider, RawUpstream, TestGateway, get};

#[test]
fn a_provider_that_answers_nonsense_signs_nobody_in_and_the_next_try_works() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let elsewhere = RawUpstream::start(|_, _| Ok(()));
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let manners = [Manner::Html, Manner::NotJson, Manner::Huge, Manner::Fails, Manner::Redirect(elsewhere.address)];
    for manner in manners {
        provider.script().manners.insert(Endpoint::Discovery, manner);
        let answer = get("/auth/login").send(gateway.address);
        assert_eq!((answer.status, answer.header("set-cookie")), (502, None), "{manner:?}");
        let page = answer.text();
        assert!(page.contains("Sign-in failed") && !page.contains(&issuer) && !page.contains("hotel"), "{page}");
    }
    provider.script().manners.clear();
    for endpoint in [Endpoint::Token, Endpoint::Keys] {
        for manner in manners {
            let mut browser = Browser::of(&gateway);
            let callback = browser.reach_provider(&provider, "/auth/login");
            provider.script().manners.insert(endpoint, manner);
            let answer = browser.get(&callback);
            provider.script().manners.clear();
            // Keys that are no keys are a fault of the provider's words, not of its server.
            assert!(matches!(answer.status, 502 | 403), "{endpoint:?} {manner:?} {}", answer.status);
            assert!(answer.all("set-cookie").is_empty());
            assert!(!answer.text().contains("canary"));
        }
    }
    assert_eq!(Browser::of(&gateway).sign_in(&provider).status, 303);
    assert!(elsewhere.asked().is_empty(), "no redirect is followed");
}

#[test]
fn a_provider_that_is_slow_is_given_up_after_five_seconds_and_holds_nobody_else_up() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[("WORKERS", "1")]));
    let mut browser = Browser::of(&gateway);
    let callback = browser.reach_provider(&provider, "/auth/login");
    provider.script().manners.insert(Endpoint::Token, Manner::Late);
    let begun = Instant::now();
    let waiting = std::thread::spawn(move || browser.get(&callback).status);
    while !waiting.is_finished() {
        let asked = Instant::now();
        assert_eq!(get("/healthz").send(gateway.address).status, 200);
        assert!(asked.elapsed() < Duration::from_secs(3), "another request waited {:?}", asked.elapsed());
        std::thread::park_timeout(Duration::from_millis(100));
    }
    assert_eq!(waiting.join().unwrap(), 502);
    assert!(begun.elapsed() >= Duration::from_secs(4) && begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[test]
fn a_provider_that_is_away_is_said_to_be_and_the_gateway_serves_all_others() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    drop(provider);
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    assert_eq!(get("/auth/login").send(gateway.address).status, 502);
    assert_eq!(get("/api/user").header("X-API-Key", "a-key-for-the-tests-1").send(gateway.address).status, 200);
    assert_eq!(get("/readyz").send(gateway.address).status, 200);
}

#[test]
fn attack_22_a_discovery_document_of_another_issuer_is_not_used() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let hostile = [
        json!({"issuer": "https://evil.example"}),
        json!({"issuer": null}),
        json!({"token_endpoint": null}),
        json!({"authorization_endpoint": "javascript:alert(1)"}),
        json!({"code_challenge_methods_supported": ["plain"]}),
        json!({"id_token_signing_alg_values_supported": ["none", "HS256"]}),
    ];
    for change in hostile {
        provider.script().metadata = change.clone();
        assert_eq!(get("/auth/login").send(gateway.address).status, 502, "{change}");
    }
    provider.script().metadata = json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]});
    assert_eq!(Browser::of(&gateway).sign_in(&provider).status, 303, "our secret in the form, if it wants that");
    assert!(provider.script().seen.last().unwrap().contains_key("client_secret"));
}
