//! What may a client register (RFC 7591), and what is it told?
//!
//! Whatever is left out or `null` has its default; words that we do not know are dropped, as §2 allows, where enough is left:
//! editors register grants that no server has. Nothing absent is answered as `null`, which some SDKs refuse.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::{Map, Value};

use super::client::{AuthMethod, Client, ClientKind, MAX_CLIENT_NAME_CHARS};
use super::error::{OAuthCode, OAuthError};
use super::redirect_uri::RedirectUri;
use super::scopes::ScopeSet;
use crate::identity::hash::HashKeys;
use crate::market::text::clean;
use crate::time::Millis;

/// Most redirect addresses of a client.
pub const MAX_REDIRECT_URIS: usize = 20;
/// Longest address of a client's page, in bytes.
const MAX_PAGE_BYTES: usize = 1_024;
/// Most words of a list of grants or response types that are looked at.
const MAX_WORDS: usize = 20;
/// The grants that there are.
const GRANTS: [&str; 2] = ["authorization_code", "refresh_token"];

/// A registration that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Cleaned and shortened.
    pub name: Option<String>,
    /// At least one.
    pub redirect_uris: Vec<RedirectUri>,
    /// `none` when not said: a secret is only given to who asked for one (protocol.md §6.4).
    pub auth_method: AuthMethod,
    grants: Vec<&'static str>,
    scope: Option<ScopeSet>,
    client_uri: Option<String>,
    application_type: Option<&'static str>,
}

/// Fresh random bits for a client.
#[derive(Clone, Copy)]
pub struct NewClient {
    /// Its id.
    pub id: u128,
    /// Its secret, if it asked for one.
    pub secret: [u8; 32],
}

/// The answer, 201, to be sent with `Cache-Control: no-store`.
#[derive(Debug, Serialize)]
pub struct RegistrationAnswer {
    client_id: String,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_once")]
    client_secret: Option<SecretString>,
    client_id_issued_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u64>,
    redirect_uris: Vec<RedirectUri>,
    token_endpoint_auth_method: AuthMethod,
    grant_types: Vec<&'static str>,
    response_types: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<ScopeSet>,
}

fn shown_once<S: serde::Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.as_ref().map_or("", |secret| secret.expose_secret()))
}

impl RegistrationAnswer {
    /// The id that the client got.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }
}

impl Registration {
    /// Reads the body of `POST /register`.
    ///
    /// # Errors
    /// `invalid_redirect_uri` or `invalid_client_metadata`, with a sentence that says what is allowed.
    pub fn read(body: &Value) -> Result<Self, OAuthError> {
        let fields = body.as_object().ok_or_else(|| metadata("the body must be a JSON object"))?;
        let redirect_uris = redirect_uris(fields)?;
        let auth_method = match text(fields, "token_endpoint_auth_method")? {
            None => AuthMethod::None,
            Some(word) => AuthMethod::read(word)
                .ok_or_else(|| metadata("token_endpoint_auth_method must be none, client_secret_post or client_secret_basic"))?,
        };
        let asked = words(fields, "grant_types")?.unwrap_or_else(|| GRANTS.iter().map(|grant| (*grant).to_owned()).collect());
        let grants: Vec<&str> = GRANTS.into_iter().filter(|grant| asked.iter().any(|asked| asked == grant)).collect();
        if !grants.contains(&"authorization_code") {
            return Err(metadata("grant_types must have authorization_code"));
        }
        if words(fields, "response_types")?.is_some_and(|types| !types.iter().any(|word| word == "code")) {
            return Err(metadata("response_types must have code"));
        }
        let application_type = match text(fields, "application_type")? {
            None => None,
            Some("web") => Some("web"),
            Some("native") => Some("native"),
            Some(_) => return Err(metadata("application_type must be web or native")),
        };
        pages_are_pages(fields)?;
        Ok(Self {
            name: text(fields, "client_name")?.map(client_name).filter(|name| !name.is_empty()),
            redirect_uris,
            auth_method,
            grants,
            scope: text(fields, "scope")?.map(ScopeSet::read).filter(|scopes| !scopes.is_empty()),
            client_uri: page(fields, "client_uri")?,
            application_type,
        })
    }

    /// Makes the client: what is to be stored under [`Client::record_name`], and the answer.
    #[must_use]
    pub fn accept(self, new: &NewClient, keys: &HashKeys, now: Millis) -> (Client, RegistrationAnswer) {
        let id = Client::id_of(new.id);
        let secret = (self.auth_method != AuthMethod::None).then(|| Client::new_secret(&id, &new.secret, keys));
        let (text, hash) = secret.map_or((None, None), |(text, hash)| (Some(text), Some(hash)));
        let client = Client {
            id: id.clone(),
            kind: ClientKind::Registered,
            name: self.name.clone().unwrap_or_else(|| "an application without a name".to_owned()),
            redirect_uris: self.redirect_uris.clone(),
            auth_method: self.auth_method,
            secret: hash,
            client_uri: self.client_uri.clone(),
            created: now,
            last_used: None,
        };
        let answer = RegistrationAnswer {
            client_id: id,
            client_secret_expires_at: text.as_ref().map(|_| 0),
            client_secret: text,
            client_id_issued_at: now.0 / 1_000,
            redirect_uris: self.redirect_uris,
            token_endpoint_auth_method: self.auth_method,
            grant_types: self.grants,
            response_types: ["code"],
            client_name: self.name,
            client_uri: self.client_uri,
            application_type: self.application_type,
            scope: self.scope,
        };
        (client, answer)
    }
}

fn metadata(description: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(OAuthCode::InvalidClientMetadata, description)
}

/// A name as people may see it.
pub(super) fn client_name(text: &str) -> String {
    clean(text).trim().chars().take(MAX_CLIENT_NAME_CHARS).collect()
}

fn text<'a>(fields: &'a Map<String, Value>, field: &'static str) -> Result<Option<&'a str>, OAuthError> {
    match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(metadata(format!("{field} must be a string"))),
    }
}

fn words(fields: &Map<String, Value>, field: &'static str) -> Result<Option<Vec<String>>, OAuthError> {
    let wrong = || metadata(format!("{field} must be a list of at most {MAX_WORDS} strings"));
    match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(list)) if list.len() <= MAX_WORDS => {
            list.iter().map(|word| word.as_str().map(str::to_owned).ok_or_else(wrong)).collect::<Result<_, _>>().map(Some)
        }
        Some(_) => Err(wrong()),
    }
}

fn redirect_uris(fields: &Map<String, Value>) -> Result<Vec<RedirectUri>, OAuthError> {
    let wrong = |description: String| OAuthError::new(OAuthCode::InvalidRedirectUri, description);
    let listed = fields.get("redirect_uris").and_then(Value::as_array).filter(|list| !list.is_empty());
    let list = listed.ok_or_else(|| wrong("redirect_uris must be a list with at least one address".to_owned()))?;
    if list.len() > MAX_REDIRECT_URIS {
        return Err(wrong(format!("redirect_uris must have at most {MAX_REDIRECT_URIS} addresses")));
    }
    let read = |uri: &Value| RedirectUri::read(uri.as_str().unwrap_or_default()).map_err(|fault| wrong(fault.to_string()));
    list.iter().map(read).collect()
}

fn page(fields: &Map<String, Value>, field: &'static str) -> Result<Option<String>, OAuthError> {
    let Some(page) = text(fields, field)?.filter(|page| !page.is_empty()) else { return Ok(None) };
    if is_page(page) { Ok(Some(page.to_owned())) } else { Err(metadata(format!("{field} must be the address of a page"))) }
}

fn pages_are_pages(fields: &Map<String, Value>) -> Result<(), OAuthError> {
    ["logo_uri", "policy_uri", "tos_uri"].into_iter().try_for_each(|field| page(fields, field).map(|_| ()))
}

/// Whether a text is an address of the web: no script, no file, no user, short.
pub(super) fn is_page(text: &str) -> bool {
    let web = |url: url::Url| matches!(url.scheme(), "https" | "http") && url.has_host() && url.username().is_empty();
    text.len() <= MAX_PAGE_BYTES && text.bytes().all(|c| c.is_ascii_graphic()) && url::Url::parse(text).is_ok_and(web)
}
