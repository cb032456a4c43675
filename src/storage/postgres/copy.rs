//! All rows of the database, as they are: out for a backup, in for a restore. For commands: each has a connection and a thread of its own.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use futures_util::TryStreamExt as _;
use futures_util::future::try_join_all;
use tokio::time::timeout;
use tokio_postgres::{Client, IsolationLevel, Row, Transaction};

use super::DatabaseUrl;
use super::database::{IN_USE, migrate, problem};
use crate::storage::backup::{Item, NotEmpty};
use crate::storage::rows::new_version;

const RECORDS: &str = "SELECT shelf, id, principal, expires_ms, body FROM tickgate_records ORDER BY shelf, id";
const AUDIT: &str = "SELECT seq, at_ms, body, hash FROM tickgate_audit ORDER BY seq";
const MARKS: &str = "SELECT name, seq, hash, signature FROM tickgate_audit_marks ORDER BY name";
const IS_EMPTY: &str = "SELECT NOT EXISTS (SELECT 1 FROM tickgate_records) AND NOT EXISTS (SELECT 1 FROM tickgate_audit)";
const LAST_CHANGE: &str = "SELECT coalesce(max(seq), 0) FROM tickgate_changes";
const EMPTY: &str = "DELETE FROM tickgate_records; DELETE FROM tickgate_audit; DELETE FROM tickgate_audit_marks;
    DELETE FROM tickgate_changes";
/// A number is left out, so that who has read the feed before notices that everything is another.
const REPLACED: &str = "INSERT INTO tickgate_changes (seq, shelf, id) VALUES ($1, '', decode(repeat('00', 16), 'hex'))";
/// A server that says nothing for this long while it sends or takes rows has stalled.
const STALL: Duration = Duration::from_secs(60);
/// Rows that are on their way to the server at once.
const BATCH: usize = 256;

/// Hands out every row of one moment, beside gateways that may run.
pub(in crate::storage) fn dump(
    url: &DatabaseUrl,
    each: &mut (dyn FnMut(Item) -> anyhow::Result<()> + Send),
) -> anyhow::Result<()> {
    with_client(url, async |mut client| {
        migrate(&mut client, url).await?;
        let snapshot = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let snapshot = within(snapshot.start()).await?;
        walk(&snapshot, RECORDS, each, record).await?;
        walk(&snapshot, AUDIT, each, |row| {
            Ok(Item::Audit { seq: row.get(0), at_ms: row.get(1), body: row.get(2), hash: fixed(row, 3)? })
        })
        .await?;
        walk(&snapshot, MARKS, each, |row| {
            Ok(Item::Mark { name: row.get(0), seq: row.get(1), hash: fixed(row, 2)?, signature: row.get(3) })
        })
        .await
    })
}

/// Puts these rows in place of all that is there, or, after any error, leaves it as it was. No gateway may run.
pub(in crate::storage) fn load(
    url: &DatabaseUrl,
    items: &mut (dyn Iterator<Item = anyhow::Result<Item>> + Send),
    force: bool,
) -> anyhow::Result<()> {
    with_client(url, async |mut client| {
        let alone: bool = within(client.query_one("SELECT pg_try_advisory_lock($1)", &[&IN_USE])).await?.get(0);
        ensure!(alone, "nothing was restored: a gateway or another command uses {url}, stop it first");
        let replaced = replace(&mut client, url, items, force).await;
        // The server would do it by itself, but only some time after the connection is closed: whoever comes next may come at once.
        let freed = within(client.query_one("SELECT pg_advisory_unlock($1)", &[&IN_USE])).await;
        replaced.and(freed.map(drop))
    })
}

/// Does it, in one transaction.
async fn replace(
    client: &mut Client,
    url: &DatabaseUrl,
    items: &mut (dyn Iterator<Item = anyhow::Result<Item>> + Send),
    force: bool,
) -> anyhow::Result<()> {
    migrate(client, url).await?;
    let transaction = within(client.transaction()).await?;
    let is_empty: bool = within(transaction.query_one(IS_EMPTY, &[])).await?.get(0);
    ensure!(is_empty || force, NotEmpty);
    let last: i64 = within(transaction.query_one(LAST_CHANGE, &[])).await?.get(0);
    within(transaction.batch_execute(EMPTY)).await?;
    within(transaction.execute(REPLACED, &[&(last + 2)])).await?;
    let insert = Insert::prepare(&transaction).await?;
    let mut batch = Vec::with_capacity(BATCH);
    for item in items {
        batch.push(item?);
        if batch.len() == BATCH {
            insert.all(&transaction, &batch).await?;
            batch.clear();
        }
    }
    insert.all(&transaction, &batch).await?;
    within(transaction.commit()).await
}

/// Runs something with a connection, on a thread of its own: the caller may be on a runtime, which must not be blocked on.
fn with_client<T: Send>(url: &DatabaseUrl, work: impl AsyncFnOnce(Client) -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let tls = url.tls().map_err(|problem| anyhow!(problem))?;
            let connected = within(url.config().connect(tls)).await;
            let (client, connection) = connected.with_context(|| format!("the database {url} cannot be opened"))?;
            tokio::spawn(connection);
            work(client).await
        })
    };
    std::thread::scope(|scope| scope.spawn(run).join()).map_err(|_| anyhow!("the copy broke down"))?
}

async fn within<T>(asked: impl Future<Output = Result<T, tokio_postgres::Error>>) -> anyhow::Result<T> {
    let answer = timeout(STALL, asked).await.map_err(|_| anyhow!("the server has said nothing for {} s", STALL.as_secs()))?;
    answer.map_err(|error| anyhow!("the database: {}", problem(&error)))
}

async fn walk(
    snapshot: &Transaction<'_>,
    sql: &str,
    each: &mut (dyn FnMut(Item) -> anyhow::Result<()> + Send),
    item: impl Fn(&Row) -> anyhow::Result<Item>,
) -> anyhow::Result<()> {
    let mut rows = pin!(within(snapshot.query_raw(sql, std::iter::empty::<&i64>())).await?);
    while let Some(row) = within(rows.try_next()).await? {
        each(item(&row)?)?;
    }
    Ok(())
}

fn record(row: &Row) -> anyhow::Result<Item> {
    let id = fixed(row, 1)?;
    Ok(Item::Record { shelf: row.get(0), id, principal: row.get(2), expires_ms: row.get(3), body: row.get(4) })
}

fn fixed<const N: usize>(row: &Row, place: usize) -> anyhow::Result<[u8; N]> {
    row.get::<_, &[u8]>(place).try_into().context("a row of the database is damaged")
}

/// The statements that put rows in.
struct Insert {
    record: tokio_postgres::Statement,
    audit: tokio_postgres::Statement,
    mark: tokio_postgres::Statement,
}

impl Insert {
    async fn prepare(transaction: &Transaction<'_>) -> anyhow::Result<Self> {
        let record =
            "INSERT INTO tickgate_records (shelf, id, principal, expires_ms, body, version) VALUES ($1, $2, $3, $4, $5, $6)";
        let audit = "INSERT INTO tickgate_audit (seq, at_ms, body, hash) VALUES ($1, $2, $3, $4)";
        let mark = "INSERT INTO tickgate_audit_marks (name, seq, hash, signature) VALUES ($1, $2, $3, $4)";
        Ok(Self {
            record: within(transaction.prepare(record)).await?,
            audit: within(transaction.prepare(audit)).await?,
            mark: within(transaction.prepare(mark)).await?,
        })
    }

    async fn all(&self, transaction: &Transaction<'_>, items: &[Item]) -> anyhow::Result<()> {
        within(try_join_all(items.iter().map(|item| self.one(transaction, item)))).await.map(drop)
    }

    async fn one(&self, transaction: &Transaction<'_>, item: &Item) -> Result<u64, tokio_postgres::Error> {
        match item {
            Item::Record { shelf, id, principal, expires_ms, body } => {
                let version = new_version();
                let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
                    [shelf, &id.as_slice(), principal, expires_ms, body, &version];
                transaction.execute(&self.record, &values).await
            }
            Item::Audit { seq, at_ms, body, hash } => {
                transaction.execute(&self.audit, &[seq, at_ms, body, &hash.as_slice()]).await
            }
            Item::Mark { name, seq, hash, signature } => {
                transaction.execute(&self.mark, &[name, seq, &hash.as_slice(), signature]).await
            }
        }
    }
}
