//! The tool `refresh_token` (requirement A12), and what `get_user_info` says of a person: the same rules as at `/token`, and no way around them.

use serde_json::{Value, json};

use super::support::*;
use crate::support::{Stateless, TestGateway, until};

fn accounts() -> TestGateway {
    gateway(&[("TOOLSETS", "standard,account")])
}

/// A person's client that has just got its tokens: access and refresh token.
fn tokens(gateway: &TestGateway, browser: &mut Browser, client: &str) -> (String, String) {
    let code = code(browser, client);
    let answer = exchange(gateway, client, &code, &[]).json();
    (text(&answer, "access_token"), text(&answer, "refresh_token"))
}

fn call(gateway: &TestGateway, key: &str, tool: &str, arguments: Value) -> Value {
    Stateless::new(gateway.address).with_key(key).call(tool, arguments)
}

/// Refreshes by the tool: the new access and refresh token.
fn refreshed(gateway: &TestGateway, key: &str, token: &str) -> (String, String) {
    let result = call(gateway, key, "refresh_token", json!({ "refresh_token": token }));
    assert_eq!(result["isError"], false, "{result}");
    let answer = &result["structuredContent"];
    assert_eq!((&answer["token_type"], &answer["scope"]), (&json!("Bearer"), &json!("read write")));
    (text(answer, "access_token"), text(answer, "refresh_token"))
}

/// The class with which the tool refuses; what was sent is not said back.
fn refusal(gateway: &TestGateway, key: &str, token: &str) -> String {
    let result = call(gateway, key, "refresh_token", json!({ "refresh_token": token }));
    assert_eq!(result["isError"], true, "{result}");
    assert!(token.len() < 30 || !result.to_string().contains(&token[token.len() - 30..]), "{result}");
    text(&result["_meta"]["tickgate/error"], "class")
}

#[test]
fn a12_a_refresh_token_is_rotated_by_the_tool_and_the_old_one_is_refused() {
    let gateway = accounts();
    let client = public_client(&gateway);
    let mut browser = Browser::of(&gateway, "ada");
    let (access, first) = tokens(&gateway, &mut browser, &client);
    let (new_access, second) = refreshed(&gateway, &access, &first);
    assert!(second != first && new_access != access);
    assert_eq!(calls(&gateway, &new_access), 200);
    assert_eq!(refreshed(&gateway, &access, &first), (new_access.clone(), second.clone()), "a lost reply is given again");
    let (_, third) = refreshed(&gateway, &new_access, &second);
    assert_eq!(refresh(&gateway, &client, &third, &[]).status, 200, "it is the same family as at /token");
    assert_eq!(refusal(&gateway, &new_access, &first), "invalid_grant");
}

#[test]
fn attack_27_reuse_through_the_tool_ends_the_whole_sign_in() {
    let gateway = accounts();
    let client = public_client(&gateway);
    let mut browser = Browser::of(&gateway, "ada");
    let (access, first) = tokens(&gateway, &mut browser, &client);
    let (_, second) = refreshed(&gateway, &access, &first);
    let (newest, third) = refreshed(&gateway, &access, &second);
    assert_eq!(refusal(&gateway, &newest, &first), "invalid_grant", "it was replaced long ago: a theft");
    until("the access tokens die with their family", || calls(&gateway, &newest) == 401 && calls(&gateway, &access) == 401);
    assert_eq!(error(refresh(&gateway, &client, &third, &[])), (400, "invalid_grant".to_owned()), "the thief's and the owner's");
}

#[test]
fn attack_27_nobody_refreshes_what_is_not_their_own_and_trying_harms_nobody() {
    let gateway = accounts();
    let (client, other_client) = (public_client(&gateway), public_client(&gateway));
    let mut ada = Browser::of(&gateway, "ada");
    let (_, first) = tokens(&gateway, &mut ada, &client);
    let (other_access, _) = tokens(&gateway, &mut ada, &other_client);
    let (eves_access, _) = tokens(&gateway, &mut Browser::of(&gateway, "eve"), &client);
    for (who, key) in [
        ("another person", eves_access.as_str()),
        ("another client of hers", &other_access),
        ("a static key", "a-key-for-the-tests-1"),
    ] {
        assert_eq!(refusal(&gateway, key, &first), "invalid_grant", "{who}");
    }
    for made_up in ["", "tgr_x_y", "eyJ.eyJ.x", &"x".repeat(100_000)] {
        assert_eq!(refusal(&gateway, &eves_access, made_up), "invalid_grant", "{made_up:.20}");
    }
    assert_eq!(refresh(&gateway, &client, &first, &[]).status, 200, "it was not used up");
}

#[test]
fn attack_27_a_client_that_has_a_secret_proves_who_it_is_at_token_and_nowhere_else() {
    let gateway = accounts();
    let body = json!({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "client_secret_post"});
    let registered = register(&gateway, &body);
    let (client, secret) = (text(&registered, "client_id"), text(&registered, "client_secret"));
    let mut browser = Browser::of(&gateway, "ada");
    let code = code(&mut browser, &client);
    let answer = exchange(&gateway, &client, &code, &[("client_secret", &secret)]).json();
    let (access, token) = (text(&answer, "access_token"), text(&answer, "refresh_token"));
    assert_eq!(refusal(&gateway, &access, &token), "invalid_client");
    let argument = call(&gateway, &access, "refresh_token", json!({"refresh_token": token, "client_secret": secret}));
    assert_eq!(argument["_meta"]["tickgate/error"]["class"], "invalid_argument", "nor does a secret belong into a transcript");
    assert!(!argument.to_string().contains(&secret));
    assert_eq!(refresh(&gateway, &client, &token, &[("client_secret", &secret)]).status, 200, "it was not used up");
}

#[test]
fn a11_a_person_is_told_who_they_are_and_their_key_may_refresh_what_is_theirs() {
    let gateway = accounts();
    let client = public_client(&gateway);
    let mut browser = Browser::of(&gateway, "ada");
    let (access, first) = tokens(&gateway, &mut browser, &client);
    let told = call(&gateway, &access, "get_user_info", json!({}))["structuredContent"].clone();
    assert_eq!((&told["credential"], &told["scope"]), (&json!("access_token"), &json!("write")));
    assert_eq!(told["user"]["id"], json!(browser.user));
    assert_eq!((&told["user"]["email"], &told["user"]["role"]), (&json!("ada@example.com"), &json!("user")));
    assert!(told["expires_at"].is_string(), "{told}");
    let about = call(&gateway, "a-key-for-the-tests-1", "get_user_info", json!({ "token": access }));
    assert_eq!(about["structuredContent"], told, "whoever holds the token");
    let not_for_that = call(&gateway, &access, "get_user_info", json!({ "token": first }));
    assert_eq!(not_for_that["isError"], true, "a refresh token lets nobody in");
    let made = crate::support::post("/auth/api-keys", r#"{"scope":"read"}"#)
        .header("Content-Type", "application/json")
        .header("Authorization", &format!("Bearer {access}"))
        .send(gateway.address)
        .json();
    refreshed(&gateway, &text(&made, "key"), &first);
}
