//! Records as rows. The body is sealed for its shelf, id and principal: a row that was moved elsewhere cannot be read.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tickgate_core::ports::{Record, Shelf, StoreError, Version, Versioned};
use tickgate_core::time::Millis;

use super::changes;
use super::database::unavailable;
use crate::sealing::Sealer;
use crate::storage::rows::{column, moment, new_version, open, seal, unreadable, version, version_column};

const PUT: &str = "INSERT INTO records (shelf, id, principal, expires_ms, body, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (shelf, id) DO UPDATE SET principal = excluded.principal, expires_ms = excluded.expires_ms,
        body = excluded.body, version = excluded.version";
const SWAP_NONE: &str = "INSERT INTO records (shelf, id, principal, expires_ms, body, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (shelf, id) DO UPDATE SET principal = excluded.principal, expires_ms = excluded.expires_ms,
        body = excluded.body, version = excluded.version
    WHERE expires_ms <= ?7";
const SWAP: &str = "UPDATE records SET principal = ?3, expires_ms = ?4, body = ?5, version = ?6
    WHERE shelf = ?1 AND id = ?2 AND (expires_ms IS NULL OR expires_ms > ?7) AND version = ?8";
const ALL: &str = "SELECT id, principal, expires_ms, body, version FROM records
    WHERE shelf = ?1 AND (expires_ms IS NULL OR expires_ms > ?2)";
const OF: &str = "SELECT id, principal, expires_ms, body, version FROM records
    WHERE principal = ?1 AND shelf = ?2 AND (expires_ms IS NULL OR expires_ms > ?3)";
const FIND: &str = "SELECT id, principal, expires_ms, body, version FROM records
    WHERE shelf = ?1 AND id = ?2 AND (expires_ms IS NULL OR expires_ms > ?3)";
const DELETE: &str = "DELETE FROM records WHERE shelf = ?1 AND id = ?2";
const ERASE: &str = "DELETE FROM records WHERE principal = ?1 RETURNING shelf, id";
const PURGE: &str = "DELETE FROM records WHERE expires_ms <= ?1";

/// What a search has found: the records that can be read, and how many cannot.
pub(super) type Found = (Vec<Versioned>, usize);

pub(super) fn put(connection: &Connection, sealer: &Sealer, shelf: Shelf, records: &[Record]) -> Result<(), StoreError> {
    let write = || {
        let mut statement = connection.prepare_cached(PUT)?;
        for record in records {
            let (id, expires) = (record.id.to_be_bytes(), expiry(record));
            statement.execute(params![
                shelf.as_str(),
                id,
                record.principal,
                expires,
                seal(sealer, shelf, record),
                new_version()
            ])?;
            changes::append(connection, shelf, record.id)?;
        }
        Ok(())
    };
    write().map_err(|error| unavailable(&error))
}

pub(super) fn swap(
    connection: &Connection,
    sealer: &Sealer,
    shelf: Shelf,
    record: &Record,
    (expected, now): (Option<Version>, Millis),
) -> Result<Option<Version>, StoreError> {
    let (id, expires, sealed, next) = (record.id.to_be_bytes(), expiry(record), seal(sealer, shelf, record), new_version());
    let write = || {
        let (shelf_name, now) = (shelf.as_str(), column(now.0));
        let written = match expected {
            None => connection.prepare_cached(SWAP_NONE)?.execute(params![
                shelf_name,
                id,
                record.principal,
                expires,
                sealed,
                next,
                now
            ])?,
            Some(expected) => {
                let expected = version_column(expected);
                let values = params![shelf_name, id, record.principal, expires, sealed, next, now, expected];
                connection.prepare_cached(SWAP)?.execute(values)?
            }
        };
        if written == 0 {
            return Ok(None);
        }
        changes::append(connection, shelf, record.id)?;
        Ok(Some(version(next)))
    };
    write().map_err(|error| unavailable(&error))
}

pub(super) fn all(connection: &Connection, sealer: &Sealer, shelf: Shelf, now: Millis) -> Result<Found, StoreError> {
    search(connection, sealer, shelf, ALL, params![shelf.as_str(), column(now.0)])
}

pub(super) fn of(
    connection: &Connection,
    sealer: &Sealer,
    shelf: Shelf,
    principal: &str,
    now: Millis,
) -> Result<Found, StoreError> {
    search(connection, sealer, shelf, OF, params![principal, shelf.as_str(), column(now.0)])
}

fn search(
    connection: &Connection,
    sealer: &Sealer,
    shelf: Shelf,
    sql: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<Found, StoreError> {
    let read = || {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(values)?;
        let (mut found, mut unreadable) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            match versioned(sealer, shelf, row)? {
                Some(record) => found.push(record),
                None => unreadable += 1,
            }
        }
        Ok((found, unreadable))
    };
    read().map_err(|error| unavailable(&error))
}

/// The record of a row; `None` when it cannot be read.
fn versioned(sealer: &Sealer, shelf: Shelf, row: &Row<'_>) -> rusqlite::Result<Option<Versioned>> {
    let id = u128::from_be_bytes(row.get("id")?);
    let expires = row.get::<_, Option<i64>>("expires_ms")?.map(moment);
    let record = open(sealer, shelf, id, row.get("principal")?, (expires, row.get_ref("body")?.as_blob()?));
    let version = version(row.get("version")?);
    Ok(record.map(|record| Versioned { record, version }))
}

pub(super) fn find(
    connection: &Connection,
    sealer: &Sealer,
    shelf: Shelf,
    id: u128,
    now: Millis,
) -> Result<Option<Versioned>, StoreError> {
    let read = || {
        let mut statement = connection.prepare_cached(FIND)?;
        let values = params![shelf.as_str(), id.to_be_bytes(), column(now.0)];
        statement.query_row(values, |row| versioned(sealer, shelf, row)).optional()
    };
    match read().map_err(|error| unavailable(&error))? {
        None => Ok(None),
        Some(Some(found)) => Ok(Some(found)),
        Some(None) => Err(unreadable(shelf)),
    }
}

pub(super) fn take(
    connection: &Connection,
    sealer: &Sealer,
    shelf: Shelf,
    (id, principal): (u128, &str),
    now: Millis,
) -> Result<Option<Record>, StoreError> {
    let theirs = "SELECT 1 FROM records WHERE shelf = ?1 AND id = ?2 AND principal = ?3";
    let is_theirs = || connection.prepare_cached(theirs)?.exists(params![shelf.as_str(), id.to_be_bytes(), principal]);
    // Asked first: an unreadable record of somebody else's is like none.
    if !is_theirs().map_err(|error| unavailable(&error))? {
        return Ok(None);
    }
    let Some(found) = find(connection, sealer, shelf, id, now)? else { return Ok(None) };
    delete(connection, shelf, id)?;
    Ok(Some(found.record))
}

pub(super) fn delete(connection: &Connection, shelf: Shelf, id: u128) -> Result<(), StoreError> {
    let delete = || {
        if connection.prepare_cached(DELETE)?.execute(params![shelf.as_str(), id.to_be_bytes()])? > 0 {
            changes::append(connection, shelf, id)?;
        }
        Ok(())
    };
    delete().map_err(|error| unavailable(&error))
}

pub(super) fn erase(connection: &Connection, principal: &str) -> Result<u64, StoreError> {
    let erase = || {
        let mut statement = connection.prepare_cached(ERASE)?;
        let erased = statement.query_map(params![principal], |row| Ok((row.get::<_, String>(0)?, row.get::<_, [u8; 16]>(1)?)))?;
        let erased = erased.collect::<rusqlite::Result<Vec<_>>>()?;
        for (shelf, id) in &erased {
            if let Some(shelf) = Shelf::find(shelf) {
                changes::append(connection, shelf, u128::from_be_bytes(*id))?;
            }
        }
        Ok(erased.len() as u64)
    };
    erase().map_err(|error| unavailable(&error))
}

pub(super) fn purge(connection: &Connection, now: Millis) -> Result<u64, StoreError> {
    let purge = || {
        let forgotten = connection.prepare_cached(PURGE)?.execute(params![column(now.0)])?;
        changes::prune(connection)?;
        Ok(forgotten as u64)
    };
    purge().map_err(|error| unavailable(&error))
}

fn expiry(record: &Record) -> Option<i64> {
    record.expires.map(|expires| column(expires.0))
}
