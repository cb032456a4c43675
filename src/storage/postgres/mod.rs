//! The store in a PostgreSQL database, which several gateways may share. Its connections live on a thread of their own: they must not
//! end with the worker that happened to need them first.

mod address;
mod audit;
mod changes;
pub(super) mod copy;
mod database;
mod records;
#[cfg(test)]
pub(super) mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Client, Object, Pool};
use futures_util::future::BoxFuture;
use tickgate_core::ports::{
    AuditEnds, AuditEntry, AuditLog, AuditRow, Changes, Record, Shelf, Store, StoreError, StoreFuture, Version, Versioned,
};
use tickgate_core::time::Millis;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};

use self::database::{Failure, no_answer, no_connection, problem};
use super::OpenError;
use super::rows::warn_of_unreadable;
use crate::sealing::Sealer;

pub use self::address::DatabaseUrl;

/// Operations that are under way or wait for a connection: what a server does within the deadline.
const OPERATIONS: u32 = 1_024;
/// An operation that has no answer after this long has failed: a caller can wait no longer.
const OPERATION_DEADLINE: Duration = Duration::from_secs(5);
/// How long the first connection and the schema may take: a migration waits for that of another machine.
const OPEN_DEADLINE: Duration = Duration::from_secs(90);
/// How long closing may take: the operations that are under way.
const CLOSE_DEADLINE: Duration = Duration::from_secs(10);

/// Keeps records in the database of `DATABASE_URL`. Dropping it ends what is under way; close it first.
pub struct PostgresStore {
    inner: Arc<Inner>,
    runtime: Handle,
    /// Dropped, it ends the thread.
    _running: oneshot::Sender<()>,
    shown: String,
}

struct Inner {
    pool: Pool,
    sealer: Arc<Sealer>,
    places: Arc<Semaphore>,
    deadline: Duration,
}

/// A connection that is used. Unless it is given back it is closed: whoever gets it next must not wait for what the last has left.
struct Borrowed(Option<Object>);

impl Borrowed {
    fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

/// Ends a task whose caller has left: nothing is done behind its back.
struct Abandoned(AbortHandle);

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresStore({})", self.shown)
    }
}

impl PostgresStore {
    /// Connects, and brings the schema up to ours. Blocks for as long as the server needs, at most 90 s.
    ///
    /// # Errors
    /// When the server cannot be reached or does not let us in, when a backup is being restored, when its schema is too new.
    pub fn open(url: &DatabaseUrl, sealer: Arc<Sealer>) -> Result<Self, OpenError> {
        Self::open_with(url, sealer, OPERATION_DEADLINE)
    }

    fn open_with(url: &DatabaseUrl, sealer: Arc<Sealer>, deadline: Duration) -> Result<Self, OpenError> {
        let failed = |problem| OpenError::Database { at: url.to_string(), problem };
        if url.is_open_to_listeners() {
            tracing::warn!("DATABASE_URL: the connection to {url} is not encrypted; sslmode=verify-full makes it so");
        }
        let pool = database::pool(url).map_err(failed)?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(OpenError::NoThread)?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("storage".to_owned());
        let run = move || {
            let _ = runtime.block_on(ended);
        };
        thread.spawn(run).map_err(OpenError::NoThread)?;
        let (tell, told) = std::sync::mpsc::channel();
        let (first, at) = (pool.clone(), url.clone());
        handle.spawn(async move {
            let _ = tell.send(prepare(&first, &at).await);
        });
        told.recv_timeout(OPEN_DEADLINE).map_err(|_| failed(no_answer(OPEN_DEADLINE)))??;
        let inner = Inner { pool, sealer, places: Arc::new(Semaphore::new(OPERATIONS as usize)), deadline };
        Ok(Self { inner: Arc::new(inner), runtime: handle, _running: running, shown: url.to_string() })
    }

    /// Lets what is under way be done, and closes the connections. Later operations fail.
    ///
    /// # Errors
    /// When that takes longer than 10 s.
    pub async fn close(&self) -> Result<(), StoreError> {
        let done = timeout(CLOSE_DEADLINE, self.inner.places.acquire_many(OPERATIONS)).await;
        self.inner.places.close();
        self.inner.pool.close();
        match done {
            Ok(_) => Ok(()),
            Err(_) => Err(StoreError::Unavailable("it does not close in time".to_owned())),
        }
    }

    /// Does something with a connection, on the storage thread.
    async fn run<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut Client, &'c Sealer) -> BoxFuture<'c, Result<T, Failure>> + Send + 'static,
    {
        let closed = || StoreError::Unavailable("it is closed".to_owned());
        let deadline = Instant::now() + self.inner.deadline;
        let place = Arc::clone(&self.inner.places).acquire_owned();
        let place = timeout_at(deadline, place).await.map_err(|_| self.inner.late())?.map_err(|_| closed())?;
        let inner = Arc::clone(&self.inner);
        let task = self.runtime.spawn(async move {
            let done = inner.within(deadline, work).await;
            drop(place);
            done
        });
        let _abandoned = Abandoned(task.abort_handle());
        task.await.map_err(|_| closed())?
    }
}

/// The first connection, and the schema.
async fn prepare(pool: &Pool, url: &DatabaseUrl) -> Result<(), OpenError> {
    let client = timeout(OPERATION_DEADLINE, pool.get()).await;
    let failed = |problem| OpenError::Database { at: url.to_string(), problem };
    let client = client.map_err(|_| failed(no_answer(OPERATION_DEADLINE)))?;
    let mut client = client.map_err(|error| failed(no_connection(&error)))?;
    database::migrate(&mut client, url).await
}

impl Inner {
    fn late(&self) -> StoreError {
        StoreError::Unavailable(no_answer(self.deadline))
    }

    async fn within<T, W>(&self, deadline: Instant, work: W) -> Result<T, StoreError>
    where
        W: for<'c> FnOnce(&'c mut Client, &'c Sealer) -> BoxFuture<'c, Result<T, Failure>>,
    {
        let client = timeout_at(deadline, self.pool.get()).await.map_err(|_| self.late())?;
        let client = client.map_err(|error| StoreError::Unavailable(no_connection(&error)))?;
        let mut borrowed = Borrowed(Some(client));
        let Some(client) = borrowed.0.as_mut() else { return Err(self.late()) };
        match timeout_at(deadline, work(client, &self.sealer)).await {
            Ok(Ok(done)) => {
                borrowed.give_back();
                Ok(done)
            }
            Ok(Err(Failure::Store(error))) => {
                borrowed.give_back();
                Err(error)
            }
            Ok(Err(Failure::Server(error))) => {
                if error.as_db_error().is_some() && !error.is_closed() {
                    borrowed.give_back();
                }
                Err(StoreError::Unavailable(problem(&error)))
            }
            Err(_) => Err(self.late()),
        }
    }
}

impl Store for PostgresStore {
    fn put(&self, shelf: Shelf, records: Vec<Record>) -> StoreFuture<'_, ()> {
        Box::pin(self.run(move |client, sealer| Box::pin(async move { records::put(client, sealer, shelf, &records).await })))
    }

    fn all(&self, shelf: Shelf, now: Millis) -> StoreFuture<'_, Vec<Record>> {
        Box::pin(async move {
            let all = self.run(move |client, sealer| Box::pin(records::all(client, sealer, shelf, now)));
            let (found, unreadable) = all.await?;
            warn_of_unreadable(shelf, unreadable);
            Ok(found.into_iter().map(|found| found.record).collect())
        })
    }

    fn find(&self, shelf: Shelf, id: u128, now: Millis) -> StoreFuture<'_, Option<Versioned>> {
        Box::pin(self.run(move |client, sealer| Box::pin(records::find(client, sealer, shelf, id, now))))
    }

    fn of(&self, shelf: Shelf, principal: &str, now: Millis) -> StoreFuture<'_, Vec<Versioned>> {
        let principal = principal.to_owned();
        Box::pin(async move {
            let of = self
                .run(move |client, sealer| Box::pin(async move { records::of(client, sealer, shelf, &principal, now).await }));
            let (found, unreadable) = of.await?;
            warn_of_unreadable(shelf, unreadable);
            Ok(found)
        })
    }

    fn swap(&self, shelf: Shelf, record: Record, expected: Option<Version>, now: Millis) -> StoreFuture<'_, Option<Version>> {
        Box::pin(self.run(move |client, sealer| {
            Box::pin(async move { records::swap(client, sealer, shelf, &record, (expected, now)).await })
        }))
    }

    fn take(&self, shelf: Shelf, id: u128, principal: &str, now: Millis) -> StoreFuture<'_, Option<Record>> {
        let principal = principal.to_owned();
        Box::pin(self.run(move |client, sealer| {
            Box::pin(async move { records::take(client, sealer, shelf, (id, &principal), now).await })
        }))
    }

    fn delete(&self, shelf: Shelf, id: u128) -> StoreFuture<'_, ()> {
        Box::pin(self.run(move |client, _| Box::pin(records::delete(client, shelf, id))))
    }

    fn erase(&self, principal: &str) -> StoreFuture<'_, u64> {
        let principal = principal.to_owned();
        Box::pin(self.run(move |client, _| Box::pin(async move { records::erase(client, &principal).await })))
    }

    fn purge(&self, now: Millis) -> StoreFuture<'_, u64> {
        Box::pin(self.run(move |client, _| Box::pin(records::purge(client, now))))
    }

    fn changes_since(&self, seen: Option<u64>) -> StoreFuture<'_, Changes> {
        Box::pin(self.run(move |client, _| Box::pin(changes::since(client, seen))))
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        let ping = "SELECT 1";
        Box::pin(self.run(move |client, _| Box::pin(async move { Ok(database::execute(client, ping, &[]).await.map(drop)?) })))
    }
}

impl AuditLog for PostgresStore {
    fn append(&self, entries: Vec<AuditEntry>) -> StoreFuture<'_, Option<u64>> {
        Box::pin(self.run(move |client, sealer| Box::pin(async move { audit::append(client, sealer, &entries).await })))
    }

    fn read(&self, from: u64, limit: usize) -> StoreFuture<'_, Vec<AuditRow>> {
        Box::pin(self.run(move |client, sealer| Box::pin(audit::read(client, sealer, from, limit))))
    }

    fn ends(&self) -> StoreFuture<'_, AuditEnds> {
        Box::pin(self.run(|client, sealer| Box::pin(audit::ends(client, sealer))))
    }

    fn purge_before(&self, time: Millis) -> StoreFuture<'_, u64> {
        Box::pin(self.run(move |client, sealer| Box::pin(audit::purge_before(client, sealer, time))))
    }
}
