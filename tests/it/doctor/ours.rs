//! The doctor at our own gateway, well and wrongly set up.

use super::doctor;
use crate::support::browser::signing_in;
use crate::support::{OidcProvider, TestGateway};

const KEY: &str = "a-key-for-the-tests-1";

#[test]
fn a_newcomers_gateway_has_no_fault_and_nobody_has_to_sign_in() {
    let gateway = TestGateway::start();
    let told = doctor(&[&gateway.url("/mcp")], &[]);
    told.has_found_nothing();
    assert_eq!(told.all("warn"), Vec::<&str>::new(), "{}", told.printed);
    told.must_say("ok", "first request", "lets in without a credential");
    told.must_say("skip", "resource metadata", "nobody has to sign in");
    for step in ["session", "tools", "tool call", "stateless era", "session stream", "streaming call", "event stream", "resume"] {
        assert!(told.all("ok").contains(&step), "{step}\n{}", told.printed);
    }
    assert!(gateway.metric("tickgate_sessions_opened_total") >= 3, "it knocked, as a page too, and worked");
    assert_eq!(gateway.metric("tickgate_sessions_open"), 0, "all are closed behind it");
}

#[test]
fn a_gateway_with_sign_in_has_no_fault_with_a_key_and_without_says_what_was_not_looked_at() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let url = gateway.url("/mcp");
    let told = doctor(&[&url], &[("MCP_API_KEY", KEY)]);
    told.has_found_nothing();
    assert_eq!(told.all("warn"), Vec::<&str>::new(), "{}", told.printed);
    for (step, word) in [
        ("first request", "401, as it should be"),
        ("resource metadata", "describes exactly"),
        ("authorization server", "under this very name"),
        ("signing keys", "has 1"),
        ("registration", "takes a client"),
        ("sign-in page", "it leads to 127.0.0.1 to sign in"),
        ("redirect check", "refused with 400"),
        ("session", "revision 2025-11-25"),
        ("resume", "without a gap"),
    ] {
        told.must_say("ok", step, word);
    }
    assert!(!told.printed.contains(KEY));
    let told = doctor(&[&url], &[]);
    told.has_found_nothing();
    told.must_say("skip", "session", "--sign-in");
    let told = doctor(&[&url], &[("MCP_API_KEY", "canary-of-a-wrong-key")]);
    told.must_say("fail", "session", "mistyped, revoked, expired");
    assert!(!told.printed.contains("canary") && told.code == 1, "{}", told.printed);
}

#[test]
fn another_spelling_of_the_address_is_told_with_the_one_to_type() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[]));
    let told = doctor(&[&format!("http://localhost:{}/mcp", gateway.address.port())], &[]);
    told.must_say("fail", "resource metadata", "two names of this machine");
    told.must_say("fail", "resource metadata", &format!("type {}", gateway.url("/mcp")));
    let told = doctor(&[&gateway.url("/mcp/")], &[("MCP_API_KEY", KEY)]);
    told.must_say("fail", "resource metadata", "a slash at the end");
    told.must_say("fail", "session", "no MCP at this path");
}

#[test]
fn a_wrong_public_url_and_a_host_that_is_not_served_are_told() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let named = signing_in(&issuer, &[("PUBLIC_URL", "https://gate.example"), ("ALLOWED_HOSTS", "127.0.0.1")]);
    let gateway = TestGateway::with(&named);
    let told = doctor(&[&gateway.url("/mcp")], &[]);
    told.must_say("fail", "resource metadata", "gate.example");
    told.must_say("fail", "resource metadata", "PUBLIC_URL");
    let strict = [
        ("APP_ENV", "staging"),
        ("AUTH", "required"),
        ("MCP_API_KEYS", KEY),
        ("DATA_ENCRYPTION_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
        ("PUBLIC_URL", "https://gate.example"),
    ];
    let gateway = TestGateway::with(&strict);
    let told = doctor(&[&format!("http://localhost:{}/mcp", gateway.address.port())], &[]);
    told.must_say("fail", "first request", "ALLOWED_HOSTS");
}

#[test]
fn without_sign_in_a_client_needs_a_key_and_the_doctor_says_so() {
    let gateway = TestGateway::with(&[("AUTH", "required"), ("MCP_API_KEYS", KEY)]);
    let url = gateway.url("/mcp");
    let told = doctor(&[&url], &[]);
    told.must_say("warn", "first request", "names no resource_metadata");
    told.must_say("fail", "resource metadata", "GOOGLE_CLIENT_ID");
    let told = doctor(&[&url], &[("MCP_API_KEY", KEY)]);
    told.has_found_nothing();
    told.must_say("warn", "resource metadata", "fine for clients that bring a key");
    told.must_say("ok", "tool call", "answers");
}

#[test]
fn where_anybody_may_come_in_or_sign_in_both_are_walked() {
    let provider = OidcProvider::start();
    let issuer = provider.issuer();
    let gateway = TestGateway::with(&signing_in(&issuer, &[("AUTH", "optional")]));
    let told = doctor(&[&gateway.url("/mcp")], &[]);
    told.has_found_nothing();
    told.must_say("ok", "first request", "lets in without a credential");
    told.must_say("ok", "registration", "takes a client");
    told.must_say("ok", "event stream", "have ids");
}

#[test]
fn a_provider_that_is_away_is_seen_before_a_person_sees_it() {
    let gateway = TestGateway::with(&signing_in("http://127.0.0.1:9", &[]));
    let told = doctor(&[&gateway.url("/mcp")], &[]);
    told.must_say("fail", "sign-in page", "status 502");
    told.must_say("fail", "sign-in page", "settings for the provider");
}
