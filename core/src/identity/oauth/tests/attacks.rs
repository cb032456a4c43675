//! The attacks of peers.md §5 that are decided here; more of them stand with the parts that they are aimed at.

use super::*;
use crate::access::{Principal, Scope};
use crate::identity::refresh::{
    FamilyEnd, FamilyTerms, Presented, PresentedRefresh, REPEAT_GRACE_MS, RefreshFamily, RefreshRandom,
};
use crate::identity::token_text::exposed;
use crate::identity::{FamilyId, OnceRandom, Role};

fn ada() -> Principal {
    Principal::new("user", "ada")
}

#[test]
fn attack_19_the_token_request_must_repeat_the_address_of_the_authorization_request() {
    let (client, _) = client(&["http://127.0.0.1/cb"], "none");
    let request = asked(&client, &[("redirect_uri", Some("http://127.0.0.1:5000/cb"))]).unwrap();
    let (code, presented) = code(&request);
    let redeem = |redirect_uri: &str| {
        let claim = CodeClaim { client_id: &client.id, redirect_uri, verifier: VERIFIER, resource: None };
        code.redeem(&presented, &claim, &keys(), NOW)
    };
    for other in ["http://127.0.0.1/cb", "http://127.0.0.1:5001/cb", "http://127.0.0.1:5000/cb?", "http://localhost:5000/cb", ""]
    {
        assert_eq!(redeem(other), Redeemed::Refused(CodeRefusal::OtherRedirect), "the port may not change any more: {other}");
    }
    assert!(matches!(redeem("http://127.0.0.1:5000/cb"), Redeemed::Good(_)));
}

#[test]
fn attack_19_no_fault_sends_a_browser_to_an_address_that_is_not_the_clients() {
    let (client, _) = client(&["https://a/cb"], "none");
    for evil in
        ["https://evil.example/", "https://a/cb@evil.example", "https://a/cb?x", "https://a.evil.example/cb", "//evil.example"]
    {
        for other in [("response_type", Some("token")), ("code_challenge", None), ("scope", Some("read"))] {
            let fault = asked(&client, &[("redirect_uri", Some(evil)), other]).unwrap_err();
            assert!(matches!(fault, AuthorizeFault::Page(_)), "{evil} {other:?}: {fault:?}");
        }
    }
}

#[test]
fn attack_21_without_s256_there_is_no_code_and_without_the_verifier_no_token() {
    let (client, _) = client(&["https://a/cb"], "none");
    let no_method = [("code_challenge_method", None)];
    let plain = [("code_challenge_method", Some("plain")), ("code_challenge", Some(VERIFIER))];
    let none = [("code_challenge_method", None), ("code_challenge", None)];
    for changes in [&no_method[..], &plain[..], &none[..]] {
        assert_eq!(error_of(asked(&client, changes).unwrap_err()), "invalid_request");
    }
    let request = asked(&client, &[]).unwrap();
    let (code, presented) = code(&request);
    let challenge = challenge_of(VERIFIER);
    let long = "a".repeat(129);
    for verifier in
        ["", "short", challenge.as_str(), long.as_str(), &VERIFIER[..42], &format!("{VERIFIER} "), &VERIFIER.to_lowercase()]
    {
        let claim = CodeClaim { client_id: &client.id, redirect_uri: "https://a/cb", verifier, resource: None };
        let redeemed = code.redeem(&presented, &claim, &keys(), NOW);
        assert_eq!(redeemed, Redeemed::Refused(CodeRefusal::WrongVerifier), "{verifier}");
    }
    for challenge in ["", "a", &"a".repeat(44), &"ä".repeat(22), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"] {
        assert!(PkceChallenge::read(challenge).is_none(), "{challenge}");
    }
}

#[test]
fn attack_21_a_code_of_another_client_is_worth_nothing_and_is_not_used_up() {
    let (client, _) = client(&["https://a/cb"], "none");
    let (code, presented) = code(&asked(&client, &[]).unwrap());
    let thief = CodeClaim { client_id: "client-thief", redirect_uri: "https://a/cb", verifier: VERIFIER, resource: None };
    assert_eq!(code.redeem(&presented, &thief, &keys(), NOW), Redeemed::Refused(CodeRefusal::ForeignClient));
    let owner = CodeClaim { client_id: &client.id, ..thief };
    assert!(matches!(code.redeem(&presented, &owner, &keys(), NOW), Redeemed::Good(_)));
}

#[test]
fn attack_21_a_replayed_code_ends_what_its_first_use_gave() {
    let (client, _) = client(&["https://a/cb"], "none");
    let (code, presented) = code(&asked(&client, &[]).unwrap());
    let claim = CodeClaim { client_id: &client.id, redirect_uri: "https://a/cb", verifier: VERIFIER, resource: None };
    let Redeemed::Good(used) = code.redeem(&presented, &claim, &keys(), NOW) else { panic!("not good") };
    assert_eq!(used.redeem(&presented, &claim, &keys(), NOW), Redeemed::Replayed(FamilyId(0xfa)));
    let wrong = CodeClaim { client_id: "client-thief", verifier: "", ..claim };
    assert_eq!(used.redeem(&presented, &wrong, &keys(), NOW), Redeemed::Replayed(FamilyId(0xfa)), "whoever sends it");
    let late = NOW.plus(3_600_000);
    assert_eq!(used.redeem(&presented, &claim, &keys(), late), Redeemed::Replayed(FamilyId(0xfa)), "and however late");
    let (_, text) = AuthorizationCode::create(code.grant, 1, &OnceRandom { name: 7, secret: [9; 32] }, &keys(), NOW);
    let forged = PresentedOnce::read(Once::Code, exposed(&text)).unwrap();
    assert_eq!(used.redeem(&forged, &claim, &keys(), NOW), Redeemed::Refused(CodeRefusal::Forged), "a guess ends nothing");
}

#[test]
fn attack_22_every_answer_names_its_issuer_and_repeats_state() {
    let uri = RedirectUri::read("https://a/cb?x=1").unwrap();
    let error = OAuthError::told(OAuthCode::AccessDenied, "no");
    for address in [success_redirect(&uri, "c", Some("st"), ISSUER), error_redirect(&uri, &error, Some("st"), ISSUER)] {
        let said = parameters(&address);
        assert_eq!(said.iter().filter(|(name, value)| name == "iss" && value == ISSUER).count(), 1);
        assert_eq!(said.iter().filter(|(name, value)| name == "state" && value == "st").count(), 1);
    }
}

#[test]
fn attack_23_a_token_is_asked_for_one_resource_that_is_ours() {
    let (client, _) = client(&["https://a/cb"], "none");
    let elsewhere = asked(&client, &[("resource", Some("https://accounts.google.com"))]).unwrap_err();
    assert_eq!(error_of(elsewhere), "invalid_target");
    let (code, presented) = code(&asked(&client, &[("resource", None)]).unwrap());
    let claim = CodeClaim {
        client_id: &client.id,
        redirect_uri: "https://a/cb",
        verifier: VERIFIER,
        resource: Some("https://other/mcp"),
    };
    assert_eq!(code.redeem(&presented, &claim, &keys(), NOW), Redeemed::Refused(CodeRefusal::OtherResource));
    assert_eq!(code.grant.resource, "https://host/mcp", "what is not named is ours");
}

#[test]
fn attack_27_a_refresh_token_that_is_used_again_ends_its_family() {
    let terms = FamilyTerms {
        principal: ada(),
        client: "c".into(),
        resource: "https://host/mcp".into(),
        scopes: ScopeSet::of(Scope::Read),
        absolute_ms: 1_000_000,
        idle_ms: 1_000_000,
    };
    let (family, first) = RefreshFamily::begin(terms, &RefreshRandom { family: 1, token: [1; 16] }, &keys(), NOW);
    let stolen = PresentedRefresh::read(exposed(&first.refresh_token)).unwrap();
    let Presented::Rotated(family, second) = family.present(&stolen, "c", &keys(), 1, NOW) else { panic!() };
    let late = NOW.plus(REPEAT_GRACE_MS);
    let Presented::Reused(dead) = family.present(&stolen, "c", &keys(), 2, late) else { panic!("reuse was not seen") };
    assert_eq!(dead.ended, Some((late, FamilyEnd::Reuse)));
    let owners = PresentedRefresh::read(exposed(&second.refresh_token)).unwrap();
    assert!(matches!(dead.present(&owners, "c", &keys(), 3, late), Presented::Refused(_)), "the owner signs in again");
}

fn pending() -> (PendingAuthorization, PresentedOnce) {
    let (client, _) = client(&["https://a/cb"], "none");
    let request = asked(&client, &[]).unwrap();
    let (pending, cookie) = PendingAuthorization::begin(request, &OnceRandom { name: 3, secret: [4; 32] }, &keys(), NOW);
    (pending, PresentedOnce::read(Once::Browser, exposed(&cookie)).unwrap())
}

fn other_browser() -> PresentedOnce {
    let (client, _) = client(&["https://a/cb"], "none");
    let random = OnceRandom { name: 3, secret: [5; 32] };
    let (_, cookie) = PendingAuthorization::begin(asked(&client, &[]).unwrap(), &random, &keys(), NOW);
    PresentedOnce::read(Once::Browser, exposed(&cookie)).unwrap()
}

#[test]
fn attack_20_another_browser_neither_goes_on_nor_agrees() {
    let (mut pending, browser) = pending();
    let other = other_browser();
    assert_eq!(pending.may_go_on(Some(&browser), &keys(), NOW), Ok(()));
    assert_eq!(pending.may_go_on(Some(&other), &keys(), NOW), Err(PendingRefusal::OtherBrowser));
    assert_eq!(pending.may_go_on(None, &keys(), NOW), Err(PendingRefusal::OtherBrowser));
    assert_eq!(pending.may_go_on(Some(&browser), &keys(), pending.expires()), Err(PendingRefusal::Expired));
    let csrf = pending.show(&ada(), &[6; 32]);
    let form = Form { browser: Some(&other), person: &ada(), csrf: &csrf };
    assert_eq!(pending.decide(&form, &keys(), NOW), Err(PendingRefusal::OtherBrowser));
}

#[test]
fn attack_28_a_consent_needs_the_form_that_was_shown_to_this_person_and_counts_once() {
    let (mut pending, browser) = pending();
    let (ada, eve) = (ada(), Principal::new("user", "eve"));
    let form = |csrf| Form { browser: Some(&browser), person: &ada, csrf };
    assert_eq!(pending.decide(&form(""), &keys(), NOW), Err(PendingRefusal::OtherPerson), "no page was shown");
    let first = pending.show(&ada, &[6; 32]);
    let second = pending.show(&ada, &[7; 32]);
    for forged in ["", "guess", first.as_str()] {
        assert_eq!(pending.decide(&form(forged), &keys(), NOW), Err(PendingRefusal::Forged), "{forged}");
    }
    let other = Form { person: &eve, ..form(&second) };
    assert_eq!(pending.decide(&other, &keys(), NOW), Err(PendingRefusal::OtherPerson), "the page was shown to somebody else");
    let decided = pending.decide(&form(&second), &keys(), NOW).unwrap();
    assert_eq!(decided.decide(&form(&second), &keys(), NOW), Err(PendingRefusal::Decided));
    assert_eq!(
        decided.may_go_on(Some(&browser), &keys(), NOW),
        Err(PendingRefusal::Decided),
        "a second GET shows no second page"
    );
    assert!(!format!("{pending:?}").contains(&second));
    let written = serde_json::to_string(&decided).unwrap();
    assert_eq!(serde_json::from_str::<PendingAuthorization>(&written).unwrap(), decided);
}

#[test]
fn attack_29_no_role_is_granted_more_than_it_may_whatever_is_asked_for() {
    let (client, _) = client(&["https://a/cb"], "none");
    let asked_for =
        ["read", "write", "admin", "read write", "read admin", "write admin", "read write admin", "admin admin openid"];
    for role in [Role::User, Role::Admin] {
        for scope in asked_for {
            let request = asked(&client, &[("scope", Some(scope))]).unwrap();
            let Some(granted) = request.scopes_for(role.scope()) else {
                assert!(role == Role::User && request.scopes.greatest() == Some(Scope::Admin), "{role:?} {scope}");
                continue;
            };
            assert!(granted.iter().all(|scope| role.scope().allows(scope)), "{role:?} {scope}");
            for refreshed in asked_for {
                match TokenRequest::narrowed(granted, Some(refreshed)) {
                    Ok(narrowed) => assert!(narrowed.is_covered_by(granted), "{role:?} {scope} {refreshed}"),
                    Err(error) => assert_eq!(error.code, OAuthCode::InvalidScope),
                }
            }
        }
    }
}

#[test]
fn attack_21_of_two_who_use_a_code_at_once_one_gets_tokens_and_the_other_ends_them() {
    let (client, _) = client(&["https://a/cb"], "none");
    let (code, presented) = code(&asked(&client, &[]).unwrap());
    let claim = CodeClaim { client_id: &client.id, redirect_uri: "https://a/cb", verifier: VERIFIER, resource: None };
    let redeem = |stored: &AuthorizationCode| stored.redeem(&presented, &claim, &keys(), NOW);
    let (Redeemed::Good(first), Redeemed::Good(_)) = (redeem(&code), redeem(&code)) else { panic!("both see an unused code") };
    // Only one of the two swaps succeeds; the other one reads what was stored and asks again.
    assert_eq!(redeem(&first), Redeemed::Replayed(code.family));
}
