//! One caller's own upstream key: what it may look like, and how it is kept. Nothing here shows it.

use std::fmt;

use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tickgate_actors::quota::Fingerprint;
use tickgate_core::access::Principal;
use tickgate_core::ports::Record;
use tickgate_core::time::Millis;

use crate::upstream::polygon::Plan;

/// Bounds of a key, in bytes: the vendor's have 32. A shorter one could not be told from the words of an answer that is to hide it.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 8..=256;

/// A key that a caller wants to have.
#[derive(Debug)]
pub struct WantedKey {
    pub(super) key: SecretString,
    pub(super) plan: Plan,
}

impl WantedKey {
    /// Checks the look of a key.
    ///
    /// # Errors
    /// When it is no key; says what one looks like and shows nothing of it.
    pub fn new(key: SecretString, plan: Plan) -> Result<Self, String> {
        let text = key.expose_secret();
        if !KEY_BYTES.contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let (least, most) = (KEY_BYTES.start(), KEY_BYTES.end());
            return Err(format!("it must be {least} to {most} visible ASCII characters without spaces"));
        }
        Ok(Self { key, plan })
    }
}

/// A caller's own key.
pub struct OwnKey {
    pub(super) record: u128,
    pub(super) key: SecretString,
    /// What the caller says that the key allows.
    pub plan: Plan,
    /// Since when it is set.
    pub since: Millis,
    /// Tells keys apart, whoever has set them.
    pub(super) fingerprint: Fingerprint,
    /// Tells what was got with this key, by this caller, from all else: no other key has the number, and none will.
    pub(super) owner: u64,
}

#[derive(Serialize)]
struct Kept<'a> {
    key: &'a str,
    plan: &'a str,
    since: u64,
}

#[derive(Deserialize)]
struct Restored {
    key: String,
    plan: String,
    since: u64,
}

impl OwnKey {
    pub(super) fn new(wanted: WantedKey, record: u128, since: Millis, owner: u64) -> Self {
        let WantedKey { key, plan } = wanted;
        Self { record, fingerprint: fingerprint(&key), key, plan, since, owner }
    }

    /// A key as the store kept it; nothing when it makes no sense.
    pub(super) fn restored(record: &Record, owner: u64) -> Option<Self> {
        let Restored { key, plan, since } = serde_json::from_slice(&record.body).ok()?;
        let wanted = WantedKey::new(SecretString::from(key), plan.parse().ok()?).ok()?;
        Some(Self::new(wanted, record.id, Millis(since), owner))
    }

    /// The key as the store keeps it.
    pub(super) fn record(&self, principal: &Principal) -> Record {
        let kept = Kept { key: self.key.expose_secret(), plan: self.plan.as_str(), since: self.since.0 };
        let body = Bytes::from(serde_json::to_vec(&kept).expect("text and a number are JSON"));
        Record { id: self.record, principal: principal.as_str().to_owned(), expires: None, body }
    }

    pub(in crate::upstream) fn secret(&self) -> SecretString {
        self.key.clone()
    }

    pub(in crate::upstream) const fn owner(&self) -> u64 {
        self.owner
    }
}

impl fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnKey").field("plan", &self.plan).field("since", &self.since).finish_non_exhaustive()
    }
}

/// Tells one key from another and tells nothing of it.
pub(super) fn fingerprint(key: &SecretString) -> Fingerprint {
    Sha256::digest(key.expose_secret().as_bytes()).into()
}
