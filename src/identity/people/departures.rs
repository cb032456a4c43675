//! What is still to do when somebody's record has gone, whoever erased it: another gateway, a command, or this process?
//!
//! This process forgets what it holds of them, or an alert that fires would write them into the store again. It does so twice: at once, and
//! when no request that was let in before can be under way any more. That a record has gone from memory is not enough to erase what was
//! theirs: one that cannot be read, under another `DATA_ENCRYPTION_KEY`, goes from there too. So the store is asked.

use std::collections::VecDeque;
use std::time::Duration;

use tickgate_core::ports::{Shelf, StoreError};
use tokio::time::{Instant, sleep_until};

use super::{PeopleError, PeopleService, read};
use crate::identity::directory::Departed;

/// How long what was let in before may still write: the longest change, that of an alert, may take 20 s.
const AFTERMATH: Duration = Duration::from_secs(30);
/// How often it is tried while the store is away, once every [`AFTERMATH`]: an hour. A restart forgets the rest, and the store is erased
/// already by whoever erased them.
const TRIES: u32 = 120;
/// When there is nothing to do.
const LONG: Duration = Duration::from_secs(86_400);

/// Forgets, for ever, those whose records go.
pub async fn follow_departures(people: PeopleService) {
    follow(people, AFTERMATH).await;
}

pub(super) async fn follow(people: PeopleService, aftermath: Duration) {
    let mut changes = people.0.directory.changes();
    let mut later: VecDeque<(Instant, Departed, u32)> = VecDeque::new();
    loop {
        for departed in people.0.directory.take_departed() {
            let tries = if people.forget_or_warn(&departed).await { 1 } else { TRIES };
            later.push_back((Instant::now() + aftermath, departed, tries));
        }
        while let Some((_, departed, tries)) = later.pop_front_if(|(at, ..)| *at <= Instant::now()) {
            if !people.forget_or_warn(&departed).await && tries > 1 {
                later.push_back((Instant::now() + aftermath, departed, tries - 1));
            }
        }
        let next = later.front().map_or_else(|| Instant::now() + LONG, |(at, ..)| *at);
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = sleep_until(next) => {}
        }
    }
}

impl PeopleService {
    async fn forget_or_warn(&self, departed: &Departed) -> bool {
        match self.forget_departed(departed).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(user = %departed.person, %error, "what is held of somebody who was erased is not forgotten yet");
                false
            }
        }
    }

    /// Forgets somebody, if their record is really gone.
    pub(super) async fn forget_departed(&self, departed: &Departed) -> Result<(), PeopleError> {
        if !self.is_gone(departed).await? {
            return Ok(());
        }
        let principal = departed.person.principal();
        self.0.audit.forget(&principal);
        self.forget_held(&principal).await?;
        self.0.store.erase(principal.as_str()).await?;
        Ok(())
    }

    async fn is_gone(&self, departed: &Departed) -> Result<bool, StoreError> {
        match self.0.store.find(Shelf::Users, departed.account, self.0.clock.now()).await {
            Ok(None) => Ok(true),
            // The same account may be somebody new by now.
            Ok(Some(found)) => Ok(read(&found.record).is_some_and(|user| user.id != departed.person)),
            Err(StoreError::Unreadable(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
