//! Which keys were used? Told to the store now and then: a write for each use would cost more than the use.

use std::sync::Arc;
use std::time::Duration;

use tickgate_actors::Clock;
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::ports::{Shelf, Store, StoreError};

use super::audit::{AuditWriter, Happening, Who};
use super::directory::Directory;
use super::entry::KeyEntry;
use super::keys;

/// How often it is looked who used what. A key's record is written at most once a minute (`ApiKey::used`).
const EVERY: Duration = Duration::from_secs(5);
/// Keys of which the store is told at once, so that a crowd does not hold it up; the rest comes the next time.
const AT_ONCE: usize = 200;
/// How often a write is begun anew because a rotation was quicker.
const ATTEMPTS: usize = 3;

/// Tells the store of uses, for ever.
pub async fn write_uses(directory: Directory, store: Arc<dyn Store>, audit: AuditWriter, clock: Clock) {
    loop {
        tokio::time::sleep(EVERY).await;
        write_last_uses(&directory, store.as_ref(), &audit, clock).await;
        directory.tidy(clock.now());
    }
}

/// Tells the store of the uses so far. What fails is told the next time.
pub async fn write_last_uses(directory: &Directory, store: &dyn Store, audit: &AuditWriter, clock: Clock) {
    let used = directory.keys(None).into_iter().filter(|entry| entry.untold().is_some());
    for entry in used.take(AT_ONCE) {
        match tell_one(&entry, store, audit, clock).await {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%error, "the store does not take down when keys were used; it is told later");
                return;
            }
        }
    }
}

async fn tell_one(entry: &KeyEntry, store: &dyn Store, audit: &AuditWriter, clock: Clock) -> Result<(), StoreError> {
    let Some((count, last)) = entry.untold() else { return Ok(()) };
    let id = entry.key.id;
    for _ in 0..ATTEMPTS {
        let now = clock.now();
        let Some(found) = store.find(Shelf::ApiKeys, id.name(), now).await? else { break };
        let Some(mut key) = keys::read(&found.record) else { break };
        // Within a minute of the last one it is not worth a write; the uses stay untold.
        if !key.used(last) {
            return Ok(());
        }
        if store.swap(Shelf::ApiKeys, keys::record(&key), Some(found.version), now).await?.is_some() {
            entry.told(count);
            audit.note(Happening {
                who: Who::Somebody(key.owner.clone()),
                from: None,
                request_id: None,
                action: AuditAction::KeyUse,
                target: format!("key:{id}"),
                owner: None,
                outcome: Outcome::Done,
                details: vec![("uses", count.to_string())],
            });
            return Ok(());
        }
    }
    // The key is gone, or others write to it all the time: then it is told by them or not worth more.
    entry.told(count);
    Ok(())
}
