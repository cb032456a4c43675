//! The feed of changes as rows. Each is written in the transaction of the change, and only one writes at a time: their numbers are in
//! the order in which they become visible.

use rusqlite::{Connection, OptionalExtension as _, params};
use tickgate_core::ports::{Changes, Shelf, StoreError};

use super::database::unavailable;
use crate::storage::rows::{self, KEPT_CHANGES, change, column};

const APPEND: &str = "INSERT INTO changes (seq, shelf, id) VALUES ((SELECT coalesce(max(seq), 0) + 1 FROM changes), ?1, ?2)";
const SINCE: &str = "SELECT seq, shelf, id FROM changes WHERE seq > ?1 ORDER BY seq LIMIT ?2";
const ENDS: &str = "SELECT min(seq), max(seq) FROM changes HAVING count(*) > 0";
const PRUNE: &str = "DELETE FROM changes WHERE seq <= (SELECT max(seq) FROM changes) - ?1";

/// Tells of a change, if its shelf is watched.
pub(super) fn append(connection: &Connection, shelf: Shelf, id: u128) -> rusqlite::Result<()> {
    if shelf.is_watched() {
        connection.prepare_cached(APPEND)?.execute(params![shelf.as_str(), id.to_be_bytes()])?;
    }
    Ok(())
}

/// Forgets the oldest; the newest stay, so that the numbers go on.
pub(super) fn prune(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached(PRUNE)?.execute(params![column(KEPT_CHANGES)]).map(drop)
}

pub(super) fn since(connection: &Connection, seen: Option<u64>) -> Result<Changes, StoreError> {
    let read = || {
        let told = match seen {
            None => Vec::new(),
            Some(seen) => {
                let mut statement = connection.prepare_cached(SINCE)?;
                let rows = statement.query_map(params![column(seen), Changes::MAX as u64], |row| {
                    Ok((row.get(0)?, change(row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_blob()?)))
                })?;
                rows.collect::<rusqlite::Result<Vec<_>>>()?
            }
        };
        let kept = connection.prepare_cached(ENDS)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        Ok(rows::changes(seen, told, kept))
    };
    read().map_err(|error| unavailable(&error))
}
