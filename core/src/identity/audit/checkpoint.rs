//! Where may a chain begin and end, signed?
//!
//! A retention purge removes the oldest rows and leaves a `Start`; with each batch a `Head` is written. Both are signed by HMAC
//! under a subkey of `DATA_ENCRYPTION_KEY`, so who can write to the database but has no key can neither cut the beginning nor
//! the end without it showing. Who also brings back an *older genuine head* can cut the end down to it; an exported head kept
//! elsewhere shows that. A head is no start: their signatures differ.

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::chain::hash_text;
use crate::identity::hash::{HashKey, HashKeys};
use crate::time::Millis;

/// What a checkpoint is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointKind {
    /// The rows up to here were purged.
    Start,
    /// The rows reached at least to here.
    Head,
}

/// A place in the chain, signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// What it is for.
    pub kind: CheckpointKind,
    /// The last row up to it; 0 before the first.
    pub seq: u64,
    /// The hash up to that row.
    #[serde(with = "hash_text")]
    pub hash: [u8; 32],
    /// When it was signed.
    pub at: Millis,
    #[serde(with = "hash_text")]
    signature: [u8; 32],
}

impl Checkpoint {
    /// Signs a place.
    #[must_use]
    pub fn sign(kind: CheckpointKind, seq: u64, hash: [u8; 32], at: Millis, keys: &HashKeys) -> Self {
        let signature = signature(kind, seq, &hash, at, keys.first());
        Self { kind, seq, hash, at, signature }
    }

    /// Where a chain begins that was never purged.
    #[must_use]
    pub fn genesis(keys: &HashKeys) -> Self {
        Self::sign(CheckpointKind::Start, 0, [0; 32], Millis(0), keys)
    }

    /// Whether it is ours, of this kind, under any accepted key.
    #[must_use]
    pub fn is_genuine(&self, kind: CheckpointKind, keys: &HashKeys) -> bool {
        let signed = |key| signature(self.kind, self.seq, &self.hash, self.at, key).ct_eq(&self.signature);
        self.kind == kind && bool::from(keys.all().fold(subtle::Choice::from(0), |found, key| found | signed(key)))
    }
}

fn signature(kind: CheckpointKind, seq: u64, hash: &[u8; 32], at: Millis, key: &HashKey) -> [u8; 32] {
    let label = match kind {
        CheckpointKind::Start => "audit start",
        CheckpointKind::Head => "audit head",
    };
    key.mac(label, &[&seq.to_be_bytes(), hash, &at.0.to_be_bytes()])
}
