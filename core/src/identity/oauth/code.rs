//! Is an authorization code good, used or replayed?

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::authorize::AuthorizationRequest;
use super::error::OAuthError;
use super::pkce::PkceChallenge;
use super::resource::Resource;
use super::scopes::ScopeSet;
use crate::access::Principal;
use crate::identity::hash::HashKeys;
use crate::identity::id::{self, FamilyId};
use crate::identity::once::{Once, OnceRandom, OnceRecord, PresentedOnce};
use crate::time::Millis;

/// How long a code is remembered after it could be used, in ms: a replay within this time ends what the code gave.
const REMEMBER_MS: u64 = 86_400_000;

/// What a code stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeGrant {
    /// The person.
    #[serde(with = "id::principal")]
    pub principal: Principal,
    /// The client that may use it.
    pub client_id: String,
    /// The address that the request had; the token request must repeat it.
    pub redirect_uri: String,
    /// What the verifier must fit.
    pub challenge: PkceChallenge,
    /// For what the tokens are good.
    pub resource: String,
    /// What the person agreed to.
    pub scopes: ScopeSet,
}

impl CodeGrant {
    /// What a person granted to a request.
    #[must_use]
    pub fn new(principal: &Principal, request: &AuthorizationRequest, scopes: ScopeSet) -> Self {
        Self {
            principal: principal.clone(),
            client_id: request.client_id.clone(),
            redirect_uri: request.redirect_uri.as_str().to_owned(),
            challenge: request.challenge.clone(),
            resource: request.resource.clone(),
            scopes,
        }
    }
}

/// A code, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationCode {
    once: OnceRecord,
    /// What it stands for.
    pub grant: CodeGrant,
    /// The family that it begins. Its name is chosen now, so that a replay knows what to end even while the first use is
    /// still being answered.
    pub family: FamilyId,
    #[serde(default)]
    redeemed: Option<Millis>,
}

/// What a client says when it uses a code.
#[derive(Clone, Copy, Debug)]
pub struct CodeClaim<'a> {
    /// The client, authenticated.
    pub client_id: &'a str,
    /// The address of its authorization request.
    pub redirect_uri: &'a str,
    /// Its verifier.
    pub verifier: &'a str,
    /// The resource, if it names one again.
    pub resource: Option<&'a str>,
}

/// Why a code is worth nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeRefusal {
    /// Not the secret of this record.
    #[error("made up")]
    Forged,
    /// Too late.
    #[error("expired")]
    Expired,
    /// Another client's.
    #[error("of another client")]
    ForeignClient,
    /// Another address than that of the request.
    #[error("another redirect_uri")]
    OtherRedirect,
    /// The verifier does not fit.
    #[error("wrong verifier")]
    WrongVerifier,
    /// Another resource than that of the request: `invalid_target`, the only one that is not `invalid_grant`.
    #[error("another resource")]
    OtherResource,
}

impl CodeRefusal {
    /// What the client is told.
    #[must_use]
    pub fn told(self) -> OAuthError {
        match self {
            Self::OtherResource => OAuthError::other_resource(),
            _ => OAuthError::dead_grant(),
        }
    }
}

/// What a presented code is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redeemed {
    /// Good. Store this in place of exactly the record that was read, then put the family `family` where there is none, then
    /// answer. If the first finds another record, read and ask again; if the second finds a family, it is a replay.
    Good(Box<AuthorizationCode>),
    /// It was used before: end this family (or put it, dead, if it is not there yet), note it in the audit, `invalid_grant`.
    Replayed(FamilyId),
    /// Nothing changes.
    Refused(CodeRefusal),
}

impl AuthorizationCode {
    /// Makes a code. The record belongs under `random.name`; `family` is 128 random bits.
    #[must_use]
    pub fn create(grant: CodeGrant, family: u128, random: &OnceRandom, keys: &HashKeys, now: Millis) -> (Self, SecretString) {
        let (once, text) = OnceRecord::create(Once::Code, random, u64::MAX, keys, now);
        (Self { once, grant, family: FamilyId(family), redeemed: None }, text)
    }

    /// Decides what a presented code is. A replay is one whoever sends it and however late, as long as the code is genuine.
    /// A wrong claim does not use the code up: who only saw it pass by must not be able to end the sign-in.
    #[must_use]
    pub fn redeem(&self, presented: &PresentedOnce, claim: &CodeClaim<'_>, keys: &HashKeys, now: Millis) -> Redeemed {
        if !self.once.is_of(presented, keys) {
            return Redeemed::Refused(CodeRefusal::Forged);
        }
        if self.redeemed.is_some() {
            return Redeemed::Replayed(self.family);
        }
        match self.fault_of(claim, now) {
            Some(refusal) => Redeemed::Refused(refusal),
            None => Redeemed::Good(Box::new(Self { redeemed: Some(now), ..self.clone() })),
        }
    }

    fn fault_of(&self, claim: &CodeClaim<'_>, now: Millis) -> Option<CodeRefusal> {
        let grant = &self.grant;
        if self.once.is_over(now) {
            Some(CodeRefusal::Expired)
        } else if claim.client_id != grant.client_id {
            Some(CodeRefusal::ForeignClient)
        } else if claim.redirect_uri != grant.redirect_uri {
            Some(CodeRefusal::OtherRedirect)
        } else if !grant.challenge.fits(claim.verifier) {
            Some(CodeRefusal::WrongVerifier)
        } else if !Resource::new(&grant.resource).is_meant_by(claim.resource) {
            Some(CodeRefusal::OtherResource)
        } else {
            None
        }
    }

    /// When the record may be forgotten.
    #[must_use]
    pub fn forget_at(&self) -> Millis {
        self.once.expires.plus(REMEMBER_MS)
    }
}
