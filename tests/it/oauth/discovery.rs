//! How a client that has nothing but the URL finds everything else.

use serde_json::json;

use super::support::{gateway, text};
use crate::support::{TestGateway, get};

#[test]
fn every_address_where_clients_look_tells_the_same_and_names_are_those_that_were_typed() {
    let gateway = gateway(&[]);
    let issuer = gateway.url("");
    let read = |path: &str| {
        let answer = get(path).header("Origin", "https://inspector.example").send(gateway.address);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{path}");
        answer.json()
    };
    let resource = read("/.well-known/oauth-protected-resource/mcp");
    assert_eq!((&resource["resource"], &resource["authorization_servers"]), (&json!(gateway.url("/mcp")), &json!([issuer])));
    assert_eq!(resource["scopes_supported"], json!(["read", "write"]), "admin is stepped up to");
    assert_eq!(read("/.well-known/oauth-protected-resource"), resource);
    let server = read("/.well-known/oauth-authorization-server");
    assert_eq!(read("/.well-known/oauth-authorization-server/mcp"), server);
    let open_id = read("/.well-known/openid-configuration");
    for (field, value) in server.as_object().unwrap() {
        assert_eq!(&open_id[field], value, "{field}");
    }
    assert!(open_id["subject_types_supported"].is_array() && open_id["id_token_signing_alg_values_supported"].is_array());
    assert_eq!((&server["issuer"], &server["code_challenge_methods_supported"]), (&json!(issuer), &json!(["S256"])));
    for (field, path) in
        [("authorization_endpoint", "/authorize"), ("token_endpoint", "/token"), ("registration_endpoint", "/register")]
    {
        assert_eq!(text(&server, field), gateway.url(path));
    }
    let keys = read("/jwks.json");
    assert_eq!((&keys["keys"][0]["crv"], &keys["keys"][0]["alg"]), (&json!("Ed25519"), &json!("EdDSA")));
    assert!(keys["keys"][0].get("d").is_none());
}

#[test]
fn a_refusal_says_where_to_ask_and_for_which_scope() {
    let gateway = gateway(&[("MCP_API_KEYS", "a-key-for-the-tests-1:read")]);
    let metadata = gateway.url("/.well-known/oauth-protected-resource/mcp");
    let challenge = |path: &str, key: Option<&str>| {
        let request = get(path);
        let answer = match key {
            Some(key) => request.header("Authorization", &format!("Bearer {key}")).send(gateway.address),
            None => request.send(gateway.address),
        };
        (answer.status, answer.header("www-authenticate").unwrap_or_default().to_owned())
    };
    for path in ["/mcp", "/tools/list", "/events?topics=status"] {
        let bare = format!("Bearer resource_metadata=\"{metadata}\", scope=\"read write\"");
        assert_eq!(challenge(path, None), (401, bare), "{path}");
        let (status, told) = challenge(path, Some("wrong"));
        assert_eq!(status, 401);
        assert!(told.starts_with("Bearer error=\"invalid_token\", error_description=\"") && told.contains(&metadata), "{told}");
    }
    let (status, told) = challenge("/auth/api-keys", Some("a-key-for-the-tests-1"));
    assert_eq!(status, 403);
    assert!(
        told.starts_with("Bearer error=\"insufficient_scope\"") && told.ends_with("scope=\"write\"") && told.contains(&metadata),
        "{told}"
    );
}

#[test]
fn where_credentials_are_not_looked_at_nobody_is_sent_to_sign_in() {
    let off = TestGateway::start();
    let keys_only = TestGateway::with(&[("AUTH", "required"), ("MCP_API_KEYS", "a-key-for-the-tests-1")]);
    for path in ["/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server", "/jwks.json", "/authorize"] {
        for gateway in [&off, &keys_only] {
            assert_eq!(get(path).send(gateway.address).status, 404, "{path}");
        }
    }
    let refused = get("/mcp").send(keys_only.address);
    assert_eq!(refused.header("www-authenticate"), Some("Bearer scope=\"read write\""));
}

#[test]
fn a_page_of_another_origin_may_use_what_takes_no_cookie_and_nothing_else() {
    let gateway = gateway(&[]);
    let preflight = |path: &str| {
        let request = get(path).method("OPTIONS").header("Origin", "https://inspector.example");
        request.header("Access-Control-Request-Method", "POST").send(gateway.address)
    };
    for path in ["/token", "/register", "/revoke", "/.well-known/oauth-protected-resource/mcp"] {
        let answer = preflight(path);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("*")), "{path}");
    }
    for path in ["/authorize", "/mcp", "/auth/api-keys"] {
        assert_eq!(preflight(path).status, 403, "{path}");
    }
}
