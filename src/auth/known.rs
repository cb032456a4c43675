//! Credentials found good a moment ago: they are not checked again, and are charged to their caller instead of the address.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use tickgate_core::access::Caller;
use tickgate_core::time::Millis;

/// How long a credential is known.
const KNOWN_MS: u64 = 60_000;
/// How many are known at once; beyond it the expired ones are dropped, then new ones are not remembered.
const MAX_KNOWN: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Known(RwLock<HashMap<[u8; 32], (Caller, Millis)>>);

impl Known {
    pub(super) fn find(&self, hash: &[u8; 32], now: Millis) -> Option<Caller> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(hash).filter(|(_, until)| *until > now).map(|(caller, _)| caller.clone())
    }

    pub(super) fn remember(&self, hash: [u8; 32], caller: Caller, expires: Millis, now: Millis) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.retain(|_, (_, until)| *until > now);
        }
        if known.len() < MAX_KNOWN {
            known.insert(hash, (caller, expires.min(now.plus(KNOWN_MS))));
        }
    }
}
