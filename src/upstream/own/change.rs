//! How an own key comes, changes and goes: one change of a caller at a time, kept before it is used.

use actix_governor::governor::clock::{Clock as _, DefaultClock};
use tickgate_actors::clock::random_u128;
use tickgate_core::access::Principal;
use tickgate_core::ports::{Shelf, StoreError, UpstreamError};

use super::key::fingerprint;
use super::{MAX_KEYS, OwnKey, OwnKeys, WantedKey};

/// Why a key is not changed. Nothing was.
#[derive(Debug, thiserror::Error)]
pub enum OwnKeyError {
    /// Another change of the same caller is under way.
    #[error("another change of your upstream key is under way: wait for its answer")]
    Busy,
    /// The caller has tried often. In so many seconds again.
    #[error("your upstream key was changed often within a minute: try again later")]
    TooOften(u64),
    /// There are as many own keys as there may be.
    #[error("the gateway keeps as many own upstream keys as it can: its operator can say more")]
    Full,
    /// It is the gateway's own key.
    #[error("this is the gateway's own key: what you ask goes out with it anyway")]
    Gateways,
    /// The upstream was asked, and not in vain or in vain.
    #[error(transparent)]
    Upstream(UpstreamError),
    /// The store did not keep it.
    #[error("the key could not be kept: try again later")]
    Store(StoreError),
}

/// The right to change the key of one caller. Given back when dropped.
pub struct Change {
    own: OwnKeys,
    principal: Principal,
}

impl OwnKeys {
    /// Begins to change a caller's key.
    ///
    /// # Errors
    /// `Busy` and `TooOften`.
    pub fn change(&self, principal: &Principal) -> Result<Change, OwnKeyError> {
        self.0.changes.check_key(principal).map_err(|negative| {
            let wait = negative.wait_time_from(DefaultClock::default().now());
            OwnKeyError::TooOften(wait.as_secs() + 1)
        })?;
        if !self.changing().insert(principal.clone()) {
            return Err(OwnKeyError::Busy);
        }
        Ok(Change { own: self.clone(), principal: principal.clone() })
    }
}

impl Change {
    /// The key that is to take the place of whatever was; it is used only to ask whether it is good, until it is kept.
    ///
    /// # Errors
    /// `Full` and `Gateways`.
    pub fn prepare(&self, wanted: WantedKey) -> Result<OwnKey, OwnKeyError> {
        if fingerprint(&wanted.key) == self.own.0.gateways {
            return Err(OwnKeyError::Gateways);
        }
        let before = self.own.find(&self.principal);
        if before.is_none() && self.own.len() >= MAX_KEYS {
            return Err(OwnKeyError::Full);
        }
        // In place of the record that is there, so that there is never more than one.
        let record = before.map_or_else(random_u128, |key| key.record);
        Ok(OwnKey::new(wanted, record, self.own.0.clock.now(), self.own.number()))
    }

    /// Keeps the key, then lets all workers use it.
    ///
    /// # Errors
    /// `Store`: the key that was before still holds, but may be gone with the next start.
    pub async fn keep(self, key: OwnKey) -> Result<(), OwnKeyError> {
        let record = key.record(&self.principal);
        self.own.0.store.put(Shelf::UpstreamKeys, vec![record]).await.map_err(OwnKeyError::Store)?;
        self.own.put(self.principal.clone(), key);
        Ok(())
    }

    /// Forgets the key, if there is one: the next call of any worker goes out with the gateway's.
    ///
    /// # Errors
    /// `Store`: the key still holds.
    pub async fn forget(self) -> Result<(), OwnKeyError> {
        if let Some(key) = self.own.find(&self.principal) {
            self.own.0.store.delete(Shelf::UpstreamKeys, key.record).await.map_err(OwnKeyError::Store)?;
            self.own.remove(&self.principal);
        }
        Ok(())
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        self.own.changing().remove(&self.principal);
    }
}
