//! The attacks on sign-in of the checklist, over real sockets: 19, 20, 22, 23 and 24.

use serde_json::{Value, json};

use crate::support::browser::signing_in;
use crate::support::oidc_provider::{Endpoint, Sign};
use crate::support::{Browser, OidcProvider, TestGateway, get};

fn refused(browser: &mut Browser, callback: &str, status: u16, why: &str) {
    let answer = browser.get(callback);
    assert_eq!(answer.status, status, "{why}");
    assert!(answer.all("set-cookie").is_empty(), "{why}: no session");
    assert_eq!(browser.get("/api/user").status, 401, "{why}");
}

#[test]
fn attack_19_after_a_sign_in_nobody_is_sent_to_another_site() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    for bad in [
        "https://evil.example/",
        "//evil.example",
        "/%5Cevil.example",
        "/%09/evil.example",
        "javascript:alert(1)",
        "%0d%0aSet-Cookie:x=y",
    ] {
        let mut browser = Browser::of(&gateway);
        let callback = browser.reach_provider(&provider, &format!("/auth/login?return_to={bad}"));
        assert_eq!(browser.get(&callback).header("location"), Some("/"), "{bad}");
    }
    let answer = Browser::of(&gateway).get("/auth/login?redirect_uri=https://evil.example/callback");
    assert_eq!(answer.status, 400, "nobody else says where the provider sends browsers");
}

#[test]
fn attack_20_a_captured_provider_address_opened_in_another_browser_signs_nobody_in() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    // The attacker signs in as themselves and gives the victim the callback, so that the victim works in their account.
    let mut attacker = Browser::of(&gateway);
    let callback = attacker.reach_provider(&provider, "/auth/login");
    refused(&mut Browser::of(&gateway), &callback, 400, "a browser without the cookie");
    // The other way round: the attacker's own sign-in cookie beside the victim's callback.
    let mut victim = Browser::of(&gateway);
    let callback = victim.reach_provider(&provider, "/auth/login");
    attacker.reach_provider(&provider, "/auth/login");
    refused(&mut attacker, &callback, 400, "the cookie of another sign-in");
    let (name, value) = victim.cookies.iter().next().map(|(name, value)| (name.clone(), value.clone())).unwrap();
    let forged = attacker.cookies.values().next().unwrap().clone();
    let callback = victim.reach_provider(&provider, "/auth/login");
    victim.cookies.retain(|other, _| *other == name);
    victim.cookies.insert(name, forged);
    refused(&mut victim, &callback, 400, "a cookie under another one's name");
    assert!(!value.0.is_empty());
    assert_eq!(provider.asked(Endpoint::Token), 0, "the codes were not even exchanged");
}

#[test]
fn attack_22_state_nonce_and_issuer_must_be_of_this_sign_in() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let changed = |why: &str, change: &dyn Fn(&str) -> String| {
        let mut browser = Browser::of(&gateway);
        let callback = browser.reach_provider(&provider, "/auth/login");
        let changed = change(&callback);
        assert_ne!(callback, changed, "{why}");
        refused(&mut browser, &changed, 400, why);
    };
    let without = |callback: &str, name: &str| {
        let (path, query) = callback.split_once('?').unwrap();
        let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect();
        format!("{path}?{}", kept.join("&"))
    };
    changed("no state", &|callback| without(callback, "state"));
    changed("an altered state", &|callback| callback.replace("&state=tgi", "&state=tgj"));
    changed("two states", &|callback| format!("{callback}&state=x"));
    changed("no issuer, though it says that it sends one", &|callback| without(callback, "iss"));
    changed("no code", &|callback| without(callback, "code"));
    changed("two codes", &|callback| format!("{callback}&code=mine"));
    provider.script().issuer = Some("https://evil.example".into());
    let mut browser = Browser::of(&gateway);
    let callback = browser.reach_provider(&provider, "/auth/login");
    refused(&mut browser, &callback, 400, "another provider's answer");
    provider.script().issuer = None;
    assert_eq!(provider.asked(Endpoint::Token), 0);
    for (nonce, why) in [(json!("another"), "another nonce"), (json!(""), "an empty nonce"), (Value::Null, "no nonce")] {
        provider.script().claims = json!({"nonce": nonce});
        let mut browser = Browser::of(&gateway);
        let callback = browser.reach_provider(&provider, "/auth/login");
        refused(&mut browser, &callback, 403, why);
    }
    provider.script().claims = json!({});
    provider.script().denies = true;
    let mut browser = Browser::of(&gateway);
    let callback = browser.reach_provider(&provider, "/auth/login");
    refused(&mut browser, &callback, 403, "the person said no");
}

#[test]
fn attack_22_a_code_of_another_sign_in_is_refused_by_pkce() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let code = |callback: &str| callback.split(['?', '&']).find_map(|pair| pair.strip_prefix("code=")).unwrap().to_owned();
    let (mut attacker, mut victim) = (Browser::of(&gateway), Browser::of(&gateway));
    let stolen = code(&victim.reach_provider(&provider, "/auth/login"));
    let own = attacker.reach_provider(&provider, "/auth/login");
    refused(&mut attacker, &own.replace(&code(&own), &stolen), 502, "a stolen code");
    assert_eq!(provider.asked(Endpoint::Token), 1);
}

#[test]
fn attack_23_an_id_token_of_the_provider_opens_nothing_by_itself() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let token = provider.id_token("any");
    for path in ["/api/user", "/api/status", "/mcp", "/tools/list"] {
        assert_eq!(get(path).header("Authorization", &format!("Bearer {token}")).send(gateway.address).status, 401, "{path}");
        assert_eq!(get(path).header("X-API-Key", &token).send(gateway.address).status, 401, "{path}");
        assert_eq!(get(path).header("Cookie", &format!("tickgate={token}")).send(gateway.address).status, 401, "{path}");
    }
}

#[test]
fn attack_23_claims_of_another_audience_issuer_time_or_domain_sign_nobody_in() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[("GOOGLE_HOSTED_DOMAIN", "example.com")]));
    provider.script().person["hd"] = "example.com".into();
    let hostile = [
        json!({"aud": "another-client"}),
        json!({"aud": ["another-client"]}),
        json!({"aud": ["another-client", "tickgate-tests"], "azp": "another-client"}),
        json!({"aud": null}),
        json!({"azp": "another-client"}),
        json!({"iss": "https://evil.example"}),
        json!({"iss": format!("{issuer}/")}),
        json!({"exp": 1}),
        json!({"exp": null}),
        json!({"iat": 1}),
        json!({"iat": 9_999_999_999_u64}),
        json!({"nbf": 9_999_999_999_u64}),
        json!({"sub": ""}),
        json!({"sub": null}),
        json!({"sub": 1089}),
        json!({"hd": "evil.example"}),
        json!({"hd": null}),
        json!({"email_verified": false}),
        json!({"email_verified": null}),
        json!({"email": null}),
    ];
    for claims in hostile {
        provider.script().claims = claims.clone();
        let mut browser = Browser::of(&gateway);
        let callback = browser.reach_provider(&provider, "/auth/login");
        assert!(callback.starts_with("/auth/callback?"));
        refused(&mut browser, &callback, 403, &claims.to_string());
    }
    assert_eq!(provider.script().seen[0]["hd"], "example.com", "the provider is told, and not believed");
    provider.script().claims = json!({});
    assert_eq!(Browser::of(&gateway).sign_in(&provider).status, 303);
}

#[test]
fn attack_24_no_other_algorithm_and_no_other_key_is_believed() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let hostile = [
        Sign::None,
        Sign::PublicAsSecret,
        Sign::ClientSecret,
        Sign::Forged,
        Sign::OwnKeyInHead,
        Sign::Critical,
        Sign::Named("../../etc/passwd"),
        Sign::Named("one' OR '1'='1"),
        Sign::Named(""),
    ];
    for sign in hostile {
        provider.script().sign = sign;
        let mut browser = Browser::of(&gateway);
        let callback = browser.reach_provider(&provider, "/auth/login");
        refused(&mut browser, &callback, 403, &format!("{sign:?}"));
    }
    provider.script().sign = Sign::With(0);
    assert_eq!(Browser::of(&gateway).sign_in(&provider).status, 303, "and a good one still is");
}

#[test]
fn attack_24_a_new_key_is_fetched_and_a_flood_of_unknown_ones_asks_the_provider_once() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    assert_eq!(Browser::of(&gateway).sign_in(&provider).status, 303);
    assert_eq!(provider.asked(Endpoint::Keys), 1);
    assert_eq!(Browser::of(&gateway).sign_in(&provider).status, 303);
    assert_eq!((provider.asked(Endpoint::Keys), provider.asked(Endpoint::Discovery)), (1, 1), "both are kept");
    provider.script().shown = vec![1];
    provider.script().sign = Sign::With(1);
    assert_eq!(Browser::of(&gateway).sign_in(&provider).status, 303, "the provider has changed its key");
    assert_eq!(provider.asked(Endpoint::Keys), 2);
    provider.script().sign = Sign::With(0);
    for _ in 0..5 {
        let mut browser = Browser::of(&gateway);
        let callback = browser.reach_provider(&provider, "/auth/login");
        refused(&mut browser, &callback, 403, "a key that was withdrawn");
    }
    assert_eq!(provider.asked(Endpoint::Keys), 2, "made-up keys do not make us ask again and again");
}
