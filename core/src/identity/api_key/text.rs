//! How is an API key written, and what is none?

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::identity::base62;
use crate::identity::token_text::{self, SECRET_CHARS, Secret};

/// What every key begins with.
const KIND: &str = "tg";
/// Characters of the prefix: 71 bits, so that prefixes do not meet by chance before there are thousands of millions.
const PREFIX_CHARS: usize = 12;
/// 62 to the power of [`PREFIX_CHARS`].
const PREFIXES: u128 = 62_u128.pow(PREFIX_CHARS as u32);
/// Characters of a whole key.
pub const KEY_CHARS: usize = KIND.len() + 1 + PREFIX_CHARS + 1 + SECRET_CHARS;

/// A key's name: its prefix. No secret, fit for logs, labels and paths; the record lies under [`KeyId::name`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u128);

/// Why a text names no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of an API key: use the 12 letters and digits between `tg_` and the next `_`")]
pub struct KeyIdError;

impl KeyId {
    /// A name out of 128 random bits.
    #[must_use]
    pub const fn new(random: u128) -> Self {
        Self(random % PREFIXES)
    }

    /// The name of the record.
    #[must_use]
    pub const fn name(self) -> u128 {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base62::write_number(self.0, PREFIX_CHARS))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let number = (text.len() == PREFIX_CHARS).then(|| base62::read_number(text)).flatten();
        number.map(Self).ok_or(KeyIdError)
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A key as somebody showed it. Well written; whether it is good is another question.
#[derive(Clone, Copy, Debug)]
pub struct PresentedKey {
    /// Which key it says it is.
    pub id: KeyId,
    pub(super) secret: Secret,
}

impl PresentedKey {
    /// Reads a key. `None` for a wrong length, alphabet, kind or checksum: nothing is trimmed, folded or forgiven.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (prefix, secret) = token_text::read(KIND, PREFIX_CHARS, text)?;
        Some(Self { id: prefix.parse().ok()?, secret })
    }
}

/// The text of a key, to be shown once.
pub(super) fn write(id: KeyId, secret: &[u8; 32]) -> SecretString {
    token_text::write(KIND, &id.to_string(), secret)
}
