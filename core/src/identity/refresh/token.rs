//! How is a refresh token written, is it one of ours, and which one follows it?
//!
//! `tgr_<family>_<secret>`. The secret is 128 bits and a tag of 128 bits over them: HMAC-SHA-256 under the key of the server,
//! cut. So it is 256 bits to whoever has no key, and known as ours without a list of all that ever were.

use secrecy::SecretString;
use subtle::ConstantTimeEq as _;

use crate::identity::base62;
use crate::identity::hash::{HashKey, HashKeys};
use crate::identity::id::FamilyId;
use crate::identity::token_text::{self, Secret};

const KIND: &str = "tgr";
const TAG: &str = "refresh tag";
const NEXT: &str = "refresh successor";
const JTI: &str = "refresh jti";

/// A refresh token as somebody sent it: well written.
#[derive(Clone, Copy, Debug)]
pub struct PresentedRefresh {
    /// The family that it names.
    pub family: FamilyId,
    pub(super) secret: Secret,
}

impl PresentedRefresh {
    /// Reads a token; `None` for whatever is not written exactly so.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (name, secret) = token_text::read(KIND, base62::CHARS_OF_16, text)?;
        Some(Self { family: FamilyId(base62::read_number(name)?), secret })
    }

    /// Whether it once came from here, for this family.
    pub(super) fn is_ours(&self, keys: &HashKeys) -> bool {
        let (bits, tag) = self.secret.0.split_at(16);
        let found = keys.all().fold(subtle::Choice::from(0), |found, key| found | tag_of(key, self.family, bits).ct_eq(tag));
        found.into()
    }
}

/// The secret out of 128 bits that nobody knows.
pub(super) fn made_of(key: &HashKey, family: FamilyId, bits: &[u8; 16]) -> [u8; 32] {
    let mut secret = [0; 32];
    secret[..16].copy_from_slice(bits);
    secret[16..].copy_from_slice(&tag_of(key, family, bits));
    secret
}

/// The secret that follows another one, by this key and the salt of the rotation.
pub(super) fn successor(key: &HashKey, family: FamilyId, secret: &[u8; 32], salt: &[u8; 16]) -> [u8; 32] {
    let mac = key.mac(NEXT, &[&family.0.to_be_bytes(), secret, salt]);
    made_of(key, family, &first_16(&mac))
}

/// The `jti` of the access token that goes out with a refresh token: the same again for the same one.
pub(super) fn jti(key: &HashKey, family: FamilyId, secret: &[u8; 32]) -> u128 {
    u128::from_be_bytes(first_16(&key.mac(JTI, &[&family.0.to_be_bytes(), secret])))
}

/// The text of a token.
pub(super) fn write(family: FamilyId, secret: &[u8; 32]) -> SecretString {
    token_text::write(KIND, &base62::write_number(family.0, base62::CHARS_OF_16), secret)
}

fn tag_of(key: &HashKey, family: FamilyId, bits: &[u8]) -> [u8; 16] {
    first_16(&key.mac(TAG, &[&family.0.to_be_bytes(), bits]))
}

fn first_16(bytes: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&bytes[..16]);
    half
}
