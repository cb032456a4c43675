//! What is kept of an API key, is it good now, and how does it get a new secret?

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::text::{self, KeyId, PresentedKey};
use crate::access::{Principal, Scope};
use crate::identity::hash::{HashKeys, SecretHash};
use crate::identity::id;
use crate::time::Millis;

/// What the hash of a key's secret is made for.
const PURPOSE: &str = "api key";
/// How much later a use must be than the last recorded one to be worth a write, in ms: people read it to the minute.
const USE_STEP_MS: u64 = 60_000;

/// A key as the store keeps it. The secret itself is nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its name, which is its prefix.
    pub id: KeyId,
    /// Of the live secret.
    pub hash: SecretHash,
    /// Whose it is, and to whom what is made with it belongs.
    #[serde(with = "id::principal")]
    pub owner: Principal,
    /// For people.
    pub name: String,
    /// The most that it may do; less when its owner may less.
    pub scope: Scope,
    /// When it was made.
    pub created: Millis,
    /// From when on it is worth nothing; never when `None`.
    #[serde(default)]
    pub expires: Option<Millis>,
    /// The secret before the last rotation, while it is still good.
    #[serde(default)]
    pub old: Option<OldSecret>,
    /// When it got its present secret, if not at the beginning.
    #[serde(default)]
    pub rotated: Option<Millis>,
    /// Since when it is worth nothing, if it was revoked.
    #[serde(default)]
    pub revoked: Option<Millis>,
    /// Requests a minute, if not those of every caller.
    #[serde(default)]
    pub limit_per_minute: Option<u32>,
    /// When it was last used, to about a minute.
    #[serde(default)]
    pub last_used: Option<Millis>,
}

/// A secret that was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldSecret {
    /// Its hash.
    pub hash: SecretHash,
    /// Until when it is still good; from this moment on it is not.
    pub until: Millis,
}

/// What a key is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKey {
    /// Whose.
    #[serde(with = "id::principal")]
    pub owner: Principal,
    /// For people.
    pub name: String,
    /// The most that it may do.
    pub scope: Scope,
    /// How long it is good, in ms; for ever when `None`.
    #[serde(default)]
    pub ttl_ms: Option<u64>,
    /// Requests a minute, if not those of every caller.
    #[serde(default)]
    pub limit_per_minute: Option<u32>,
}

/// Why a key does not open. For the audit and the log only: to whoever shows the key all of these look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum KeyRefusal {
    /// No key has this prefix.
    #[error("unknown")]
    Unknown,
    /// The prefix is right and the secret is not.
    #[error("wrong secret")]
    WrongSecret,
    /// It was revoked.
    #[error("revoked")]
    Revoked,
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// It is the secret before the last rotation, and the grace is over.
    #[error("replaced")]
    Replaced,
}

/// A key that opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoodKey {
    /// From when on it does not, as things stand: its expiry, or the end of the grace of an old secret.
    pub until: Option<Millis>,
    /// Whether it is the secret before the last rotation: worth telling its owner.
    pub is_old: bool,
}

impl ApiKey {
    /// Makes a key. `random` and `secret` are fresh random bits. The text is shown once and kept nowhere.
    #[must_use]
    pub fn create(new: NewKey, random: u128, secret: &[u8; 32], keys: &HashKeys, now: Millis) -> (Self, SecretString) {
        let id = KeyId::new(random);
        let key = Self {
            id,
            hash: SecretHash::of(PURPOSE, secret, keys),
            owner: new.owner,
            name: new.name,
            scope: new.scope,
            created: now,
            expires: new.ttl_ms.map(|ttl| now.plus(ttl)),
            old: None,
            rotated: None,
            revoked: None,
            limit_per_minute: new.limit_per_minute,
            last_used: None,
        };
        (key, text::write(id, secret))
    }

    /// Whether a presented key opens now. `found` is the record under the name that the key says; with none, as much is
    /// computed as with one, so that the time does not tell which prefixes exist.
    ///
    /// # Errors
    /// Why it does not open.
    pub fn check(found: Option<&Self>, presented: &PresentedKey, keys: &HashKeys, now: Millis) -> Result<GoodKey, KeyRefusal> {
        let live = found.map_or(SecretHash::NOBODYS, |key| key.hash);
        let old = found.and_then(|key| key.old);
        let is_live = live.is_of(PURPOSE, &presented.secret.0, keys);
        let is_old = old.map_or(SecretHash::NOBODYS, |old| old.hash).is_of(PURPOSE, &presented.secret.0, keys);
        let key = found.filter(|key| key.id == presented.id).ok_or(KeyRefusal::Unknown)?;
        if !is_live && !is_old {
            return Err(KeyRefusal::WrongSecret);
        }
        key.stands(now)?;
        let grace = old.filter(|_| !is_live).map(|old| old.until);
        if grace.is_some_and(|until| now >= until) {
            return Err(KeyRefusal::Replaced);
        }
        let until = [key.expires, grace].into_iter().flatten().min();
        Ok(GoodKey { until, is_old: !is_live })
    }

    /// Whether the key as such is neither revoked nor expired.
    ///
    /// # Errors
    /// Which of the two.
    pub fn stands(&self, now: Millis) -> Result<(), KeyRefusal> {
        if self.revoked.is_some() {
            return Err(KeyRefusal::Revoked);
        }
        if self.expires.is_some_and(|expires| now >= expires) {
            return Err(KeyRefusal::Expired);
        }
        Ok(())
    }

    /// What the key may do when its owner may do `owner`: never more than its owner may now.
    #[must_use]
    pub fn scope_under(&self, owner: Scope) -> Scope {
        self.scope.min(owner)
    }

    /// Gives it a new secret; the present one stays good for `grace_ms`, one from before it no more. The text is shown once.
    ///
    /// # Errors
    /// When it is revoked or expired: a dead key is not revived.
    pub fn rotate(&mut self, secret: &[u8; 32], grace_ms: u64, keys: &HashKeys, now: Millis) -> Result<SecretString, KeyRefusal> {
        self.stands(now)?;
        self.old = (grace_ms > 0).then(|| OldSecret { hash: self.hash, until: now.plus(grace_ms) });
        self.hash = SecretHash::of(PURPOSE, secret, keys);
        self.rotated = Some(now);
        Ok(text::write(self.id, secret))
    }

    /// Makes it worth nothing, both secrets at once. Says whether it was worth something before.
    pub fn revoke(&mut self, now: Millis) -> bool {
        let first = self.revoked.is_none();
        self.revoked.get_or_insert(now);
        first
    }

    /// Notes a use. Says whether it is worth a write; uses may be told late and out of order.
    pub fn used(&mut self, at: Millis) -> bool {
        let worth = self.last_used.is_none_or(|last| at.since(last) >= USE_STEP_MS);
        if worth {
            self.last_used = Some(at);
        }
        worth
    }
}
