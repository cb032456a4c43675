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
/// How many are known at once, in two halves: when the newer is full, the older makes room. So nothing is ever searched through.
const MAX_KNOWN: usize = 20_000;

#[derive(Clone, Debug)]
struct Remembered {
    caller: Caller,
    until: Millis,
    generation: u64,
}

#[derive(Debug, Default)]
pub(super) struct Known(RwLock<Halves>);

#[derive(Debug, Default)]
struct Halves {
    newer: HashMap<[u8; 32], Remembered>,
    older: HashMap<[u8; 32], Remembered>,
}

impl Known {
    pub(super) fn find(&self, hash: &[u8; 32], generation: u64, now: Millis) -> Option<Caller> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.newer.get(hash).or_else(|| known.older.get(hash));
        let found = found.filter(|known| known.until > now && known.generation == generation);
        found.map(|known| known.caller.clone())
    }

    /// `generation`: what it was before the credential was checked.
    pub(super) fn remember(&self, hash: [u8; 32], caller: Caller, generation: u64, now: Millis) {
        let most = now.plus(KNOWN_MS);
        let until = caller.expires.map_or(most, |expires| expires.min(most));
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.newer.len() >= MAX_KNOWN / 2 {
            known.older = std::mem::take(&mut known.newer);
        }
        known.newer.insert(hash, Remembered { caller, until, generation });
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

    #[test]
    fn the_newest_are_remembered_however_many_come() {
        let (known, now) = (Known::default(), Millis(1_000_000));
        let ada = Caller::trusted(Principal::new("user", "ada"), Scope::Read);
        let hash = |n: usize| {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&n.to_be_bytes());
            hash
        };
        let last = 3 * MAX_KNOWN;
        (0..=last).for_each(|n| known.remember(hash(n), ada.clone(), 7, now));
        let found = (0..=last).filter(|n| known.find(&hash(*n), 7, now).is_some()).count();
        assert!((MAX_KNOWN / 2..=MAX_KNOWN).contains(&found), "{found}");
        assert!((last - MAX_KNOWN / 2..=last).all(|n| known.find(&hash(n), 7, now).is_some()));
    }
}
