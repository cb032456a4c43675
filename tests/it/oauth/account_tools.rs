//! The tool `refresh_token` (requirement A12), and what `get_user_info` says of a person: the same rules as at `/token`, and no way around them.

use serde_json::{Value, json};
use tickgate_core::identity::{Role, User};
use tickgate_core::ports::{Record, Shelf};

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
    let wanted = crate::support::post("/auth/api-keys", r#"{"scope":"read"}"#).header("Content-Type", "application/json");
    let made = browser.send(wanted.header("Sec-Fetch-Site", "same-origin")).json();
    refreshed(&gateway, &text(&made, "key"), &first);
}

/// An access token of the admin, for a client that asked for the scope by name.
fn admins_token(gateway: &TestGateway, browser: &mut Browser) -> String {
    let client = public_client(gateway);
    let code = told(&browser.agree(&asking(&client, &[("scope", "admin")])))["code"].clone();
    text(&exchange(gateway, &client, &code, &[]).json(), "access_token")
}

/// What the button of the page sends, from a browser.
fn press(browser: &mut Browser, url: &str) -> (u16, String) {
    let (_, sealed) = url.split_once('#').unwrap();
    let page = browser.form("/auth/key-link", &[("link", sealed)]);
    (page.status, page.text())
}

#[test]
fn b16_a_client_that_can_show_pages_is_given_one_that_opens_for_its_own_person_alone() {
    let gateway = accounts();
    let mut root = Browser::of(&gateway, "root");
    let access = admins_token(&gateway, &mut root);
    let client = Stateless::new(gateway.address).can(json!({"elicitation": {"url": {}}})).with_key(&access);
    let arguments = json!({"action": "create", "user_id": "ci", "scope": "read"});
    let asked = client.call("manage_api_keys", arguments.clone());
    let question = &asked["inputRequests"]["key"];
    assert_eq!((&question["method"], &question["params"]["mode"]), (&json!("elicitation/create"), &json!("url")), "{asked}");
    let url = text(&question["params"], "url");
    assert!(url.starts_with(&gateway.url("/auth/key-link#v1.")), "{url}");
    let keys = |browser: &mut Browser| browser.get("/auth/api-keys?all=true").json()["api_keys"].as_array().unwrap().len();
    for (who, browser) in [("nobody", &mut Browser::new(&gateway)), ("another person", &mut Browser::of(&gateway, "eve"))] {
        let (status, page) = press(browser, &url);
        assert_eq!(status, 403, "{who}");
        assert!(page.contains("/auth/login") && !page.contains("tg_"), "{page}");
    }
    let forged = crate::support::post("/auth/key-link", encoded(&[("link", url.split_once('#').unwrap().1)]))
        .header("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(root.send(forged).status, 403, "a form that is not from our page");
    assert_eq!(keys(&mut root), 0, "nothing is made, and nothing is used up");
    let (status, page) = press(&mut root, &url);
    assert_eq!(status, 200, "{page}");
    let key = page[page.find("tg_").unwrap()..].split('<').next().unwrap().to_owned();
    assert_eq!(calls(&gateway, &key), 200);
    assert_eq!(press(&mut root, &url).0, 410, "once");
    let answered = |action: &str| {
        let params = json!({
            "name": "manage_api_keys", "arguments": arguments,
            "requestState": asked["requestState"], "inputResponses": {"key": {"action": action}},
        });
        client.result("tools/call", params)
    };
    let done = answered("accept");
    assert_eq!((&done["isError"], &done["structuredContent"]["api_key"]["key_id"]), (&json!(false), &json!(null)), "{done}");
    assert!(!done.to_string().contains("key-link#"), "what the user was shown is not in the transcript: {done}");
    let declined = answered("decline");
    assert_eq!(declined["_meta"]["tickgate/error"]["class"], "declined");
    assert_eq!(keys(&mut root), 1, "whatever the client says later");
}

#[test]
fn b16_in_a_session_the_page_is_shown_by_a_request_and_the_users_no_makes_nothing() {
    let gateway = accounts();
    let mut root = Browser::of(&gateway, "root");
    let access = admins_token(&gateway, &mut root);
    let mut hello = crate::support::mcp::initialize("2025-11-25");
    hello["params"]["capabilities"] = json!({"elicitation": {"url": {}}});
    let send = |body: &Value, session: &str| {
        let request = crate::support::mcp::message(body).header("Authorization", &format!("Bearer {access}"));
        let request = if session.is_empty() { request } else { request.header("Mcp-Session-Id", session) };
        request.send(gateway.address)
    };
    let session = send(&hello, "").header("mcp-session-id").unwrap().to_owned();
    assert_eq!(send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}), &session).status, 202);
    let mut ids = std::collections::BTreeSet::new();
    for (number, action) in ["accept", "decline"].into_iter().enumerate() {
        let params = json!({"name": "manage_api_keys", "arguments": {"action": "create"}});
        let mut stream = send(&json!({"jsonrpc": "2.0", "id": number + 1, "method": "tools/call", "params": params}), &session);
        let question = stream.data().unwrap().json();
        assert_eq!(question["params"]["mode"], "url", "{question}");
        ids.insert(text(&question["params"], "elicitationId"));
        if action == "accept" {
            assert_eq!(press(&mut root, &text(&question["params"], "url")).0, 200);
        }
        let reply = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": action}});
        assert_eq!(send(&reply, &session).status, 202);
        let result = stream.data().unwrap().json()["result"].clone();
        assert_eq!(result["isError"], action == "decline", "{result}");
        assert!(!result.to_string().contains("key-link#"), "{result}");
    }
    assert_eq!(ids.len(), 2, "each matter has its name");
    let keys = root.get("/auth/api-keys?all=true").json();
    assert_eq!(keys["api_keys"].as_array().unwrap().len(), 1, "{keys}");
}

#[test]
fn attack_29_a_page_opens_no_more_for_who_is_no_admin_any_more() {
    let gateway = accounts();
    let mut root = Browser::of(&gateway, "root");
    let access = admins_token(&gateway, &mut root);
    let client = Stateless::new(gateway.address).can(json!({"elicitation": {"url": {}}})).with_key(&access);
    let asked = client.call("manage_api_keys", json!({"action": "create", "user_id": "ci", "scope": "admin"}));
    let url = text(&asked["inputRequests"]["key"]["params"], "url");
    on_store(&gateway, async |store| {
        let now = tickgate_actors::Clock::start().now();
        let found = store.of(Shelf::Users, root.user.principal().as_str(), now).await.unwrap().remove(0);
        let mut user: User = serde_json::from_slice(&found.record.body).unwrap();
        user.role = Role::User;
        let body = serde_json::to_vec(&user).unwrap().into();
        store.put(Shelf::Users, vec![Record { body, ..found.record }]).await.unwrap();
    });
    let scope = |access: &str| call(&gateway, access, "get_user_info", json!({}))["structuredContent"]["scope"].clone();
    until("the role is known", || scope(&access) == "write");
    let (status, page) = press(&mut root, &url);
    assert_eq!(status, 410, "{page}");
    assert!(!page.contains("tg_"));
}
