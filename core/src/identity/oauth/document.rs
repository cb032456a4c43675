//! What does a client's metadata document say, may it be believed, and for how long?
//!
//! draft-ietf-oauth-client-id-metadata-document §4, protocol.md §6.4. The edge fetches it: https, no redirect, the address
//! guard ([`super::is_public`]) on the address that it connects to, [`MAX_DOCUMENT_BYTES`], a deadline. What is wrong is never
//! kept, so that a client can mend it at once; whoever asks too often meets the rate limit.

use serde::Deserialize;

use super::client::{AuthMethod, Client, ClientKind};
use super::client_url::ClientUrl;
use super::error::{OAuthCode, OAuthError};
use super::redirect_uri::{RedirectFault, RedirectUri};
use super::registration::{MAX_REDIRECT_URIS, client_name, is_page};
use crate::time::Millis;

/// Longest document, in bytes (§6.6 of the draft recommends 5 KB).
pub const MAX_DOCUMENT_BYTES: usize = 5_120;
/// Shortest time that a good document is kept, in seconds: one sign-in asks for it several times.
pub const MIN_DOCUMENT_CACHE_SECS: u64 = 60;
/// Longest time, in seconds: a day, after which a withdrawn redirect address is gone.
pub const MAX_DOCUMENT_CACHE_SECS: u64 = 86_400;
/// How long without a word about it, in seconds.
const DEFAULT_CACHE_SECS: u64 = 3_600;

/// Why a document is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentFault {
    /// It is longer than [`MAX_DOCUMENT_BYTES`].
    #[error("the client's metadata document is larger than 5 KB")]
    TooLarge,
    /// It is no JSON object of the wanted form, or says a field twice.
    #[error("the client's metadata document is no JSON object with client_id, client_name and redirect_uris")]
    Malformed,
    /// It is about another client.
    #[error("the client_id in the client's metadata document is not its address")]
    OtherClient,
    /// It has no name to show.
    #[error("the client's metadata document has no client_name")]
    NoName,
    /// It has no redirect address, or too many.
    #[error("the client's metadata document must have 1 to 20 redirect_uris")]
    RedirectCount,
    /// One of them will not do.
    #[error("a redirect_uri of the client's metadata document will not do")]
    Redirect(RedirectFault),
    /// It wants to prove itself by a secret, which a public document cannot have, or by a way that we have not.
    #[error("the client's metadata document must have token_endpoint_auth_method none")]
    AuthMethod,
    /// It leaves out the only grant or response type that there is.
    #[error("the client's metadata document must allow authorization_code and code")]
    Grant,
}

impl DocumentFault {
    /// What is told, on a page and never by redirect (protocol.md §6.4).
    #[must_use]
    pub fn told(self) -> OAuthError {
        OAuthError::new(OAuthCode::InvalidClient, self.to_string())
    }
}

#[derive(Deserialize)]
struct Document {
    client_id: String,
    client_name: Option<String>,
    redirect_uris: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    client_uri: Option<String>,
    client_secret: Option<serde::de::IgnoredAny>,
    client_secret_expires_at: Option<serde::de::IgnoredAny>,
}

/// Reads the document that lies at `url`.
///
/// # Errors
/// Why it is not believed.
pub fn read_document(url: &ClientUrl, body: &[u8], now: Millis) -> Result<Client, DocumentFault> {
    if body.len() > MAX_DOCUMENT_BYTES {
        return Err(DocumentFault::TooLarge);
    }
    let document: Document = serde_json::from_slice(body).map_err(|_| DocumentFault::Malformed)?;
    if document.client_id != url.as_str() {
        return Err(DocumentFault::OtherClient);
    }
    let name = document.client_name.as_deref().map(client_name).filter(|name| !name.is_empty()).ok_or(DocumentFault::NoName)?;
    let redirects = document.redirect_uris.unwrap_or_default();
    if redirects.is_empty() || redirects.len() > MAX_REDIRECT_URIS {
        return Err(DocumentFault::RedirectCount);
    }
    let redirect_uris =
        redirects.iter().map(|uri| RedirectUri::read(uri)).collect::<Result<_, _>>().map_err(DocumentFault::Redirect)?;
    let public = document.token_endpoint_auth_method.as_deref().is_none_or(|method| method == "none");
    if !public || document.client_secret.is_some() || document.client_secret_expires_at.is_some() {
        return Err(DocumentFault::AuthMethod);
    }
    let lacks =
        |list: &Option<Vec<String>>, word: &str| list.as_ref().is_some_and(|list| !list.iter().any(|found| found == word));
    if lacks(&document.grant_types, "authorization_code") || lacks(&document.response_types, "code") {
        return Err(DocumentFault::Grant);
    }
    Ok(Client {
        id: document.client_id,
        kind: ClientKind::Document,
        name,
        redirect_uris,
        auth_method: AuthMethod::None,
        secret: None,
        client_uri: document.client_uri.filter(|page| is_page(page)),
        created: now,
        last_used: None,
    })
}

/// How long a good document is kept, in seconds, by its `Cache-Control` (RFC 9111 §5.2.2) within our bounds. `no-store` and
/// `no-cache` mean the shortest time.
#[must_use]
pub fn cache_secs(cache_control: Option<&str>) -> u64 {
    let directives = || cache_control.unwrap_or_default().split(',').map(|word| word.trim().to_ascii_lowercase());
    if directives().any(|word| matches!(word.as_str(), "no-store" | "no-cache")) {
        return MIN_DOCUMENT_CACHE_SECS;
    }
    let max_age = directives().find_map(|word| word.strip_prefix("max-age=")?.trim_matches('"').parse::<u64>().ok());
    max_age.unwrap_or(DEFAULT_CACHE_SECS).clamp(MIN_DOCUMENT_CACHE_SECS, MAX_DOCUMENT_CACHE_SECS)
}
