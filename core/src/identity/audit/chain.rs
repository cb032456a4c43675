//! Which bytes of a row are hashed, and is the chain whole?
//!
//! `hash(n) = SHA-256("tickgate audit chain" ‖ hash(n-1) ‖ seq(n) ‖ canonical(entry n))`, each part with its length in 8 bytes before
//! it, numbers big-endian. The canonical bytes of an entry are one version byte and then its fields in the order of
//! [`canonical`], each a text with its length in 4 bytes before it; a field that may be absent has a byte 0 or 1 first. They do
//! not depend on JSON, on column types or on the order of keys, so both adapters and every later version make the same ones.

use serde::{Deserialize, Serialize};

use super::checkpoint::{Checkpoint, CheckpointKind};
use super::entry::AuditEntry;
use crate::identity::hash::{HashKeys, digest, hex, unhex};

/// The version of the canonical bytes. Another encoding gets another one; rows keep theirs.
pub const CANONICAL_VERSION: u8 = 1;

/// An entry in its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Its place: the first is 1, each next one more.
    pub seq: u64,
    /// What happened.
    pub entry: AuditEntry,
    /// The hash up to and with this row.
    #[serde(with = "hash_text")]
    pub hash: [u8; 32],
}

/// The bytes of an entry that are hashed.
#[must_use]
pub fn canonical(entry: &AuditEntry) -> Vec<u8> {
    let mut bytes = vec![CANONICAL_VERSION];
    bytes.extend(entry.at.0.to_be_bytes());
    text(&mut bytes, &entry.actor.text());
    text(&mut bytes, entry.action.as_str());
    text(&mut bytes, &entry.target);
    perhaps(&mut bytes, entry.from.map(|from| from.to_string()).as_deref());
    perhaps(&mut bytes, entry.request_id.as_deref());
    text(&mut bytes, entry.outcome.as_str());
    bytes.extend((entry.details.len() as u32).to_be_bytes());
    for (name, value) in &entry.details {
        text(&mut bytes, name);
        text(&mut bytes, value);
    }
    bytes
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u32).to_be_bytes());
    bytes.extend(text.as_bytes());
}

fn perhaps(bytes: &mut Vec<u8>, value: Option<&str>) {
    bytes.push(u8::from(value.is_some()));
    if let Some(value) = value {
        text(bytes, value);
    }
}

/// The hash of the row that follows a hash.
#[must_use]
pub fn next_hash(before: &[u8; 32], seq: u64, entry: &AuditEntry) -> [u8; 32] {
    digest("tickgate audit chain", &[before, &seq.to_be_bytes(), &canonical(entry)])
}

/// What a whole chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many rows were looked at.
    pub rows: u64,
    /// The place of the last one.
    pub last: u64,
}

/// Where a chain breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit breaks at row {seq}: {kind}")]
pub struct Break {
    /// The first row that is not as it was written, or the first one that is missing.
    pub seq: u64,
    /// How.
    pub kind: BreakKind,
}

/// How a chain breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BreakKind {
    /// Another row stands there: one was removed, added or moved.
    #[error("another row was expected")]
    Order,
    /// The row or one before it was changed.
    #[error("its hash is wrong")]
    Hash,
    /// The rows end too early: the newest were removed.
    #[error("the rows after it are missing")]
    Tail,
    /// The checkpoint that should stand here is not signed by us.
    #[error("the checkpoint is not genuine")]
    Checkpoint,
}

/// Looks at a chain row by row, however long it is.
#[derive(Clone, Debug)]
pub struct Verifier<'a> {
    head: &'a Checkpoint,
    head_hash: Option<[u8; 32]>,
    seq: u64,
    hash: [u8; 32],
    rows: u64,
}

impl<'a> Verifier<'a> {
    /// Begins behind `start`: the checkpoint of the last purge, or [`Checkpoint::genesis`]. `head` is the newest signed head: the
    /// rows must reach it, with its hash. Rows behind it, which were written but whose head was not signed yet, are held to the
    /// chain too.
    ///
    /// # Errors
    /// When one of them is not ours, or not of its kind.
    pub fn begin(start: &Checkpoint, head: &'a Checkpoint, keys: &HashKeys) -> Result<Self, Break> {
        for (checkpoint, kind) in [(start, CheckpointKind::Start), (head, CheckpointKind::Head)] {
            if !checkpoint.is_genuine(kind, keys) {
                return Err(Break { seq: checkpoint.seq, kind: BreakKind::Checkpoint });
            }
        }
        let head_hash = (start.seq == head.seq).then_some(start.hash);
        Ok(Self { head, head_hash, seq: start.seq, hash: start.hash, rows: 0 })
    }

    /// Takes the next row.
    ///
    /// # Errors
    /// When the chain breaks at it.
    pub fn row(&mut self, row: &AuditRow) -> Result<(), Break> {
        let seq = self.seq.saturating_add(1);
        if row.seq != seq {
            return Err(Break { seq, kind: BreakKind::Order });
        }
        let hash = next_hash(&self.hash, seq, &row.entry);
        if hash != row.hash {
            return Err(Break { seq, kind: BreakKind::Hash });
        }
        if seq == self.head.seq {
            self.head_hash = Some(hash);
        }
        (self.seq, self.hash, self.rows) = (seq, hash, self.rows + 1);
        Ok(())
    }

    /// Ends.
    ///
    /// # Errors
    /// When rows are missing at the end, or others stand at the head.
    pub fn end(self) -> Result<Verified, Break> {
        if self.seq < self.head.seq {
            return Err(Break { seq: self.seq.saturating_add(1), kind: BreakKind::Tail });
        }
        if self.head_hash != Some(self.head.hash) {
            return Err(Break { seq: self.head.seq, kind: BreakKind::Hash });
        }
        Ok(Verified { rows: self.rows, last: self.seq })
    }
}

/// Looks at all rows between two checkpoints.
///
/// # Errors
/// The first row where the chain breaks.
pub fn verify(rows: &[AuditRow], start: &Checkpoint, head: &Checkpoint, keys: &HashKeys) -> Result<Verified, Break> {
    let mut verifier = Verifier::begin(start, head, keys)?;
    rows.iter().try_for_each(|row| verifier.row(row))?;
    verifier.end()
}

/// 32 bytes as hexadecimal digits.
pub(super) mod hash_text {
    use std::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::{hex, unhex};

    pub(in crate::identity::audit) fn serialize<S: Serializer>(hash: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(hash))
    }

    pub(in crate::identity::audit) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        unhex(&text).ok_or_else(|| serde::de::Error::custom("not a hash"))
    }
}
