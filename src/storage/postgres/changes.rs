//! The feed of changes as rows. Who tells of a change holds a lock until its transaction ends, so that numbers become visible in their
//! order, and nobody who has read one misses a smaller one.

use deadpool_postgres::{Client, Transaction};
use tickgate_core::ports::{Changes, Shelf};

use super::database::{FEED, Failure, execute, lock, query, query_one};
use crate::storage::rows::{self, KEPT_CHANGES, change, column};

const APPEND: &str = "INSERT INTO tickgate_changes (seq, shelf, id)
    SELECT (SELECT coalesce(max(seq), 0) FROM tickgate_changes) + place, shelf, id
    FROM UNNEST($1::TEXT[], $2::BYTEA[]) WITH ORDINALITY AS told (shelf, id, place)";
const SINCE: &str = "SELECT seq, shelf, id FROM tickgate_changes WHERE seq > $1 ORDER BY seq LIMIT $2";
const ENDS: &str = "SELECT min(seq), max(seq) FROM tickgate_changes";
const PRUNE: &str = "DELETE FROM tickgate_changes WHERE seq <= (SELECT max(seq) FROM tickgate_changes) - $1";

/// Announces that a change of this shelf may follow. It comes before anything else of the transaction, so that no two wait for each other.
pub(super) async fn open(transaction: &Transaction<'_>, shelf: Shelf) -> Result<(), Failure> {
    if shelf.is_watched() {
        lock(transaction, FEED).await?;
    }
    Ok(())
}

/// Tells of changes, those of watched shelves. The feed is open.
pub(super) async fn append(transaction: &Transaction<'_>, changed: &[(&str, [u8; 16])]) -> Result<(), Failure> {
    let watched = changed.iter().filter(|(shelf, _)| Shelf::find(shelf).is_some_and(Shelf::is_watched));
    let (shelves, ids): (Vec<&str>, Vec<&[u8]>) = watched.map(|(shelf, id)| (*shelf, id.as_slice())).unzip();
    if !ids.is_empty() {
        execute(transaction, APPEND, &[&shelves, &ids]).await?;
    }
    Ok(())
}

/// Forgets the oldest; the newest stay, so that the numbers go on.
pub(super) async fn prune(client: &Client) -> Result<(), Failure> {
    execute(client, PRUNE, &[&column(KEPT_CHANGES)]).await?;
    Ok(())
}

pub(super) async fn since(client: &Client, seen: Option<u64>) -> Result<Changes, Failure> {
    let mut told = Vec::new();
    if let Some(seen) = seen {
        for row in query(client, SINCE, &[&column(seen), &(Changes::MAX as i64)]).await? {
            told.push((row.get::<_, i64>(0).cast_unsigned(), change(row.get(1), row.get(2))));
        }
    }
    // Asked after the rows: what was pruned in between counts as missed.
    let ends = query_one(client, ENDS, &[]).await?;
    let kept = ends.get::<_, Option<i64>>(0).zip(ends.get::<_, Option<i64>>(1));
    Ok(rows::changes(seen, told, kept.map(|(first, last)| (first.cast_unsigned(), last.cast_unsigned()))))
}
