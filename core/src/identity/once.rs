//! What is given out to be brought back once, soon: authorization codes, stream tickets, one-time links, the cookie of a
//! pending sign-in?
//!
//! The text names its record, so that the store finds it by name; the record holds only a hash of the secret.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::base62;
use super::hash::{HashKeys, SecretHash};
use super::token_text::{self, Secret};
use crate::time::Millis;

/// What a one-time secret is for. One that was made for one thing is none for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Once {
    /// An OAuth authorization code (RFC 6749 §4.1.2).
    Code,
    /// A ticket for an event stream.
    Ticket,
    /// A link under which a new key is shown.
    Link,
    /// The cookie that binds a browser to its pending sign-in or consent.
    Browser,
    /// The `state` of a sign-in at the provider (RFC 6749 §10.12).
    SignIn,
}

impl Once {
    const fn kind(self) -> &'static str {
        match self {
            Self::Code => "tgc",
            Self::Ticket => "tgt",
            Self::Link => "tgl",
            Self::Browser => "tgb",
            Self::SignIn => "tgi",
        }
    }

    /// The longest that one of these is good, in ms.
    #[must_use]
    pub const fn longest_ms(self) -> u64 {
        match self {
            // RFC 6749 §4.1.2 recommends at most ten minutes; a sign-in takes a person about as long.
            Self::Code | Self::Browser | Self::SignIn => 600_000,
            // EventSource opens at once.
            Self::Ticket => 60_000,
            // A person has to open the link.
            Self::Link => 900_000,
        }
    }
}

/// Fresh random bits for a one-time secret.
#[derive(Clone, Copy)]
pub struct OnceRandom {
    /// The name of the record.
    pub name: u128,
    /// The secret.
    pub secret: [u8; 32],
}

/// What is kept of a one-time secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnceRecord {
    hash: SecretHash,
    /// When it was made.
    pub created: Millis,
    /// From when on it is worth nothing.
    pub expires: Millis,
}

impl OnceRecord {
    /// Makes one that is good for `ttl_ms`, at most as long as its kind may be. The record belongs under `random.name`.
    #[must_use]
    pub fn create(what: Once, random: &OnceRandom, ttl_ms: u64, keys: &HashKeys, now: Millis) -> (Self, SecretString) {
        let name = base62::write_number(random.name, base62::CHARS_OF_16);
        let hash = SecretHash::of(what.kind(), &bound(random.name, &random.secret), keys);
        let record = Self { hash, created: now, expires: now.plus(ttl_ms.min(what.longest_ms())) };
        (record, token_text::write(what.kind(), &name, &random.secret))
    }

    /// Whether a presented secret is this record's, in constant time. Whether it is too late is another question.
    #[must_use]
    pub fn is_of(&self, presented: &PresentedOnce, keys: &HashKeys) -> bool {
        self.hash.is_of(presented.what.kind(), &bound(presented.name, &presented.secret.0), keys)
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_over(&self, now: Millis) -> bool {
        now >= self.expires
    }
}

/// The name goes into the hash, so that a record that was moved under another name opens for nobody.
fn bound(name: u128, secret: &[u8; 32]) -> [u8; 48] {
    let mut bytes = [0; 48];
    bytes[..16].copy_from_slice(&name.to_be_bytes());
    bytes[16..].copy_from_slice(secret);
    bytes
}

/// A one-time secret as somebody brought it back: well written.
#[derive(Clone, Copy, Debug)]
pub struct PresentedOnce {
    what: Once,
    /// The name of the record that it asks for.
    pub name: u128,
    secret: Secret,
}

impl PresentedOnce {
    /// Reads one of this kind; `None` for whatever is not written exactly so.
    #[must_use]
    pub fn read(what: Once, text: &str) -> Option<Self> {
        let (name, secret) = token_text::read(what.kind(), base62::CHARS_OF_16, text)?;
        Some(Self { what, name: base62::read_number(name)?, secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::HashKey;
    use crate::identity::token_text::exposed;

    const NOW: Millis = Millis(1_773_167_467_294);

    fn keys() -> HashKeys {
        HashKeys::new(HashKey::new([1; 32]), vec![])
    }

    #[test]
    fn a_secret_opens_its_record_and_no_other() {
        let random = OnceRandom { name: 9, secret: [3; 32] };
        let (record, text) = OnceRecord::create(Once::Ticket, &random, u64::MAX, &keys(), NOW);
        let presented = PresentedOnce::read(Once::Ticket, exposed(&text)).unwrap();
        assert!(presented.name == 9 && record.is_of(&presented, &keys()));
        assert_eq!(record.expires, NOW.plus(60_000), "at most a minute");
        assert!(!record.is_over(NOW.plus(59_999)) && record.is_over(NOW.plus(60_000)));
        let (other, _) = OnceRecord::create(Once::Ticket, &OnceRandom { name: 10, secret: [3; 32] }, 1, &keys(), NOW);
        assert!(!other.is_of(&presented, &keys()), "another name");
        assert!(PresentedOnce::read(Once::Code, exposed(&text)).is_none(), "another kind");
        let (code, _) = OnceRecord::create(Once::Code, &random, 1, &keys(), NOW);
        assert!(!code.is_of(&presented, &keys()), "another kind's record");
    }
}
