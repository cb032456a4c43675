//! Which faults are there, under which code and status?

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

/// The error codes of RFC 6749 §4.1.2.1 and §5.2, RFC 7591 §3.2.2, RFC 8707 §2 and OpenID Connect Core §3.1.2.6, exactly as
/// clients look for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OAuthCode {
    /// Something is missing, doubled or malformed.
    InvalidRequest,
    /// The client is unknown or did not prove that it is the one; clients register anew on it.
    InvalidClient,
    /// The code or refresh token is dead; clients ask the person again on it.
    InvalidGrant,
    /// The client may not use this grant.
    UnauthorizedClient,
    /// There is no such grant.
    UnsupportedGrantType,
    /// There is no such response type.
    UnsupportedResponseType,
    /// More was asked for than was agreed to.
    InvalidScope,
    /// The resource is not ours (RFC 8707).
    InvalidTarget,
    /// The person said no.
    AccessDenied,
    /// The person is not signed in, and `prompt=none` forbids to ask.
    LoginRequired,
    /// The person has not agreed, and `prompt=none` forbids to ask.
    ConsentRequired,
    /// The gateway failed.
    ServerError,
    /// The gateway cannot do it now.
    TemporarilyUnavailable,
    /// A redirect address of a registration will not do (RFC 7591).
    InvalidRedirectUri,
    /// Something else of a registration will not do (RFC 7591).
    InvalidClientMetadata,
    /// The kind of token cannot be revoked (RFC 7009).
    UnsupportedTokenType,
}

impl OAuthCode {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::UnsupportedTokenType => "unsupported_token_type",
        }
    }

    /// The HTTP status of an answer in JSON.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient => 401,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            _ => 400,
        }
    }
}

/// A fault as clients read it. The description is for developers, in the characters that RFC 6749 §5.2 allows (ASCII without
/// quotation marks and backslashes), and repeats nothing that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OAuthError {
    /// For programs.
    #[serde(rename = "error")]
    pub code: OAuthCode,
    /// For developers.
    #[serde(rename = "error_description")]
    pub description: Cow<'static, str>,
    /// Whether the client tried HTTP Basic: then a 401 carries `WWW-Authenticate: Basic` (RFC 6749 §5.2).
    #[serde(skip)]
    pub with_basic: bool,
}

impl OAuthError {
    pub(crate) fn new(code: OAuthCode, description: impl Into<Cow<'static, str>>) -> Self {
        let description = description.into();
        debug_assert!(description.bytes().all(|c| matches!(c, b' '..=b'~') && c != b'"' && c != b'\\'), "{description}");
        Self { code, description, with_basic: false }
    }

    pub(super) fn request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(OAuthCode::InvalidRequest, description)
    }

    /// A dead code or token. Why it is dead is for the audit; to the client all look alike.
    #[must_use]
    pub fn dead_grant() -> Self {
        Self::new(OAuthCode::InvalidGrant, "the code or token is invalid, expired, used or revoked")
    }

    /// A client that is unknown, gone, or did not prove that it is the one.
    #[must_use]
    pub fn unknown_client() -> Self {
        Self::new(OAuthCode::InvalidClient, "the client is unknown or its credentials are wrong: register again")
    }

    /// A resource that the token is not for (RFC 8707 §2).
    #[must_use]
    pub(crate) fn other_resource() -> Self {
        Self::new(OAuthCode::InvalidTarget, "this server, or this grant, knows no such resource")
    }

    /// A fault that happened inside, or is told to the browser by name.
    #[must_use]
    pub fn told(code: OAuthCode, description: &'static str) -> Self {
        Self::new(code, description)
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.description)
    }
}

impl std::error::Error for OAuthError {}
