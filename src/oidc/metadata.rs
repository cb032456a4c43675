//! Where are the provider's endpoints (OpenID Connect Discovery §3), and may they be used?

use serde::Deserialize;
use url::Url;

/// The endpoints of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Where the browser goes.
    pub authorization: Url,
    /// Where a code is exchanged.
    pub token: Url,
    /// Where its keys are.
    pub keys: Url,
    /// Whether it always sends `iss` to the callback (RFC 9207).
    pub sends_issuer: bool,
    /// Whether it takes our secret in the form; else as HTTP Basic, which is the default.
    pub secret_in_form: bool,
}

/// Why the document cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataFault {
    /// Not the JSON of a discovery document.
    #[error("it is not a discovery document")]
    Malformed,
    /// Of another issuer (OpenID Connect Discovery §4.3).
    #[error("it names another issuer than GOOGLE_ISSUER")]
    Issuer,
    /// An endpoint without HTTPS.
    #[error("an endpoint is not an https address")]
    Plain,
    /// It says that it cannot do what we need.
    #[error("the provider offers no PKCE with S256, no RS256, or no authorization code")]
    Unfit,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    id_token_signing_alg_values_supported: Option<Vec<String>>,
    #[serde(default)]
    response_types_supported: Option<Vec<String>>,
}

impl Metadata {
    /// Where the document of an issuer lies.
    ///
    /// # Errors
    /// When the issuer is no address.
    pub fn address(issuer: &str) -> Result<Url, url::ParseError> {
        Url::parse(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))
    }

    /// Reads the document of an issuer.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn read(body: &[u8], issuer: &str) -> Result<Self, MetadataFault> {
        let document: Document = serde_json::from_slice(body).map_err(|_| MetadataFault::Malformed)?;
        if document.issuer != issuer {
            return Err(MetadataFault::Issuer);
        }
        // An issuer without HTTPS is one of this machine: the settings allow no other.
        let plain = issuer.starts_with("http://");
        let fits = |url: &Url| (url.scheme() == "https" || (plain && url.scheme() == "http")) && url.fragment().is_none();
        if ![&document.authorization_endpoint, &document.token_endpoint, &document.jwks_uri].into_iter().all(fits) {
            return Err(MetadataFault::Plain);
        }
        let offers =
            |list: &Option<Vec<String>>, wanted: &str| list.as_ref().is_none_or(|list| list.iter().any(|one| one == wanted));
        if !offers(&document.code_challenge_methods_supported, "S256")
            || !offers(&document.id_token_signing_alg_values_supported, "RS256")
            || !offers(&document.response_types_supported, "code")
        {
            return Err(MetadataFault::Unfit);
        }
        Ok(Self {
            authorization: document.authorization_endpoint,
            token: document.token_endpoint,
            keys: document.jwks_uri,
            sends_issuer: document.authorization_response_iss_parameter_supported,
            secret_in_form: document.token_endpoint_auth_methods_supported.iter().any(|method| method == "client_secret_post"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ISSUER: &str = "https://id.example";

    fn document(change: &Value) -> Vec<u8> {
        let mut document = json!({
            "issuer": ISSUER, "authorization_endpoint": "https://id.example/authorize?tenant=1",
            "token_endpoint": "https://tokens.example/token", "jwks_uri": "https://keys.example/keys",
            "response_types_supported": ["code"], "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["plain", "S256"],
        });
        for (name, value) in change.as_object().unwrap() {
            document[name] = value.clone();
        }
        document.to_string().into_bytes()
    }

    #[test]
    fn the_document_of_the_issuer_gives_its_endpoints() {
        let metadata = Metadata::read(&document(&json!({})), ISSUER).unwrap();
        assert_eq!(metadata.token.as_str(), "https://tokens.example/token");
        assert!(!metadata.sends_issuer && !metadata.secret_in_form);
        assert_eq!(
            Metadata::address("https://id.example/").unwrap().as_str(),
            "https://id.example/.well-known/openid-configuration"
        );
        assert!(
            Metadata::read(&document(&json!({"code_challenge_methods_supported": null})), ISSUER).is_ok(),
            "Google's said nothing for years"
        );
    }

    #[test]
    fn attack_22_a_document_of_another_issuer_or_with_unsafe_endpoints_is_not_used() {
        let table = [
            (json!({"issuer": "https://evil.example"}), MetadataFault::Issuer),
            (json!({"issuer": "https://id.example/"}), MetadataFault::Issuer),
            (json!({"token_endpoint": "http://tokens.example/token"}), MetadataFault::Plain),
            (json!({"jwks_uri": "file:///etc/passwd"}), MetadataFault::Plain),
            (json!({"authorization_endpoint": "javascript:alert(1)"}), MetadataFault::Plain),
            (json!({"authorization_endpoint": 5}), MetadataFault::Malformed),
            (json!({"code_challenge_methods_supported": ["plain"]}), MetadataFault::Unfit),
            (json!({"id_token_signing_alg_values_supported": ["HS256", "none"]}), MetadataFault::Unfit),
        ];
        for (change, fault) in table {
            assert_eq!(Metadata::read(&document(&change), ISSUER), Err(fault), "{change}");
        }
        for body in ["", "[]", "<html>", "{\"issuer\":\"https://id.example\"}"] {
            assert_eq!(Metadata::read(body.as_bytes(), ISSUER), Err(MetadataFault::Malformed));
        }
    }
}
