//! Credentials found good a moment ago: they are not checked again, and are charged to their caller instead of the address.
//!
//! What is remembered holds for one generation of the directory: as soon as a key, person or family changes, everything is checked
//! anew, so that nothing outlives its revocation.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use tickgate_core::access::Caller;
use tickgate_core::time::Millis;

/// How long a credential is known.
const KNOWN_MS: u64 = 60_000;
/// How many are known at once; beyond it the expired ones are dropped, then new ones are not remembered.
const MAX_KNOWN: usize = 10_000;

#[derive(Debug)]
struct Remembered {
    caller: Caller,
    until: Millis,
    generation: u64,
}

#[derive(Debug, Default)]
pub(super) struct Known(RwLock<HashMap<[u8; 32], Remembered>>);

impl Known {
    pub(super) fn find(&self, hash: &[u8; 32], generation: u64, now: Millis) -> Option<Caller> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(hash).filter(|known| known.until > now && known.generation == generation);
        found.map(|known| known.caller.clone())
    }

    /// `generation`: what it was before the credential was checked.
    pub(super) fn remember(&self, hash: [u8; 32], caller: Caller, generation: u64, now: Millis) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.retain(|_, known| known.until > now && known.generation == generation);
        }
        if known.len() < MAX_KNOWN {
            let most = now.plus(KNOWN_MS);
            let until = caller.expires.map_or(most, |expires| expires.min(most));
            known.insert(hash, Remembered { caller, until, generation });
        }
    }
}

#[cfg(test)]
mod tests {
    use tickgate_core::access::{Principal, Scope};

    use super::*;

    #[test]
    fn what_is_remembered_ends_with_its_generation_its_minute_or_its_credential() {
        let (known, now) = (Known::default(), Millis(1_000_000));
        let forever = Caller::trusted(Principal::new("user", "ada"), Scope::Read);
        let short = Caller { expires: Some(now.plus(5)), ..forever.clone() };
        known.remember([1; 32], forever.clone(), 7, now);
        known.remember([2; 32], short.clone(), 7, now);
        assert_eq!(known.find(&[1; 32], 7, now.plus(KNOWN_MS - 1)), Some(forever));
        assert_eq!(known.find(&[1; 32], 7, now.plus(KNOWN_MS)), None);
        assert_eq!(known.find(&[1; 32], 8, now), None, "something was revoked");
        assert_eq!(known.find(&[2; 32], 7, now.plus(4)), Some(short));
        assert_eq!(known.find(&[2; 32], 7, now.plus(5)), None);
    }
}
