//! The audit log as rows. Who adds to it or purges it holds a lock until its transaction ends.

use deadpool_postgres::{Client, GenericClient, Transaction};
use tickgate_core::ports::{AUDIT_PURGED_AT_ONCE, AuditEnds, AuditEntry, AuditRow, StoreError};
use tickgate_core::time::Millis;
use tokio_postgres::Row;

use super::database::{AUDIT, Failure, begin, execute, lock, query, query_opt};
use crate::sealing::Sealer;
use crate::storage::chain::{self, CHECKPOINT, HEAD, StoredMark, StoredRow};
use crate::storage::rows::column;

const MARK: &str = "SELECT seq, hash, signature FROM tickgate_audit_marks WHERE name = $1";
const PUT_MARK: &str = "INSERT INTO tickgate_audit_marks (name, seq, hash, signature) VALUES ($1, $2, $3, $4)
    ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, signature = excluded.signature";
const APPEND: &str = "INSERT INTO tickgate_audit (seq, at_ms, body, hash)
    SELECT * FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BYTEA[], $4::BYTEA[])";
const READ: &str = "SELECT seq, at_ms, body, hash FROM tickgate_audit WHERE seq >= $1 ORDER BY seq LIMIT $2";
const NEWEST: &str = "SELECT seq, hash, ''::BYTEA AS signature FROM tickgate_audit ORDER BY seq DESC LIMIT 1";
const OLDEST: &str = "SELECT seq, hash, ''::BYTEA AS signature FROM tickgate_audit ORDER BY seq LIMIT 1";
/// The last of the rows that are all older than a moment.
const LAST_OLD: &str = "SELECT seq, hash, ''::BYTEA AS signature FROM tickgate_audit
    WHERE seq < (SELECT coalesce(min(seq), 9223372036854775807) FROM tickgate_audit WHERE at_ms >= $1)
        AND seq < (SELECT min(seq) FROM tickgate_audit) + $2
    ORDER BY seq DESC LIMIT 1";
const PURGE: &str = "DELETE FROM tickgate_audit WHERE seq <= $1";

pub(super) async fn append(client: &mut Client, sealer: &Sealer, entries: &[AuditEntry]) -> Result<Option<u64>, Failure> {
    if entries.is_empty() {
        return Ok(None);
    }
    let transaction = begin(client).await?;
    lock(&transaction, AUDIT).await?;
    let head = match mark(&transaction, HEAD).await? {
        None => query_opt(&transaction, NEWEST, &[]).await?.map(|row| stored_mark(&row)).transpose()?,
        head => head,
    };
    let (rows, head) = chain::extend(sealer, head.as_ref(), entries);
    let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    let times: Vec<i64> = rows.iter().map(|row| row.at_ms).collect();
    let bodies: Vec<&[u8]> = rows.iter().map(|row| row.sealed.as_slice()).collect();
    let hashes: Vec<&[u8]> = rows.iter().map(|row| row.hash.as_slice()).collect();
    execute(&transaction, APPEND, &[&seqs, &times, &bodies, &hashes]).await?;
    put_mark(&transaction, HEAD, &head).await?;
    transaction.commit().await?;
    Ok(Some(head.seq.cast_unsigned()))
}

pub(super) async fn read(client: &Client, sealer: &Sealer, from: u64, limit: usize) -> Result<Vec<AuditRow>, Failure> {
    let rows = query(client, READ, &[&column(from), &column(limit as u64)]).await?;
    let opened = |row: Row| {
        let stored = StoredRow { seq: row.get(0), at_ms: row.get(1), sealed: row.get(2), hash: hash(&row, 3)? };
        Ok(chain::open(sealer, stored)?)
    };
    rows.into_iter().map(opened).collect()
}

pub(super) async fn ends(client: &Client, sealer: &Sealer) -> Result<AuditEnds, Failure> {
    let rows = query(client, "SELECT seq, hash, signature, name FROM tickgate_audit_marks", &[]).await?;
    let mut ends = AuditEnds::default();
    for row in rows {
        let (name, mark) = (row.get::<_, &str>(3), stored_mark(&row)?);
        match name {
            HEAD => ends.head = Some(mark.read(sealer, HEAD)),
            CHECKPOINT => ends.checkpoint = Some(mark.read(sealer, CHECKPOINT)),
            _ => {}
        }
    }
    Ok(ends)
}

pub(super) async fn purge_before(client: &mut Client, sealer: &Sealer, time: Millis) -> Result<u64, Failure> {
    let transaction = begin(client).await?;
    lock(&transaction, AUDIT).await?;
    let first = query_opt(&transaction, OLDEST, &[]).await?.map(|row| stored_mark(&row)).transpose()?;
    let last = query_opt(&transaction, LAST_OLD, &[&column(time.0), &column(AUDIT_PURGED_AT_ONCE)])
        .await?
        .map(|row| stored_mark(&row))
        .transpose()?;
    let (Some(first), Some(last)) = (first, last) else {
        transaction.rollback().await?;
        return Ok(0);
    };
    let before = mark(&transaction, CHECKPOINT).await?;
    put_mark(&transaction, CHECKPOINT, &chain::checkpoint(sealer, before.as_ref(), first.seq, (last.seq, last.hash))).await?;
    let purged = execute(&transaction, PURGE, &[&last.seq]).await?;
    transaction.commit().await?;
    Ok(purged)
}

async fn mark(client: &impl GenericClient, name: &str) -> Result<Option<StoredMark>, Failure> {
    query_opt(client, MARK, &[&name]).await?.map(|row| stored_mark(&row)).transpose()
}

async fn put_mark(transaction: &Transaction<'_>, name: &str, mark: &StoredMark) -> Result<(), Failure> {
    execute(transaction, PUT_MARK, &[&name, &mark.seq, &mark.hash.as_slice(), &mark.signature]).await?;
    Ok(())
}

fn stored_mark(row: &Row) -> Result<StoredMark, Failure> {
    Ok(StoredMark { seq: row.get(0), hash: hash(row, 1)?, signature: row.get(2) })
}

fn hash(row: &Row, place: usize) -> Result<[u8; 32], Failure> {
    let damaged = |_| Failure::Store(StoreError::Unreadable("a hash of the audit log is damaged".to_owned()));
    row.get::<_, &[u8]>(place).try_into().map_err(damaged)
}
