//! How is a key made, shown, rotated and revoked? The store first, then the memory of this process, then the audit.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use secrecy::SecretString;
use tickgate_actors::Clock;
use tickgate_actors::clock::random_u128;
use tickgate_core::access::{CredentialId, Principal, Scope};
use tickgate_core::identity::api_key::{ApiKey, KeyForbidden, KeyId, KeyRefusal, NewKey};
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::identity::{HashKeys, UserId};
use tickgate_core::ports::{Record, Shelf, Store, StoreError, Versioned};
use tickgate_core::time::Millis;

use super::audit::{AuditWriter, Happening, Who};
use super::directory::{Directory, MAX_KEYS};

/// Good keys of one owner: each has a bucket of its own, so many keys would be many limits.
pub const MAX_KEYS_PER_OWNER: usize = 100;
/// Dead keys of one owner that are still shown; beyond it the oldest are forgotten.
const MAX_DEAD_PER_OWNER: usize = 100;
/// How long a dead key is still shown and told apart from one that never was, in ms: 30 days.
const DEAD_SHOWN_MS: u64 = 30 * 86_400_000;
/// How often a change is begun anew because another was quicker.
const ATTEMPTS: usize = 8;

/// Who wants it, for the audit.
#[derive(Clone, Debug)]
pub struct By {
    /// Who.
    pub who: Who,
    /// From where.
    pub from: Option<IpAddr>,
    /// Under which request.
    pub request_id: Option<String>,
}

impl By {
    /// The operator, at the command line.
    #[must_use]
    pub const fn operator() -> Self {
        Self { who: Who::Operator, from: None, request_id: None }
    }
}

/// Why it is not done. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// They may not, or there is no such key.
    #[error(transparent)]
    Forbidden(#[from] KeyForbidden),
    /// Nobody has this id.
    #[error("there is no such person")]
    UnknownOwner,
    /// The owner has as many as they may.
    #[error("there are {MAX_KEYS_PER_OWNER} good keys of this owner already: revoke some first")]
    TooMany,
    /// Their maker has as many links waiting as they may.
    #[error("{} links wait to be opened already: use them, or let them expire", super::links::MAX_WAITING_LINKS)]
    TooManyLinks,
    /// There are as many keys as there may be.
    #[error("the gateway keeps as many keys as it can: its operator can say more")]
    Full,
    /// A dead key gets no new secret.
    #[error("the key is {0}: make another one")]
    Dead(KeyRefusal),
    /// Others change the same key all the time.
    #[error("the key is being changed by others: try again")]
    Busy,
    /// The store did not do it.
    #[error("the store does not answer, so nothing was changed: try again later")]
    Store(#[from] StoreError),
}

/// A key with a new secret.
#[derive(Debug)]
pub struct Rotated {
    /// As it is now.
    pub key: ApiKey,
    /// What is shown once.
    pub secret: SecretString,
}

/// Makes and changes keys. Clones are the same.
#[derive(Clone)]
pub struct KeyService(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    directory: Directory,
    audit: AuditWriter,
    hashing: HashKeys,
    clock: Clock,
}

impl KeyService {
    /// Keys of this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, directory: Directory, audit: AuditWriter, hashing: HashKeys, clock: Clock) -> Self {
        Self(Arc::new(Inner { store, directory, audit, hashing, clock }))
    }

    /// Makes a key. Whether its maker may is decided before ([`tickgate_core::identity::api_key::may_create`]); `maker`: what they
    /// showed, which must be good until the key is made.
    ///
    /// # Errors
    /// When its owner does not exist or has too many, its maker's own key has gone, or the store is away.
    pub async fn create(&self, by: By, maker: CredentialId, new: NewKey) -> Result<Rotated, KeyError> {
        self.admit(&new.owner).await?;
        for _ in 0..ATTEMPTS {
            if let Some(made) = self.try_create(maker, &new, KeyId::new(random_u128())).await? {
                self.tell_made(by, &made.key, new.ttl_ms).await;
                return Ok(made);
            }
        }
        Err(KeyError::Busy)
    }

    /// The same under a name that was told before.
    ///
    /// # Errors
    /// As [`Self::create`]; [`KeyError::Busy`] when the name is taken.
    pub async fn create_named(&self, by: By, maker: CredentialId, new: NewKey, id: KeyId) -> Result<Rotated, KeyError> {
        self.admit(&new.owner).await?;
        let made = self.try_create(maker, &new, id).await?.ok_or(KeyError::Busy)?;
        self.tell_made(by, &made.key, new.ttl_ms).await;
        Ok(made)
    }

    /// Whether somebody may have one more key.
    ///
    /// # Errors
    /// When they do not exist or have too many, or the store is away.
    pub async fn admit(&self, owner: &Principal) -> Result<(), KeyError> {
        if UserId::of_principal(owner).is_some_and(|person| !self.0.directory.knows(person)) {
            return Err(KeyError::UnknownOwner);
        }
        self.make_room(owner).await
    }

    /// Makes a key; `None` when the name is taken: it is another's.
    async fn try_create(&self, maker: CredentialId, new: &NewKey, id: KeyId) -> Result<Option<Rotated>, KeyError> {
        let inner = &*self.0;
        let now = inner.clock.now();
        let (key, secret) = ApiKey::create(new.clone(), id.name(), &random_secret(), &inner.hashing, now);
        if inner.store.swap(Shelf::ApiKeys, record(&key), None, now).await?.is_none() {
            return Ok(None);
        }
        inner.directory.put_key(key.clone());
        // Looked up after it is kept: whoever takes the maker's key away finds this one, or this finds that it is gone.
        if !self.is_still_good(maker).await? {
            inner.store.delete(Shelf::ApiKeys, id.name()).await?;
            inner.directory.forget_key(id.name());
            return Err(KeyForbidden::Anonymous.into());
        }
        Ok(Some(Rotated { key, secret }))
    }

    /// Whether a maker's own key is good in the store. What else they may have shown hangs on their account, which is asked each time.
    async fn is_still_good(&self, maker: CredentialId) -> Result<bool, KeyError> {
        let CredentialId::ApiKey(name) = maker else { return Ok(true) };
        let now = self.0.clock.now();
        let found = self.0.store.find(Shelf::ApiKeys, name, now).await?;
        Ok(found.and_then(|found| read(&found.record)).is_some_and(|key| key.stands(now).is_ok()))
    }

    async fn tell_made(&self, by: By, key: &ApiKey, ttl_ms: Option<u64>) {
        let ttl = ttl_ms.map_or_else(|| "never".to_owned(), |ms| ms.to_string());
        let details = vec![("scope", key.scope.to_string()), ("ends_after_ms", ttl)];
        self.tell(by, AuditAction::KeyCreate, key, details).await;
    }

    /// Every key of an owner, or of all, dead ones too; the newest first.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn list(&self, owner: Option<&Principal>) -> Result<Vec<ApiKey>, KeyError> {
        let (store, now) = (&self.0.store, self.0.clock.now());
        let records: Vec<Record> = match owner {
            Some(owner) => store.of(Shelf::ApiKeys, owner.as_str(), now).await?.into_iter().map(|found| found.record).collect(),
            None => store.all(Shelf::ApiKeys, now).await?,
        };
        let mut keys: Vec<ApiKey> = records.iter().filter_map(read).map(|key| self.with_newest_use(key)).collect();
        keys.sort_by_key(|key| (std::cmp::Reverse(key.created), key.id));
        Ok(keys)
    }

    /// A key, if they may see it.
    ///
    /// # Errors
    /// When not, or the store is away.
    pub async fn get(&self, id: KeyId, may: impl Fn(&ApiKey) -> Result<(), KeyForbidden>) -> Result<ApiKey, KeyError> {
        let (key, _) = self.find(id).await?;
        may(&key)?;
        Ok(self.with_newest_use(key))
    }

    /// Gives a key a new secret; the present one stays good for `grace_ms`.
    ///
    /// # Errors
    /// When they may not, the key is dead, or the store is away.
    pub async fn rotate(
        &self,
        by: By,
        id: KeyId,
        grace_ms: u64,
        may: impl Fn(&ApiKey) -> Result<(), KeyForbidden>,
    ) -> Result<Rotated, KeyError> {
        let inner = &*self.0;
        for _ in 0..ATTEMPTS {
            let (mut key, found) = self.find(id).await?;
            may(&key)?;
            let now = inner.clock.now();
            let secret = key.rotate(&random_secret(), grace_ms, &inner.hashing, now).map_err(KeyError::Dead)?;
            if self.replace(&key, &found, now).await? {
                self.tell(by, AuditAction::KeyRotate, &key, vec![("grace_ms", grace_ms.to_string())]).await;
                return Ok(Rotated { key, secret });
            }
        }
        Err(KeyError::Busy)
    }

    /// Makes a key worth nothing, at once here and within a second everywhere. Revoking twice is no error.
    ///
    /// # Errors
    /// When they may not, or the store is away.
    pub async fn revoke(&self, by: By, id: KeyId, may: impl Fn(&ApiKey) -> Result<(), KeyForbidden>) -> Result<ApiKey, KeyError> {
        for _ in 0..ATTEMPTS {
            let (mut key, found) = self.find(id).await?;
            may(&key)?;
            let now = self.0.clock.now();
            if !key.revoke(now) {
                return Ok(key);
            }
            if self.replace(&key, &found, now).await? {
                self.tell(by, AuditAction::KeyRevoke, &key, Vec::new()).await;
                return Ok(key);
            }
        }
        Err(KeyError::Busy)
    }

    async fn find(&self, id: KeyId) -> Result<(ApiKey, Versioned), KeyError> {
        let found = self.0.store.find(Shelf::ApiKeys, id.name(), self.0.clock.now()).await?.ok_or(KeyForbidden::NotFound)?;
        let key = read(&found.record).ok_or_else(|| StoreError::Unreadable("the key makes no sense".to_owned()))?;
        Ok((key, found))
    }

    /// Keeps the key in place of what was found; not if another was quicker.
    async fn replace(&self, key: &ApiKey, found: &Versioned, now: Millis) -> Result<bool, KeyError> {
        let done = self.0.store.swap(Shelf::ApiKeys, record(key), Some(found.version), now).await?.is_some();
        if done {
            self.0.directory.put_key(key.clone());
        }
        Ok(done)
    }

    /// Whether the owner may have one more; the oldest of many dead ones are forgotten.
    async fn make_room(&self, owner: &Principal) -> Result<(), KeyError> {
        let inner = &*self.0;
        if inner.directory.count() >= MAX_KEYS {
            return Err(KeyError::Full);
        }
        let now = inner.clock.now();
        let keys = self.list(Some(owner)).await?;
        let (good, dead): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| key.stands(now).is_ok());
        if good.len() >= MAX_KEYS_PER_OWNER {
            return Err(KeyError::TooMany);
        }
        for key in dead.into_iter().skip(MAX_DEAD_PER_OWNER) {
            inner.store.delete(Shelf::ApiKeys, key.id.name()).await?;
        }
        Ok(())
    }

    fn with_newest_use(&self, mut key: ApiKey) -> ApiKey {
        let here = self.0.directory.key(key.id.name()).and_then(|entry| entry.last_used());
        key.last_used = key.last_used.max(here);
        key
    }

    async fn tell(&self, by: By, action: AuditAction, key: &ApiKey, details: Vec<(&'static str, String)>) {
        let target = format!("key:{}", key.id);
        tracing::info!(key.id = %key.id, owner = %key.owner, action = %action, "an API key was changed");
        let By { who, from, request_id } = by;
        let owner = Some(key.owner.clone());
        let happening = Happening { who, from, request_id, action, target, owner, outcome: Outcome::Done, details };
        self.0.audit.write_or_queue(happening).await;
    }

    /// How secrets are hashed.
    #[must_use]
    pub fn hashing(&self) -> &HashKeys {
        &self.0.hashing
    }

    /// The most that a key of this owner can do now; see [`Directory::scope_of`].
    #[must_use]
    pub fn scope_of(&self, owner: &Principal) -> Option<Scope> {
        self.0.directory.scope_of(owner)
    }
}

/// A key as it lies on its shelf. A dead one is forgotten after its time.
pub(super) fn record(key: &ApiKey) -> Record {
    let body = serde_json::to_vec(key).expect("a key is texts and numbers");
    let end = [key.expires, key.revoked].into_iter().flatten().min();
    Record {
        id: key.id.name(),
        principal: key.owner.as_str().to_owned(),
        expires: end.map(|end| end.plus(DEAD_SHOWN_MS)),
        body: Bytes::from(body),
    }
}

pub(super) fn read(record: &Record) -> Option<ApiKey> {
    serde_json::from_slice(&record.body).ok().filter(|key: &ApiKey| key.id.name() == record.id)
}

/// 256 random bits.
pub(super) fn random_secret() -> [u8; 32] {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).expect("the operating system gives random bytes");
    secret
}
