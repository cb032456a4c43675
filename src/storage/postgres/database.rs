//! The server's side: how connections are made, which schema there is, what its errors mean.

use std::error::Error as _;
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, GenericClient, Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Transaction,
};
use tickgate_core::ports::StoreError;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row};

use super::DatabaseUrl;
use crate::storage::OpenError;

/// Connections of one gateway: enough to keep a disk busy, few enough for a dozen gateways on a server with its default of 100.
pub(super) const CONNECTIONS: usize = 8;
/// The schema, step by step. What has been released is never changed: a change is a step more.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_records_changes_and_audit.sql")];
/// A migration may take its time on a large table, and waits for that of another machine.
const MIGRATION_LIMITS: &str = "SET LOCAL lock_timeout = '30s'; SET LOCAL statement_timeout = '60s'";
/// How each connection is set up: the server, too, gives up what nobody waits for any more, and what it has said is kept is on its disk.
const SESSION: &str = "SET statement_timeout = '5s'; SET lock_timeout = '4s'; SET idle_in_transaction_session_timeout = '10s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// "tickgate", as a number: advisory locks are shared with whoever else uses the database.
const LOCKS: i64 = 0x7469_636b_6761_7465;
/// Who uses the database holds it together with others; a restore, alone.
pub(super) const IN_USE: i64 = LOCKS;
/// Whoever changes the schema.
const SCHEMA: i64 = LOCKS + 1;
/// Whoever tells of a change, until it can be seen: so that numbers become visible in their order.
pub(super) const FEED: i64 = LOCKS + 2;
/// Whoever adds to the audit log or purges it.
pub(super) const AUDIT: i64 = LOCKS + 3;

/// Why a work failed.
#[derive(Debug)]
pub(super) enum Failure {
    Server(tokio_postgres::Error),
    Store(StoreError),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A pool of connections that are made when they are needed, and again when the server was away.
pub(super) fn pool(url: &DatabaseUrl) -> Result<Pool, String> {
    let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(url.config().clone(), url.tls()?, manager);
    let set_up = Hook::async_fn(|client, _| {
        Box::pin(async move {
            client.batch_execute(SESSION).await.map_err(HookError::Backend)?;
            let row = client.query_one("SELECT pg_try_advisory_lock_shared($1)", &[&IN_USE]).await.map_err(HookError::Backend)?;
            if row.get(0) { Ok(()) } else { Err(HookError::message("a backup is being restored")) }
        })
    });
    Pool::builder(manager).max_size(CONNECTIONS).post_create(set_up).build().map_err(|error| error.to_string())
}

/// Brings the schema up to ours. Two machines that start at once do it one after the other.
pub(super) async fn migrate(client: &mut tokio_postgres::Client, url: &DatabaseUrl) -> Result<(), OpenError> {
    let failed = |error: tokio_postgres::Error| OpenError::Database { at: url.to_string(), problem: problem(&error) };
    let transaction = client.transaction().await.map_err(failed)?;
    transaction.batch_execute(MIGRATION_LIMITS).await.map_err(failed)?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&SCHEMA]).await.map_err(failed)?;
    let table = "CREATE TABLE IF NOT EXISTS tickgate_schema (step INT PRIMARY KEY, at TIMESTAMPTZ NOT NULL DEFAULT now())";
    transaction.batch_execute(table).await.map_err(failed)?;
    let row = transaction.query_one("SELECT coalesce(max(step), 0) FROM tickgate_schema", &[]).await.map_err(failed)?;
    let found = usize::try_from(row.get::<_, i32>(0)).unwrap_or_default();
    if found > MIGRATIONS.len() {
        return Err(OpenError::Newer { at: url.to_string(), found, known: MIGRATIONS.len() });
    }
    for (sql, step) in MIGRATIONS.iter().zip(1_i32..).skip(found) {
        transaction.batch_execute(sql).await.map_err(failed)?;
        transaction.execute("INSERT INTO tickgate_schema (step) VALUES ($1)", &[&step]).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

/// Begins to write. Each statement sees what was committed before it, whatever the server's default is: what is read after a lock was
/// waited for is then what its holder has left.
pub(super) async fn begin(client: &mut ClientWrapper) -> Result<Transaction<'_>, tokio_postgres::Error> {
    client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await
}

/// Holds a lock until the transaction ends.
pub(super) async fn lock(transaction: &Transaction<'_>, lock: i64) -> Result<(), tokio_postgres::Error> {
    execute(transaction, "SELECT pg_advisory_xact_lock($1)", &[&lock]).await.map(drop)
}

/// What stands in the place of `$1`, `$2` …
type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A statement that each connection prepares once.
pub(super) async fn query(client: &impl GenericClient, sql: &str, values: Values<'_>) -> Result<Vec<Row>, tokio_postgres::Error> {
    let statement = client.prepare_cached(sql).await?;
    client.query(&statement, values).await
}

/// The same for at most one row.
pub(super) async fn query_opt(
    client: &impl GenericClient,
    sql: &str,
    values: Values<'_>,
) -> Result<Option<Row>, tokio_postgres::Error> {
    let statement = client.prepare_cached(sql).await?;
    client.query_opt(&statement, values).await
}

/// The same for one row.
pub(super) async fn query_one(client: &impl GenericClient, sql: &str, values: Values<'_>) -> Result<Row, tokio_postgres::Error> {
    let statement = client.prepare_cached(sql).await?;
    client.query_one(&statement, values).await
}

/// The same for none; answers how many were touched.
pub(super) async fn execute(client: &impl GenericClient, sql: &str, values: Values<'_>) -> Result<u64, tokio_postgres::Error> {
    let statement = client.prepare_cached(sql).await?;
    client.execute(&statement, values).await
}

/// What the pool says when it has no connection to give.
pub(super) fn no_connection(error: &PoolError) -> String {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => problem(error),
        PoolError::PostCreateHook(HookError::Message(message)) => message.to_string(),
        PoolError::Closed => "it is closed".to_owned(),
        PoolError::Timeout(_) | PoolError::NoRuntimeSpecified => no_answer(super::OPERATION_DEADLINE),
    }
}

pub(super) fn no_answer(deadline: Duration) -> String {
    format!("no answer within {} s", deadline.as_secs())
}

/// What an error means to who runs the gateway. Values are bound and details are left out, so that no text shows one.
pub(super) fn problem(error: &tokio_postgres::Error) -> String {
    let Some(said) = error.as_db_error() else {
        let hint = if error.is_closed() { "the server has closed the connection" } else { "the server cannot be reached" };
        let cause = error.source().map_or_else(String::new, |cause| format!(": {cause}"));
        return format!("{hint} ({error}{cause})");
    };
    let (code, message) = (said.code(), said.message());
    let hint = match *code {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            return format!(
                "the server does not let us in: user or password are wrong, or pg_hba.conf says so ({})",
                code.code()
            );
        }
        SqlState::UNDEFINED_DATABASE => "there is no such database",
        SqlState::INSUFFICIENT_PRIVILEGE => "we may not do that: the user needs the right to create and write tables",
        SqlState::DISK_FULL | SqlState::OUT_OF_MEMORY => "the server is full",
        SqlState::TOO_MANY_CONNECTIONS => "the server has no connection left",
        SqlState::READ_ONLY_SQL_TRANSACTION => "the server is read-only: name the primary",
        SqlState::QUERY_CANCELED | SqlState::LOCK_NOT_AVAILABLE => "the server did not get to it in time",
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW => {
            "the server is shutting down or starting"
        }
        _ => return format!("{message} ({})", code.code()),
    };
    format!("{hint} ({}: {message})", code.code())
}
