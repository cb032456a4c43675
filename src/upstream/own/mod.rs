//! Who asks with a key of their own? All own keys are in memory, one map for all workers, so that a call costs a look and a change
//! is seen by the next call of any worker; the store keeps them, sealed, for the next start.
//!
//! | file | the question it answers |
//! |---|---|
//! | `key` | what is an own key, what may it look like, how is it kept |
//! | `change` | how does one come, change and go, one change of a caller at a time |

mod change;
mod key;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use actix_governor::governor::{DefaultKeyedRateLimiter, Quota as Rate};
use tickgate_actors::Clock;
use tickgate_actors::quota::{Fingerprint, OwnQuotas, Quota, QuotaSettings};
use tickgate_core::access::Principal;
use tickgate_core::ports::{Shelf, Store, StoreError};

use super::polygon::PolygonSettings;

pub use change::{Change, OwnKeyError};
pub use key::{OwnKey, WantedKey};

/// Own keys that there may be: one a caller, each some hundred bytes of memory.
const MAX_KEYS: usize = 10_000;

/// Changes of its key that a caller may try in a minute: each asks the upstream whether the key is good, and nobody is to find keys
/// by trying with us.
const MAX_CHANGES: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");

/// The callers' own upstream keys. Clones are the same.
#[derive(Clone)]
pub struct OwnKeys(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    keys: RwLock<HashMap<Principal, Arc<OwnKey>>>,
    /// Whose key is being changed.
    changing: Mutex<HashSet<Principal>>,
    changes: DefaultKeyedRateLimiter<Principal>,
    quotas: OwnQuotas,
    /// The gateway's own key, which is nobody's own.
    gateways: Fingerprint,
    next_owner: AtomicU64,
    clock: Clock,
}

impl OwnKeys {
    /// Takes up the keys that the store keeps. `gateway`: how the gateway itself asks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load(
        store: Arc<dyn Store>,
        gateway: &PolygonSettings,
        quotas: OwnQuotas,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let kept = store.all(Shelf::UpstreamKeys, clock.now()).await?;
        let own = Self(Arc::new(Inner {
            store,
            keys: RwLock::default(),
            changing: Mutex::default(),
            changes: DefaultKeyedRateLimiter::keyed(Rate::per_minute(MAX_CHANGES)),
            quotas,
            gateways: key::fingerprint(&gateway.key),
            next_owner: AtomicU64::new(0),
            clock,
        }));
        let mut left_out = 0;
        for record in kept {
            let principal = Principal::restored(&record.principal);
            match OwnKey::restored(&record, own.number()) {
                Some(key) => own.put(principal, key),
                None => left_out += 1,
            }
        }
        if left_out > 0 {
            tracing::warn!(left_out, "own upstream keys of the store make no sense: their callers have to set them again");
        }
        tracing::debug!(keys = own.len(), "own upstream keys taken up");
        Ok(own)
    }

    /// The own key of a caller. No message and no store: a look into a map.
    #[must_use]
    pub fn find(&self, principal: &Principal) -> Option<Arc<OwnKey>> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner).get(principal).cloned()
    }

    /// The budget of a key; nothing while too many are in use.
    pub(super) fn quota(&self, key: &OwnKey) -> Option<Quota> {
        self.0.quotas.of(key.fingerprint, QuotaSettings { per_minute: key.plan.per_minute() })
    }

    /// Forgets what nobody has used lately; now and then.
    pub fn tidy(&self) {
        self.0.quotas.forget_the_idle();
        self.0.changes.retain_recent();
    }

    fn len(&self) -> usize {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn put(&self, principal: Principal, key: OwnKey) {
        self.0.keys.write().unwrap_or_else(PoisonError::into_inner).insert(principal, Arc::new(key));
    }

    fn remove(&self, principal: &Principal) {
        self.0.keys.write().unwrap_or_else(PoisonError::into_inner).remove(principal);
    }

    fn changing(&self) -> MutexGuard<'_, HashSet<Principal>> {
        self.0.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that no key of this process had before.
    fn number(&self) -> u64 {
        self.0.next_owner.fetch_add(1, Ordering::Relaxed)
    }
}
