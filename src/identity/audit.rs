//! How does what happened get into the audit log?
//!
//! What somebody did is written before they are answered ([`AuditWriter::write`]); what only happened (refusals, uses) goes through a
//! bounded queue and is written in batches ([`AuditWriter::note`]). Rows name people by their audit id alone.

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use prometheus::{IntCounter, Registry};
use sha2::{Digest as _, Sha256};
use tickgate_actors::Clock;
use tickgate_actors::clock::random_u128;
use tickgate_core::access::Principal;
use tickgate_core::identity::audit::{Actor, AuditAction, AuditEntry, NewEntry, Outcome};
use tickgate_core::identity::{AuditId, UserId};
use tickgate_core::ports::{AuditEntry as AuditRow, AuditLog, Record, Shelf, Store, StoreError};
use tickgate_core::time::Millis;
use tokio::sync::mpsc;

/// Entries that wait for the log; more are lost and counted. Each is some hundred bytes.
const QUEUE: usize = 4_096;
/// Entries that are added at once.
const BATCH: usize = 256;
/// How long after a failure it is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// Audit ids that are remembered; beyond it they are looked up in the store again.
const MAX_SUBJECTS: usize = 10_000;

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Somebody with a credential.
    Somebody(Principal),
    /// The operator, at the command line.
    Operator,
    /// The gateway of itself.
    Gateway,
    /// Who showed no good credential.
    Nobody,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Happening {
    /// Who did it.
    pub who: Who,
    /// From where.
    pub from: Option<IpAddr>,
    /// Under which request.
    pub request_id: Option<String>,
    /// What.
    pub action: AuditAction,
    /// To what: the id of a key or a client. Never a secret or a person's name.
    pub target: String,
    /// Whom it concerns, if not who did it.
    pub owner: Option<Principal>,
    /// How it ended.
    pub outcome: Outcome,
    /// More, by name. Never a secret or a person's name.
    pub details: Vec<(&'static str, String)>,
}

/// Counters of the audit.
#[derive(Clone, Debug)]
pub struct AuditMetrics {
    lost: IntCounter,
}

impl AuditMetrics {
    /// Makes them and adds them to the registry.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let lost = IntCounter::new(
            "tickgate_audit_lost_total",
            "Happenings that are missing in the audit log: it was away or too slow.",
        )?;
        registry.register(Box::new(lost.clone()))?;
        Ok(Self { lost })
    }
}

/// Writes to the audit log. Clones are the same.
#[derive(Clone)]
pub struct AuditWriter(Arc<Inner>);

struct Inner {
    log: Arc<dyn AuditLog>,
    store: Arc<dyn Store>,
    subjects: Mutex<HashMap<Principal, AuditId>>,
    queue: mpsc::Sender<(Millis, Happening)>,
    metrics: AuditMetrics,
    clock: Clock,
}

/// What waits for the log.
pub struct AuditQueue {
    writer: AuditWriter,
    waiting: mpsc::Receiver<(Millis, Happening)>,
}

impl AuditWriter {
    /// A writer, and the queue that somebody must [`AuditQueue::run_until`].
    #[must_use]
    pub fn new(log: Arc<dyn AuditLog>, store: Arc<dyn Store>, metrics: AuditMetrics, clock: Clock) -> (Self, AuditQueue) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let writer = Self(Arc::new(Inner { log, store, subjects: Mutex::default(), queue, metrics, clock }));
        (writer.clone(), AuditQueue { writer, waiting })
    }

    /// Writes it down soon. Waits for nothing; what finds the queue full is lost and counted.
    pub fn note(&self, happening: Happening) {
        if self.0.queue.try_send((self.0.clock.now(), happening)).is_err() {
            self.0.metrics.lost.inc();
        }
    }

    /// Writes it down now: it is durable when this returns.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub async fn write(&self, happening: &Happening) -> Result<(), StoreError> {
        let row = self.row(self.0.clock.now(), happening).await?;
        self.0.log.append(vec![row]).await.map(drop)
    }

    /// The same for what is done already: if the log is away, it is tried again from the queue.
    pub async fn write_or_queue(&self, happening: Happening) {
        if let Err(error) = self.write(&happening).await {
            tracing::error!(%error, action = %happening.action, "the audit log is away: the row waits");
            self.note(happening);
        }
    }

    /// Forgets under which id a principal stands in the log; their next row has another. The store forgets it by
    /// [`Store::erase`]. A person's late rows, of what was under way, get an id that is written down nowhere: they do not come back.
    pub fn forget(&self, principal: &Principal) {
        let mut subjects = self.subjects();
        subjects.remove(principal);
        if UserId::of_principal(principal).is_some() {
            subjects.insert(principal.clone(), AuditId(random_u128()));
        }
    }

    /// Under which id a principal stands in the log; `None` when they have no row. Makes none.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn known_audit_id(&self, principal: &Principal) -> Result<Option<AuditId>, StoreError> {
        let found = self.0.store.find(Shelf::AuditSubjects, subject_name(principal), self.0.clock.now()).await?;
        Ok(found.and_then(|found| std::str::from_utf8(&found.record.body).ok()?.parse().ok()))
    }

    /// The log itself, to read it.
    #[must_use]
    pub fn log(&self) -> &dyn AuditLog {
        self.0.log.as_ref()
    }

    fn subjects(&self) -> MutexGuard<'_, HashMap<Principal, AuditId>> {
        self.0.subjects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The random id under which a principal stands in the log; made at the first row.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn audit_id(&self, principal: &Principal) -> Result<AuditId, StoreError> {
        let known = self.subjects().get(principal).copied();
        if let Some(id) = known {
            return Ok(id);
        }
        let now = self.0.clock.now();
        let (name, fresh) = (subject_name(principal), AuditId(random_u128()));
        let body = Bytes::from(fresh.to_string());
        let record = Record { id: name, principal: principal.as_str().to_owned(), expires: None, body };
        let again = record.clone();
        // Two that come at once get the same.
        let id = match self.0.store.swap(Shelf::AuditSubjects, record, None, now).await? {
            Some(_) => fresh,
            None => match self.kept_id(name, now).await? {
                Some(kept) => kept,
                // Under a data key that was dropped: their later rows stand under another id, or none would be written any more.
                None => {
                    tracing::warn!("an audit id cannot be read: another one is given");
                    self.0.store.put(Shelf::AuditSubjects, vec![again]).await?;
                    fresh
                }
            },
        };
        let mut subjects = self.subjects();
        if subjects.len() >= MAX_SUBJECTS {
            subjects.clear();
        }
        subjects.insert(principal.clone(), id);
        Ok(id)
    }

    /// The id that is kept under a name, if it can be read.
    async fn kept_id(&self, name: u128, now: Millis) -> Result<Option<AuditId>, StoreError> {
        match self.0.store.find(Shelf::AuditSubjects, name, now).await {
            Ok(found) => Ok(found.and_then(|found| std::str::from_utf8(&found.record.body).ok()?.parse().ok())),
            Err(StoreError::Unreadable(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn row(&self, at: Millis, happening: &Happening) -> Result<AuditRow, StoreError> {
        let actor = match &happening.who {
            Who::Somebody(principal) => Actor::Someone(self.audit_id(principal).await?),
            Who::Operator => Actor::Operator,
            Who::Gateway => Actor::Gateway,
            Who::Nobody => Actor::Nobody,
        };
        let owner = match &happening.owner {
            Some(owner) => Some(self.audit_id(owner).await?.to_string()),
            None => None,
        };
        let details: Vec<(&str, &str)> = happening
            .details
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .chain(owner.as_deref().map(|owner| ("owner", owner)))
            .collect();
        let entry = AuditEntry::new(&NewEntry {
            at,
            actor,
            action: happening.action,
            target: &happening.target,
            from: happening.from,
            request_id: happening.request_id.as_deref(),
            outcome: happening.outcome,
            details: &details,
        });
        let body = serde_json::to_vec(&entry).expect("an entry is texts and numbers");
        Ok(AuditRow { at, body: body.into() })
    }
}

impl AuditQueue {
    /// Writes what comes until `stop`, and then what still waits. While the log is away rows wait, as many as the queue holds.
    pub async fn run_until(mut self, stop: impl Future<Output = ()>) {
        let mut happenings = Vec::with_capacity(BATCH);
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                received = self.waiting.recv_many(&mut happenings, BATCH) => if received == 0 { return },
            }
            // An addition that has begun is waited for: given up half way, its rows might be written twice.
            if !self.add_at_last(&mut happenings, &mut stop).await {
                break;
            }
        }
        while let Ok(happening) = self.waiting.try_recv() {
            happenings.push(happening);
        }
        if let Err(error) = self.add(&happenings).await {
            tracing::error!(%error, rows = happenings.len(), "the audit log is away: rows are lost");
        }
    }

    /// Adds them, however often it has to be tried; `false` when `stop` came first and they still wait.
    async fn add_at_last(
        &self,
        happenings: &mut Vec<(Millis, Happening)>,
        stop: &mut (impl Future<Output = ()> + Unpin),
    ) -> bool {
        let mut told = false;
        while let Err(error) = self.add(happenings).await {
            if !std::mem::replace(&mut told, true) {
                tracing::error!(%error, rows = happenings.len(), "the audit log is away: rows wait");
            }
            tokio::select! {
                () = &mut *stop => return false,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        happenings.clear();
        true
    }

    async fn add(&self, happenings: &[(Millis, Happening)]) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(happenings.len());
        for (at, happening) in happenings {
            rows.push(self.writer.row(*at, happening).await?);
        }
        self.writer.0.log.append(rows).await.map(drop)
    }
}

/// Under which name the audit id of a principal lies: found by whoever knows the principal, and it tells nothing of the id.
fn subject_name(principal: &Principal) -> u128 {
    let hash: [u8; 32] =
        Sha256::new().chain_update(b"tickgate audit subject\0").chain_update(principal.as_str()).finalize().into();
    u128::from_be_bytes(hash[..16].try_into().expect("16 bytes of 32"))
}
