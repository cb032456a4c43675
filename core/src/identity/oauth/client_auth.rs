//! Which client sends a request, and does it prove it (RFC 6749 §2.3)?

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::SecretString;

use super::client::{AuthMethod, Client, ClientSecret};
use super::error::{OAuthCode, OAuthError};
use super::params::Params;
use crate::identity::hash::HashKeys;

/// Longest `Authorization` header that is read, in bytes.
const MAX_HEADER_BYTES: usize = 8_192;

/// Who a client says it is, and its secret if it sent one.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: Option<ClientSecret>,
    /// Whether it came by HTTP Basic.
    pub with_basic: bool,
}

impl ClientCredentials {
    /// Reads them from the form and the `Authorization` header.
    ///
    /// # Errors
    /// `invalid_request` when both ways are used at once or the client is named twice differently; `invalid_client` when the
    /// header cannot be read.
    pub fn read(params: &Params, authorization: Option<&str>) -> Result<Self, OAuthError> {
        let id = params.get("client_id");
        let secret = params.get("client_secret");
        let Some(header) = authorization else {
            let id = id.ok_or_else(|| OAuthError::request("client_id is missing"))?;
            let secret = secret.map(|secret| ClientSecret(SecretString::from(secret)));
            return Ok(Self { id: id.to_owned(), secret, with_basic: false });
        };
        if secret.is_some() {
            return Err(OAuthError::request("use one way of client authentication, not two"));
        }
        let (name, secret) = basic(header).ok_or_else(|| {
            let error = OAuthError::new(OAuthCode::InvalidClient, "the Authorization header must be HTTP Basic");
            OAuthError { with_basic: true, ..error }
        })?;
        if id.is_some_and(|id| id != name) {
            return Err(OAuthError::request("client_id must be the one of the Authorization header"));
        }
        let secret = (!secret.is_empty()).then(|| ClientSecret(SecretString::from(secret)));
        Ok(Self { id: name, secret, with_basic: true })
    }
}

/// Whether a client is the one that it says. `found` is the client of that id.
///
/// # Errors
/// `invalid_client`, 401, on which clients register anew: it is unknown, gone, showed a wrong secret or none, or showed one
/// though it has none.
pub fn authenticate(found: Option<&Client>, credentials: &ClientCredentials, keys: &HashKeys) -> Result<(), OAuthError> {
    let proven = found.filter(|client| client.id == credentials.id).is_some_and(|client| match client.auth_method {
        AuthMethod::None => credentials.secret.is_none(),
        // Which of the two ways a client takes adds nothing once the secret is right, and SDKs mix them up.
        AuthMethod::ClientSecretPost | AuthMethod::ClientSecretBasic => {
            credentials.secret.as_ref().is_some_and(|secret| client.has_secret(secret, keys))
        }
    });
    if proven { Ok(()) } else { Err(OAuthError { with_basic: credentials.with_basic, ..OAuthError::unknown_client() }) }
}

/// Id and secret of a header, each form-encoded before base64 (RFC 6749 §2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    if header.len() > MAX_HEADER_BYTES {
        return None;
    }
    let (scheme, value) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(value.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let (id, secret) = (form_decoded(id), form_decoded(secret));
    (!id.is_empty()).then_some((id, secret))
}

fn form_decoded(text: &str) -> String {
    // As the name of a form field without value; `&` and `=` are escaped in what was encoded, and stay what they are otherwise.
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(escaped.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}
