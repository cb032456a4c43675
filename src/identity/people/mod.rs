//! Who has an account, what may they do, and how does that change? The store first, then the memory of this process, then the audit.
//!
//! | file | the question it answers |
//! |---|---|
//! | `list` | who is on a page of all people |
//! | `erase` | how is somebody erased, whatever crashes on the way |
//! | `belongings` | what does this process hold of somebody |
//! | `departures` | what is still to do when somebody's record has gone |
//!
//! The last acting admin is demoted, disabled or erased by no admin. Two who do it to each other at once, on two gateways, both read that
//! the other is still there; so it is looked again after the write, and who then finds no admin left takes their own back. In between
//! there may be none for a moment, and if the gateway dies then, the operator makes one at the command line.

mod belongings;
mod departures;
mod erase;
mod list;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use tickgate_actors::Clock;
use tickgate_core::access::Principal;
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::identity::{User, UserChange, UserId, UserRefusal};
use tickgate_core::ports::{Record, Shelf, Store, StoreError, Version};
use tickgate_core::time::Millis;
use tokio::sync::Mutex;

use super::audit::{AuditWriter, Happening, Who};
use super::directory::Directory;
use super::keys::By;

pub use belongings::{Belongings, StillHeld};
pub use departures::follow_departures;
pub use list::{PeoplePage, PeopleWanted, Place, PlaceError};

/// How often a change is begun anew because another was quicker.
const ATTEMPTS: usize = 8;

/// Why it is not done.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// Nobody has this id.
    #[error("there is no such person")]
    NotFound,
    /// The rules do not allow it. Nothing has changed.
    #[error(transparent)]
    Refused(#[from] UserRefusal),
    /// Others change the same person all the time. Nothing has changed.
    #[error("the person is being changed by others: try again")]
    Busy,
    /// An erasure has begun and is not done; it goes on by itself.
    #[error("the erasure has begun and is not finished yet: it goes on by itself, and may be asked for again: {0}")]
    Unfinished(String),
    /// The store did not do it.
    #[error("the store does not answer, so nothing was changed: try again later")]
    Store(#[from] StoreError),
}

/// Lists, changes and erases people. Clones are the same.
#[derive(Clone)]
pub struct PeopleService(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    directory: Directory,
    audit: AuditWriter,
    /// `None` at the command line, which holds nothing of anybody.
    belongings: Option<Belongings>,
    /// One change at a time in this process: what one decides by, the next must not change meanwhile.
    turn: Mutex<()>,
    clock: Clock,
}

/// A person as they were found.
struct Found {
    user: User,
    version: Version,
}

impl PeopleService {
    /// People of this store. `belongings`: what this process holds of them.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        directory: Directory,
        audit: AuditWriter,
        belongings: Option<Belongings>,
        clock: Clock,
    ) -> Self {
        Self(Arc::new(Inner { store, directory, audit, belongings, turn: Mutex::default(), clock }))
    }

    /// A person, disabled or not.
    ///
    /// # Errors
    /// When there is none, or the store is away.
    pub async fn get(&self, id: UserId) -> Result<User, PeopleError> {
        self.find(id).await?.map(|found| found.user).ok_or(PeopleError::NotFound)
    }

    /// Changes what somebody may do: at once here, within a second everywhere.
    ///
    /// # Errors
    /// When there is no such person, the rules do not allow it, or the store is away.
    pub async fn change(&self, by: By, id: UserId, change: UserChange) -> Result<User, PeopleError> {
        let _turn = self.0.turn.lock().await;
        let done = self.try_to_change(&by, id, change).await;
        if let Err(error) = &done {
            let action = if change.role.is_some() { AuditAction::AdminRole } else { AuditAction::AdminDisable };
            self.tell_failure(&by, action, &id.principal(), error);
        }
        done
    }

    async fn try_to_change(&self, by: &By, id: UserId, change: UserChange) -> Result<User, PeopleError> {
        for _ in 0..ATTEMPTS {
            let found = self.find(id).await?.ok_or(PeopleError::NotFound)?;
            let mut user = found.user.clone();
            user.change(change, self.other_admins(by, id).await?, self.0.clock.now())?;
            if user == found.user || self.keep_guarded(by, &found, &user).await? {
                self.0.directory.put_user(&user);
                self.tell_change(by, &found.user, &user).await;
                return Ok(user);
            }
        }
        Err(PeopleError::Busy)
    }

    async fn find(&self, id: UserId) -> Result<Option<Found>, StoreError> {
        let found = self.0.store.of(Shelf::Users, id.principal().as_str(), self.0.clock.now()).await?;
        let mut found = found.iter().filter_map(|found| Some(Found { user: read(&found.record)?, version: found.version }));
        Ok(found.find(|found| found.user.id == id))
    }

    async fn all(&self) -> Result<Vec<User>, StoreError> {
        Ok(self.0.store.all(Shelf::Users, self.0.clock.now()).await?.iter().filter_map(read).collect())
    }

    /// The acting admins beside somebody; `None` for whom that does not bind.
    async fn other_admins(&self, by: &By, id: UserId) -> Result<Option<usize>, StoreError> {
        if !is_bound(by) {
            return Ok(None);
        }
        let all = self.all().await?;
        Ok(Some(all.iter().filter(|user| user.id != id && user.is_acting_admin()).count()))
    }

    /// Keeps a person in place of what was found; `false` if another was quicker.
    async fn keep_guarded(&self, by: &By, found: &Found, user: &User) -> Result<bool, PeopleError> {
        let Some(version) = self.keep(user, found.version).await? else { return Ok(false) };
        if !is_bound(by) || !found.user.is_acting_admin() || user.is_acting_admin() {
            return Ok(true);
        }
        match self.all().await {
            Ok(all) if !all.iter().any(User::is_acting_admin) => {
                self.keep(&found.user, version).await?;
                Err(UserRefusal::LastAdmin.into())
            }
            Ok(_) => Ok(true),
            Err(error) => {
                tracing::error!(%error, "whether an admin is left cannot be looked up: `tickgate users set-role` makes one");
                Ok(true)
            }
        }
    }

    async fn keep(&self, user: &User, expected: Version) -> Result<Option<Version>, StoreError> {
        self.0.store.swap(Shelf::Users, record(user), Some(expected), self.0.clock.now()).await
    }

    async fn tell_change(&self, by: &By, before: &User, after: &User) {
        if (before.role, before.role_source) != (after.role, after.role_source) {
            let details = vec![("role", after.role.as_str().to_owned()), ("before", before.role.as_str().to_owned())];
            self.tell(by, AuditAction::AdminRole, &after.principal(), (Outcome::Done, details)).await;
        }
        if before.disabled.is_some() != after.disabled.is_some() {
            let details = vec![("disabled", after.disabled.is_some().to_string())];
            self.tell(by, AuditAction::AdminDisable, &after.principal(), (Outcome::Done, details)).await;
        }
    }

    async fn tell(
        &self,
        by: &By,
        action: AuditAction,
        whom: &Principal,
        (outcome, details): (Outcome, Vec<(&'static str, String)>),
    ) {
        tracing::info!(user = %whom, action = %action, outcome = %outcome, "a person was changed");
        self.0.audit.write_or_queue(happening(by, action, whom, (outcome, details))).await;
    }

    fn tell_failure(&self, by: &By, action: AuditAction, whom: &Principal, error: &PeopleError) {
        let refused = matches!(error, PeopleError::NotFound | PeopleError::Refused(_));
        let outcome = if refused { Outcome::Refused } else { Outcome::Failed };
        // Nobody's id gets no audit id of its own: there could be any number of them.
        let whom = (!matches!(error, PeopleError::NotFound)).then(|| whom.clone());
        let details = vec![("reason", error.to_string())];
        let By { who, from, request_id } = by.clone();
        let target = "person".to_owned();
        self.0.audit.note(Happening { who, from, request_id, action, target, owner: whom, outcome, details });
    }
}

/// Whether the rule about the last admin binds them: it binds admins, not the operator, who can always make one.
const fn is_bound(by: &By) -> bool {
    matches!(by.who, Who::Somebody(_))
}

/// What happened to somebody; the row names them by their audit id.
fn happening(
    by: &By,
    action: AuditAction,
    whom: &Principal,
    (outcome, details): (Outcome, Vec<(&'static str, String)>),
) -> Happening {
    let By { who, from, request_id } = by.clone();
    let owner = (who != Who::Somebody(whom.clone())).then(|| whom.clone());
    Happening { who, from, request_id, action, target: "person".to_owned(), owner, outcome, details }
}

fn record(user: &User) -> Record {
    let body = Bytes::from(serde_json::to_vec(user).expect("a person is texts and numbers"));
    Record { id: user.account_key().0, principal: user.principal().as_str().to_owned(), expires: None, body }
}

/// A person, if they lie under their own name.
fn read(record: &Record) -> Option<User> {
    serde_json::from_slice(&record.body).ok().filter(|user: &User| user.account_key().0 == record.id)
}

/// How long ago something was, for what may still be under way.
fn is_over(since: Option<Millis>, ms: u64, now: Millis) -> bool {
    since.is_some_and(|since| now.since(since) >= ms)
}
