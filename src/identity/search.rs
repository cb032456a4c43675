//! Which rows of the audit log does somebody want to see? The newest first, because one looks for what has just happened.

use tickgate_core::identity::audit::{AuditEntry, AuditFilter};
use tickgate_core::ports::{AuditLog, AuditRow, StoreError};

/// Rows that are read at once.
const AT_ONCE: u64 = 500;
/// Rows that one search looks at; then it says where to go on. Each is decrypted.
const MAX_LOOKED_AT: u64 = 10_000;
/// How much the clocks of gateways that write to one log may differ, in ms: rows are in the order in which they were written.
const CLOCKS_MS: u64 = 600_000;

/// What is wanted.
#[derive(Clone, Copy, Debug)]
pub struct RowsWanted {
    /// Which rows.
    pub filter: AuditFilter,
    /// Those that come after this one in the list, which are older.
    pub after: Option<u64>,
    /// At most so many.
    pub limit: usize,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowsFound {
    /// The newest first; a row that makes no sense has no entry.
    pub rows: Vec<(AuditRow, Option<AuditEntry>)>,
    /// After which row it goes on, also when none was found so far; `None` when all were looked at.
    pub next: Option<u64>,
}

/// Searches the log from its newest row on.
///
/// # Errors
/// When the log is away, or a row cannot be decrypted: none is left out in silence.
pub async fn search(log: &dyn AuditLog, wanted: &RowsWanted) -> Result<RowsFound, StoreError> {
    let ends = log.ends().await?;
    let oldest = ends.checkpoint.map_or(1, |mark| mark.seq + 1);
    let newest = ends.head.map_or(0, |mark| mark.seq);
    let begin = wanted.after.map_or(newest + 1, |after| after.min(newest + 1));
    let last = begin.saturating_sub(MAX_LOOKED_AT).max(oldest);
    let (mut at, mut rows) = (begin, Vec::new());
    while at > last {
        let from = at.saturating_sub(AT_ONCE).max(last);
        let part = log.read(from, usize::try_from(at - from).unwrap_or(0)).await?;
        let part: Vec<AuditRow> = part.into_iter().filter(|row| row.seq < at).collect();
        if is_too_old(&part, wanted) {
            return Ok(RowsFound { rows, next: None });
        }
        for row in part.into_iter().rev() {
            let seq = row.seq;
            if let Some(found) = wanted.take(row) {
                rows.push(found);
            }
            if rows.len() >= wanted.limit {
                return Ok(RowsFound { rows, next: (seq > oldest).then_some(seq) });
            }
        }
        at = from;
    }
    Ok(RowsFound { rows, next: (at > oldest).then_some(at) })
}

impl RowsWanted {
    fn take(&self, row: AuditRow) -> Option<(AuditRow, Option<AuditEntry>)> {
        match serde_json::from_slice::<AuditEntry>(&row.body) {
            Ok(entry) => self.filter.takes(&entry).then_some((row, Some(entry))),
            Err(_) => (self.filter == AuditFilter::default()).then_some((row, None)),
        }
    }
}

fn is_too_old(part: &[AuditRow], wanted: &RowsWanted) -> bool {
    let oldest = wanted.filter.from.map(|from| from.minus(CLOCKS_MS));
    oldest.is_some_and(|oldest| !part.is_empty() && part.iter().all(|row| row.at < oldest))
}
