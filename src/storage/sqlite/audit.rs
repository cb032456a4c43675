//! The audit log as rows.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tickgate_core::ports::{AUDIT_PURGED_AT_ONCE, AuditEnds, AuditEntry, AuditRow, StoreError};
use tickgate_core::time::Millis;

use super::database::unavailable;
use crate::sealing::Sealer;
use crate::storage::chain::{self, CHECKPOINT, HEAD, StoredMark, StoredRow};
use crate::storage::rows::column;

const MARK: &str = "SELECT seq, hash, signature FROM audit_marks WHERE name = ?1";
const PUT_MARK: &str = "INSERT INTO audit_marks (name, seq, hash, signature) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, signature = excluded.signature";
const APPEND: &str = "INSERT INTO audit (seq, at_ms, body, hash) VALUES (?1, ?2, ?3, ?4)";
const READ: &str = "SELECT seq, at_ms, body, hash FROM audit WHERE seq >= ?1 ORDER BY seq LIMIT ?2";
const NEWEST: &str = "SELECT seq, hash, x'' AS signature FROM audit ORDER BY seq DESC LIMIT 1";
const OLDEST: &str = "SELECT seq, hash, x'' AS signature FROM audit ORDER BY seq LIMIT 1";
/// The last of the rows that are all older than a moment.
const LAST_OLD: &str = "SELECT seq, hash, x'' AS signature FROM audit
    WHERE seq < (SELECT coalesce(min(seq), 9223372036854775807) FROM audit WHERE at_ms >= ?1)
        AND seq < (SELECT min(seq) FROM audit) + ?2
    ORDER BY seq DESC LIMIT 1";
const PURGE: &str = "DELETE FROM audit WHERE seq <= ?1";

pub(super) fn append(connection: &Connection, sealer: &Sealer, entries: &[AuditEntry]) -> Result<Option<u64>, StoreError> {
    if entries.is_empty() {
        return Ok(None);
    }
    let write = || {
        let head = match mark(connection, HEAD)? {
            None => one(connection, NEWEST)?,
            head => head,
        };
        let (rows, head) = chain::extend(sealer, head.as_ref(), entries);
        let mut statement = connection.prepare_cached(APPEND)?;
        for row in rows {
            statement.execute(params![row.seq, row.at_ms, row.sealed, row.hash])?;
        }
        put_mark(connection, HEAD, &head)?;
        Ok(Some(head.seq.cast_unsigned()))
    };
    write().map_err(|error| unavailable(&error))
}

pub(super) fn read(connection: &Connection, sealer: &Sealer, from: u64, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
    let read = || {
        let stored =
            |row: &Row<'_>| Ok(StoredRow { seq: row.get(0)?, at_ms: row.get(1)?, sealed: row.get(2)?, hash: row.get(3)? });
        let mut statement = connection.prepare_cached(READ)?;
        let rows = statement.query_map(params![column(from), column(limit as u64)], stored)?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    let rows = read().map_err(|error| unavailable(&error))?;
    rows.into_iter().map(|row| chain::open(sealer, row)).collect()
}

pub(super) fn ends(connection: &Connection, sealer: &Sealer) -> Result<AuditEnds, StoreError> {
    let end = |name| {
        let mark = mark(connection, name).map_err(|error| unavailable(&error))?;
        Ok::<_, StoreError>(mark.map(|mark| mark.read(sealer, name)))
    };
    Ok(AuditEnds { checkpoint: end(CHECKPOINT)?, head: end(HEAD)? })
}

pub(super) fn purge_before(connection: &Connection, sealer: &Sealer, time: Millis) -> Result<u64, StoreError> {
    let purge = || {
        let last = connection
            .prepare_cached(LAST_OLD)?
            .query_row(params![column(time.0), column(AUDIT_PURGED_AT_ONCE)], stored_mark)
            .optional()?;
        let (Some(first), Some(last)) = (one(connection, OLDEST)?, last) else { return Ok(0) };
        let before = mark(connection, CHECKPOINT)?;
        put_mark(connection, CHECKPOINT, &chain::checkpoint(sealer, before.as_ref(), first.seq, (last.seq, last.hash)))?;
        connection.prepare_cached(PURGE)?.execute(params![last.seq]).map(|purged| purged as u64)
    };
    purge().map_err(|error| unavailable(&error))
}

fn mark(connection: &Connection, name: &str) -> rusqlite::Result<Option<StoredMark>> {
    connection.prepare_cached(MARK)?.query_row(params![name], stored_mark).optional()
}

fn one(connection: &Connection, sql: &str) -> rusqlite::Result<Option<StoredMark>> {
    connection.prepare_cached(sql)?.query_row([], stored_mark).optional()
}

fn put_mark(connection: &Connection, name: &str, mark: &StoredMark) -> rusqlite::Result<()> {
    connection.prepare_cached(PUT_MARK)?.execute(params![name, mark.seq, mark.hash, mark.signature]).map(drop)
}

fn stored_mark(row: &Row<'_>) -> rusqlite::Result<StoredMark> {
    Ok(StoredMark { seq: row.get(0)?, hash: row.get(1)?, signature: row.get(2)? })
}
