//! What must survive a restart: records on shelves, each somebody's.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

use crate::time::Millis;

/// A future that may cross threads: the store works on a thread of its own.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What kind of thing a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shelf {
    /// Tasks of the tasks extension.
    Tasks,
    /// Price alerts.
    Alerts,
    /// MCP sessions that wait for their client to come back.
    Sessions,
    /// Callers' own upstream keys.
    UpstreamKeys,
}

impl Shelf {
    /// The name in the database and in labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tasks => "tasks",
            Self::Alerts => "alerts",
            Self::Sessions => "sessions",
            Self::UpstreamKeys => "upstream_keys",
        }
    }
}

/// One thing that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name: 128 random bits.
    pub id: u128,
    /// Whose it is.
    pub principal: String,
    /// When it may be forgotten; never when `None`.
    pub expires: Option<Millis>,
    /// What it is. Adapters encrypt it at rest.
    pub body: Bytes,
}

/// Why the store did not do it. The text is for operators and logs; it names no secret and no content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is full, or did not answer in time.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A record cannot be read back: another key, or damage.
    #[error("a record of the store cannot be read: {0}")]
    Unreadable(String),
}

/// Keeps records. What has been answered is durable: it survives kill -9.
pub trait Store: Send + Sync {
    /// Keeps these records, in place of any with the same shelf and id; all of them or none.
    fn put(&self, shelf: Shelf, records: Vec<Record>) -> StoreFuture<'_, ()>;

    /// Every record of a shelf that has not expired at `now`. Unreadable ones are left out and logged.
    fn all(&self, shelf: Shelf, now: Millis) -> StoreFuture<'_, Vec<Record>>;

    /// Removes and returns a record, if it is this principal's and has not expired at `now`.
    fn take(&self, shelf: Shelf, id: u128, principal: &str, now: Millis) -> StoreFuture<'_, Option<Record>>;

    /// Forgets a record; one that does not exist is forgotten already.
    fn delete(&self, shelf: Shelf, id: u128) -> StoreFuture<'_, ()>;

    /// Forgets what has expired at `now`, and says how much that was.
    fn purge(&self, now: Millis) -> StoreFuture<'_, u64>;
}
