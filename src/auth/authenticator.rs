//! Finds the caller of a request. The first credential that is present decides; a bad one is refused, nothing falls through.

use std::net::IpAddr;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use tickgate_actors::Clock;
use tickgate_core::access::{Caller, Principal, Scope};
use tickgate_core::time::Millis;

use super::jwt::JwtAuthority;
use super::known::Known;
use super::static_keys::{StaticKeys, hash};
use crate::settings::AccessSettings;

/// Longest credential looked at, in bytes.
const MAX_CREDENTIAL_BYTES: usize = 4_096;

/// A credential as sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Credential<'a> {
    /// A token or a key.
    Token(&'a str),
    /// Something that is neither.
    Malformed,
}

/// Why nobody is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// There is no credential and there must be one.
    Missing,
    /// The credential is not good.
    Invalid,
}

/// Checks credentials.
pub struct Authenticator {
    anonymous: Option<Scope>,
    keys: StaticKeys,
    tokens: JwtAuthority,
    known: Known,
    clock: Clock,
}

impl Authenticator {
    /// Checks against these keys and tokens.
    #[must_use]
    pub fn new(access: &AccessSettings, tokens: JwtAuthority, clock: Clock) -> Self {
        Self {
            anonymous: access.anonymous_scope(),
            keys: StaticKeys::new(&access.static_keys),
            tokens,
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
            Some(Credential::Token(token)) => self.known.find(&hash(token), self.clock.now()),
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
            Some(Credential::Token(token)) => self.check(token).ok_or(AuthError::Invalid),
        }
    }

    fn check(&self, token: &str) -> Option<Caller> {
        let (hash, now) = (hash(token), self.clock.now());
        if let Some(caller) = self.known.find(&hash, now) {
            return Some(caller);
        }
        let caller = if is_jwt_shaped(token) { self.tokens.verify(token).ok()? } else { self.keys.find(&hash)? };
        let expires = caller.expires.unwrap_or(Millis(u64::MAX));
        self.known.remember(hash, caller.clone(), expires, now);
        Some(caller)
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
