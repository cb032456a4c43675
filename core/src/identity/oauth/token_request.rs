//! What does a request for tokens, or to give one back, say?

use secrecy::SecretString;

use super::client_auth::ClientCredentials;
use super::error::{OAuthCode, OAuthError};
use super::params::Params;
use super::scopes::ScopeSet;

/// A request to `/token`. The client is not yet authenticated.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// Who asks.
    pub client: ClientCredentials,
    /// What for.
    pub grant: TokenGrant,
}

/// The two grants that there are.
#[derive(Clone, Debug)]
pub enum TokenGrant {
    /// A code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5).
    AuthorizationCode {
        /// The code.
        code: SecretString,
        /// The address of the authorization request.
        redirect_uri: String,
        /// The PKCE verifier.
        verifier: SecretString,
        /// The resource, if named again.
        resource: Option<String>,
    },
    /// A refresh token for new ones (RFC 6749 §6).
    RefreshToken {
        /// The token.
        token: SecretString,
        /// Fewer scopes than were granted, if wanted.
        scope: Option<String>,
        /// The resource, if named again.
        resource: Option<String>,
    },
}

impl TokenRequest {
    /// Reads the form and the `Authorization` header.
    ///
    /// # Errors
    /// With the exact codes of RFC 6749 §5.2 and RFC 8707 §2.
    pub fn read(params: &Params, authorization: Option<&str>) -> Result<Self, OAuthError> {
        if params.is_doubled("resource") {
            return Err(OAuthError::new(OAuthCode::InvalidTarget, "one resource at a time"));
        }
        if params.has_doubles() {
            return Err(OAuthError::request("each parameter must come once"));
        }
        let client = ClientCredentials::read(params, authorization)?;
        let needed = |name: &'static str| params.get(name).ok_or_else(|| OAuthError::request(format!("{name} is missing")));
        let resource = params.get("resource").map(str::to_owned);
        let grant = match needed("grant_type")? {
            "authorization_code" => TokenGrant::AuthorizationCode {
                code: needed("code")?.into(),
                redirect_uri: needed("redirect_uri")?.to_owned(),
                verifier: needed("code_verifier")?.into(),
                resource,
            },
            "refresh_token" => TokenGrant::RefreshToken {
                token: needed("refresh_token")?.into(),
                scope: params.get("scope").map(str::to_owned),
                resource,
            },
            _ => {
                let told = "use grant_type authorization_code or refresh_token";
                return Err(OAuthError::new(OAuthCode::UnsupportedGrantType, told));
            }
        };
        Ok(Self { client, grant })
    }

    /// The scopes of a refreshed access token: what was granted, or the part of it that was asked for. Words that are not ours
    /// are dropped.
    ///
    /// # Errors
    /// `invalid_scope` when more is asked for than was granted (RFC 6749 §6).
    pub fn narrowed(granted: ScopeSet, asked: Option<&str>) -> Result<ScopeSet, OAuthError> {
        let asked = asked.map(ScopeSet::read).filter(|asked| !asked.is_empty()).unwrap_or(granted);
        if asked.is_covered_by(granted) {
            Ok(asked)
        } else {
            Err(OAuthError::new(OAuthCode::InvalidScope, "more than was granted: sign in again for it"))
        }
    }
}

/// A request to `/revoke` (RFC 7009). Whatever the token is, the answer is 200; only the client must be right.
#[derive(Clone, Debug)]
pub struct RevocationRequest {
    /// Who asks.
    pub client: ClientCredentials,
    /// The token: a refresh token or an access token, whatever the hint says.
    pub token: SecretString,
}

impl RevocationRequest {
    /// Reads the form and the `Authorization` header.
    ///
    /// # Errors
    /// `invalid_request` or `invalid_client`.
    pub fn read(params: &Params, authorization: Option<&str>) -> Result<Self, OAuthError> {
        if params.has_doubles() {
            return Err(OAuthError::request("each parameter must come once"));
        }
        let client = ClientCredentials::read(params, authorization)?;
        let token = params.get("token").ok_or_else(|| OAuthError::request("token is missing"))?;
        Ok(Self { client, token: token.into() })
    }
}
