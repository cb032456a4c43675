//! Discovery documents, challenges, PKCE.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::access::Scope;

#[test]
fn the_servers_document_has_the_fields_that_clients_look_for() {
    let document = serde_json::to_value(AuthorizationServerMetadata::new(ISSUER, None, true)).unwrap();
    let expected = json!({
        "issuer": "https://host", "authorization_endpoint": "https://host/authorize", "token_endpoint": "https://host/token",
        "registration_endpoint": "https://host/register", "revocation_endpoint": "https://host/revoke",
        "jwks_uri": "https://host/jwks.json", "response_types_supported": ["code"], "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
        "revocation_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["S256"], "scopes_supported": ["read", "write", "admin"],
        "authorization_response_iss_parameter_supported": true, "client_id_metadata_document_supported": true,
    });
    assert_eq!(document, expected);
    let open_id =
        serde_json::to_value(AuthorizationServerMetadata::new(ISSUER, Some("https://host/docs".into()), true).into_open_id());
    let open_id = open_id.unwrap();
    assert_eq!(open_id["subject_types_supported"], json!(["public"]));
    assert_eq!(open_id["id_token_signing_alg_values_supported"], json!(["EdDSA"]));
    assert_eq!(open_id["issuer"], ISSUER);
}

#[test]
fn the_resources_document_names_the_very_address_and_the_very_issuer() {
    let document = ProtectedResourceMetadata::new(&resource(), ISSUER, "tickgate", None);
    let expected = json!({
        "resource": "https://host/mcp", "authorization_servers": ["https://host"], "scopes_supported": ["read", "write"],
        "bearer_methods_supported": ["header"], "resource_name": "tickgate",
    });
    assert_eq!(serde_json::to_value(document).unwrap(), expected);
}

#[test]
fn a_challenge_is_one_line_with_quoted_values() {
    let address = "https://host/.well-known/oauth-protected-resource/mcp";
    let bare = Challenge { resource_metadata: Some(address), scopes: ScopeSet::read("read write"), error: None };
    assert_eq!(bare.to_string(), format!("Bearer resource_metadata=\"{address}\", scope=\"read write\""));
    let error = Some((ChallengeError::InsufficientScope, "needs \"admin\"\\\r\nX-Evil: ü"));
    let refused = Challenge { error, scopes: ScopeSet::of(Scope::Admin), ..bare };
    assert_eq!(
        refused.to_string(),
        format!(
            "Bearer error=\"insufficient_scope\", error_description=\"needs \\\"admin\\\"\\\\X-Evil: \", \
             resource_metadata=\"{address}\", scope=\"admin\""
        )
    );
    let invalid = Challenge {
        resource_metadata: Some("x"),
        scopes: ScopeSet::default(),
        error: Some((ChallengeError::InvalidToken, "expired")),
    };
    assert_eq!(invalid.to_string(), "Bearer error=\"invalid_token\", error_description=\"expired\", resource_metadata=\"x\"");
}

#[test]
fn the_example_of_rfc_7636_fits() {
    assert_eq!(challenge_of(VERIFIER), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let challenge = PkceChallenge::read("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
    assert!(challenge.fits(VERIFIER));
}

#[test]
fn every_code_is_spelled_as_it_is_serialised() {
    use OAuthCode::{AccessDenied, InvalidClientMetadata, InvalidGrant, InvalidRedirectUri, InvalidTarget, ServerError};
    for code in [AccessDenied, InvalidClientMetadata, InvalidGrant, InvalidRedirectUri, InvalidTarget, ServerError] {
        assert_eq!(serde_json::to_value(code).unwrap(), Value::from(code.as_str()));
    }
    assert_eq!((OAuthError::dead_grant().code.status(), OAuthError::unknown_client().code.status()), (400, 401));
}

proptest! {
    #[test]
    fn attack_21_only_the_verifier_of_the_challenge_fits(verifier in "[A-Za-z0-9._~-]{43,128}", other in "[A-Za-z0-9._~-]{43,128}") {
        let challenge = PkceChallenge::read(&challenge_of(&verifier)).unwrap();
        prop_assert!(challenge.fits(&verifier));
        prop_assert_eq!(challenge.fits(&other), verifier == other);
    }

    #[test]
    fn a_challenge_text_never_breaks_out_of_its_header(text in ".*") {
        let challenge = Challenge { resource_metadata: Some("x"), scopes: ScopeSet::all(), error: Some((ChallengeError::InvalidToken, &text)) };
        let line = challenge.to_string();
        prop_assert!(line.bytes().all(|c| matches!(c, b' '..=b'~')));
        let unescaped = line.replace("\\\\", "").replace("\\\"", "");
        prop_assert_eq!(unescaped.matches('"').count(), 8);
    }

    #[test]
    fn scopes_are_read_as_they_are_written(text in "[a-z ]{0,30}") {
        let scopes = ScopeSet::read(&text);
        prop_assert_eq!(ScopeSet::read(&scopes.to_string()), scopes);
    }
}
