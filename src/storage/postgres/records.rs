//! Records as rows. The body is sealed for its shelf, id and principal: a row that was moved elsewhere cannot be read.

use std::collections::BTreeMap;

use deadpool_postgres::Client;
use tickgate_core::ports::{Record, Shelf, StoreError, Version, Versioned};
use tickgate_core::time::Millis;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::changes;
use super::database::{FEED, Failure, begin, execute, lock, query, query_opt};
use crate::sealing::Sealer;
use crate::storage::rows::{column, moment, new_version, open, seal, unreadable, version, version_column};

const PUT: &str = "INSERT INTO tickgate_records (shelf, id, principal, expires_ms, body, version)
    SELECT $1, * FROM UNNEST($2::BYTEA[], $3::TEXT[], $4::BIGINT[], $5::BYTEA[], $6::BIGINT[])
    ON CONFLICT (shelf, id) DO UPDATE SET principal = excluded.principal, expires_ms = excluded.expires_ms,
        body = excluded.body, version = excluded.version";
const SWAP_NONE: &str = "INSERT INTO tickgate_records AS stored (shelf, id, principal, expires_ms, body, version)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (shelf, id) DO UPDATE SET principal = excluded.principal, expires_ms = excluded.expires_ms,
        body = excluded.body, version = excluded.version
    WHERE stored.expires_ms <= $7";
const SWAP: &str = "UPDATE tickgate_records SET principal = $3, expires_ms = $4, body = $5, version = $6
    WHERE shelf = $1 AND id = $2 AND (expires_ms IS NULL OR expires_ms > $7) AND version = $8";
const ALL: &str = "SELECT id, principal, expires_ms, body, version FROM tickgate_records
    WHERE shelf = $1 AND (expires_ms IS NULL OR expires_ms > $2)";
const OF: &str = "SELECT id, principal, expires_ms, body, version FROM tickgate_records
    WHERE shelf = $1 AND (expires_ms IS NULL OR expires_ms > $2) AND principal = $3";
const FIND: &str = "SELECT id, principal, expires_ms, body, version FROM tickgate_records
    WHERE shelf = $1 AND (expires_ms IS NULL OR expires_ms > $2) AND id = $3";
const TAKE: &str = "DELETE FROM tickgate_records
    WHERE shelf = $1 AND (expires_ms IS NULL OR expires_ms > $2) AND id = $3 AND principal = $4
    RETURNING id, principal, expires_ms, body, version";
const DELETE: &str = "DELETE FROM tickgate_records WHERE shelf = $1 AND id = $2";
const ERASE: &str = "DELETE FROM tickgate_records WHERE principal = $1 RETURNING shelf, id";
const PURGE: &str = "DELETE FROM tickgate_records WHERE expires_ms <= $1";

/// What a search has found: the records that can be read, and how many cannot.
pub(super) type Found = (Vec<Versioned>, usize);

pub(super) async fn put(client: &mut Client, sealer: &Sealer, shelf: Shelf, records: &[Record]) -> Result<(), Failure> {
    // One row per id, the last of them, and all in the order of ids: so that two who put the same do not wait for each other in a circle.
    let records: BTreeMap<[u8; 16], &Record> = records.iter().map(|record| (record.id.to_be_bytes(), record)).collect();
    let ids: Vec<&[u8]> = records.keys().map(<[u8; 16]>::as_slice).collect();
    let principals: Vec<&str> = records.values().map(|record| record.principal.as_str()).collect();
    let expiries: Vec<Option<i64>> = records.values().map(|record| expiry(record)).collect();
    let bodies: Vec<Vec<u8>> = records.values().map(|record| seal(sealer, shelf, record)).collect();
    let versions: Vec<i64> = records.values().map(|_| new_version()).collect();
    let transaction = begin(client).await?;
    changes::open(&transaction, shelf).await?;
    execute(&transaction, PUT, &[&shelf.as_str(), &ids, &principals, &expiries, &bodies, &versions]).await?;
    changes::append(&transaction, &records.keys().map(|id| (shelf.as_str(), *id)).collect::<Vec<_>>()).await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn swap(
    client: &mut Client,
    sealer: &Sealer,
    shelf: Shelf,
    record: &Record,
    (expected, now): (Option<Version>, Millis),
) -> Result<Option<Version>, Failure> {
    let (id, expires, sealed, next) = (record.id.to_be_bytes(), expiry(record), seal(sealer, shelf, record), new_version());
    let (shelf_name, id_bytes, now) = (shelf.as_str(), id.as_slice(), column(now.0));
    let expected = expected.map(version_column);
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&shelf_name, &id_bytes, &record.principal, &expires, &sealed, &next, &now];
    let sql = match &expected {
        None => SWAP_NONE,
        Some(expected) => {
            values.push(expected);
            SWAP
        }
    };
    let transaction = begin(client).await?;
    changes::open(&transaction, shelf).await?;
    if execute(&transaction, sql, &values).await? == 0 {
        transaction.rollback().await?;
        return Ok(None);
    }
    changes::append(&transaction, &[(shelf_name, id)]).await?;
    transaction.commit().await?;
    Ok(Some(version(next)))
}

pub(super) async fn all(client: &Client, sealer: &Sealer, shelf: Shelf, now: Millis) -> Result<Found, Failure> {
    Ok(found(sealer, shelf, query(client, ALL, &[&shelf.as_str(), &column(now.0)]).await?))
}

pub(super) async fn of(client: &Client, sealer: &Sealer, shelf: Shelf, principal: &str, now: Millis) -> Result<Found, Failure> {
    Ok(found(sealer, shelf, query(client, OF, &[&shelf.as_str(), &column(now.0), &principal]).await?))
}

fn found(sealer: &Sealer, shelf: Shelf, rows: Vec<Row>) -> Found {
    let searched = rows.len();
    let found: Vec<Versioned> = rows.iter().filter_map(|row| versioned(sealer, shelf, row)).collect();
    let unreadable = searched - found.len();
    (found, unreadable)
}

/// The record of a row; `None` when it cannot be read.
fn versioned(sealer: &Sealer, shelf: Shelf, row: &Row) -> Option<Versioned> {
    let id = u128::from_be_bytes(row.get::<_, &[u8]>("id").try_into().ok()?);
    let expires = row.get::<_, Option<i64>>("expires_ms").map(moment);
    let record = open(sealer, shelf, id, row.get("principal"), (expires, row.get("body")))?;
    Some(Versioned { record, version: version(row.get("version")) })
}

pub(super) async fn find(
    client: &Client,
    sealer: &Sealer,
    shelf: Shelf,
    id: u128,
    now: Millis,
) -> Result<Option<Versioned>, Failure> {
    let row = query_opt(client, FIND, &[&shelf.as_str(), &column(now.0), &id.to_be_bytes().as_slice()]).await?;
    row.map(|row| readable(sealer, shelf, &row)).transpose()
}

fn readable(sealer: &Sealer, shelf: Shelf, row: &Row) -> Result<Versioned, Failure> {
    versioned(sealer, shelf, row).ok_or_else(|| unreadable(shelf).into())
}

pub(super) async fn take(
    client: &mut Client,
    sealer: &Sealer,
    shelf: Shelf,
    (id, principal): (u128, &str),
    now: Millis,
) -> Result<Option<Record>, Failure> {
    let id = id.to_be_bytes();
    let transaction = begin(client).await?;
    changes::open(&transaction, shelf).await?;
    let row = query_opt(&transaction, TAKE, &[&shelf.as_str(), &column(now.0), &id.as_slice(), &principal]).await?;
    let Some(row) = row else {
        transaction.rollback().await?;
        return Ok(None);
    };
    let taken = match readable(sealer, shelf, &row) {
        Ok(taken) => taken,
        Err(error) => {
            // It is not lost: with its key it can be read again.
            transaction.rollback().await?;
            return Err(error);
        }
    };
    changes::append(&transaction, &[(shelf.as_str(), id)]).await?;
    transaction.commit().await?;
    Ok(Some(taken.record))
}

pub(super) async fn delete(client: &mut Client, shelf: Shelf, id: u128) -> Result<(), Failure> {
    let id = id.to_be_bytes();
    let transaction = begin(client).await?;
    changes::open(&transaction, shelf).await?;
    if execute(&transaction, DELETE, &[&shelf.as_str(), &id.as_slice()]).await? > 0 {
        changes::append(&transaction, &[(shelf.as_str(), id)]).await?;
    }
    Ok(transaction.commit().await?)
}

pub(super) async fn erase(client: &mut Client, principal: &str) -> Result<u64, Failure> {
    let transaction = begin(client).await?;
    lock(&transaction, FEED).await?;
    let erased = query(&transaction, ERASE, &[&principal]).await?;
    let id = |row: &Row| row.get::<_, &[u8]>(1).try_into().map_err(|_| StoreError::Unreadable("an id is damaged".to_owned()));
    let told = erased.iter().map(|row| Ok((row.get(0), id(row)?))).collect::<Result<Vec<(&str, [u8; 16])>, StoreError>>()?;
    changes::append(&transaction, &told).await?;
    transaction.commit().await?;
    Ok(erased.len() as u64)
}

pub(super) async fn purge(client: &Client, now: Millis) -> Result<u64, Failure> {
    let forgotten = execute(client, PURGE, &[&column(now.0)]).await?;
    changes::prune(client).await?;
    Ok(forgotten)
}

fn expiry(record: &Record) -> Option<i64> {
    record.expires.map(|expires| column(expires.0))
}
