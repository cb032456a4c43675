//! A store in memory, which can fail, be slow, and panic. It outlives the actors of a test, as a file outlives a process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tickgate_core::ports::{Change, Changes, Record, Shelf, Store, StoreError, StoreFuture, Version, Versioned};
use tickgate_core::time::Millis;

#[derive(Default)]
struct Shelves {
    records: HashMap<(Shelf, u128), Versioned>,
    changes: Vec<Change>,
    version: u64,
    writes: usize,
    failing: bool,
    panics: bool,
    latency: Duration,
}

impl Shelves {
    fn changed(&mut self, shelf: Shelf, id: u128) {
        if shelf.is_watched() {
            self.changes.push(Change { shelf, id });
        }
    }

    fn keep(&mut self, shelf: Shelf, record: Record) -> Version {
        self.version += 1;
        let version = Version(self.version);
        self.changed(shelf, record.id);
        self.records.insert((shelf, record.id), Versioned { record, version });
        version
    }

    fn forget(&mut self, shelf: Shelf, id: u128) -> Option<Record> {
        let kept = self.records.remove(&(shelf, id))?;
        self.changed(shelf, id);
        Some(kept.record)
    }
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
        self.shelves().records.iter().filter(|((on, _), _)| *on == shelf).map(|(_, kept)| kept.record.clone()).collect()
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
            let mut shelves = self.shelves();
            for record in records {
                shelves.keep(shelf, record);
            }
            Ok(())
        })
    }

    fn all(&self, shelf: Shelf, now: Millis) -> StoreFuture<'_, Vec<Record>> {
        Box::pin(async move {
            self.turn().await?;
            Ok(self.records(shelf).into_iter().filter(|record| is_alive(record, now)).collect())
        })
    }

    fn find(&self, shelf: Shelf, id: u128, now: Millis) -> StoreFuture<'_, Option<Versioned>> {
        Box::pin(async move {
            self.turn().await?;
            Ok(self.shelves().records.get(&(shelf, id)).filter(|kept| is_alive(&kept.record, now)).cloned())
        })
    }

    fn of(&self, shelf: Shelf, principal: &str, now: Millis) -> StoreFuture<'_, Vec<Versioned>> {
        let principal = principal.to_owned();
        Box::pin(async move {
            self.turn().await?;
            let shelves = self.shelves();
            let kept = shelves.records.iter().filter(|((on, _), _)| *on == shelf).map(|(_, kept)| kept);
            let theirs = |kept: &&Versioned| kept.record.principal == principal && is_alive(&kept.record, now);
            Ok(kept.filter(theirs).cloned().collect())
        })
    }

    fn swap(&self, shelf: Shelf, record: Record, expected: Option<Version>, now: Millis) -> StoreFuture<'_, Option<Version>> {
        Box::pin(async move {
            self.shelves().writes += 1;
            self.turn().await?;
            let mut shelves = self.shelves();
            let stored = shelves.records.get(&(shelf, record.id)).filter(|kept| is_alive(&kept.record, now));
            let as_expected = stored.map(|kept| kept.version) == expected;
            Ok(as_expected.then(|| shelves.keep(shelf, record)))
        })
    }

    fn take(&self, shelf: Shelf, id: u128, principal: &str, now: Millis) -> StoreFuture<'_, Option<Record>> {
        let principal = principal.to_owned();
        Box::pin(async move {
            self.turn().await?;
            let mut shelves = self.shelves();
            let theirs = |kept: &Versioned| kept.record.principal == principal && is_alive(&kept.record, now);
            Ok(if shelves.records.get(&(shelf, id)).is_some_and(theirs) { shelves.forget(shelf, id) } else { None })
        })
    }

    fn delete(&self, shelf: Shelf, id: u128) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            self.shelves().writes += 1;
            self.turn().await?;
            self.shelves().forget(shelf, id);
            Ok(())
        })
    }

    fn erase(&self, principal: &str) -> StoreFuture<'_, u64> {
        let principal = principal.to_owned();
        Box::pin(async move {
            self.turn().await?;
            let mut shelves = self.shelves();
            let kept = shelves.records.iter().filter(|(_, kept)| kept.record.principal == principal);
            let theirs: Vec<(Shelf, u128)> = kept.map(|(key, _)| *key).collect();
            for (shelf, id) in &theirs {
                shelves.forget(*shelf, *id);
            }
            Ok(theirs.len() as u64)
        })
    }

    fn purge(&self, now: Millis) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            self.turn().await?;
            let mut shelves = self.shelves();
            let before = shelves.records.len();
            shelves.records.retain(|_, kept| is_alive(&kept.record, now));
            Ok((before - shelves.records.len()) as u64)
        })
    }

    fn changes_since(&self, seen: Option<u64>) -> StoreFuture<'_, Changes> {
        Box::pin(async move {
            self.turn().await?;
            let shelves = self.shelves();
            let latest = shelves.changes.len() as u64;
            let Some(seen) = seen.filter(|seen| *seen <= latest) else { return Ok(Changes::Behind { latest }) };
            let changes: Vec<Change> = shelves.changes.iter().skip(seen as usize).take(Changes::MAX).copied().collect();
            let latest = seen + changes.len() as u64;
            Ok(Changes::Since { changes, latest })
        })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        Box::pin(self.turn())
    }
}
