//! How does a key reach its owner without passing through a transcript?
//!
//! `manage_api_keys` hands out a one-time link. What is kept under it is only what the key is to be: the key itself is made when
//! the link is opened and shown there, so nobody can find it in the store before, nor open the link twice.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::record::{ApiKey, NewKey};
use crate::identity::hash::HashKeys;
use crate::identity::id::Bits;
use crate::identity::once::{Once, OnceRandom, OnceRecord, PresentedOnce};
use crate::time::Millis;

/// A link under which a key waits to be made. The record is *taken* when it is opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLink {
    once: OnceRecord,
    key: Bits,
    new: NewKey,
}

impl KeyLink {
    /// Makes a link, good for a quarter of an hour. The record belongs under `random.name`; `key` are the random bits of the key's
    /// name, which can be told at once.
    #[must_use]
    pub fn create(new: NewKey, key: u128, random: &OnceRandom, keys: &HashKeys, now: Millis) -> (Self, SecretString) {
        let (once, text) = OnceRecord::create(Once::Link, random, u64::MAX, keys, now);
        (Self { once, key: Bits(key), new }, text)
    }

    /// Makes the key of a link that was taken out of the store; its life begins now. `None` when the link is another one's or
    /// too late; then it is lost too.
    #[must_use]
    pub fn open(
        self,
        presented: &PresentedOnce,
        secret: &[u8; 32],
        keys: &HashKeys,
        now: Millis,
    ) -> Option<(ApiKey, SecretString)> {
        let good = self.once.is_of(presented, keys) && !self.once.is_over(now);
        good.then(|| ApiKey::create(self.new, self.key.0, secret, keys, now))
    }

    /// When the record may be forgotten.
    #[must_use]
    pub const fn expires(&self) -> Millis {
        self.once.expires
    }
}
