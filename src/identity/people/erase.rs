//! How is somebody erased, whatever crashes on the way (right to deletion, GDPR art. 17)?
//!
//! | step | if it ends here |
//! |---|---|
//! | 1. their record says that they are being erased | no credential of theirs is worth anything from now on, everywhere within a second: keys, tokens, cookies and tickets all ask what the person may do. There is no way back |
//! | 2. this process forgets what it holds: sessions, tasks, alerts, own upstream key | the rest is found again at the next start |
//! | 3. the row `user.erase`, the last under their audit id | there will be a second one |
//! | 4. the store forgets all that is theirs, in one transaction: record, keys, refresh tokens, browser sessions, consents, audit id | nothing of them is left |
//! | 5. the memory of who is known | is told by the store's feed of changes, to every gateway |
//!
//! Each step can be done again, and an erasure that was left in the middle is finished by the next gateway that looks
//! ([`PeopleService::finish_erasures`]). What requests that were under way write afterwards is erased by [`super::follow_departures`].
//!
//! **A name without an account** (the owner of a key that the operator made, `tickgate keys create --user ada`) is erased in the same
//! way without step 1: all keys of the name go with the rest in step 4, so until then it can be asked for again. A token that the
//! operator made for a name (`tickgate token create`) stays good until it expires: nothing is kept of it that could be erased.

use tickgate_core::access::Principal;
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::identity::{User, UserId};
use tickgate_core::ports::StoreError;

use super::{ATTEMPTS, PeopleError, PeopleService, happening, is_bound, is_over};
use crate::identity::audit::Who;
use crate::identity::keys::By;

/// An erasure that is older was left in the middle; each takes seconds, in ms.
const LEFT_AFTER_MS: u64 = 60_000;

impl PeopleService {
    /// Erases a person and all that is theirs, for an admin or the operator.
    ///
    /// # Errors
    /// When there is no such person, they are the last acting admin and an admin asks, or the store is away.
    pub async fn erase(&self, by: By, id: UserId) -> Result<(), PeopleError> {
        let _turn = self.0.turn.lock().await;
        self.told(&by, &id.principal(), self.erase_account(&by, id, is_bound(&by)).await)
    }

    /// Erases whoever asks: their right, also if they are the last admin.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn erase_own(&self, by: By, principal: &Principal) -> Result<(), PeopleError> {
        let _turn = self.0.turn.lock().await;
        let done = match UserId::of_principal(principal) {
            Some(id) => match self.erase_account(&by, id, false).await {
                // Another request of theirs was quicker.
                Err(PeopleError::NotFound) => Ok(()),
                done => done,
            },
            None => self.erase_name(&by, principal).await,
        };
        self.told(&by, principal, done)
    }

    /// Finishes erasures that were left in the middle, and says how many.
    ///
    /// # Errors
    /// When the store is away, or something is still held.
    pub async fn finish_erasures(&self) -> Result<usize, PeopleError> {
        let _turn = self.0.turn.lock().await;
        let now = self.0.clock.now();
        let left = self.all().await?.into_iter().filter(|user| is_over(user.erasing, LEFT_AFTER_MS, now));
        let (mut finished, mut failure) = (0, None);
        for user in left {
            tracing::warn!(user = %user.id, "an erasure was left in the middle: it is finished now");
            let by = By { who: Who::Gateway, from: None, request_id: None };
            // One that cannot be finished does not hold up the others.
            match self.finish(&by, &user).await {
                Ok(()) => finished += 1,
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(finished), Err)
    }

    fn told(&self, by: &By, whom: &Principal, done: Result<(), PeopleError>) -> Result<(), PeopleError> {
        if let Err(error) = &done {
            tracing::error!(user = %whom, %error, "an erasure is not done");
            self.tell_failure(by, AuditAction::UserErase, whom, error);
        }
        done
    }

    async fn erase_account(&self, by: &By, id: UserId, bound: bool) -> Result<(), PeopleError> {
        let user = self.begin(by, id, bound).await?;
        self.finish(by, &user).await
    }

    async fn begin(&self, by: &By, id: UserId, bound: bool) -> Result<User, PeopleError> {
        for _ in 0..ATTEMPTS {
            let found = self.find(id).await?.ok_or(PeopleError::NotFound)?;
            let mut user = found.user.clone();
            let others = if bound { self.other_admins(by, id).await? } else { None };
            user.begin_to_erase(others, self.0.clock.now())?;
            let kept = if bound {
                self.keep_guarded(by, &found, &user).await?
            } else {
                self.keep(&user, found.version).await?.is_some()
            };
            if kept {
                return Ok(user);
            }
        }
        Err(PeopleError::Busy)
    }

    async fn finish(&self, by: &By, user: &User) -> Result<(), PeopleError> {
        self.0.directory.put_user(user);
        self.take_away(by, &user.principal()).await?;
        self.0.directory.forget_account(user.account_key().0);
        Ok(())
    }

    async fn erase_name(&self, by: &By, principal: &Principal) -> Result<(), PeopleError> {
        self.take_away(by, principal).await?;
        // Their keys were good until now: what they opened and made meanwhile goes as well.
        self.forget_held(principal).await?;
        self.0.store.erase(principal.as_str()).await.map_err(unfinished)?;
        Ok(())
    }

    async fn take_away(&self, by: &By, principal: &Principal) -> Result<(), PeopleError> {
        let inner = &*self.0;
        self.forget_held(principal).await?;
        let row = happening(by, AuditAction::UserErase, principal, (Outcome::Done, Vec::new()));
        inner.audit.write(&row).await.map_err(unfinished)?;
        let keys = inner.directory.keys(Some(principal));
        let records = inner.store.erase(principal.as_str()).await.map_err(unfinished)?;
        inner.audit.forget(principal);
        keys.iter().for_each(|entry| inner.directory.forget_key(entry.key.id.name()));
        tracing::info!(user = %principal, records, "somebody is erased");
        Ok(())
    }

    pub(super) async fn forget_held(&self, principal: &Principal) -> Result<(), PeopleError> {
        match &self.0.belongings {
            Some(belongings) => belongings.forget(principal).await.map_err(|held| PeopleError::Unfinished(held.to_string())),
            None => Ok(()),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is the signature of map_err")]
fn unfinished(error: StoreError) -> PeopleError {
    PeopleError::Unfinished(error.to_string())
}
