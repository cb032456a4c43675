//! The store in a SQLite file of `DATA_DIR`, behind a thread of its own.

mod database;
mod records;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tickgate_core::ports::{Record, Shelf, Store, StoreError, StoreFuture};
use tickgate_core::time::Millis;
use tokio::sync::mpsc;
use tokio::time::timeout;

use self::writer::{Message, Writer, job};
use super::OpenError;
use super::folder::FolderLock;
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
}

impl SqliteStore {
    /// Opens the store of a folder and holds the folder. Blocks for as long as the disk needs.
    ///
    /// # Errors
    /// When the folder cannot be written or belongs to another gateway, or the database is damaged or too new.
    pub fn open(folder: &Path, sealer: Arc<Sealer>) -> Result<Self, OpenError> {
        let lock = FolderLock::take(folder)?;
        let connection = database::open(folder)?;
        let (messages, receiver) = mpsc::channel(QUEUE);
        let writer = Writer { connection, sealer, lock, messages: receiver };
        let thread = std::thread::Builder::new().name("storage".to_owned());
        thread.spawn(move || writer.run()).map_err(OpenError::NoThread)?;
        Ok(Self { messages, deadline: OPERATION_DEADLINE })
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
        timeout(self.deadline, done).await.unwrap_or_else(late)
    }
}

impl Store for SqliteStore {
    fn put(&self, shelf: Shelf, records: Vec<Record>) -> StoreFuture<'_, ()> {
        Box::pin(self.run(move |connection, sealer| records::put(connection, sealer, shelf, &records)))
    }

    fn all(&self, shelf: Shelf, now: Millis) -> StoreFuture<'_, Vec<Record>> {
        Box::pin(async move {
            let (records, unreadable) = self.run(move |connection, sealer| records::all(connection, sealer, shelf, now)).await?;
            if unreadable > 0 {
                let shelf = shelf.as_str();
                tracing::warn!(shelf, unreadable, "{unreadable} {shelf} cannot be read: another DATA_ENCRYPTION_KEY, or damage");
            }
            Ok(records)
        })
    }

    fn take(&self, shelf: Shelf, id: u128, principal: &str, now: Millis) -> StoreFuture<'_, Option<Record>> {
        let principal = principal.to_owned();
        Box::pin(self.run(move |connection, sealer| records::take(connection, sealer, shelf, id, &principal, now)))
    }

    fn delete(&self, shelf: Shelf, id: u128) -> StoreFuture<'_, ()> {
        Box::pin(self.run(move |connection, _| records::delete(connection, shelf, id)))
    }

    fn purge(&self, now: Millis) -> StoreFuture<'_, u64> {
        Box::pin(self.run(move |connection, _| records::purge(connection, now)))
    }
}
