//! Finds the caller of a request. The first credential that is present decides; a bad one is refused, nothing falls through.

use std::net::IpAddr;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use tickgate_actors::Clock;
use tickgate_core::access::{Caller, CredentialId, Principal, Scope};
use tickgate_core::identity::HashKeys;
use tickgate_core::identity::api_key::{ApiKey, KeyId, KeyRefusal, PresentedKey};
use tickgate_core::time::Millis;

use super::jwt::JwtAuthority;
use super::known::Known;
use super::static_keys::{StaticKeys, hash};
use crate::identity::Directory;
use crate::settings::AccessSettings;

/// Longest credential looked at, in bytes.
pub const MAX_CREDENTIAL_BYTES: usize = 4_096;

/// A credential as sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Credential<'a> {
    /// A token or a key.
    Token(&'a str),
    /// Something that is neither.
    Malformed,
}

/// Why nobody is let in. To whoever asks, all but the first look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// There is no credential and there must be one.
    Missing,
    /// The credential is not good.
    Invalid,
    /// It is well written, but no stored key that is good now.
    Key(KeyId, KeyRefusal),
    /// The token is good, but whose it is may do nothing, or nobody knows them.
    Owner,
    /// The token's sign-in was ended.
    Ended,
}

impl AuthError {
    /// Whether it may be otherwise once the store has been asked: what another process has just written.
    #[must_use]
    pub const fn may_be_out_of_date(self) -> bool {
        matches!(self, Self::Key(..) | Self::Owner)
    }
}

/// Checks credentials.
pub struct Authenticator {
    anonymous: Option<Scope>,
    keys: StaticKeys,
    tokens: JwtAuthority,
    directory: Directory,
    hashing: HashKeys,
    known: Known,
    clock: Clock,
}

impl Authenticator {
    /// Checks against the static keys of the settings, these tokens, and who is in the directory. `hashing`: how the secrets of
    /// stored keys were hashed.
    #[must_use]
    pub fn new(access: &AccessSettings, tokens: JwtAuthority, directory: Directory, hashing: HashKeys, clock: Clock) -> Self {
        Self {
            anonymous: access.anonymous_scope(),
            keys: StaticKeys::new(&access.static_keys),
            tokens,
            directory,
            hashing,
            known: Known::default(),
            clock,
        }
    }

    /// The credential of a request, if it has one.
    #[must_use]
    pub fn credential(headers: &HeaderMap) -> Option<Credential<'_>> {
        if headers.contains_key(AUTHORIZATION) {
            return Some(
                single(headers, AUTHORIZATION.as_str()).and_then(bearer).map_or(Credential::Malformed, Credential::Token),
            );
        }
        headers.contains_key("x-api-key").then(|| single(headers, "x-api-key").map_or(Credential::Malformed, Credential::Token))
    }

    /// The caller of a credential found good a moment ago.
    #[must_use]
    pub fn known(&self, headers: &HeaderMap) -> Option<Caller> {
        match Self::credential(headers) {
            Some(Credential::Token(token)) => self.known.find(&hash(token), self.directory.generation(), self.clock.now()),
            _ => None,
        }
    }

    /// Who calls.
    ///
    /// # Errors
    /// When a credential is missing or not good.
    pub fn authenticate(&self, headers: &HeaderMap, ip: IpAddr) -> Result<Caller, AuthError> {
        match Self::credential(headers) {
            None => {
                let scope = self.anonymous.ok_or(AuthError::Missing)?;
                Ok(Caller::anonymous(Principal::new("ip", &ip.to_string()), scope))
            }
            Some(Credential::Malformed) => Err(AuthError::Invalid),
            Some(Credential::Token(token)) => self.check(token),
        }
    }

    /// Who showed this token or key.
    ///
    /// # Errors
    /// When it is not good.
    pub fn check(&self, token: &str) -> Result<Caller, AuthError> {
        let (hash, now) = (hash(token), self.clock.now());
        // Read before anything is looked up: what changes meanwhile makes the outcome one of an earlier generation.
        let generation = self.directory.generation();
        if let Some(caller) = self.known.find(&hash, generation, now) {
            return Ok(caller);
        }
        let caller = if is_jwt_shaped(token) {
            self.token(token)?
        } else {
            self.keys.find(&hash).map_or_else(|| self.stored_key(token, now), Ok)?
        };
        self.known.remember(hash, caller.clone(), generation, now);
        Ok(caller)
    }

    fn token(&self, token: &str) -> Result<Caller, AuthError> {
        let caller = self.tokens.verify(token).map_err(|_| AuthError::Invalid)?;
        if let CredentialId::Family(sign_in) | CredentialId::BrowserSession(sign_in) = caller.credential
            && self.directory.has_ended(sign_in)
        {
            return Err(AuthError::Ended);
        }
        let most = self.directory.scope_of(&caller.principal).ok_or(AuthError::Owner)?;
        Ok(Caller { scope: caller.scope.min(most), ..caller })
    }

    fn stored_key(&self, text: &str, now: Millis) -> Result<Caller, AuthError> {
        let presented = PresentedKey::read(text).ok_or(AuthError::Invalid)?;
        let entry = self.directory.key(presented.id.name());
        let key = entry.as_ref().map(|entry| &entry.key);
        let refused = |refusal| AuthError::Key(presented.id, refusal);
        let good = ApiKey::check(key, &presented, &self.hashing, now).map_err(refused)?;
        let key = key.ok_or(refused(KeyRefusal::Unknown))?;
        let most = self.directory.scope_of(&key.owner).ok_or(refused(KeyRefusal::Revoked))?;
        Ok(Caller {
            credential: CredentialId::ApiKey(key.id.name()),
            expires: good.until,
            ..Caller::trusted(key.owner.clone(), key.scope_under(most))
        })
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name);
    let value = values.next()?.to_str().ok()?.trim();
    let sound = values.next().is_none() && !value.is_empty() && value.len() <= MAX_CREDENTIAL_BYTES;
    sound.then_some(value)
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Three base64url parts; our keys have no dot.
fn is_jwt_shaped(token: &str) -> bool {
    token.split('.').count() == 3
}
