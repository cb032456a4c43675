//! Which tasks exist: read and written from every worker, each change written through to the store.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use futures_util::stream::{self, LocalBoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::{Map, Value};
use tickgate_core::access::Principal;
use tickgate_core::mcp::{FeatureError, FeatureResult, Outcome};
use tickgate_core::ports::{Shelf, Store, StoreError};
use tickgate_core::rpc::{ErrorCode, RpcError};
use tickgate_core::task::{Task, TaskCall, TaskId, TaskStatus, TaskTerms};
use tickgate_core::time::Millis;
use tokio::sync::watch;

use super::runner::RunningTask;
use crate::call::CallInfo;
use crate::clock::{Clock, random_u128};
use crate::metrics::Metrics;

/// Tasks in all, those that are over and still kept included.
pub const MAX_TASKS: usize = 100_000;
/// Tasks of one caller.
pub const MAX_TASKS_PER_CALLER: usize = 100;

/// One task, shared by its runner and all who ask.
pub(super) struct Entry {
    task: Mutex<Task>,
    /// Raised by each change.
    pub(super) changed: watch::Sender<u64>,
    /// Held while the store is written.
    pub(super) keeping: tokio::sync::Mutex<()>,
    /// Whether the store lacks the newest state.
    pub(super) unkept: AtomicBool,
}

impl Entry {
    fn new(task: Task) -> Arc<Self> {
        Arc::new(Self {
            task: Mutex::new(task),
            changed: watch::Sender::new(0),
            keeping: tokio::sync::Mutex::default(),
            unkept: AtomicBool::new(false),
        })
    }

    /// The task; held for the moment of one look or change, never across a wait.
    pub(super) fn task(&self) -> MutexGuard<'_, Task> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn raise(&self) {
        self.changed.send_modify(|version| *version += 1);
    }
}

/// A place in the table that is given back unless the task is kept: its client may leave while the store is busy.
struct Listed<'a> {
    tasks: &'a Tasks,
    id: Option<TaskId>,
}

impl Listed<'_> {
    fn stays(mut self) {
        self.id = None;
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        self.tasks.0.table.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        let tasks = self.tasks.clone();
        // What was on its way to the store may still arrive there: after a restart it would run for nobody.
        actix::spawn(async move {
            if let Err(error) = tasks.0.store.delete(Shelf::Tasks, id.0).await {
                tracing::error!(error = %error, "a task that nobody knows cannot be deleted: after a restart it would run");
            }
        });
    }
}

#[derive(Default)]
struct Table {
    tasks: HashMap<TaskId, Arc<Entry>>,
    by_owner: HashMap<String, Vec<TaskId>>,
}

impl Table {
    fn insert(&mut self, id: TaskId, owner: &str, entry: Arc<Entry>) {
        if self.tasks.insert(id, entry).is_none() {
            self.by_owner.entry(owner.to_owned()).or_default().push(id);
        }
    }

    fn remove(&mut self, id: TaskId) -> Option<Arc<Entry>> {
        let entry = self.tasks.remove(&id)?;
        let owner = entry.task().principal.clone();
        if let Some(own) = self.by_owner.get_mut(&owner) {
            own.retain(|other| *other != id);
            if own.is_empty() {
                self.by_owner.remove(&owner);
            }
        }
        Some(entry)
    }

    /// The owner's oldest task that was cancelled: the only ones whose end their owner knows already.
    fn cancelled_of(&self, owner: &str) -> Option<TaskId> {
        let is_cancelled = |id: &&TaskId| self.tasks.get(id).is_some_and(|entry| entry.task().status() == TaskStatus::Cancelled);
        self.by_owner.get(owner)?.iter().find(is_cancelled).copied()
    }
}

struct Shared {
    table: RwLock<Table>,
    /// Read from the store and not running yet.
    unclaimed: Mutex<Vec<Arc<Entry>>>,
    store: Arc<dyn Store>,
    clock: Clock,
    metrics: Metrics,
}

/// The tasks of this process. Clones share them.
#[derive(Clone)]
pub struct Tasks(Arc<Shared>);

impl Tasks {
    /// No tasks yet.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Clock, metrics: Metrics) -> Self {
        Self(Arc::new(Shared { table: RwLock::default(), unclaimed: Mutex::default(), store, clock, metrics }))
    }

    /// Lists what the store kept. What was running waits for [`Self::claim`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn restore(&self) -> Result<usize, StoreError> {
        let records = self.0.store.all(Shelf::Tasks, self.0.clock.now()).await?;
        let mut restored = 0;
        for record in records {
            let Ok(task) = serde_json::from_slice::<Task>(&record.body) else {
                tracing::warn!(task.id = ?TaskId(record.id), "a kept task cannot be read: it is left out");
                continue;
            };
            let (id, over, owner) = (task.id, task.status().is_terminal(), task.principal.clone());
            let entry = Entry::new(task);
            if !over {
                self.0.unclaimed.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&entry));
            }
            self.0.table.write().unwrap_or_else(PoisonError::into_inner).insert(id, &owner, entry);
            restored += 1;
        }
        Ok(restored)
    }

    /// Takes the tasks that ran before the restart: who takes them runs them.
    #[must_use]
    pub fn claim(&self) -> Vec<RunningTask> {
        let entries = std::mem::take(&mut *self.0.unclaimed.lock().unwrap_or_else(PoisonError::into_inner));
        entries.into_iter().map(|entry| RunningTask::new(self.clone(), entry, None)).collect()
    }

    /// Makes a task; it is durable when this returns.
    ///
    /// # Errors
    /// When there are too many, or the store does not keep it.
    pub(crate) async fn create(
        &self,
        principal: &Principal,
        call: TaskCall,
        terms: TaskTerms,
        info: &CallInfo,
    ) -> Result<RunningTask, FeatureError> {
        let id = TaskId(random_u128());
        let owner = principal.as_str().to_owned();
        let entry = Entry::new(Task::new(id, owner, call, terms, self.0.clock.now()));
        self.list(id, &entry, principal)?;
        let listed = Listed { tasks: self, id: Some(id) };
        if let Err(error) = self.keep(&entry).await {
            tracing::error!(error = %error, "a task cannot be kept");
            let error = RpcError::new(ErrorCode::INTERNAL, "the task cannot be kept now: try again in a moment");
            return Err(FeatureError::Rpc(error));
        }
        listed.stays();
        Ok(RunningTask::new(self.clone(), entry, Some(info.clone())))
    }

    fn list(&self, id: TaskId, entry: &Arc<Entry>, principal: &Principal) -> Result<(), FeatureError> {
        let mut table = self.0.table.write().unwrap_or_else(PoisonError::into_inner);
        let own = table.by_owner.get(principal.as_str()).map_or(0, Vec::len);
        if own >= MAX_TASKS_PER_CALLER
            && let Some(cancelled) = table.cancelled_of(principal.as_str())
        {
            if let Some(entry) = table.remove(cancelled) {
                self.unwrite(entry);
            }
        } else if table.tasks.len() >= MAX_TASKS || own >= MAX_TASKS_PER_CALLER {
            let message = format!(
                "too many tasks ({own} of yours; at most {MAX_TASKS_PER_CALLER}): cancel some, or wait until they are forgotten"
            );
            return Err(FeatureError::Rpc(RpcError::new(ErrorCode(429), message)));
        }
        table.insert(id, principal.as_str(), Arc::clone(entry));
        drop(table);
        Ok(())
    }

    /// The task of that name, if it is this caller's. Another's is answered like one that does not exist.
    fn find(&self, id: &str, principal: &Principal) -> Result<Arc<Entry>, FeatureError> {
        let unknown = || FeatureError::invalid_params("Unknown task: it never was, is not yours, or has been forgotten");
        let id: TaskId = id.parse().map_err(|_| unknown())?;
        let table = self.0.table.read().unwrap_or_else(PoisonError::into_inner);
        let entry = table.tasks.get(&id).filter(|entry| entry.task().principal == principal.as_str()).cloned();
        drop(table);
        let now = self.0.clock.now();
        entry.filter(|entry| entry.task().expires() > now).ok_or_else(unknown)
    }

    /// `tasks/get`.
    pub(crate) fn get(&self, id: &str, principal: &Principal) -> Outcome {
        Ok(self.find(id, principal)?.task().get_result())
    }

    /// `tasks/update`.
    pub(crate) async fn update(&self, id: &str, principal: &Principal, responses: Map<String, Value>) -> Outcome {
        let entry = self.find(id, principal)?;
        let now = self.now();
        self.change(&entry, move |task| task.update(responses.clone(), now)).await;
        Ok(FeatureResult::empty())
    }

    /// `tasks/cancel`; a task that is over stays as it is.
    pub(crate) async fn cancel(&self, id: &str, principal: &Principal) -> Outcome {
        let entry = self.find(id, principal)?;
        let now = self.now();
        self.change(&entry, move |task| task.cancel(now)).await;
        Ok(FeatureResult::empty())
    }

    /// The task after each change, as the parameters of `notifications/tasks`; ends with the task. `None` as for an unknown one.
    pub(crate) fn watch(&self, id: &str, principal: &Principal) -> Option<LocalBoxStream<'static, String>> {
        let entry = self.find(id, principal).ok()?;
        let mut changed = entry.changed.subscribe();
        // One that is over will not change any more: its end is told all the same.
        if entry.task().status().is_terminal() {
            changed.mark_changed();
        }
        let changes = stream::unfold((entry, changed), |(entry, mut changed)| {
            async move {
                if entry.task().status().is_terminal() && !changed.has_changed().unwrap_or(false) {
                    return None;
                }
                changed.changed().await.ok()?;
                let told = entry.task().detailed();
                Some((told, (entry, changed)))
            }
            .boxed_local()
        });
        Some(changes.boxed_local())
    }

    /// Forgets what has expired at this moment, and stops what still runs of it.
    pub fn forget_the_expired(&self) {
        let now = self.now();
        let mut table = self.0.table.write().unwrap_or_else(PoisonError::into_inner);
        let expired: Vec<TaskId> =
            table.tasks.iter().filter(|(_, entry)| entry.task().expires() <= now).map(|(id, _)| *id).collect();
        let expired: Vec<Arc<Entry>> = expired.into_iter().filter_map(|id| table.remove(id)).collect();
        drop(table);
        for entry in expired {
            if entry.task().cancel(now) {
                entry.raise();
            }
        }
    }

    /// Forgets every task of a principal and stops what still runs; nothing of them is written any more when this returns. What the
    /// store keeps of them is for the caller to erase. Says how many they were.
    pub async fn forget_all_of(&self, principal: &Principal) -> usize {
        let theirs: Vec<Arc<Entry>> = {
            let mut table = self.0.table.write().unwrap_or_else(PoisonError::into_inner);
            let ids = table.by_owner.get(principal.as_str()).cloned().unwrap_or_default();
            ids.into_iter().filter_map(|id| table.remove(id)).collect()
        };
        for entry in &theirs {
            // What is being written is waited for; a task that is over is not changed again, so nothing is written after it.
            let _keeping = entry.keeping.lock().await;
            if entry.task().cancel(self.now()) {
                entry.raise();
            }
        }
        theirs.len()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.table.read().unwrap_or_else(PoisonError::into_inner).tasks.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn entries(&self) -> Vec<Arc<Entry>> {
        self.0.table.read().unwrap_or_else(PoisonError::into_inner).tasks.values().cloned().collect()
    }

    pub(super) fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    pub(super) fn now(&self) -> Millis {
        self.0.clock.now()
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }
}
