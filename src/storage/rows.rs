//! What both databases keep in their rows: sealed bodies, versions, the feed of changes.

use bytes::Bytes;
use tickgate_core::ports::{Change, Changes, Record, Shelf, StoreError, Version};
use tickgate_core::time::Millis;

use crate::sealing::{Purpose, Sealer};

/// Changes that are kept. A gateway asks several times a second; one that missed as many reads everything again.
pub(super) const KEPT_CHANGES: u64 = 10_000;

/// A record's body, sealed for its shelf, id and principal: a row that was moved elsewhere cannot be read.
pub(super) fn seal(sealer: &Sealer, shelf: Shelf, record: &Record) -> Vec<u8> {
    sealer.seal_bytes(Purpose::Record(shelf), &[&record.id.to_be_bytes(), record.principal.as_bytes()], &record.body)
}

/// The record of a row; `None` when its body cannot be opened.
pub(super) fn open(
    sealer: &Sealer,
    shelf: Shelf,
    id: u128,
    principal: String,
    (expires, sealed): (Option<Millis>, &[u8]),
) -> Option<Record> {
    let body = sealer.open_bytes(Purpose::Record(shelf), &[&id.to_be_bytes(), principal.as_bytes()], sealed).ok()?;
    Some(Record { id, principal, expires, body: Bytes::from(body) })
}

/// The error of a row that was asked for and cannot be opened.
pub(super) fn unreadable(shelf: Shelf) -> StoreError {
    StoreError::Unreadable(format!("one of {}: another DATA_ENCRYPTION_KEY, or damage", shelf.as_str()))
}

/// Says in the log that rows were left out.
pub(super) fn warn_of_unreadable(shelf: Shelf, unreadable: usize) {
    if unreadable > 0 {
        let shelf = shelf.as_str();
        tracing::warn!(shelf, unreadable, "{unreadable} {shelf} cannot be read: another DATA_ENCRYPTION_KEY, or damage");
    }
}

/// A version that no record has had, as databases keep it: random, so that it is neither counted nor reused.
pub(super) fn new_version() -> i64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    i64::from_be_bytes(bytes) & i64::MAX
}

/// A version as the port has it.
pub(super) const fn version(column: i64) -> Version {
    Version(column.cast_unsigned())
}

/// A version as a database keeps it.
pub(super) const fn version_column(version: Version) -> i64 {
    version.0.cast_signed()
}

/// A moment, or a count, as a database keeps it; one past its last, in 292 million years, is its last.
pub(super) fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A moment from a database.
pub(super) fn moment(column: i64) -> Millis {
    Millis(column.max(0).cast_unsigned())
}

/// The answer about changes: `told`, those after `seen`; `kept`, the oldest and the newest that are kept, read after `told`.
pub(super) fn changes(seen: Option<u64>, told: Vec<(u64, Option<Change>)>, kept: Option<(u64, u64)>) -> Changes {
    let (first, last) = kept.unwrap_or((1, 0));
    let Some(seen) = seen.filter(|seen| (first - 1..=last).contains(seen)) else { return Changes::Behind { latest: last } };
    let latest = told.last().map_or(seen, |(seq, _)| *seq);
    // A shelf that only a newer release knows is of no use to us.
    Changes::Since { changes: told.into_iter().filter_map(|(_, change)| change).collect(), latest }
}

/// One row of the feed.
pub(super) fn change(shelf: &str, id: &[u8]) -> Option<Change> {
    Some(Change { shelf: Shelf::find(shelf)?, id: u128::from_be_bytes(id.try_into().ok()?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_behind_or_ahead_reads_everything_again() {
        let told = || vec![(8, change("users", &7_u128.to_be_bytes())), (9, change("of a newer release", &[0; 16]))];
        let since = Changes::Since { changes: vec![Change { shelf: Shelf::Users, id: 7 }], latest: 9 };
        assert_eq!(changes(Some(7), told(), Some((3, 9))), since);
        assert_eq!(changes(Some(2), Vec::new(), Some((3, 2))), Changes::Since { changes: Vec::new(), latest: 2 });
        for seen in [None, Some(1), Some(10)] {
            assert_eq!(changes(seen, told(), Some((3, 9))), Changes::Behind { latest: 9 });
        }
        assert_eq!(changes(Some(0), Vec::new(), None), Changes::Since { changes: Vec::new(), latest: 0 });
        assert_eq!(changes(Some(1), Vec::new(), None), Changes::Behind { latest: 0 });
    }
}
