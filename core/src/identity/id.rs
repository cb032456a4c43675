//! What are people, families, sessions and the like called?
//!
//! Names are 128 random bits, written as 32 lower-case hexadecimal digits. They are no secrets and fit for logs, and nobody
//! can guess one.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::access::Principal;

/// Why a text names nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: use the 32 lower-case hexadecimal digits that were given out")]
pub struct IdError;

fn read(text: &str) -> Result<u128, IdError> {
    let is_digit = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 32 || !text.bytes().all(is_digit) {
        return Err(IdError);
    }
    u128::from_str_radix(text, 16).map_err(|_| IdError)
}

macro_rules! id {
    ($seen:vis $name:ident, $meaning:literal) => {
        #[doc = $meaning]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $seen struct $name(pub u128);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                read(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(pub UserId, "A person, however they sign in. Never reused: who comes back after a deletion is somebody new.");
id!(pub AuditId, "What the audit calls somebody. Whose it is stands in a table of its own, which can be erased.");
id!(pub FamilyId, "A family of refresh tokens: one sign-in of one client.");
id!(pub SessionId, "A browser's session.");
id!(pub ConnectionId, "A client among those of one person.");
id!(pub(super) Bits, "128 bits in a record: JSON readers would round them as a number.");

impl UserId {
    /// To whom what this person makes belongs: `user:<id>`.
    #[must_use]
    pub fn principal(self) -> Principal {
        Principal::new("user", &self.to_string())
    }

    /// The person behind a principal; `None` when it is a static key's, an address or anything else.
    #[must_use]
    pub fn of_principal(principal: &Principal) -> Option<Self> {
        principal.as_str().strip_prefix("user:")?.parse().ok()
    }
}

/// A principal in a record, by its name.
pub(super) mod principal {
    use super::{Cow, Deserialize, Deserializer, Principal, Serializer};

    pub(in crate::identity) fn serialize<S: Serializer>(principal: &Principal, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(principal.as_str())
    }

    pub(in crate::identity) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Principal, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        if name.contains(':') { Ok(Principal::restored(&name)) } else { Err(serde::de::Error::custom("not a principal")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = UserId(0xabc);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(serde_json::from_str::<UserId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
        for bad in [
            "",
            "abc",
            "00000000000000000000000000000ABC",
            "+0000000000000000000000000000abc",
            " 0000000000000000000000000000abc",
        ] {
            assert_eq!(bad.parse::<UserId>(), Err(IdError), "{bad:?}");
        }
    }

    #[test]
    fn only_a_persons_principal_names_a_person() {
        let id = UserId(7);
        assert_eq!(UserId::of_principal(&id.principal()), Some(id));
        assert_eq!(UserId::of_principal(&Principal::new("user", "ada")), None, "a static key's user");
        assert_eq!(UserId::of_principal(&Principal::new("key", &id.to_string())), None);
    }
}
