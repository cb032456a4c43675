//! Records as rows. The body is sealed for its shelf, id and principal: a row that was moved elsewhere cannot be read.

use rusqlite::{Connection, OptionalExtension as _, params};
use tickgate_core::ports::{Record, Shelf, StoreError};
use tickgate_core::time::Millis;

use super::database::unavailable;
use crate::sealing::{Purpose, Sealer};

const PUT: &str = "INSERT INTO records (shelf, id, principal, expires_ms, body) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (shelf, id) DO UPDATE SET principal = excluded.principal, expires_ms = excluded.expires_ms, body = excluded.body";
const ALL: &str =
    "SELECT id, principal, expires_ms, body FROM records WHERE shelf = ?1 AND (expires_ms IS NULL OR expires_ms > ?2)";
const FIND: &str = "SELECT expires_ms, body FROM records
    WHERE shelf = ?1 AND id = ?2 AND principal = ?3 AND (expires_ms IS NULL OR expires_ms > ?4)";
const DELETE: &str = "DELETE FROM records WHERE shelf = ?1 AND id = ?2";
const PURGE: &str = "DELETE FROM records WHERE expires_ms <= ?1";

pub(super) fn put(connection: &Connection, sealer: &Sealer, shelf: Shelf, records: &[Record]) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(PUT).map_err(|error| unavailable(&error))?;
    for record in records {
        let id = record.id.to_be_bytes();
        let body = sealer.seal_bytes(Purpose::Record(shelf), &[&id, record.principal.as_bytes()], &record.body);
        statement
            .execute(params![shelf.as_str(), id, record.principal, record.expires.map(column), body])
            .map_err(|error| unavailable(&error))?;
    }
    Ok(())
}

/// The records that can be read, and how many cannot.
pub(super) fn all(
    connection: &Connection,
    sealer: &Sealer,
    shelf: Shelf,
    now: Millis,
) -> Result<(Vec<Record>, usize), StoreError> {
    let read = || {
        let mut statement = connection.prepare_cached(ALL)?;
        let mut rows = statement.query(params![shelf.as_str(), column(now)])?;
        let (mut records, mut unreadable) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let id = u128::from_be_bytes(row.get("id")?);
            let principal: String = row.get("principal")?;
            let expires = row.get::<_, Option<u64>>("expires_ms")?.map(Millis);
            let sealed = row.get_ref("body")?.as_blob()?;
            match sealer.open_bytes(Purpose::Record(shelf), &[&id.to_be_bytes(), principal.as_bytes()], sealed) {
                Ok(body) => records.push(Record { id, principal, expires, body: body.into() }),
                Err(_) => unreadable += 1,
            }
        }
        Ok((records, unreadable))
    };
    read().map_err(|error| unavailable(&error))
}

pub(super) fn take(
    connection: &Connection,
    sealer: &Sealer,
    shelf: Shelf,
    id: u128,
    principal: &str,
    now: Millis,
) -> Result<Option<Record>, StoreError> {
    let key = id.to_be_bytes();
    let find = || {
        connection
            .prepare_cached(FIND)?
            .query_row(params![shelf.as_str(), key, principal, column(now)], |row| {
                Ok((row.get::<_, Option<u64>>("expires_ms")?.map(Millis), row.get::<_, Vec<u8>>("body")?))
            })
            .optional()
    };
    let Some((expires, sealed)) = find().map_err(|error| unavailable(&error))? else { return Ok(None) };
    let body = sealer
        .open_bytes(Purpose::Record(shelf), &[&key, principal.as_bytes()], &sealed)
        .map_err(|_| StoreError::Unreadable(format!("one of {}: another DATA_ENCRYPTION_KEY, or damage", shelf.as_str())))?;
    delete(connection, shelf, id)?;
    Ok(Some(Record { id, principal: principal.to_owned(), expires, body: body.into() }))
}

pub(super) fn delete(connection: &Connection, shelf: Shelf, id: u128) -> Result<(), StoreError> {
    let delete = || connection.prepare_cached(DELETE)?.execute(params![shelf.as_str(), id.to_be_bytes()]);
    delete().map(|_| ()).map_err(|error| unavailable(&error))
}

pub(super) fn purge(connection: &Connection, now: Millis) -> Result<u64, StoreError> {
    let purge = || connection.prepare_cached(PURGE)?.execute(params![column(now)]);
    purge().map(|forgotten| forgotten as u64).map_err(|error| unavailable(&error))
}

/// A moment as the database keeps it; one past its last, in 292 million years, is its last.
fn column(moment: Millis) -> i64 {
    i64::try_from(moment.0).unwrap_or(i64::MAX)
}
