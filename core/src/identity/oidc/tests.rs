//! The promises of signing in at a provider.

use serde_json::{Value, json};

use super::*;
use crate::identity::oauth::Params;
use crate::identity::token_text::exposed;
use crate::identity::{AccountKey, HashKey, HashKeys, Once, PresentedOnce};
use crate::time::Millis;

const NOW: Millis = Millis(1_773_167_467_294);
const SECS: u64 = NOW.0 / 1_000;

fn provider() -> Provider {
    Provider {
        issuer: "https://accounts.google.com".into(),
        also: vec!["accounts.google.com".into()],
        client_id: "ours".into(),
        hosted_domain: None,
    }
}

fn good() -> Value {
    json!({
        "iss": "https://accounts.google.com", "sub": "1089", "aud": "ours", "azp": "ours", "exp": SECS + 3600, "iat": SECS,
        "nonce": "n-1", "email": "ada@example.com", "email_verified": true, "name": "Ada", "at_hash": "x",
    })
}

fn with(changes: Value) -> Value {
    let mut claims = good();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn check(claims: Value, provider: &Provider) -> Result<crate::identity::Identity, IdTokenFault> {
    let claims: IdClaims = serde_json::from_value(claims).unwrap();
    check_claims(&claims, &Expected { provider, nonce: "n-1", now: NOW })
}

#[test]
fn a_good_token_says_who_signed_in() {
    let identity = check(good(), &provider()).unwrap();
    assert_eq!((identity.subject.as_str(), identity.email.as_deref()), ("1089", Some("ada@example.com")));
    for fine in [
        json!({"aud": ["ours"]}),
        json!({"aud": ["ours", "other"], "azp": "ours"}),
        json!({"exp": SECS - 59, "iat": SECS - 600}),
        json!({"iat": SECS + 60, "nbf": SECS + 60}),
        json!({"nbf": null, "azp": null, "hd": null}),
        json!({"exp": (SECS + 10) as f64 + 0.5}),
    ] {
        assert!(check(with(fine.clone()), &provider()).is_ok(), "{fine}");
    }
}

#[test]
fn attack_22_a_token_of_another_issuer_request_or_party_is_not_believed() {
    use IdTokenFault::{Audience, AuthorizedParty, Expired, Future, Issuer, Nonce, Subject};
    let table = [
        (json!({"iss": "https://evil.example"}), Issuer),
        (json!({"iss": "https://accounts.google.com/"}), Issuer),
        (json!({"iss": "https://accounts.google.com.evil.example"}), Issuer),
        (json!({"iss": "HTTPS://ACCOUNTS.GOOGLE.COM"}), Issuer),
        (json!({"iss": ""}), Issuer),
        (json!({"aud": "theirs"}), Audience),
        (json!({"aud": []}), Audience),
        (json!({"aud": ["theirs"]}), Audience),
        (json!({"aud": "ours "}), Audience),
        (json!({"azp": "theirs"}), AuthorizedParty),
        (json!({"aud": ["ours", "theirs"], "azp": "theirs"}), AuthorizedParty),
        (json!({"exp": SECS - 60}), Expired),
        (json!({"exp": 0}), Expired),
        (json!({"iat": SECS - 660}), Expired),
        (json!({"iat": SECS + 61}), Future),
        (json!({"nbf": SECS + 61}), Future),
        (json!({"nonce": "n-2"}), Nonce),
        (json!({"nonce": ""}), Nonce),
        (json!({"nonce": null}), Nonce),
        (json!({"sub": ""}), Subject),
        (json!({"sub": "a".repeat(256)}), Subject),
        (json!({"sub": "10\u{0}89"}), Subject),
    ];
    for (change, fault) in table {
        assert_eq!(check(with(change.clone()), &provider()), Err(fault), "{change}");
    }
    let mut several = with(json!({"aud": ["ours", "theirs"]}));
    several.as_object_mut().unwrap().remove("azp");
    assert_eq!(check(several, &provider()), Err(AuthorizedParty));
}

#[test]
fn attack_23_a_hosted_domain_is_read_from_its_claim_and_wants_a_verified_address() {
    let provider = Provider { hosted_domain: Some("example.com".into()), ..provider() };
    assert!(check(with(json!({"hd": "Example.com"})), &provider).is_ok());
    let table = [
        (json!({}), IdTokenFault::HostedDomain),
        (json!({"hd": "evil.example"}), IdTokenFault::HostedDomain),
        (json!({"hd": "sub.example.com"}), IdTokenFault::HostedDomain),
        (json!({"hd": "", "email": "x@example.com"}), IdTokenFault::HostedDomain),
        (json!({"hd": "example.com", "email_verified": false}), IdTokenFault::Unverified),
        (json!({"hd": "example.com", "email_verified": "yes"}), IdTokenFault::Unverified),
        (json!({"hd": "example.com", "email": null}), IdTokenFault::Unverified),
    ];
    for (change, fault) in table {
        assert_eq!(check(with(change.clone()), &provider), Err(fault), "{change}");
    }
}

#[test]
fn attack_23_an_account_is_its_subject_whatever_its_address() {
    let account = |claims| {
        let identity = check(claims, &provider()).unwrap();
        AccountKey::of(&identity.issuer, &identity.subject)
    };
    let ours = account(good());
    assert_eq!(ours, account(with(json!({"email": "new@example.com"}))));
    assert_eq!(ours, account(with(json!({"iss": "accounts.google.com"}))), "the other spelling of the same issuer");
    assert_ne!(ours, account(with(json!({"sub": "1090"}))), "another one with the same address");
}

#[test]
fn attack_24_claims_of_a_wrong_type_are_no_claims() {
    let bad = [
        json!({"exp": "never"}),
        json!({"exp": -1}),
        json!({"exp": 1e300}),
        json!({"exp": null}),
        json!({"aud": 5}),
        json!({"aud": {"ours": true}}),
        json!({"sub": 1089}),
        json!({"iss": ["https://accounts.google.com"]}),
    ];
    for change in bad {
        assert!(serde_json::from_value::<IdClaims>(with(change.clone())).is_err(), "{change}");
    }
    let mut bare = good();
    bare.as_object_mut().unwrap().remove("exp");
    assert!(serde_json::from_value::<IdClaims>(bare).is_err());
    let twice = r#"{"iss":"a","iss":"b","sub":"s","aud":"ours","exp":1,"iat":1}"#;
    assert!(serde_json::from_str::<IdClaims>(twice).is_err());
}

fn keys() -> HashKeys {
    HashKeys::new(HashKey::new([1; 32]), vec![])
}

fn begin(name: u128, byte: u8) -> (PendingSignIn, String, PresentedOnce) {
    let bytes = [byte; 32];
    let secrets = SignInSecrets { name, state: bytes, browser: [byte + 1; 32], nonce: [byte + 2; 32], verifier: [byte + 3; 32] };
    let (pending, state, cookie) = PendingSignIn::begin(&provider(), "/admin?x=1", &secrets, &keys(), NOW);
    let cookie = PresentedOnce::read(Once::Browser, exposed(&cookie)).unwrap();
    (pending, exposed(&state).to_owned(), cookie)
}

fn called(
    pending: &PendingSignIn,
    query: &str,
    browser: Option<&PresentedOnce>,
    sends_issuer: bool,
) -> Result<String, CallbackFault> {
    let params = Params::read(query).unwrap();
    pending.code(&Callback { params: &params, browser, sends_issuer }, &provider(), &keys(), NOW.plus(1_000))
}

#[test]
fn a_callback_of_the_same_browser_has_its_code() {
    let (pending, state, cookie) = begin(1, 10);
    assert_eq!(called(&pending, &format!("state={state}&code=c%2F1"), Some(&cookie), false), Ok("c/1".into()));
    let query = format!("state={state}&code=c&iss=https%3A%2F%2Faccounts.google.com");
    assert_eq!(called(&pending, &query, Some(&cookie), true), Ok("c".into()));
    assert_eq!((pending.return_to.as_str(), pending.verifier.len()), ("/admin?x=1", 43));
    assert_ne!(pending.challenge(), pending.verifier);
}

#[test]
fn attack_20_a_captured_address_is_worth_nothing_in_another_browser() {
    let (pending, state, _) = begin(1, 10);
    let (_, _, victims) = begin(2, 20);
    let query = format!("state={state}&code=c");
    assert_eq!(called(&pending, &query, None, false), Err(CallbackFault::OtherBrowser));
    assert_eq!(called(&pending, &query, Some(&victims), false), Err(CallbackFault::OtherBrowser));
}

#[test]
fn attack_22_a_callback_with_a_wrong_state_or_issuer_leads_nowhere() {
    let (pending, state, cookie) = begin(1, 10);
    let (_, others, _) = begin(2, 20);
    let google = "https%3A%2F%2Faccounts.google.com";
    let table = [
        ("code=c".to_owned(), false, CallbackFault::State),
        ("code=c&state=".to_owned(), false, CallbackFault::State),
        ("code=c&state=guessed".to_owned(), false, CallbackFault::State),
        (format!("code=c&state={others}"), false, CallbackFault::State),
        (format!("code=c&state={state}&state={others}"), false, CallbackFault::State),
        (format!("code=c&state={}", state.to_lowercase()), false, CallbackFault::State),
        (format!("code=c&state={state}&iss=https%3A%2F%2Fevil.example"), false, CallbackFault::Issuer),
        (format!("code=c&state={state}&iss={google}%2F"), false, CallbackFault::Issuer),
        (format!("code=c&state={state}"), true, CallbackFault::Issuer),
        (format!("error=access_denied&state={state}"), false, CallbackFault::Denied),
        (format!("code=c&error=access_denied&state={state}"), false, CallbackFault::Denied),
        (format!("state={state}"), false, CallbackFault::Malformed),
        (format!("code=c&code=d&state={state}"), false, CallbackFault::Malformed),
    ];
    for (query, sends_issuer, fault) in table {
        assert_eq!(called(&pending, &query, Some(&cookie), sends_issuer), Err(fault), "{query}");
    }
    let mut elsewhere = pending.clone();
    elsewhere.issuer = "https://other.example".into();
    assert_eq!(called(&elsewhere, &format!("code=c&state={state}"), Some(&cookie), false), Err(CallbackFault::Issuer));
    let params = Params::read(&format!("code=c&state={state}")).unwrap();
    let callback = Callback { params: &params, browser: Some(&cookie), sends_issuer: false };
    assert_eq!(pending.code(&callback, &provider(), &keys(), NOW.plus(600_000)), Err(CallbackFault::Expired));
}

#[test]
fn attack_19_after_a_sign_in_nobody_is_sent_to_another_site() {
    for ours in ["/", "/docs", "/admin/users?x=1#y", "/a//b"] {
        assert_eq!(local_path(ours), Some(ours));
    }
    let long = format!("/{}", "a".repeat(1_024));
    let bad = [
        "",
        "docs",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        " /",
        "/ü",
        long.as_str(),
    ];
    for bad in bad {
        assert_eq!(local_path(bad), None, "{bad:?}");
    }
    let secrets = SignInSecrets { name: 1, state: [1; 32], browser: [2; 32], nonce: [3; 32], verifier: [4; 32] };
    let (pending, ..) = PendingSignIn::begin(&provider(), "//evil.example", &secrets, &keys(), NOW);
    assert_eq!(pending.return_to, "/");
    assert!(!format!("{pending:?}").contains(&pending.verifier));
}
