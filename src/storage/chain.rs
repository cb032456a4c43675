//! How the audit log is chained and signed, whichever database keeps it.

use bytes::Bytes;
use tickgate_core::ports::{AUDIT_GENESIS, AUDIT_HASH_BYTES, AuditEntry, AuditMark, AuditRow, StoreError, next_hash};

use super::rows::{column, moment};
use crate::sealing::{Purpose, Sealer};

/// The mark of the newest row.
pub(super) const HEAD: &str = "head";
/// The mark of the newest row that was purged.
pub(super) const CHECKPOINT: &str = "checkpoint";

/// A row as a database keeps it.
pub(super) struct StoredRow {
    pub(super) seq: i64,
    pub(super) at_ms: i64,
    pub(super) sealed: Vec<u8>,
    pub(super) hash: [u8; AUDIT_HASH_BYTES],
}

/// A mark as a database keeps it.
pub(super) struct StoredMark {
    pub(super) seq: i64,
    pub(super) hash: [u8; AUDIT_HASH_BYTES],
    pub(super) signature: Vec<u8>,
}

impl StoredMark {
    /// A mark that is signed only if what it follows from is genuine: a chain that somebody forged is not made good by going on.
    pub(super) fn sign(sealer: &Sealer, name: &str, seq: i64, hash: [u8; AUDIT_HASH_BYTES], genuine: bool) -> Self {
        let signature = if genuine {
            sealer.seal_bytes(Purpose::AuditMark, &[name.as_bytes(), &seq.to_be_bytes(), &hash], &[])
        } else {
            Vec::new()
        };
        Self { seq, hash, signature }
    }

    pub(super) fn read(&self, sealer: &Sealer, name: &str) -> AuditMark {
        let opened =
            sealer.open_bytes(Purpose::AuditMark, &[name.as_bytes(), &self.seq.to_be_bytes(), &self.hash], &self.signature);
        AuditMark { seq: self.seq.max(0).cast_unsigned(), hash: self.hash, genuine: opened.is_ok() }
    }
}

/// Entries as rows behind the head, and the head after them.
pub(super) fn extend(sealer: &Sealer, head: Option<&StoredMark>, entries: &[AuditEntry]) -> (Vec<StoredRow>, StoredMark) {
    let genuine = head.is_none_or(|head| head.read(sealer, HEAD).genuine);
    if !genuine {
        tracing::error!(
            "the end of the audit log is not signed by us: rows were removed by hand, or DATA_ENCRYPTION_KEY has changed; \
             `tickgate audit verify` says more"
        );
    }
    let (mut seq, mut hash) = head.map_or((0, AUDIT_GENESIS), |head| (head.seq, head.hash));
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        seq += 1;
        let at_ms = column(entry.at.0);
        hash = next_hash(&hash, seq.cast_unsigned(), moment(at_ms), &entry.body);
        let sealed = sealer.seal_bytes(Purpose::AuditRow, &[&seq.to_be_bytes()], &entry.body);
        rows.push(StoredRow { seq, at_ms, sealed, hash });
    }
    let head = StoredMark::sign(sealer, HEAD, seq, hash, genuine);
    (rows, head)
}

/// The checkpoint after the removal of the rows from `first` to `last`.
pub(super) fn checkpoint(
    sealer: &Sealer,
    before: Option<&StoredMark>,
    first: i64,
    last: (i64, [u8; AUDIT_HASH_BYTES]),
) -> StoredMark {
    // Rows that were missing already have not been purged by us.
    let genuine = before.map_or(first == 1, |mark| mark.read(sealer, CHECKPOINT).genuine && first == mark.seq + 1);
    StoredMark::sign(sealer, CHECKPOINT, last.0, last.1, genuine)
}

/// A row as the port has it.
pub(super) fn open(sealer: &Sealer, row: StoredRow) -> Result<AuditRow, StoreError> {
    let seq = row.seq.max(0).cast_unsigned();
    let body = sealer.open_bytes(Purpose::AuditRow, &[&row.seq.to_be_bytes()], &row.sealed);
    let body =
        body.map_err(|_| StoreError::Unreadable(format!("row {seq} of the audit log: another DATA_ENCRYPTION_KEY, or damage")))?;
    Ok(AuditRow { seq, at: moment(row.at_ms), body: Bytes::from(body), hash: row.hash })
}
