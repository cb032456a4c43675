//! Keeping tasks: a change is in the store before anybody sees it. A store that fails holds a change up for one write and no longer;
//! what it did not take is written again by the sweep.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tickgate_core::ports::{Record, Shelf, StoreError};
use tickgate_core::task::Task;

use super::table::{Entry, Tasks};

impl Tasks {
    /// Makes a change, if it is one. Says whether it was.
    pub(super) async fn change(&self, entry: &Arc<Entry>, change: impl Fn(&mut Task) -> bool + 'static) -> bool {
        let (tasks, entry) = (self.clone(), Arc::clone(entry));
        // On its own: a client that leaves meanwhile must not take the change with it.
        let changed = actix::spawn(async move {
            // One write at a time: the newest state must be written last.
            let _keeping = entry.keeping.lock().await;
            let mut next = entry.task().clone();
            if !change(&mut next) {
                return false;
            }
            let written = tasks.write(&next).await;
            entry.unkept.store(written.is_err(), Ordering::Relaxed);
            if let Err(error) = written {
                tracing::error!(error = %error, task.id = ?next.id, "a change of a task is not kept yet: it is tried again");
            }
            // On the task as it is now: its handler may have asked something meanwhile.
            change(&mut entry.task());
            entry.raise();
            true
        });
        changed.await.unwrap_or(false)
    }

    /// Writes a task as it is now.
    ///
    /// # Errors
    /// When the store does not keep it.
    pub(super) async fn keep(&self, entry: &Entry) -> Result<(), StoreError> {
        let _keeping = entry.keeping.lock().await;
        let task = entry.task().clone();
        self.write(&task).await
    }

    /// Tries again what the store did not take.
    pub async fn keep_what_failed(&self) {
        for entry in self.entries() {
            if entry.unkept.load(Ordering::Relaxed) && self.keep(&entry).await.is_ok() {
                entry.unkept.store(false, Ordering::Relaxed);
            }
        }
    }

    /// Takes a task that was forgotten before its time from the store.
    pub(super) fn unwrite(&self, entry: Arc<Entry>) {
        let tasks = self.clone();
        actix::spawn(async move {
            let _keeping = entry.keeping.lock().await;
            let id = entry.task().id;
            // Not tried again: the record expires by itself.
            if let Err(error) = tasks.store().delete(Shelf::Tasks, id.0).await {
                tracing::warn!(error = %error, task.id = ?id, "a forgotten task stays in the store until it expires");
            }
        });
    }

    async fn write(&self, task: &Task) -> Result<(), StoreError> {
        let record = Record {
            id: task.id.0,
            principal: task.principal.clone(),
            expires: Some(task.expires()),
            body: serde_json::to_vec(task).expect("a task holds only strings, numbers and JSON").into(),
        };
        self.store().put(Shelf::Tasks, vec![record]).await
    }
}
