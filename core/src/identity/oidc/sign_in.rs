//! Does a callback belong to a sign-in that this browser began?
//!
//! `state` goes through the address and names the record; a cookie of the same browser must fit too (RFC 6749 §10.12, RFC 9700
//! §2.1), so that a captured address is worth nothing elsewhere. The record is *taken* from the store: once. `iss` tells one
//! provider from another (RFC 9207).

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::id_token::Provider;
use crate::identity::base62;
use crate::identity::hash::HashKeys;
use crate::identity::oauth::{Params, challenge_of};
use crate::identity::once::{Once, OnceRandom, OnceRecord, PresentedOnce};
use crate::time::Millis;

/// Longest code of a provider that is passed on, in bytes.
const MAX_CODE_BYTES: usize = 4_096;

/// A sign-in that waits for its callback.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingSignIn {
    state: OnceRecord,
    browser: OnceRecord,
    /// The issuer that was asked.
    pub issuer: String,
    /// What the ID token must repeat.
    pub nonce: String,
    /// The PKCE verifier for the provider's token endpoint.
    pub verifier: String,
    /// Where to go afterwards: a path of ours.
    pub return_to: String,
}

impl std::fmt::Debug for PendingSignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingSignIn").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Fresh random bits for a sign-in.
#[derive(Clone, Copy)]
pub struct SignInSecrets {
    /// The name of the record.
    pub name: u128,
    /// The `state`.
    pub state: [u8; 32],
    /// The cookie.
    pub browser: [u8; 32],
    /// The nonce.
    pub nonce: [u8; 32],
    /// The verifier: 43 characters come of it, as RFC 7636 §4.1 wants.
    pub verifier: [u8; 32],
}

/// A callback, as it came.
#[derive(Clone, Copy, Debug)]
pub struct Callback<'a> {
    /// Its query.
    pub params: &'a Params,
    /// The cookie of the browser.
    pub browser: Option<&'a PresentedOnce>,
    /// Whether the provider says in its metadata that it always sends `iss`.
    pub sends_issuer: bool,
}

/// Why a callback leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackFault {
    /// `state` is missing, made up or another sign-in's.
    #[error("this sign-in was not begun here, or has ended already")]
    State,
    /// The browser is not the one that began.
    #[error("this sign-in was begun in another browser")]
    OtherBrowser,
    /// Too late.
    #[error("this sign-in took too long: begin again")]
    Expired,
    /// Another provider answers than the one that was asked.
    #[error("the answer comes from another provider")]
    Issuer,
    /// The person said no, or the provider failed.
    #[error("the provider did not sign you in")]
    Denied,
    /// There is no code, or something came twice.
    #[error("the answer of the provider is malformed")]
    Malformed,
}

impl PendingSignIn {
    /// Begins a sign-in: what is to be stored under `secrets.name`, the `state`, and the cookie.
    #[must_use]
    pub fn begin(
        provider: &Provider,
        return_to: &str,
        secrets: &SignInSecrets,
        keys: &HashKeys,
        now: Millis,
    ) -> (Self, SecretString, SecretString) {
        let once = |what, secret| OnceRecord::create(what, &OnceRandom { name: secrets.name, secret }, u64::MAX, keys, now);
        let (state, state_text) = once(Once::SignIn, secrets.state);
        let (browser, cookie) = once(Once::Browser, secrets.browser);
        let pending = Self {
            state,
            browser,
            issuer: provider.issuer.clone(),
            nonce: base62::write_32(&secrets.nonce),
            verifier: base62::write_32(&secrets.verifier),
            return_to: local_path(return_to).unwrap_or("/").to_owned(),
        };
        (pending, state_text, cookie)
    }

    /// The S256 challenge for the provider.
    #[must_use]
    pub fn challenge(&self) -> String {
        challenge_of(&self.verifier)
    }

    /// The `state` of a callback, by which the record is taken.
    #[must_use]
    pub fn state_of(params: &Params) -> Option<PresentedOnce> {
        PresentedOnce::read(Once::SignIn, params.get("state")?)
    }

    /// The code with which the provider's tokens are fetched. The record is taken already, so whatever is wrong, this sign-in
    /// is over.
    ///
    /// # Errors
    /// Why there is none.
    pub fn code(
        &self,
        callback: &Callback<'_>,
        provider: &Provider,
        keys: &HashKeys,
        now: Millis,
    ) -> Result<String, CallbackFault> {
        let params = callback.params;
        let state = Self::state_of(params).ok_or(CallbackFault::State)?;
        if !self.state.is_of(&state, keys) {
            return Err(CallbackFault::State);
        }
        if !callback.browser.is_some_and(|browser| self.browser.is_of(browser, keys)) {
            return Err(CallbackFault::OtherBrowser);
        }
        if self.state.is_over(now) {
            return Err(CallbackFault::Expired);
        }
        if params.has_doubles() {
            return Err(CallbackFault::Malformed);
        }
        let asked = self.issuer == provider.issuer;
        if !asked || !params.get("iss").map_or(!callback.sends_issuer, |iss| provider.is_issuer(iss)) {
            return Err(CallbackFault::Issuer);
        }
        if params.get("error").is_some() {
            return Err(CallbackFault::Denied);
        }
        let code = params.get("code").filter(|code| code.len() <= MAX_CODE_BYTES);
        code.map(str::to_owned).ok_or(CallbackFault::Malformed)
    }

    /// When the record may be forgotten.
    #[must_use]
    pub const fn expires(&self) -> Millis {
        self.state.expires
    }
}

/// A place of ours to go to after a sign-in: a path, never another site. Browsers read `//host`, `/\host` and `/<tab>/host` as
/// addresses of another host.
#[must_use]
pub fn local_path(text: &str) -> Option<&str> {
    let ours = text.starts_with('/')
        && !text.starts_with("//")
        && text.len() <= 1_024
        && text.bytes().all(|c| c.is_ascii_graphic() && c != b'\\' && c != b'"');
    ours.then_some(text)
}
