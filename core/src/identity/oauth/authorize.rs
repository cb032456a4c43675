//! What does a client ask of a person, and who is told of a fault?

use serde::{Deserialize, Serialize};

use super::answer::{AuthorizeFault, error_redirect};
use super::client::Client;
use super::error::{OAuthCode, OAuthError};
use super::params::Params;
use super::pkce::PkceChallenge;
use super::redirect_uri::RedirectUri;
use super::resource::Resource;
use super::scopes::ScopeSet;
use crate::access::Scope;

/// Longest `state` that is given back, in bytes: editors put an address and a nonce in it.
pub const MAX_STATE_BYTES: usize = 4_096;
/// Longest client id, in bytes.
const MAX_CLIENT_ID_BYTES: usize = 1_024;
/// What is asked for when nothing that we know is: the least.
const DEFAULT_SCOPE: Scope = Scope::Read;

/// A request to `/authorize` of which only the client is known, so that it can be looked up.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    params: &'a Params,
    /// Which client asks, as it says.
    pub client_id: &'a str,
    redirect_uri: &'a str,
}

/// What is asked of the person (OpenID Connect Core §3.1.2.1). Other words are dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// Show nothing: answer `login_required` or `consent_required` instead.
    #[serde(default)]
    pub none: bool,
    /// Sign in anew.
    #[serde(default)]
    pub login: bool,
    /// Ask for consent even if it was given.
    #[serde(default)]
    pub consent: bool,
}

/// A request that fits; the scopes are still those that were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// The client.
    pub client_id: String,
    /// Where the browser goes afterwards: the client's own, as it was presented.
    pub redirect_uri: RedirectUri,
    /// What the token request must fit.
    pub challenge: PkceChallenge,
    /// Of what was asked for, the scopes that there are; `read` when none.
    pub scopes: ScopeSet,
    /// Given back untouched.
    #[serde(default)]
    pub state: Option<String>,
    /// For what the token will be good, by its published name.
    pub resource: String,
    /// How to ask.
    #[serde(default)]
    pub prompt: Prompt,
}

impl<'a> Asked<'a> {
    /// Reads who asks.
    ///
    /// # Errors
    /// What a page tells the person: without a client and an address there is nobody to send them back to.
    pub fn read(params: &'a Params) -> Result<Self, OAuthError> {
        if params.is_doubled("client_id") || params.is_doubled("redirect_uri") {
            return Err(OAuthError::request("client_id and redirect_uri must come once"));
        }
        let client_id = params.get("client_id").filter(|id| id.len() <= MAX_CLIENT_ID_BYTES);
        let client_id = client_id.ok_or_else(|| OAuthError::request("client_id is missing or too long"))?;
        let redirect_uri = params.get("redirect_uri").ok_or_else(|| OAuthError::request("redirect_uri is missing"))?;
        Ok(Self { params, client_id, redirect_uri })
    }

    /// Checks the request against the client that it names; `None` when there is none.
    ///
    /// # Errors
    /// Who is to be told of what.
    pub fn check(
        &self,
        client: Option<&Client>,
        resource: &Resource,
        issuer: &str,
    ) -> Result<AuthorizationRequest, AuthorizeFault> {
        let client = client.filter(|client| client.id == self.client_id);
        let client = client.ok_or_else(|| AuthorizeFault::Page(OAuthError::unknown_client()))?;
        let redirect_uri = client.redirect(self.redirect_uri).ok_or_else(|| {
            AuthorizeFault::Page(OAuthError::request("redirect_uri is not one that this client has registered"))
        })?;
        self.rest(client, &redirect_uri, resource).map_err(|error| {
            let state = self.params.get("state").filter(|state| state.len() <= MAX_STATE_BYTES);
            AuthorizeFault::Back(error_redirect(&redirect_uri, &error, state, issuer))
        })
    }

    fn rest(&self, client: &Client, redirect_uri: &RedirectUri, resource: &Resource) -> Result<AuthorizationRequest, OAuthError> {
        let params = self.params;
        if params.is_doubled("resource") {
            return Err(OAuthError::new(OAuthCode::InvalidTarget, "one resource at a time"));
        }
        if params.has_doubles() {
            return Err(OAuthError::request("each parameter must come once"));
        }
        match params.get("response_type") {
            Some("code") => {}
            None => return Err(OAuthError::request("response_type is missing: use code")),
            Some(_) => return Err(OAuthError::new(OAuthCode::UnsupportedResponseType, "use response_type code")),
        }
        if params.get("response_mode").is_some_and(|mode| mode != "query") {
            return Err(OAuthError::request("use response_mode query"));
        }
        let state = params.get("state");
        if state.is_some_and(|state| state.len() > MAX_STATE_BYTES) {
            return Err(OAuthError::request("state is too long"));
        }
        if !resource.is_meant_by(params.get("resource")) {
            return Err(OAuthError::other_resource());
        }
        let scopes = ScopeSet::read(params.get("scope").unwrap_or_default());
        Ok(AuthorizationRequest {
            client_id: client.id.clone(),
            redirect_uri: redirect_uri.clone(),
            challenge: challenge(params)?,
            scopes: if scopes.is_empty() { ScopeSet::of(DEFAULT_SCOPE) } else { scopes },
            state: state.map(str::to_owned),
            resource: resource.as_str().to_owned(),
            prompt: prompt(params.get("prompt").unwrap_or_default())?,
        })
    }
}

impl AuthorizationRequest {
    /// What of it a person may be asked for who may do `most`; `None` when nothing is left, which is `invalid_scope`.
    #[must_use]
    pub fn scopes_for(&self, most: Scope) -> Option<ScopeSet> {
        Some(self.scopes.within(most)).filter(|scopes| !scopes.is_empty())
    }
}

fn challenge(params: &Params) -> Result<PkceChallenge, OAuthError> {
    let challenge =
        params.get("code_challenge").ok_or_else(|| OAuthError::request("code_challenge is missing: PKCE is needed"))?;
    // RFC 7636 §4.3: a missing method means plain, which we have not.
    if params.get("code_challenge_method") != Some("S256") {
        return Err(OAuthError::request("use code_challenge_method S256"));
    }
    PkceChallenge::read(challenge).ok_or_else(|| OAuthError::request("code_challenge must be SHA-256 in base64url"))
}

fn prompt(text: &str) -> Result<Prompt, OAuthError> {
    let words: Vec<&str> = text.split(' ').collect();
    let has = |word| words.contains(&word);
    let prompt = Prompt { none: has("none"), login: has("login") || has("select_account"), consent: has("consent") };
    if prompt.none && words.len() > 1 { Err(OAuthError::request("prompt none stands alone")) } else { Ok(prompt) }
}
