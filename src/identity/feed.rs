//! How does the memory follow the store, whoever wrote to it: this gateway, another one, or a command beside it?

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tickgate_actors::Clock;
use tickgate_core::identity::api_key::ApiKey;
use tickgate_core::identity::refresh::RefreshFamily;
use tickgate_core::identity::{BrowserSession, User};
use tickgate_core::ports::{Change, Changes, Record, Shelf, Store, StoreError};
use tokio::time::{Instant, sleep_until, timeout};

use super::directory::Directory;

/// How often the store is asked what has changed: a revocation elsewhere is seen well within a second.
const EVERY: Duration = Duration::from_millis(250);
/// Least time between two questions, however many want the newest: a flood of bad keys must not become one of questions.
const AT_MOST_EVERY: Duration = Duration::from_millis(50);
/// How long one question may take before it is asked anew: the adapters have a deadline of their own, of seconds.
const PATIENCE: Duration = Duration::from_secs(30);

impl Directory {
    /// Reads everything, and says from which change on [`follow`] goes on.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load(store: &dyn Store, clock: Clock) -> Result<(Self, u64), StoreError> {
        let directory = Self::default();
        let latest = match store.changes_since(None).await? {
            Changes::Since { latest, .. } | Changes::Behind { latest } => latest,
        };
        read_all(&directory, store, clock).await?;
        Ok((directory, latest))
    }
}

/// Follows the store from `latest` on, for ever. While it is away, what is known stays as it is.
pub async fn follow(directory: Directory, store: Arc<dyn Store>, mut latest: u64, clock: Clock) {
    let mut away = false;
    let mut last = Instant::now();
    loop {
        tokio::select! {
            () = sleep_until(last + EVERY) => {}
            () = directory.is_wanted() => sleep_until(last + AT_MOST_EVERY).await,
        }
        last = Instant::now();
        directory.poll_begins();
        let polled = timeout(PATIENCE, poll(&directory, store.as_ref(), &mut latest, clock)).await;
        match polled.unwrap_or_else(|_| Err(StoreError::Unavailable("no answer in time".to_owned()))) {
            Ok(()) => {
                directory.poll_ended();
                if std::mem::take(&mut away) {
                    tracing::info!("the store is back: keys and people are as it says again");
                }
            }
            Err(error) if !std::mem::replace(&mut away, true) => {
                tracing::error!(%error, "the store is away: who was known stays known, and what is revoked elsewhere is not seen");
            }
            Err(_) => {}
        }
    }
}

/// Takes over what has changed since `latest`.
async fn poll(directory: &Directory, store: &dyn Store, latest: &mut u64, clock: Clock) -> Result<(), StoreError> {
    loop {
        match store.changes_since(Some(*latest)).await? {
            Changes::Behind { latest: now } => {
                read_all(directory, store, clock).await?;
                *latest = now;
                return Ok(());
            }
            Changes::Since { changes, latest: now } => {
                let more = changes.len() >= Changes::MAX;
                for change in changes {
                    take_over(directory, store, change, clock).await?;
                }
                *latest = now;
                if !more {
                    return Ok(());
                }
            }
        }
    }
}

async fn take_over(directory: &Directory, store: &dyn Store, change: Change, clock: Clock) -> Result<(), StoreError> {
    if !matches!(change.shelf, Shelf::ApiKeys | Shelf::Users | Shelf::RefreshFamilies | Shelf::BrowserSessions) {
        return Ok(());
    }
    let found = match store.find(change.shelf, change.id, clock.now()).await {
        Ok(found) => found.map(|found| found.record),
        // Nobody is let in by what cannot be read, and the rest must not wait for it.
        Err(StoreError::Unreadable(problem)) => {
            tracing::error!(shelf = change.shelf.as_str(), problem, "a changed record cannot be read: it lets nobody in");
            None
        }
        Err(error) => return Err(error),
    };
    match (change.shelf, found) {
        (Shelf::ApiKeys, Some(record)) => put(&record, |key| put_key(directory, record.id, key)),
        (Shelf::ApiKeys, None) => directory.forget_key(change.id),
        (Shelf::Users, Some(record)) => put(&record, |user| put_user(directory, &user)),
        (Shelf::Users, None) => directory.forget_account(change.id),
        (Shelf::BrowserSessions, Some(record)) => put(&record, |session| end_if_over(directory, &session)),
        (_, Some(record)) => put(&record, |family| end_if_dead(directory, &family)),
        (_, None) => directory.end_family(change.id, clock.now()),
    }
    Ok(())
}

/// Takes over a key, if it lies under its own name.
fn put_key(directory: &Directory, name: u128, key: ApiKey) -> bool {
    let fits = key.id.name() == name;
    if fits {
        directory.put_key(key);
    }
    fits
}

fn put_user(directory: &Directory, user: &User) -> bool {
    directory.put_user(user);
    true
}

fn end_if_dead(directory: &Directory, family: &RefreshFamily) -> bool {
    if let Some((at, _)) = family.ended {
        directory.end_family(family.id.0, at);
    }
    true
}

fn end_if_over(directory: &Directory, session: &BrowserSession) -> bool {
    if let Some(at) = session.ended {
        directory.end_browser_session(session.id, at);
    }
    true
}

async fn read_all(directory: &Directory, store: &dyn Store, clock: Clock) -> Result<(), StoreError> {
    let now = clock.now();
    let users = store.all(Shelf::Users, now).await?;
    users.iter().for_each(|record| put(record, |user| put_user(directory, &user)));
    let keys = store.all(Shelf::ApiKeys, now).await?;
    let mut ids = Vec::with_capacity(keys.len());
    for record in &keys {
        put(record, |key: ApiKey| {
            ids.push(key.id);
            put_key(directory, record.id, key)
        });
    }
    let families = store.all(Shelf::RefreshFamilies, now).await?;
    families.iter().for_each(|record| put(record, |family| end_if_dead(directory, &family)));
    let sessions = store.all(Shelf::BrowserSessions, now).await?;
    sessions.iter().for_each(|record| put(record, |session| end_if_over(directory, &session)));
    directory.keep_only(&ids, &users.iter().map(|record| record.id).collect::<Vec<_>>());
    Ok(())
}

/// Reads a record; one that makes no sense lets nobody in.
fn put<T: DeserializeOwned>(record: &Record, take: impl FnOnce(T) -> bool) {
    if !serde_json::from_slice(&record.body).is_ok_and(take) {
        tracing::error!(
            record.id = format!("{:032x}", record.id),
            "a record of keys or people makes no sense: it lets nobody in"
        );
    }
}
