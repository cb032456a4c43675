//! Which sessions exist and whose they are: read by every request, written when a session begins or ends.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use actix::{Actor, Addr};
use tickgate_core::access::{Caller, Principal};
use tickgate_core::ports::Store;
use tickgate_core::session::{Notice, Session};

use super::handle::SessionHandle;
use super::rest::Waking;
use super::{Close, Drain, SessionActor, Tell};
use crate::call::Catalog;
use crate::clock::{Clock, random_u128};
use crate::metrics::Metrics;

/// A session's name: 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub(super) u128);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Shows only a part: whoever knows the whole may speak in the session.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}…", self.0 >> 96)
    }
}

impl FromStr for SessionId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let id = u128::from_str_radix(text, 16).map(Self).map_err(|_| ())?;
        if id.to_string() == text { Ok(id) } else { Err(()) }
    }
}

/// How many sessions there may be.
#[derive(Clone, Copy, Debug)]
pub struct DirectoryLimits {
    /// In all (`MAX_SESSIONS`).
    pub sessions: usize,
    /// Of one caller (`MAX_SESSIONS_PER_CALLER`).
    pub per_caller: usize,
}

/// Why a session cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The gateway is full.
    #[error("the gateway has no room for another session: try again later")]
    Full,
    /// The caller has too many.
    #[error("you have too many open sessions: end some with DELETE, or let them expire")]
    TooMany,
}

struct Entry {
    principal: Principal,
    /// Shared by all handles: every clone of an address may send one message beyond the mailbox's bound.
    session: Arc<Addr<SessionActor>>,
}

#[derive(Default)]
struct Table {
    sessions: HashMap<SessionId, Entry>,
    by_caller: HashMap<Principal, usize>,
}

/// The sessions of this process. Clones share them.
#[derive(Clone)]
pub struct SessionDirectory {
    table: Arc<RwLock<Table>>,
    limits: DirectoryLimits,
    pub(super) store: Arc<dyn Store>,
    pub(super) waking: Arc<Waking>,
    pub(super) clock: Clock,
    metrics: Metrics,
}

impl SessionDirectory {
    /// No sessions yet.
    #[must_use]
    pub fn new(limits: DirectoryLimits, store: Arc<dyn Store>, clock: Clock, metrics: Metrics) -> Self {
        Self { table: Arc::default(), limits, store, waking: Arc::default(), clock, metrics }
    }

    /// Starts a session on this thread and lists it as the caller's.
    ///
    /// # Errors
    /// When there is no room.
    pub fn open(&self, session: Session, caller: Caller, catalog: Rc<dyn Catalog>) -> Result<SessionId, OpenError> {
        let id = SessionId(random_u128());
        self.insert(id, session, caller, catalog)?;
        Ok(id)
    }

    /// Whether there is room for another session of this caller now.
    pub(super) fn has_room(&self, principal: &Principal) -> bool {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let own = table.by_caller.get(principal).copied().unwrap_or_default();
        table.sessions.len() < self.limits.sessions && own < self.limits.per_caller
    }

    pub(super) fn insert(
        &self,
        id: SessionId,
        session: Session,
        caller: Caller,
        catalog: Rc<dyn Catalog>,
    ) -> Result<(), OpenError> {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        if table.sessions.len() >= self.limits.sessions {
            return Err(OpenError::Full);
        }
        let count = table.by_caller.entry(caller.principal.clone()).or_default();
        if *count >= self.limits.per_caller {
            return Err(OpenError::TooMany);
        }
        *count += 1;
        let principal = caller.principal.clone();
        let slot = SessionSlot { directory: self.clone(), id };
        let actor = SessionActor {
            session,
            caller,
            catalog,
            outlets: HashMap::new(),
            running: HashMap::new(),
            asking: HashMap::new(),
            watching: HashMap::new(),
            next_exchange: 0,
            request_id: String::new(),
            timer: None,
            ended: None,
            rests: None,
            rested: false,
            clock: self.clock,
            metrics: self.metrics.clone(),
            _slot: slot,
        };
        table.sessions.insert(id, Entry { principal, session: Arc::new(actor.start()) });
        Ok(())
    }

    /// Every session that there is now.
    pub(super) fn entries(&self) -> Vec<(SessionId, Principal, Arc<Addr<SessionActor>>)> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.sessions.iter().map(|(id, entry)| (*id, entry.principal.clone(), Arc::clone(&entry.session))).collect()
    }

    /// The session of that name, if it is this caller's. Another's is answered like one that does not exist.
    #[must_use]
    pub fn find(&self, id: &str, principal: &Principal) -> Option<SessionHandle> {
        let id: SessionId = id.parse().ok()?;
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let entry = table.sessions.get(&id).filter(|entry| entry.principal == *principal)?;
        Some(SessionHandle::new(Arc::clone(&entry.session)))
    }

    /// Ends every session of a principal that runs here, and waits until each has ended. Says how many they were.
    pub async fn end_all_of(&self, principal: &Principal) -> usize {
        let theirs: Vec<Arc<Addr<SessionActor>>> = {
            let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
            let theirs = table.sessions.values().filter(|entry| entry.principal == *principal);
            theirs.map(|entry| Arc::clone(&entry.session)).collect()
        };
        for session in &theirs {
            // One that has ended meanwhile is what was wanted.
            let _ = session.send(Close).await;
        }
        theirs.len()
    }

    /// How many sessions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.read().unwrap_or_else(PoisonError::into_inner).sessions.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends the streams that wait for nothing in particular: the gateway is shutting down.
    pub fn drain(&self) {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        for entry in table.sessions.values() {
            let _ = entry.session.try_send(Drain);
        }
    }

    /// Tells every session of a change. One whose mailbox is full misses it: its client has other worries.
    pub fn tell_all(&self, notice: &Notice) {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        for entry in table.sessions.values() {
            let _ = entry.session.try_send(Tell(notice.clone()));
        }
    }

    fn remove(&self, id: SessionId) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = table.sessions.remove(&id) else { return };
        if let Some(count) = table.by_caller.get_mut(&entry.principal) {
            *count -= 1;
            if *count == 0 {
                table.by_caller.remove(&entry.principal);
            }
        }
    }
}

/// A session's place in the directory, freed when the actor goes, however it goes.
pub(super) struct SessionSlot {
    directory: SessionDirectory,
    id: SessionId,
}

impl Drop for SessionSlot {
    fn drop(&mut self) {
        self.directory.remove(self.id);
    }
}
