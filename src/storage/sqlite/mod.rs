//! The store in a SQLite file of `DATA_DIR`, behind a thread of its own.

mod audit;
mod changes;
pub(super) mod copy;
mod database;
mod records;
mod writer;

pub(super) use database::path as file_of;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use tickgate_core::ports::{
    AuditEnds, AuditEntry, AuditLog, AuditRow, Changes, Record, Shelf, Store, StoreError, StoreFuture, Version, Versioned,
};
use tickgate_core::time::Millis;
use tokio::sync::mpsc;
use tokio::time::timeout;

use self::writer::{Message, Writer, job};
use super::OpenError;
use super::folder::FolderLock;
use super::rows::warn_of_unreadable;
use crate::sealing::Sealer;

/// Operations that may wait for the thread: a few batches, which a disk does within the deadline.
const QUEUE: usize = 1_024;
/// An operation that has no answer after this long has failed: a caller can wait no longer.
const OPERATION_DEADLINE: Duration = Duration::from_secs(5);
/// How long closing may take: the operations that wait, and the disk.
const CLOSE_DEADLINE: Duration = Duration::from_secs(10);

/// Keeps records in `DATA_DIR/tickgate.db`. Dropping it lets what waits be done, without waiting for it.
#[derive(Debug)]
pub struct SqliteStore {
    messages: mpsc::Sender<Message>,
    deadline: Duration,
    /// Whether the last operation failed: a full disk lets everything be done that writes nothing.
    failed: AtomicBool,
}

impl SqliteStore {
    /// Opens the store of a folder for a gateway, and holds the folder. Blocks for as long as the disk needs.
    ///
    /// # Errors
    /// When the folder cannot be written or belongs to another gateway, or the database is damaged or too new.
    pub fn open(folder: &Path, sealer: Arc<Sealer>) -> Result<Self, OpenError> {
        let lock = FolderLock::take(folder)?;
        Self::start(database::open(folder)?, sealer, Some(lock))
    }

    /// Opens the store of a folder for a command, beside a gateway that may run on it.
    ///
    /// # Errors
    /// As [`Self::open`], but for another gateway; when that is of an older release.
    pub fn open_beside(folder: &Path, sealer: Arc<Sealer>) -> Result<Self, OpenError> {
        Self::start(database::open_beside(folder)?, sealer, None)
    }

    fn start(connection: Connection, sealer: Arc<Sealer>, lock: Option<FolderLock>) -> Result<Self, OpenError> {
        let (messages, receiver) = mpsc::channel(QUEUE);
        let writer = Writer { connection, sealer, lock, messages: receiver };
        let thread = std::thread::Builder::new().name("storage".to_owned());
        thread.spawn(move || writer.run()).map_err(OpenError::NoThread)?;
        Ok(Self { messages, deadline: OPERATION_DEADLINE, failed: AtomicBool::new(false) })
    }

    /// Ends the thread once all that waits is done, and gives the folder back. Later operations fail.
    ///
    /// # Errors
    /// When that takes longer than 10 s.
    pub async fn close(&self) -> Result<(), StoreError> {
        let closed = async {
            // It has ended already when this cannot be sent.
            let _ = self.messages.send(Message::Close).await;
            self.messages.closed().await;
        };
        timeout(CLOSE_DEADLINE, closed).await.map_err(|_| StoreError::Unavailable("it does not close in time".to_owned()))
    }

    /// Does something on the storage thread, in a transaction; all of it or nothing. The answer comes when it is durable.
    async fn run<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection, &Sealer) -> Result<T, StoreError> + Send + 'static,
    {
        let ended = || StoreError::Unavailable("it is closed".to_owned());
        let (job, answer) = job(work);
        let done = async {
            self.messages.send(Message::Run(job)).await.map_err(|_| ended())?;
            answer.await.map_err(|_| ended())?
        };
        let late = |_| Err(StoreError::Unavailable(format!("no answer within {} s", self.deadline.as_secs())));
        let outcome = timeout(self.deadline, done).await.unwrap_or_else(late);
        if matches!(outcome, Err(StoreError::Unavailable(_))) {
            self.failed.store(true, Ordering::Relaxed);
        }
        outcome
    }
}

impl Store for SqliteStore {
    fn put(&self, shelf: Shelf, records: Vec<Record>) -> StoreFuture<'_, ()> {
        Box::pin(self.run(move |connection, sealer| records::put(connection, sealer, shelf, &records)))
    }

    fn all(&self, shelf: Shelf, now: Millis) -> StoreFuture<'_, Vec<Record>> {
        Box::pin(async move {
            let (found, unreadable) = self.run(move |connection, sealer| records::all(connection, sealer, shelf, now)).await?;
            warn_of_unreadable(shelf, unreadable);
            Ok(found.into_iter().map(|found| found.record).collect())
        })
    }

    fn find(&self, shelf: Shelf, id: u128, now: Millis) -> StoreFuture<'_, Option<Versioned>> {
        Box::pin(self.run(move |connection, sealer| records::find(connection, sealer, shelf, id, now)))
    }

    fn of(&self, shelf: Shelf, principal: &str, now: Millis) -> StoreFuture<'_, Vec<Versioned>> {
        let principal = principal.to_owned();
        Box::pin(async move {
            let of = move |connection: &Connection, sealer: &Sealer| records::of(connection, sealer, shelf, &principal, now);
            let (found, unreadable) = self.run(of).await?;
            warn_of_unreadable(shelf, unreadable);
            Ok(found)
        })
    }

    fn swap(&self, shelf: Shelf, record: Record, expected: Option<Version>, now: Millis) -> StoreFuture<'_, Option<Version>> {
        Box::pin(self.run(move |connection, sealer| records::swap(connection, sealer, shelf, &record, (expected, now))))
    }

    fn take(&self, shelf: Shelf, id: u128, principal: &str, now: Millis) -> StoreFuture<'_, Option<Record>> {
        let principal = principal.to_owned();
        Box::pin(self.run(move |connection, sealer| records::take(connection, sealer, shelf, (id, &principal), now)))
    }

    fn delete(&self, shelf: Shelf, id: u128) -> StoreFuture<'_, ()> {
        Box::pin(self.run(move |connection, _| records::delete(connection, shelf, id)))
    }

    fn erase(&self, principal: &str) -> StoreFuture<'_, u64> {
        let principal = principal.to_owned();
        Box::pin(self.run(move |connection, _| records::erase(connection, &principal)))
    }

    fn purge(&self, now: Millis) -> StoreFuture<'_, u64> {
        Box::pin(self.run(move |connection, _| records::purge(connection, now)))
    }

    fn changes_since(&self, seen: Option<u64>) -> StoreFuture<'_, Changes> {
        Box::pin(self.run(move |connection, _| changes::since(connection, seen)))
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            // Every operation takes the right to write: that it can be had is the answer. After a failure something has to be written.
            let has_failed = self.failed.swap(false, Ordering::Relaxed);
            self.run(move |connection, _| if has_failed { database::write_something(connection) } else { Ok(()) }).await
        })
    }
}

impl AuditLog for SqliteStore {
    fn append(&self, entries: Vec<AuditEntry>) -> StoreFuture<'_, Option<u64>> {
        Box::pin(self.run(move |connection, sealer| audit::append(connection, sealer, &entries)))
    }

    fn read(&self, from: u64, limit: usize) -> StoreFuture<'_, Vec<AuditRow>> {
        Box::pin(self.run(move |connection, sealer| audit::read(connection, sealer, from, limit)))
    }

    fn ends(&self) -> StoreFuture<'_, AuditEnds> {
        Box::pin(self.run(audit::ends))
    }

    fn purge_before(&self, time: Millis) -> StoreFuture<'_, u64> {
        Box::pin(self.run(move |connection, sealer| audit::purge_before(connection, sealer, time)))
    }
}
