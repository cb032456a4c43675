//! Do the claims of an ID token say who signed in here, now, for this request (OpenID Connect Core §3.1.3.7)?
//!
//! The edge has checked the signature with a key of the provider and an algorithm that it chose itself; this is everything else.

use serde::{Deserialize, Deserializer};

use crate::identity::hash::same;
use crate::identity::user::Identity;
use crate::time::Millis;

/// How far the provider's clock may differ from ours, in seconds.
pub const CLOCK_SKEW_SECS: u64 = 60;
/// How old a token may be that comes straight from the provider, in seconds: a sign-in takes ten minutes at most.
pub const MAX_AGE_SECS: u64 = 600;
/// Longest `sub`, in bytes (OpenID Connect Core §2: 255 ASCII characters).
const MAX_SUBJECT_BYTES: usize = 255;

/// The provider, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its issuer: accounts are kept under this spelling.
    pub issuer: String,
    /// Other spellings of the same issuer; Google leaves out `https://` in some tokens.
    pub also: Vec<String>,
    /// Our client id there.
    pub client_id: String,
    /// The one hosted domain whose people may come in, if only one may.
    pub hosted_domain: Option<String>,
}

impl Provider {
    /// Whether an `iss` is this provider's, by simple comparison.
    #[must_use]
    pub fn is_issuer(&self, issuer: &str) -> bool {
        self.issuer == issuer || self.also.iter().any(|also| also == issuer)
    }
}

/// Whom a token is for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// The claims that are looked at. A number may be written with decimals, as JWT allows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IdClaims {
    /// Who made it.
    pub iss: String,
    /// Whom it is about.
    pub sub: String,
    /// Whom it is for.
    pub aud: Audience,
    /// Who may use it.
    #[serde(default)]
    pub azp: Option<String>,
    /// Until when, in seconds since 1970.
    #[serde(deserialize_with = "seconds")]
    pub exp: u64,
    /// Since when.
    #[serde(deserialize_with = "seconds")]
    pub iat: u64,
    /// From when on.
    #[serde(default, deserialize_with = "perhaps_seconds")]
    pub nbf: Option<u64>,
    /// For which request.
    #[serde(default)]
    pub nonce: Option<String>,
    /// Their address.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether it is theirs; some providers write the word.
    #[serde(default, deserialize_with = "truth")]
    pub email_verified: bool,
    /// Their hosted domain.
    #[serde(default)]
    pub hd: Option<String>,
    /// Their name.
    #[serde(default)]
    pub name: Option<String>,
}

/// What a token must fit.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The provider that was asked.
    pub provider: &'a Provider,
    /// The nonce of the request.
    pub nonce: &'a str,
    /// Now.
    pub now: Millis,
}

/// Why a token is not believed. For the log and the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenFault {
    /// Another issuer.
    #[error("the ID token is another issuer's")]
    Issuer,
    /// Not for us.
    #[error("the ID token is not for this client")]
    Audience,
    /// For several, or used by another party, and not by us.
    #[error("the ID token is for another party to use")]
    AuthorizedParty,
    /// Its time is over, or it is older than a sign-in takes.
    #[error("the ID token is too old")]
    Expired,
    /// Its time has not come.
    #[error("the ID token is from the future")]
    Future,
    /// Of another request.
    #[error("the ID token is of another sign-in")]
    Nonce,
    /// It names nobody, or not in the characters of a name.
    #[error("the ID token names nobody")]
    Subject,
    /// Of another hosted domain, or of none.
    #[error("the account is not of the hosted domain that may come in")]
    HostedDomain,
    /// A hosted domain is wanted, and the address is not verified.
    #[error("the account has no verified address")]
    Unverified,
}

/// Who signed in.
///
/// # Errors
/// Why the token is not believed.
pub fn check_claims(claims: &IdClaims, expected: &Expected<'_>) -> Result<Identity, IdTokenFault> {
    let provider = expected.provider;
    if !provider.is_issuer(&claims.iss) {
        return Err(IdTokenFault::Issuer);
    }
    check_audience(claims, &provider.client_id)?;
    check_times(claims, expected.now)?;
    if !claims.nonce.as_deref().is_some_and(|nonce| !nonce.is_empty() && same(nonce, expected.nonce)) {
        return Err(IdTokenFault::Nonce);
    }
    let subject = &claims.sub;
    if subject.is_empty() || subject.len() > MAX_SUBJECT_BYTES || !subject.bytes().all(|c| matches!(c, b' '..=b'~')) {
        return Err(IdTokenFault::Subject);
    }
    if let Some(domain) = &provider.hosted_domain {
        // The claim, never the address: anybody may have an address that looks like it (Google's own advice).
        if !claims.hd.as_deref().is_some_and(|hd| hd.eq_ignore_ascii_case(domain)) {
            return Err(IdTokenFault::HostedDomain);
        }
        if claims.email.is_none() || !claims.email_verified {
            return Err(IdTokenFault::Unverified);
        }
    }
    Ok(Identity {
        issuer: provider.issuer.clone(),
        subject: subject.clone(),
        email: claims.email.clone(),
        email_verified: claims.email_verified,
        name: claims.name.clone(),
    })
}

fn check_audience(claims: &IdClaims, client_id: &str) -> Result<(), IdTokenFault> {
    let several = match &claims.aud {
        Audience::One(one) if one == client_id => false,
        Audience::Several(several) if several.iter().any(|one| one == client_id) => several.len() > 1,
        _ => return Err(IdTokenFault::Audience),
    };
    match claims.azp.as_deref() {
        Some(azp) if azp != client_id => Err(IdTokenFault::AuthorizedParty),
        None if several => Err(IdTokenFault::AuthorizedParty),
        _ => Ok(()),
    }
}

const fn check_times(claims: &IdClaims, now: Millis) -> Result<(), IdTokenFault> {
    let now = now.0 / 1_000;
    let soon = now.saturating_add(CLOCK_SKEW_SECS);
    if claims.exp.saturating_add(CLOCK_SKEW_SECS) <= now || claims.iat.saturating_add(MAX_AGE_SECS + CLOCK_SKEW_SECS) <= now {
        return Err(IdTokenFault::Expired);
    }
    let early = match claims.nbf {
        Some(nbf) => nbf > soon,
        None => false,
    };
    if claims.iat > soon || early { Err(IdTokenFault::Future) } else { Ok(()) }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    whole_seconds(&serde_json::Number::deserialize(deserializer)?)
}

fn whole_seconds<E: serde::de::Error>(number: &serde_json::Number) -> Result<u64, E> {
    let whole =
        number.as_u64().or_else(|| number.as_f64().filter(|value| (0.0..=9e15).contains(value)).map(|value| value as u64));
    whole.ok_or_else(|| E::custom("not a time"))
}

fn perhaps_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Option::<serde_json::Number>::deserialize(deserializer)?.map(|number| whole_seconds(&number)).transpose()
}

fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_bool().unwrap_or(value.as_str() == Some("true")))
}
