//! The audit log: rows that are only ever added, each chained to the one before by a hash, so that one that was changed or removed shows.
//!
//! The hash has no key; what makes it hold is that both ends are signed: the newest row, and, after a purge, the newest that was removed.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{StoreError, StoreFuture};
use crate::time::Millis;

/// Bytes of a hash.
pub const AUDIT_HASH_BYTES: usize = 32;
/// The hash before the first row.
pub const AUDIT_GENESIS: [u8; AUDIT_HASH_BYTES] = [0; AUDIT_HASH_BYTES];
/// Most rows that one [`AuditLog::purge_before`] removes: few enough for an operation's deadline.
pub const AUDIT_PURGED_AT_ONCE: u64 = 10_000;
/// Rows that [`AuditLog::verify`] reads at once: few enough for an operation's deadline.
const VERIFIED_AT_ONCE: usize = 500;
/// How often a verification begins again because rows were purged under it; a purge is a matter of days.
const VERIFICATIONS: usize = 3;

/// Something to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When it happened.
    pub at: Millis,
    /// What happened, in its canonical form. Adapters encrypt it at rest.
    pub body: Bytes,
}

/// One row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place: 1, 2, 3 … without a hole.
    pub seq: u64,
    /// When it happened.
    pub at: Millis,
    /// What happened.
    pub body: Bytes,
    /// [`next_hash`] of the hash before and the rest of the row.
    pub hash: [u8; AUDIT_HASH_BYTES],
}

/// A place in the chain that was written down and signed under a subkey of `DATA_ENCRYPTION_KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditMark {
    /// The row.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; AUDIT_HASH_BYTES],
    /// Whether the signature is ours. Once it is not, it does not become so again: neither a row added nor a purge makes a forged chain good.
    pub genuine: bool,
}

/// Both ends of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditEnds {
    /// The last row that was purged; `None` before the first purge.
    pub checkpoint: Option<AuditMark>,
    /// The newest row, purged or not; `None` in a log that never had one.
    pub head: Option<AuditMark>,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditVerdict {
    /// Every row from `first` to `last` is there and unchanged; `None` when the log is empty.
    Whole {
        /// The oldest and the newest row.
        rows: Option<(u64, u64)>,
    },
    /// Somebody has been at the log, or it is damaged, or was signed under a key that is gone.
    Broken {
        /// The first row of which this is so.
        seq: u64,
        /// What is wrong, for people.
        problem: String,
    },
}

/// The hash of a row: SHA-256 over the hash before it, its place, its time and its body; numbers as 8 bytes, big end first.
#[must_use]
pub fn next_hash(previous: &[u8; AUDIT_HASH_BYTES], seq: u64, at: Millis, body: &[u8]) -> [u8; AUDIT_HASH_BYTES] {
    let head = Sha256::new().chain_update(previous).chain_update(seq.to_be_bytes()).chain_update(at.0.to_be_bytes());
    head.chain_update(body).finalize().into()
}

/// Keeps the audit log. What has been answered is durable.
///
/// Several processes may write: rows are gapless and the chain is one, whoever adds to it.
pub trait AuditLog: Send + Sync {
    /// Adds these in their order, all of them or none, and answers the place of the last; `None` when there was nothing to add.
    fn append(&self, entries: Vec<AuditEntry>) -> StoreFuture<'_, Option<u64>>;

    /// Rows from `from` on, in their order, at most `limit`.
    ///
    /// A row that cannot be decrypted is [`StoreError::Unreadable`]: an audit log is not shown with rows left out in silence.
    fn read(&self, from: u64, limit: usize) -> StoreFuture<'_, Vec<AuditRow>>;

    /// Both ends.
    fn ends(&self) -> StoreFuture<'_, AuditEnds>;

    /// Removes the oldest rows up to the first that is not older than `time`, at most [`AUDIT_PURGED_AT_ONCE`], writes down where the
    /// chain goes on, and says how many they were; 0 when there is nothing more to remove.
    fn purge_before(&self, time: Millis) -> StoreFuture<'_, u64>;

    /// Looks at every row, a few at a time, while others may add to the log.
    fn verify(&self) -> StoreFuture<'_, AuditVerdict> {
        Box::pin(async move {
            let mut ends = self.ends().await?;
            for _ in 0..VERIFICATIONS {
                let verdict = verify_between(self, &ends).await?;
                let now = self.ends().await?;
                // What was purged in the meantime is missing, and rightly so.
                if matches!(verdict, AuditVerdict::Whole { .. }) || now.checkpoint == ends.checkpoint {
                    return Ok(verdict);
                }
                ends = now;
            }
            Err(StoreError::Unavailable("rows are purged faster than they can be verified".to_owned()))
        })
    }
}

async fn verify_between<L: AuditLog + ?Sized>(log: &L, ends: &AuditEnds) -> Result<AuditVerdict, StoreError> {
    let broken = |seq, problem: &str| Ok(AuditVerdict::Broken { seq, problem: problem.to_owned() });
    if let Some(mark) = ends.checkpoint.as_ref().filter(|mark| !mark.genuine) {
        return broken(mark.seq + 1, "where the last purge ended is not signed by us: older rows may have been removed by hand");
    }
    let (start, mut hash) = ends.checkpoint.as_ref().map_or((0, AUDIT_GENESIS), |mark| (mark.seq, mark.hash));
    let Some(head) = &ends.head else {
        return match log.read(1, 1).await?.first() {
            Some(row) => broken(row.seq, "there are rows, but nothing signed says so"),
            None => Ok(AuditVerdict::Whole { rows: None }),
        };
    };
    let mut seen = start;
    while seen < head.seq {
        let rows = match log.read(seen + 1, VERIFIED_AT_ONCE).await {
            // One by one, to say which.
            Err(StoreError::Unreadable(_)) => match log.read(seen + 1, 1).await {
                Err(StoreError::Unreadable(problem)) => return Ok(AuditVerdict::Broken { seq: seen + 1, problem }),
                rows => rows?,
            },
            rows => rows?,
        };
        if rows.is_empty() {
            return broken(seen + 1, "the newest rows are missing");
        }
        for row in rows {
            if row.seq != seen + 1 {
                return broken(seen + 1, "the row is missing");
            }
            hash = next_hash(&hash, row.seq, row.at, &row.body);
            if hash != row.hash {
                return broken(row.seq, "the row or one before it was changed");
            }
            seen = row.seq;
            // What was added since is signed by a later head.
            if seen == head.seq {
                break;
            }
        }
    }
    if seen != head.seq || hash != head.hash {
        return broken(seen, "the chain does not end as it was signed");
    }
    if !head.genuine {
        return broken(seen, "the end of the log is not signed by us: newer rows may have been removed by hand");
    }
    Ok(AuditVerdict::Whole { rows: Some((start + 1, seen)).filter(|_| start < seen) })
}
