//! What do the discovery documents say (RFC 8414, RFC 9728, OpenID Connect Discovery)?

use serde::Serialize;

use super::resource::Resource;
use super::scopes::ScopeSet;
use crate::access::Scope;

/// `/.well-known/oauth-authorization-server`, the same at every path where clients look (protocol.md §6.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuthorizationServerMetadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    registration_endpoint: String,
    revocation_endpoint: String,
    jwks_uri: String,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 2],
    token_endpoint_auth_methods_supported: [&'static str; 3],
    revocation_endpoint_auth_methods_supported: [&'static str; 3],
    code_challenge_methods_supported: [&'static str; 1],
    scopes_supported: Vec<&'static str>,
    authorization_response_iss_parameter_supported: bool,
    client_id_metadata_document_supported: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_documentation: Option<String>,
}

/// `/.well-known/openid-configuration`: the same and what OpenID Connect Discovery §3 wants beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenIdMetadata {
    #[serde(flatten)]
    server: AuthorizationServerMetadata,
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 1],
}

/// `/.well-known/oauth-protected-resource`, and the same with the path of the endpoint behind it (RFC 9728 §3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProtectedResourceMetadata {
    resource: String,
    authorization_servers: [String; 1],
    scopes_supported: Vec<&'static str>,
    bearer_methods_supported: [&'static str; 1],
    resource_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_documentation: Option<String>,
}

const AUTH_METHODS: [&str; 3] = ["none", "client_secret_post", "client_secret_basic"];

fn words(scopes: ScopeSet) -> Vec<&'static str> {
    scopes.iter().map(Scope::as_str).collect()
}

impl AuthorizationServerMetadata {
    /// The document of this issuer, an origin without a slash at its end: it must be the text from which the address of the
    /// document was made (RFC 8414 §3.3). `by_document` says whether clients may be known by a metadata document.
    #[must_use]
    pub fn new(issuer: &str, documentation: Option<String>, by_document: bool) -> Self {
        let at = |path: &str| format!("{issuer}{path}");
        Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: at("/authorize"),
            token_endpoint: at("/token"),
            registration_endpoint: at("/register"),
            revocation_endpoint: at("/revoke"),
            jwks_uri: at("/jwks.json"),
            response_types_supported: ["code"],
            response_modes_supported: ["query"],
            grant_types_supported: ["authorization_code", "refresh_token"],
            token_endpoint_auth_methods_supported: AUTH_METHODS,
            revocation_endpoint_auth_methods_supported: AUTH_METHODS,
            code_challenge_methods_supported: ["S256"],
            scopes_supported: words(ScopeSet::all()),
            authorization_response_iss_parameter_supported: true,
            client_id_metadata_document_supported: by_document,
            service_documentation: documentation,
        }
    }

    /// The variant for OpenID Connect discovery. We give out no ID tokens; clients of MCP only want the document to be there.
    #[must_use]
    pub const fn into_open_id(self) -> OpenIdMetadata {
        OpenIdMetadata { server: self, subject_types_supported: ["public"], id_token_signing_alg_values_supported: ["EdDSA"] }
    }
}

impl ProtectedResourceMetadata {
    /// The document of a resource. Its name must be the very address that people type, and the server's the very issuer.
    #[must_use]
    pub fn new(resource: &Resource, issuer: &str, name: &str, documentation: Option<String>) -> Self {
        Self {
            resource: resource.as_str().to_owned(),
            authorization_servers: [issuer.to_owned()],
            // Clients ask for all that stands here. `admin` does not, so that an admin's client gets it only when it steps up.
            scopes_supported: words(ScopeSet::all().within(Scope::Write)),
            bearer_methods_supported: ["header"],
            resource_name: name.to_owned(),
            resource_documentation: documentation,
        }
    }
}
