//! Whose record is this identity? Found by issuer and subject, made at the first sign-in, brought up to date at each.

use std::sync::Arc;

use bytes::Bytes;
use tickgate_actors::clock::random_u128;
use tickgate_core::identity::{AccountKey, AdminEmails, Identity, User, UserId, UserRefusal};
use tickgate_core::ports::{Record, Shelf, Store, StoreError};
use tickgate_core::time::Millis;

use crate::identity::Directory;

/// How often a record that others change at the same time is read again. Two sign-ins of one person at once are rare; ten are none.
const MAX_TRIES: usize = 10;

/// Why nobody is signed in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountFault {
    /// They may not come in.
    #[error(transparent)]
    Refused(#[from] UserRefusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Finds and makes people's records.
pub struct Accounts {
    store: Arc<dyn Store>,
    admins: AdminEmails,
    directory: Directory,
}

impl Accounts {
    /// Accounts in this store; `admins` is `ADMIN_EMAILS`, `directory` is told of each.
    #[must_use]
    pub const fn new(store: Arc<dyn Store>, admins: AdminEmails, directory: Directory) -> Self {
        Self { store, admins, directory }
    }

    /// The person of an identity, after this sign-in at `now`. Their tokens are good at once.
    ///
    /// # Errors
    /// When they are disabled, or the store fails.
    pub async fn signed_in(&self, identity: &Identity, now: Millis) -> Result<User, AccountFault> {
        let user = account_of(&self.store, identity, &self.admins, now).await?;
        self.directory.put_user(&user);
        Ok(user)
    }
}

async fn account_of(
    store: &Arc<dyn Store>,
    identity: &Identity,
    admins: &AdminEmails,
    now: Millis,
) -> Result<User, AccountFault> {
    let key = AccountKey::of(&identity.issuer, &identity.subject);
    for _ in 0..MAX_TRIES {
        let (user, expected) = match store.find(Shelf::Users, key.0, now).await? {
            None => (User::first_seen(UserId(random_u128()), identity, admins, now), None),
            Some(found) => {
                let user: User = serde_json::from_slice(&found.record.body)
                    .map_err(|_| StoreError::Unreadable("a person's record is none".to_owned()))?;
                (user.seen_again(identity, admins, now)?, Some(found.version))
            }
        };
        let body = serde_json::to_vec(&user).map_err(|error| StoreError::Unreadable(error.to_string()))?;
        let principal = user.principal().as_str().to_owned();
        let record = Record { id: key.0, principal, expires: None, body: Bytes::from(body) };
        if store.swap(Shelf::Users, record, expected, now).await?.is_some() {
            return Ok(user);
        }
    }
    Err(StoreError::Unavailable("a person's record is changed by others all the time".to_owned()).into())
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::sealing::Sealer;
    use crate::storage::SqliteStore;

    const NOW: Millis = Millis(1_773_167_467_294);

    fn store(folder: &std::path::Path) -> Arc<dyn Store> {
        let key = hex::encode((0..32).collect::<Vec<u8>>()).into();
        Arc::new(SqliteStore::open(folder, Arc::new(Sealer::new(&[key]).unwrap())).unwrap())
    }

    fn ada() -> Identity {
        Identity {
            issuer: "https://id.example".into(),
            subject: "1089".into(),
            email: Some("ada@example.com".into()),
            email_verified: true,
            name: None,
        }
    }

    #[actix_rt::test]
    async fn sign_ins_at_once_make_one_person() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let (identity, admins) = (ada(), AdminEmails::default());
        let all = join_all((0..8).map(|n| account_of(&store, &identity, &admins, NOW.plus(n)))).await;
        let ids: std::collections::HashSet<UserId> = all.into_iter().map(|user| user.unwrap().id).collect();
        assert_eq!(ids.len(), 1);
        let kept = store.all(Shelf::Users, NOW).await.unwrap();
        assert_eq!((kept.len(), kept[0].principal.as_str()), (1, ids.iter().next().unwrap().principal().as_str()));
    }

    #[actix_rt::test]
    async fn who_is_disabled_does_not_come_in() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let (identity, admins) = (ada(), AdminEmails::default());
        let mut user = account_of(&store, &identity, &admins, NOW).await.unwrap();
        user.disable(1, NOW).unwrap();
        let found = store.find(Shelf::Users, user.account_key().0, NOW).await.unwrap().unwrap();
        let body = Bytes::from(serde_json::to_vec(&user).unwrap());
        store.put(Shelf::Users, vec![Record { body, ..found.record }]).await.unwrap();
        let refused = account_of(&store, &identity, &admins, NOW).await;
        assert_eq!(refused, Err(AccountFault::Refused(UserRefusal::Disabled)));
    }
}
