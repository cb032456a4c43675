//! How is a secret kept so that a stolen database does not hold it, and compared so that the time tells nothing?
//!
//! Secrets that are handed out have 256 random bits, so a slow password hash would add nothing. They are kept as
//! HMAC-SHA-256 (RFC 2104) under a subkey of `DATA_ENCRYPTION_KEY`: without that key a stolen hash cannot even be tried.

use std::borrow::Cow;
use std::fmt;

use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

/// A key under which secrets are hashed: 32 bytes that come from `DATA_ENCRYPTION_KEY`. It is never shown.
#[derive(Clone)]
pub struct HashKey([u8; 32]);

impl HashKey {
    /// A key of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// HMAC-SHA-256 over a label and parts, each with its length before it, so that no two inputs have the same bytes.
    pub(super) fn mac(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        for part in std::iter::once(label.as_bytes()).chain(parts.iter().copied()) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(…)")
    }
}

/// The keys that are accepted, the one that is used first: as many as `DATA_ENCRYPTION_KEY` lists.
#[derive(Clone, Debug)]
pub struct HashKeys {
    first: HashKey,
    older: Vec<HashKey>,
}

impl HashKeys {
    /// New hashes are made with `first`; those made with `older` are still known.
    #[must_use]
    pub const fn new(first: HashKey, older: Vec<HashKey>) -> Self {
        Self { first, older }
    }

    /// The key for new hashes.
    pub(super) const fn first(&self) -> &HashKey {
        &self.first
    }

    /// Every key, the first one first.
    pub(super) fn all(&self) -> impl Iterator<Item = &HashKey> {
        std::iter::once(&self.first).chain(&self.older)
    }
}

/// What is kept of a secret. Written as 64 hexadecimal digits; not shown by `Debug`.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of a secret that was made for `purpose`; the same secret for another purpose has another hash.
    #[must_use]
    pub fn of(purpose: &str, secret: &[u8], keys: &HashKeys) -> Self {
        Self(keys.first().mac(purpose, &[secret]))
    }

    /// Whether it is this secret's, under any accepted key. The time does not tell how much of it is right.
    #[must_use]
    pub fn is_of(&self, purpose: &str, secret: &[u8], keys: &HashKeys) -> bool {
        let found = keys.all().fold(Choice::from(0), |found, key| found | key.mac(purpose, &[secret]).ct_eq(&self.0));
        found.into()
    }

    /// A hash that no secret has, to compare with where there is nothing to compare with, so that it takes as long.
    pub(super) const NOBODYS: Self = Self([0; 32]);
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

impl Serialize for SecretHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for SecretHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        unhex(&text).map(Self).ok_or_else(|| serde::de::Error::custom("not a hash"))
    }
}

/// SHA-256 over parts, each with its length before it: a lookup key, no secret.
pub(super) fn digest(label: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in std::iter::once(label.as_bytes()).chain(parts.iter().copied()) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The first 128 bits of a digest, as the name of a record.
pub(super) fn name_of(digest: &[u8; 32]) -> u128 {
    digest[..16].iter().fold(0, |name, byte| (name << 8) | u128::from(*byte))
}

/// Whether two texts are equal, in a time that tells only their lengths.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// Lower-case hexadecimal digits of 32 bytes.
pub(super) fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
        text
    })
}

/// The 32 bytes of 64 lower-case hexadecimal digits.
pub(super) fn unhex(text: &str) -> Option<[u8; 32]> {
    let is_digit = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 64 || !text.bytes().all(is_digit) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = pair.iter().try_fold(0_u8, |byte, digit| Some((byte << 4) | char::from(*digit).to_digit(16)? as u8))?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(first: u8, older: &[u8]) -> HashKeys {
        HashKeys::new(HashKey::new([first; 32]), older.iter().map(|byte| HashKey::new([*byte; 32])).collect())
    }

    #[test]
    fn a_hash_is_known_under_every_accepted_key_and_under_no_other() {
        let hash = SecretHash::of("api key", b"secret", &keys(1, &[]));
        assert!(hash.is_of("api key", b"secret", &keys(1, &[])));
        assert!(hash.is_of("api key", b"secret", &keys(2, &[1])));
        assert!(!hash.is_of("api key", b"secret", &keys(2, &[3])));
        assert!(!hash.is_of("api key", b"secreT", &keys(1, &[])));
        assert!(!hash.is_of("ticket", b"secret", &keys(1, &[])), "another purpose");
        assert!(!SecretHash::NOBODYS.is_of("api key", b"", &keys(1, &[])));
    }

    #[test]
    fn where_a_part_ends_matters() {
        assert_ne!(digest("a", &[b"bc", b"d"]), digest("a", &[b"b", b"cd"]));
        assert_ne!(digest("ab", &[b"c"]), digest("a", &[b"bc"]));
    }

    #[test]
    fn neither_key_nor_hash_shows_itself_and_a_hash_is_written_and_read() {
        let hash = SecretHash::of("x", b"y", &keys(7, &[]));
        assert_eq!(format!("{:?} {:?}", keys(7, &[]), hash).matches('7').count(), 0);
        let written = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<SecretHash>(&written).unwrap(), hash);
        assert!(serde_json::from_str::<SecretHash>("\"abc\"").is_err());
    }
}
