//! Is a presented token the live one, the last one sent again, or a reused one, and what is to be stored?

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::token::{self, PresentedRefresh};
use crate::access::Principal;
use crate::identity::hash::{HashKey, HashKeys, SecretHash};
use crate::identity::id::{self, Bits, FamilyId};
use crate::identity::oauth::{OAuthError, Resource, ScopeSet, TokenRequest};
use crate::time::Millis;

/// How long after a rotation the token before may be sent again for the same answer, in ms: the reply was lost, or two
/// tabs asked at once (DESIGN §8).
pub const REPEAT_GRACE_MS: u64 = 10_000;
/// What the hash of the live token is made for.
const PURPOSE: &str = "refresh token";

/// What a sign-in of a client got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyTerms {
    /// Who signed in.
    #[serde(with = "id::principal")]
    pub principal: Principal,
    /// Which client has the token.
    pub client: String,
    /// For what the access tokens are good (RFC 8707): their `aud`.
    pub resource: String,
    /// What the person agreed to.
    pub scopes: ScopeSet,
    /// How long the family lives however often it is used, in ms.
    pub absolute_ms: u64,
    /// How long it lives unused, in ms.
    pub idle_ms: u64,
}

/// Fresh random bits for a new family.
#[derive(Clone, Copy)]
pub struct RefreshRandom {
    /// The family's name.
    pub family: u128,
    /// The first token.
    pub token: [u8; 16],
}

/// Why a family is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FamilyEnd {
    /// A token that had been replaced was used again.
    Reuse,
    /// The authorization code that it came from was used again (RFC 6749 §4.1.2).
    CodeReplay,
    /// The client gave it back (RFC 7009), or the person signed out.
    GivenBack,
    /// An admin or the operator ended it, or the person took back their consent.
    Withdrawn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Before {
    hash: SecretHash,
    salt: Bits,
}

/// One sign-in of one client, as the store keeps it. It holds no token and nothing from which one could be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshFamily {
    /// Its name; access tokens carry it, so that they die with it.
    pub id: FamilyId,
    /// What was agreed.
    pub terms: FamilyTerms,
    /// How often it was rotated.
    pub generation: u64,
    live: SecretHash,
    #[serde(default)]
    before: Option<Before>,
    /// When the person signed in.
    pub created: Millis,
    /// When the live token was made.
    pub rotated: Millis,
    /// Since when it is dead, and why.
    #[serde(default)]
    pub ended: Option<(Millis, FamilyEnd)>,
}

/// What goes out: the same for a token that is sent again.
#[derive(Clone)]
pub struct Issue {
    /// The family.
    pub family: FamilyId,
    /// The live refresh token.
    pub refresh_token: SecretString,
    /// The `jti` of the access token.
    pub jti: u128,
    /// The `iat` of the access token.
    pub issued: Millis,
}

impl fmt::Debug for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issue").field("family", &self.family).field("issued", &self.issued).finish_non_exhaustive()
    }
}

/// What a presented token is, and what to do. What is to be stored must take the place of exactly the record that was read
/// (optimistic swap); if another was quicker, read again and ask again.
#[derive(Clone, Debug)]
pub enum Presented {
    /// The live one. Store the family, then answer.
    Rotated(Box<RefreshFamily>, Issue),
    /// The one before, sent again in time. Nothing to store; the same answer.
    Again(Issue),
    /// One that was replaced. Store the dead family, end what hangs on it, note it in the audit, answer `invalid_grant`.
    Reused(Box<RefreshFamily>),
    /// Nothing to store; `invalid_grant`.
    Refused(RefreshRefusal),
}

/// Why a token is worth nothing. For the audit and the log; outside all are `invalid_grant`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshRefusal {
    /// It never came from here, or a key was retired since.
    #[error("made up")]
    Forged,
    /// Its family is dead.
    #[error("revoked")]
    Ended,
    /// Its family is too old or was too long unused.
    #[error("expired")]
    Expired,
    /// It is another client's (RFC 6749 §6).
    #[error("of another client")]
    ForeignClient,
}

impl RefreshFamily {
    /// Begins a family.
    #[must_use]
    pub fn begin(terms: FamilyTerms, random: &RefreshRandom, keys: &HashKeys, now: Millis) -> (Self, Issue) {
        let id = FamilyId(random.family);
        let secret = token::made_of(keys.first(), id, &random.token);
        let live = SecretHash::of(PURPOSE, &secret, keys);
        let family = Self { id, terms, generation: 0, live, before: None, created: now, rotated: now, ended: None };
        let issue = family.issue(&secret, keys.first());
        (family, issue)
    }

    /// Decides what a presented token is. `salt` is 128 fresh random bits.
    #[must_use]
    pub fn present(&self, presented: &PresentedRefresh, client: &str, keys: &HashKeys, salt: u128, now: Millis) -> Presented {
        use RefreshRefusal::{Ended, Expired, ForeignClient, Forged};
        if presented.family != self.id || !presented.is_ours(keys) {
            return Presented::Refused(Forged);
        }
        if client != self.terms.client {
            return Presented::Refused(ForeignClient);
        }
        if self.ended.is_some() {
            return Presented::Refused(Ended);
        }
        if now >= self.expires() {
            return Presented::Refused(Expired);
        }
        let secret = &presented.secret.0;
        if self.live.is_of(PURPOSE, secret, keys) {
            return self.rotate(secret, salt, keys, now);
        }
        match self.again(secret, keys, now) {
            Some(issue) => Presented::Again(issue),
            None => Presented::Reused(Box::new(self.clone().end(FamilyEnd::Reuse, now))),
        }
    }

    fn rotate(&self, secret: &[u8; 32], salt: u128, keys: &HashKeys, now: Millis) -> Presented {
        let next = token::successor(keys.first(), self.id, secret, &salt.to_be_bytes());
        let family = Self {
            generation: self.generation.saturating_add(1),
            live: SecretHash::of(PURPOSE, &next, keys),
            before: Some(Before { hash: self.live, salt: Bits(salt) }),
            rotated: now,
            ..self.clone()
        };
        let issue = family.issue(&next, keys.first());
        Presented::Rotated(Box::new(family), issue)
    }

    /// The answer that the predecessor of the live token got, if this is it and the grace is not over. Which key made the
    /// answer is told by its being the live token, so a change of keys in between does no harm.
    fn again(&self, secret: &[u8; 32], keys: &HashKeys, now: Millis) -> Option<Issue> {
        let before = self.before.filter(|before| before.hash.is_of(PURPOSE, secret, keys))?;
        if now.since(self.rotated) >= REPEAT_GRACE_MS {
            return None;
        }
        let answers = keys.all().map(|key| (key, token::successor(key, self.id, secret, &before.salt.0.to_be_bytes())));
        answers.into_iter().find(|(_, next)| self.live.is_of(PURPOSE, next, keys)).map(|(key, next)| self.issue(&next, key))
    }

    fn issue(&self, secret: &[u8; 32], key: &HashKey) -> Issue {
        Issue {
            family: self.id,
            refresh_token: token::write(self.id, secret),
            jti: token::jti(key, self.id, secret),
            issued: self.rotated,
        }
    }

    /// The scopes of the access token that a refresh request wants: to be asked before a rotation is stored, so that a bad
    /// request uses no token up.
    ///
    /// # Errors
    /// `invalid_target` for another resource than the family's, `invalid_scope` for more than was agreed to.
    pub fn scopes_for(&self, resource: Option<&str>, scope: Option<&str>) -> Result<ScopeSet, OAuthError> {
        if !Resource::new(&self.terms.resource).is_meant_by(resource) {
            return Err(OAuthError::other_resource());
        }
        TokenRequest::narrowed(self.terms.scopes, scope)
    }

    /// The same family, dead. The first end stays.
    #[must_use]
    pub fn end(mut self, why: FamilyEnd, now: Millis) -> Self {
        self.ended.get_or_insert((now, why));
        self
    }

    /// Whether a token names this family and came from here: enough to give it back (RFC 7009 §2.1), whatever its age.
    #[must_use]
    pub fn may_be_given_back(&self, presented: &PresentedRefresh, client: &str, keys: &HashKeys) -> bool {
        presented.family == self.id && presented.is_ours(keys) && client == self.terms.client
    }

    /// From when on no token of it is good: its absolute end, or the end of its idle time.
    #[must_use]
    pub fn expires(&self) -> Millis {
        self.absolute_end().min(self.rotated.plus(self.terms.idle_ms))
    }

    /// When the record may be forgotten: dead families are remembered as long as a token of theirs could have been good.
    #[must_use]
    pub fn absolute_end(&self) -> Millis {
        self.created.plus(self.terms.absolute_ms)
    }

    /// Whether access tokens that name this family are still to be believed.
    #[must_use]
    pub const fn is_alive(&self) -> bool {
        self.ended.is_none()
    }
}
