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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use secrecy::SecretString;
    use tickgate_core::identity::audit::{Actor, AuditAction, NewEntry, Outcome};
    use tickgate_core::ports::AuditEntry as NewRow;
    use tickgate_core::time::Millis;

    use super::*;
    use crate::sealing::Sealer;
    use crate::storage::SqliteStore;

    const NOW: Millis = Millis(1_773_167_467_294);

    /// Row n is n seconds after the first; each thousandth is a sign-in.
    fn row(n: u64) -> NewRow {
        let at = NOW.plus(n * 1_000);
        let action = if n.is_multiple_of(1_000) { AuditAction::SignIn } else { AuditAction::KeyUse };
        let (actor, outcome) = (Actor::Gateway, Outcome::Done);
        let new = NewEntry { at, actor, action, target: "", from: None, request_id: None, outcome, details: &[] };
        NewRow { at, body: serde_json::to_vec(&AuditEntry::new(&new)).unwrap().into() }
    }

    async fn log(folder: &tempfile::TempDir, rows: u64) -> SqliteStore {
        let sealer = Arc::new(Sealer::new(&[SecretString::from("ab".repeat(32))]).unwrap());
        let store = SqliteStore::open(folder.path(), sealer).unwrap();
        for part in 0..rows.div_ceil(1_000) {
            store.append((part * 1_000 + 1..=(part * 1_000 + 1_000).min(rows)).map(row).collect()).await.unwrap();
        }
        store
    }

    fn seqs(found: &RowsFound) -> Vec<u64> {
        found.rows.iter().map(|(row, _)| row.seq).collect()
    }

    #[actix_rt::test]
    async fn a_search_looks_at_a_bounded_number_of_rows_and_says_where_to_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(&folder, 25_000).await;
        let sign_ins = AuditFilter { action: Some(AuditAction::SignIn), ..AuditFilter::default() };
        let mut wanted = RowsWanted { filter: sign_ins, after: None, limit: 100 };
        let mut all = Vec::new();
        let mut nexts = Vec::new();
        loop {
            let found = search(&log, &wanted).await.unwrap();
            all.extend(seqs(&found));
            nexts.extend(found.next);
            wanted.after = found.next;
            if found.next.is_none() {
                break;
            }
        }
        assert!(all.iter().copied().eq((1..=25).rev().map(|n| n * 1_000)), "{all:?}");
        assert_eq!(nexts, [15_001, 5_001]);
        let never = AuditFilter { action: Some(AuditAction::Backup), ..AuditFilter::default() };
        let found = search(&log, &RowsWanted { filter: never, after: Some(9_000), limit: 1 }).await.unwrap();
        assert_eq!((seqs(&found), found.next), (vec![], None));
        let late = AuditFilter { from: Some(NOW.plus(24_990_000)), ..AuditFilter::default() };
        let found = search(&log, &RowsWanted { filter: late, after: None, limit: 100 }).await.unwrap();
        assert_eq!((seqs(&found), found.next), ((24_990..=25_000).rev().collect(), None), "the rest is too old to be looked at");
    }

    #[actix_rt::test]
    async fn a_search_ends_where_a_purge_has_ended_and_of_an_empty_log_finds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(&folder, 0).await;
        let wanted = RowsWanted { filter: AuditFilter::default(), after: None, limit: 4 };
        assert_eq!(search(&log, &wanted).await.unwrap(), RowsFound { rows: vec![], next: None });
        log.append((1..=10).map(row).collect()).await.unwrap();
        log.purge_before(NOW.plus(5_000)).await.unwrap();
        let found = search(&log, &wanted).await.unwrap();
        assert_eq!((seqs(&found), found.next), (vec![10, 9, 8, 7], Some(7)));
        let found = search(&log, &RowsWanted { after: Some(7), ..wanted }).await.unwrap();
        assert_eq!((seqs(&found), found.next), (vec![6, 5], None));
        let beyond = search(&log, &RowsWanted { after: Some(u64::MAX), ..wanted }).await.unwrap();
        assert_eq!(seqs(&beyond), [10, 9, 8, 7]);
        log.append(vec![NewRow { at: NOW, body: "of a newer version".into() }]).await.unwrap();
        let found = search(&log, &wanted).await.unwrap();
        assert!(found.rows[0].1.is_none() && found.rows[1].1.is_some(), "shown, not left out");
    }
}
