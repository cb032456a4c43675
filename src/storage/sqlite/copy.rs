//! All rows of the database, as they are: out for a backup, in for a restore.

use std::path::Path;

use anyhow::{Context as _, ensure};
use rusqlite::{Connection, Row, TransactionBehavior, params};

use super::database;
use crate::storage::backup::{Item, NotEmpty};
use crate::storage::folder::FolderLock;

const RECORDS: &str = "SELECT shelf, id, principal, expires_ms, body FROM records ORDER BY shelf, id";
const AUDIT: &str = "SELECT seq, at_ms, body, hash FROM audit ORDER BY seq";
const MARKS: &str = "SELECT name, seq, hash, signature FROM audit_marks ORDER BY name";
const IS_EMPTY: &str = "SELECT NOT EXISTS (SELECT 1 FROM records) AND NOT EXISTS (SELECT 1 FROM audit)";
const LAST_CHANGE: &str = "SELECT coalesce(max(seq), 0) FROM changes";
const EMPTY: &str = "DELETE FROM records; DELETE FROM audit; DELETE FROM audit_marks; DELETE FROM changes";
/// A number is left out, so that who has read the feed before notices that everything is another.
const REPLACED: &str = "INSERT INTO changes (seq, shelf, id) VALUES (?1 + 2, '', zeroblob(16))";

/// Hands out every row of one moment, beside a gateway that may run.
pub(in crate::storage) fn dump(folder: &Path, each: &mut dyn FnMut(Item) -> anyhow::Result<()>) -> anyhow::Result<()> {
    ensure!(database::path(folder).exists(), "DATA_DIR: there is no database in {}", folder.display());
    let mut connection = database::open_beside(folder)?;
    let snapshot = connection.transaction().map_err(clear)?;
    walk(&snapshot, RECORDS, each, |row| {
        Ok(Item::Record {
            shelf: row.get(0)?,
            id: row.get(1)?,
            principal: row.get(2)?,
            expires_ms: row.get(3)?,
            body: row.get(4)?,
        })
    })?;
    walk(&snapshot, AUDIT, each, |row| {
        Ok(Item::Audit { seq: row.get(0)?, at_ms: row.get(1)?, body: row.get(2)?, hash: row.get(3)? })
    })?;
    walk(&snapshot, MARKS, each, |row| {
        Ok(Item::Mark { name: row.get(0)?, seq: row.get(1)?, hash: row.get(2)?, signature: row.get(3)? })
    })
}

fn walk(
    connection: &Connection,
    sql: &str,
    each: &mut dyn FnMut(Item) -> anyhow::Result<()>,
    item: impl Fn(&Row<'_>) -> rusqlite::Result<Item>,
) -> anyhow::Result<()> {
    let mut statement = connection.prepare(sql).map_err(clear)?;
    let mut rows = statement.query([]).map_err(clear)?;
    while let Some(row) = rows.next().map_err(clear)? {
        each(item(row).map_err(clear)?)?;
    }
    Ok(())
}

/// Puts these rows in place of all that is there, or, after any error, leaves it as it was. No gateway may run.
pub(in crate::storage) fn load(
    folder: &Path,
    items: &mut dyn Iterator<Item = anyhow::Result<Item>>,
    force: bool,
) -> anyhow::Result<()> {
    let _lock = FolderLock::take(folder).context("nothing was restored: stop the gateway first")?;
    let mut connection = database::open(folder)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(clear)?;
    let is_empty: bool = transaction.query_row(IS_EMPTY, [], |row| row.get(0)).map_err(clear)?;
    ensure!(is_empty || force, NotEmpty);
    let last: i64 = transaction.query_row(LAST_CHANGE, [], |row| row.get(0)).map_err(clear)?;
    transaction.execute_batch(EMPTY).map_err(clear)?;
    transaction.execute(REPLACED, params![last]).map_err(clear)?;
    for item in items {
        insert(&transaction, item?).map_err(clear)?;
    }
    transaction.commit().map_err(clear)
}

fn insert(connection: &Connection, item: Item) -> rusqlite::Result<usize> {
    match item {
        Item::Record { shelf, id, principal, expires_ms, body } => {
            let sql = "INSERT INTO records (shelf, id, principal, expires_ms, body, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let version = crate::storage::rows::new_version();
            connection.prepare_cached(sql)?.execute(params![shelf, id, principal, expires_ms, body, version])
        }
        Item::Audit { seq, at_ms, body, hash } => connection
            .prepare_cached("INSERT INTO audit (seq, at_ms, body, hash) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![seq, at_ms, body, hash]),
        Item::Mark { name, seq, hash, signature } => connection
            .prepare_cached("INSERT INTO audit_marks (name, seq, hash, signature) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![name, seq, hash, signature]),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn clear(error: rusqlite::Error) -> anyhow::Error {
    anyhow::anyhow!("the database: {}", database::problem(&error))
}
