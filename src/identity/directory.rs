//! Which keys and people are good at this moment, and when did one of them change?
//!
//! One copy for all workers. A look is a read lock and a look into a map; nothing waits for the store, and no lock is held while
//! anything else is done. What the store does not tell because it is away stays as it was.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tickgate_core::access::{Caller, CredentialId, Principal, Scope};
use tickgate_core::identity::api_key::{ApiKey, KeyId, KeyRefusal};
use tickgate_core::identity::{SessionId, User, UserId};
use tickgate_core::time::Millis;
use tokio::sync::{Notify, watch};

use super::entry::KeyEntry;

/// Keys that are held: about 500 bytes each. More are not let in, and the log says so.
pub(super) const MAX_KEYS: usize = 100_000;
/// Longest life of an access token, in ms (`ACCESS_TOKEN_SECS`): for so long it must be known that a family of refresh tokens
/// or a browser's session has ended.
pub const TOKEN_LIFE_MS: u64 = 86_400_000;
/// How long who asks for the newest waits for it: twice what a poll of the store may take when all is well.
const CATCH_UP: Duration = Duration::from_millis(500);

/// Why a credential that was good is not any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fall {
    /// Its time is over.
    Expired,
    /// It was revoked, or its owner may do nothing any more.
    Revoked,
}

/// Who is known. Clones are the same.
#[derive(Clone, Default)]
pub struct Directory(Arc<Inner>);

#[derive(Default)]
struct Inner {
    keys: RwLock<HashMap<u128, Arc<KeyEntry>>>,
    people: RwLock<People>,
    /// Ended families, and until when tokens of them could still be shown.
    ended: RwLock<HashMap<u128, Millis>>,
    /// Whose record has gone and who was not asked for yet; at most as many as there were people.
    departed: Mutex<Vec<Departed>>,
    /// Counts changes of what was known before: whoever remembers or streams looks again.
    changed: watch::Sender<u64>,
    /// Counts polls that were begun and done.
    polled: watch::Sender<u64>,
    wanted: Notify,
}

/// Somebody whose record has gone, or cannot be read any more: which it is, the store says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departed {
    /// The name that their record had.
    pub account: u128,
    /// Who they were.
    pub person: UserId,
}

#[derive(Default)]
struct People {
    /// By the name of their record.
    accounts: HashMap<u128, UserId>,
    /// The most that each may do; nothing when disabled.
    scopes: HashMap<UserId, Option<Scope>>,
}

impl Directory {
    /// The key of that name.
    #[must_use]
    pub fn key(&self, id: u128) -> Option<Arc<KeyEntry>> {
        read(&self.0.keys).get(&id).cloned()
    }

    /// Every key, or every key of an owner.
    #[must_use]
    pub fn keys(&self, owner: Option<&Principal>) -> Vec<Arc<KeyEntry>> {
        let keys = read(&self.0.keys);
        keys.values().filter(|entry| owner.is_none_or(|owner| entry.key.owner == *owner)).cloned().collect()
    }

    /// How many keys there are.
    #[must_use]
    pub fn count(&self) -> usize {
        read(&self.0.keys).len()
    }

    /// Whether anybody could come in with a stored key now.
    #[must_use]
    pub fn has_good_key(&self, now: Millis) -> bool {
        let good = |entry: &&Arc<KeyEntry>| entry.key.stands(now).is_ok();
        self.keys(None).iter().any(|entry| good(&entry) && self.scope_of(&entry.key.owner).is_some())
    }

    /// The most that an owner may do now; `None` for a person who is disabled or gone. Who has no account here (the user of a
    /// static key, a name that the operator gave) is bounded by their credential alone.
    #[must_use]
    pub fn scope_of(&self, owner: &Principal) -> Option<Scope> {
        match UserId::of_principal(owner) {
            None => Some(Scope::Admin),
            Some(person) => read(&self.0.people).scopes.get(&person).copied().flatten(),
        }
    }

    /// Whether there is such a person.
    #[must_use]
    pub fn knows(&self, person: UserId) -> bool {
        read(&self.0.people).scopes.contains_key(&person)
    }

    /// Whether what a caller showed is still good.
    ///
    /// # Errors
    /// Why not.
    pub fn stands(&self, caller: &Caller, now: Millis) -> Result<(), Fall> {
        if self.scope_of(&caller.principal).is_none() {
            return Err(Fall::Revoked);
        }
        match caller.credential {
            CredentialId::ApiKey(id) => match self.key(id).map(|entry| entry.key.stands(now)) {
                Some(Ok(())) => {}
                Some(Err(KeyRefusal::Expired)) => return Err(Fall::Expired),
                _ => return Err(Fall::Revoked),
            },
            CredentialId::Family(id) | CredentialId::BrowserSession(id) if self.has_ended(id) => return Err(Fall::Revoked),
            _ => {}
        }
        if caller.expires.is_some_and(|expires| expires <= now) { Err(Fall::Expired) } else { Ok(()) }
    }

    /// Whether a family of refresh tokens is over, and its access tokens with it.
    #[must_use]
    pub fn has_ended(&self, family: u128) -> bool {
        read(&self.0.ended).contains_key(&family)
    }

    /// The number of changes so far: who remembers what was good notes it, and looks again when it is another.
    #[must_use]
    pub fn generation(&self) -> u64 {
        *self.0.changed.borrow()
    }

    /// Tells of changes.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Takes over a key as it is now. One that is dead here, or has a newer secret here, is not set back by a poll that was
    /// slower than a change of our own.
    pub fn put_key(&self, key: ApiKey) {
        let name = key.id.name();
        let mut keys = write(&self.0.keys);
        let before = keys.get(&name);
        if before.is_none() && keys.len() >= MAX_KEYS {
            drop(keys);
            tracing::error!(key.id = %key.id, most = MAX_KEYS, "there are too many API keys: this one is not let in");
            return;
        }
        if before.is_some_and(|before| is_newer(&before.key, &key)) {
            return;
        }
        let means_more = before.is_some_and(|before| !is_same_but_for_use(&before.key, &key));
        let entry = Arc::new(KeyEntry::new(key, before.map(AsRef::as_ref)));
        keys.insert(name, entry);
        drop(keys);
        if means_more {
            self.bump();
        }
    }

    /// The key is gone.
    pub fn forget_key(&self, id: u128) {
        if write(&self.0.keys).remove(&id).is_some() {
            self.bump();
        }
    }

    /// Takes over a person as they are now: whoever stores one tells it here, so that they are known at once.
    pub fn put_user(&self, user: &User) {
        let (account, scope) = (user.account_key().0, user.scope());
        let mut people = write(&self.0.people);
        let other = people.accounts.insert(account, user.id).filter(|other| *other != user.id);
        let gone = other.is_some_and(|other| people.scopes.remove(&other).is_some());
        let before = people.scopes.insert(user.id, scope);
        drop(people);
        if let Some(person) = other.filter(|_| gone) {
            self.depart(Departed { account, person });
        }
        if gone || before.is_some_and(|before| before != scope) {
            self.bump();
        }
    }

    /// The record of a person is gone.
    pub fn forget_account(&self, account: u128) {
        let mut people = write(&self.0.people);
        let person = people.accounts.remove(&account);
        let gone = person.and_then(|person| people.scopes.remove(&person));
        drop(people);
        if let (Some(person), Some(_)) = (person, gone) {
            self.depart(Departed { account, person });
            self.bump();
        }
    }

    /// Whose records have gone since this was asked last. [`Self::changes`] tells when there may be some.
    #[must_use]
    pub fn take_departed(&self) -> Vec<Departed> {
        std::mem::take(&mut *self.0.departed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn depart(&self, departed: Departed) {
        self.0.departed.lock().unwrap_or_else(PoisonError::into_inner).push(departed);
    }

    /// A family of refresh tokens is over, since `at`.
    pub fn end_family(&self, family: u128, at: Millis) {
        if write(&self.0.ended).insert(family, at.plus(TOKEN_LIFE_MS)).is_none() {
            self.bump();
        }
    }

    /// A browser's session is over, since `at`: what was opened with it ends.
    pub fn end_browser_session(&self, session: SessionId, at: Millis) {
        self.end_family(session.0, at);
    }

    /// Forgets what nobody can show any more; now and then.
    pub fn tidy(&self, now: Millis) {
        write(&self.0.ended).retain(|_, until| *until > now);
    }

    /// Only these keys and accounts are left: everything was read again.
    pub(super) fn keep_only(&self, keys: &[KeyId], accounts: &[u128]) {
        let names: std::collections::HashSet<u128> = keys.iter().map(|id| id.name()).collect();
        let accounts: std::collections::HashSet<u128> = accounts.iter().copied().collect();
        let gone: Vec<u128> = read(&self.0.keys).keys().filter(|name| !names.contains(name)).copied().collect();
        gone.into_iter().for_each(|name| self.forget_key(name));
        let gone: Vec<u128> = read(&self.0.people).accounts.keys().filter(|name| !accounts.contains(name)).copied().collect();
        gone.into_iter().for_each(|name| self.forget_account(name));
    }

    /// Waits until the store was asked after this moment: what another process has just written is known then. Says whether
    /// that came about; it does not while the store is away.
    pub async fn catch_up(&self) -> bool {
        let mut polled = self.0.polled.subscribe();
        // The poll that is under way may have asked before; an odd number says that there is one.
        let now = *polled.borrow_and_update();
        let enough = now + if now.is_multiple_of(2) { 2 } else { 3 };
        self.0.wanted.notify_one();
        tokio::time::timeout(CATCH_UP, polled.wait_for(|polls| *polls >= enough)).await.is_ok_and(|polled| polled.is_ok())
    }

    /// Completes when somebody wants the newest.
    pub(super) async fn is_wanted(&self) {
        self.0.wanted.notified().await;
    }

    /// A poll begins.
    pub(super) fn poll_begins(&self) {
        self.0.polled.send_modify(|polls| *polls += 2 - *polls % 2 - 1);
    }

    /// A poll has ended well.
    pub(super) fn poll_ended(&self) {
        self.0.polled.send_modify(|polls| *polls += 1);
    }

    fn bump(&self) {
        self.0.changed.send_modify(|changes| *changes += 1);
    }
}

/// Whether `have` is of a later moment than `told`.
fn is_newer(have: &ApiKey, told: &ApiKey) -> bool {
    (have.revoked.is_some() && told.revoked.is_none()) || have.rotated > told.rotated
}

fn is_same_but_for_use(one: &ApiKey, other: &ApiKey) -> bool {
    ApiKey { last_used: None, ..one.clone() } == ApiKey { last_used: None, ..other.clone() }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
