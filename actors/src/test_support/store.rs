//! A store in memory, which can fail, be slow, and panic. It outlives the actors of a test, as a file outlives a process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tickgate_core::ports::{Record, Shelf, Store, StoreError, StoreFuture};
use tickgate_core::time::Millis;

#[derive(Default)]
struct Shelves {
    records: HashMap<(Shelf, u128), Record>,
    writes: usize,
    failing: bool,
    panics: bool,
    latency: Duration,
}

/// Keeps what the port promises to keep. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct MemoryStore(Arc<Mutex<Shelves>>);

impl MemoryStore {
    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether everything fails from now on.
    pub(crate) fn fails(&self, failing: bool) {
        self.shelves().failing = failing;
    }

    /// The next thing that it is asked makes it panic.
    pub(crate) fn panics_next(&self) {
        self.shelves().panics = true;
    }

    /// Everything takes this long.
    pub(crate) fn takes(&self, latency: Duration) {
        self.shelves().latency = latency;
    }

    /// How often something was put or deleted, or would have been.
    pub(crate) fn writes(&self) -> usize {
        self.shelves().writes
    }

    pub(crate) fn records(&self, shelf: Shelf) -> Vec<Record> {
        self.shelves().records.iter().filter(|((on, _), _)| *on == shelf).map(|(_, record)| record.clone()).collect()
    }

    async fn turn(&self) -> Result<(), StoreError> {
        let latency = self.shelves().latency;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        assert!(!std::mem::take(&mut self.shelves().panics), "the store panics, as the script says");
        if self.shelves().failing { Err(StoreError::Unavailable("as the script says".into())) } else { Ok(()) }
    }
}

fn is_alive(record: &Record, now: Millis) -> bool {
    record.expires.is_none_or(|expires| expires > now)
}

impl Store for MemoryStore {
    fn put(&self, shelf: Shelf, records: Vec<Record>) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            self.shelves().writes += 1;
            self.turn().await?;
            self.shelves().records.extend(records.into_iter().map(|record| ((shelf, record.id), record)));
            Ok(())
        })
    }

    fn all(&self, shelf: Shelf, now: Millis) -> StoreFuture<'_, Vec<Record>> {
        Box::pin(async move {
            self.turn().await?;
            Ok(self.records(shelf).into_iter().filter(|record| is_alive(record, now)).collect())
        })
    }

    fn take(&self, shelf: Shelf, id: u128, principal: &str, now: Millis) -> StoreFuture<'_, Option<Record>> {
        let principal = principal.to_owned();
        Box::pin(async move {
            self.turn().await?;
            let mut shelves = self.shelves();
            let theirs = |record: &Record| record.principal == principal && is_alive(record, now);
            Ok(shelves.records.get(&(shelf, id)).is_some_and(theirs).then(|| shelves.records.remove(&(shelf, id))).flatten())
        })
    }

    fn delete(&self, shelf: Shelf, id: u128) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            self.shelves().writes += 1;
            self.turn().await?;
            self.shelves().records.remove(&(shelf, id));
            Ok(())
        })
    }

    fn purge(&self, now: Millis) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            self.turn().await?;
            let mut shelves = self.shelves();
            let before = shelves.records.len();
            shelves.records.retain(|_, record| is_alive(record, now));
            Ok((before - shelves.records.len()) as u64)
        })
    }
}
