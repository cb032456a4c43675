//! How does a key reach its owner without passing through a transcript?
//!
//! `manage_api_keys` hands out a one-time link. What is kept under it is only what is to be done: the key or its new secret is made
//! when the link is opened and shown there, so nobody can find it in the store before. A link that was opened is remembered for
//! a day, so that whoever comes second learns that they are second.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::policy::{KeyForbidden, may_create};
use super::record::NewKey;
use super::text::KeyId;
use crate::access::{Caller, CredentialId, Principal, Scope};
use crate::identity::hash::HashKeys;
use crate::identity::id;
use crate::identity::once::{Once, OnceRandom, OnceRecord, PresentedOnce};
use crate::time::Millis;

/// How long it is still told of a link that it was opened or came too late, in ms: a day, in which its maker notices.
const REMEMBERED_MS: u64 = 86_400_000;

/// What opening a link does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkedKey {
    /// Makes a key under this name, which can be told at once.
    New(KeyId, NewKey),
    /// Gives a key a new secret; the present one stays good for so many ms.
    Rotated(KeyId, u64),
}

impl LinkedKey {
    /// The key's name.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        match self {
            Self::New(id, _) | Self::Rotated(id, _) => *id,
        }
    }
}

/// On whose word a link does it: what ends their credential ends the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LinkMaker {
    #[serde(with = "id::principal")]
    principal: Principal,
    scope: Scope,
    /// What they showed, by its name.
    credential: String,
    #[serde(default)]
    expires: Option<Millis>,
}

/// A link under which a key waits to be made. Of two that open it at once, one puts the opened link in place of the one that was
/// read; the other reads again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLink {
    once: OnceRecord,
    maker: LinkMaker,
    /// What opening it does.
    pub key: LinkedKey,
    #[serde(default)]
    opened: Option<Millis>,
}

/// Why a link does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefusal {
    /// It is none of ours, or forgotten since.
    #[error("unknown")]
    Unknown,
    /// It was opened before.
    #[error("opened already")]
    Opened(Millis),
    /// Its time is over.
    #[error("expired")]
    Expired,
}

impl KeyLink {
    /// Makes a link on this caller's word, good for a quarter of an hour. The record belongs under `random.name`.
    #[must_use]
    pub fn create(key: LinkedKey, maker: &Caller, random: &OnceRandom, keys: &HashKeys, now: Millis) -> (Self, SecretString) {
        let (once, text) = OnceRecord::create(Once::Link, random, u64::MAX, keys, now);
        let maker = LinkMaker {
            principal: maker.principal.clone(),
            scope: maker.scope,
            credential: maker.credential.written(),
            expires: maker.expires,
        };
        (Self { once, maker, key, opened: None }, text)
    }

    /// The link as it is once it was opened with this; to be kept in its place before anything is made.
    ///
    /// # Errors
    /// Why it does not open.
    pub fn open(&self, presented: &PresentedOnce, keys: &HashKeys, now: Millis) -> Result<Self, LinkRefusal> {
        if !self.once.is_of(presented, keys) {
            return Err(LinkRefusal::Unknown);
        }
        if let Some(at) = self.opened {
            return Err(LinkRefusal::Opened(at));
        }
        if self.once.is_over(now) {
            return Err(LinkRefusal::Expired);
        }
        Ok(Self { opened: Some(now), ..self.clone() })
    }

    /// Who made it, with what they could do then. Whether their credential still stands is another question. `None` for a
    /// record that makes no sense.
    #[must_use]
    pub fn maker(&self) -> Option<Caller> {
        let LinkMaker { principal, scope, credential, expires } = &self.maker;
        let credential = CredentialId::read(credential)?;
        Some(Caller { credential, expires: *expires, ..Caller::trusted(principal.clone(), *scope) })
    }

    /// Whether its maker, with what they may do now, may still have a new key made. Whether they may have a secret replaced is
    /// asked of the key.
    ///
    /// # Errors
    /// Why not.
    pub fn may_make(&self, maker: &Caller) -> Result<(), KeyForbidden> {
        match &self.key {
            LinkedKey::New(_, new) => may_create(maker, &new.owner, new.scope),
            LinkedKey::Rotated(..) => Ok(()),
        }
    }

    /// Whether it can be opened yet.
    #[must_use]
    pub fn is_waiting(&self, now: Millis) -> bool {
        self.opened.is_none() && !self.once.is_over(now)
    }

    /// From when on it opens no more.
    #[must_use]
    pub const fn expires(&self) -> Millis {
        self.once.expires
    }

    /// When the record may be forgotten.
    #[must_use]
    pub fn forget_at(&self) -> Millis {
        self.once.expires.plus(REMEMBERED_MS)
    }
}
