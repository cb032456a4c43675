//! The directory, the feed and the service over a real store in a file.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tickgate_actors::Clock;
use tickgate_core::access::{Caller, CredentialId, Principal, Scope};
use tickgate_core::identity::api_key::{ApiKey, NewKey};
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::identity::{HashKey, HashKeys};
use tickgate_core::ports::{AUDIT_PURGED_AT_ONCE, AuditEntry, AuditLog as _, AuditVerdict, Record, Shelf, Store};

use super::*;
use crate::sealing::Sealer;
use crate::storage::SqliteStore;

/// A store, who is known in it, and who changes it.
struct Desk {
    store: Arc<SqliteStore>,
    directory: Directory,
    latest: u64,
    keys: KeyService,
    audit: AuditWriter,
    queue: AuditQueue,
    clock: Clock,
    folder: Arc<tempfile::TempDir>,
}

fn sealer() -> Arc<Sealer> {
    Arc::new(Sealer::new(&[SecretString::from("ab".repeat(32))]).unwrap())
}

impl Desk {
    async fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let store = Arc::new(SqliteStore::open(folder.path(), sealer()).unwrap());
        Self::on(folder, store).await
    }

    /// Another process on the same folder.
    async fn beside(&self) -> Self {
        let store = Arc::new(SqliteStore::open_beside(self.folder.path(), sealer()).unwrap());
        Self::on(Arc::clone(&self.folder), store).await
    }

    async fn on(folder: Arc<tempfile::TempDir>, store: Arc<SqliteStore>) -> Self {
        let clock = Clock::start();
        let records: Arc<dyn Store> = Arc::<SqliteStore>::clone(&store);
        let (directory, latest) = Directory::load(records.as_ref(), clock).await.unwrap();
        let metrics = AuditMetrics::register(&prometheus::Registry::new()).unwrap();
        let (audit, queue) = AuditWriter::new(Arc::<SqliteStore>::clone(&store), Arc::clone(&records), metrics, clock);
        let hashing = HashKeys::new(HashKey::new([1; 32]), Vec::new());
        let keys = KeyService::new(records, directory.clone(), audit.clone(), hashing, clock);
        Self { store, directory, latest, keys, audit, queue, clock, folder }
    }

    async fn make(&self, owner: &str) -> ApiKey {
        let owner = Principal::new("user", owner);
        let new = NewKey { owner, name: "x".into(), scope: Scope::Write, ttl_ms: None, limit_per_minute: None };
        self.keys.create(By::operator(), CredentialId::None, new).await.unwrap().key
    }

    fn follow(&self) -> tokio::task::JoinHandle<()> {
        let store: Arc<dyn Store> = Arc::<SqliteStore>::clone(&self.store);
        tokio::spawn(follow(self.directory.clone(), store, self.latest, self.clock))
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn caller_with(key: &ApiKey) -> Caller {
    Caller { credential: CredentialId::ApiKey(key.id.name()), ..Caller::trusted(key.owner.clone(), key.scope) }
}

#[test]
fn a_directory_follows_what_another_process_does_and_tells_of_it_within_a_second() {
    run(async {
        let here = Desk::new().await;
        let there = here.beside().await;
        let following = here.follow();
        let key = there.make("ada").await;
        assert!(here.directory.catch_up().await, "the store answers");
        let caller = caller_with(&key);
        assert_eq!(here.directory.stands(&caller, here.clock.now()), Ok(()));
        let (before, mut changes) = (here.directory.generation(), here.directory.changes());
        there.keys.revoke(By::operator(), key.id, |_| Ok(())).await.unwrap();
        tokio::time::timeout(Duration::from_secs(1), changes.changed()).await.unwrap().unwrap();
        assert!(here.directory.generation() > before);
        assert_eq!(here.directory.stands(&caller, here.clock.now()), Err(Fall::Revoked));
        following.abort();
    });
}

#[test]
fn what_was_revoked_here_is_not_set_back_by_what_was_read_before() {
    run(async {
        let desk = Desk::new().await;
        let old = desk.make("ada").await;
        let rotated = desk.keys.rotate(By::operator(), old.id, 0, |_| Ok(())).await.unwrap().key;
        desk.directory.put_key(old.clone());
        assert_eq!(desk.directory.key(old.id.name()).unwrap().key, rotated);
        desk.keys.revoke(By::operator(), old.id, |_| Ok(())).await.unwrap();
        desk.directory.put_key(rotated);
        assert!(desk.directory.key(old.id.name()).unwrap().key.revoked.is_some());
    });
}

#[test]
fn a_new_key_and_a_last_use_wake_nobody_but_a_change_does() {
    run(async {
        let desk = Desk::new().await;
        let key = desk.make("ada").await;
        let generation = desk.directory.generation();
        desk.make("ada").await;
        desk.directory.put_key(ApiKey { last_used: Some(desk.clock.now()), ..key.clone() });
        assert_eq!(desk.directory.generation(), generation);
        desk.directory.put_key(ApiKey { limit_per_minute: Some(1), ..key });
        assert_eq!(desk.directory.generation(), generation + 1);
    });
}

#[test]
fn a_last_use_is_written_once_a_minute_and_never_undoes_a_rotation() {
    run(async {
        let desk = Desk::new().await;
        let key = desk.make("ada").await;
        let used_at = desk.clock.now();
        let entry = desk.directory.key(key.id.name()).unwrap();
        (0..5).for_each(|_| entry.used(used_at));
        // Another process rotates it, which is not seen here yet.
        let rotated = desk.beside().await.keys.rotate(By::operator(), key.id, 0, |_| Ok(())).await.unwrap().key;
        write_last_uses(&desk.directory, desk.store.as_ref(), &desk.audit, desk.clock).await;
        let stored = desk.keys.get(key.id, |_| Ok(())).await.unwrap();
        assert_eq!((stored.last_used, stored.hash), (Some(used_at), rotated.hash));
        assert_eq!(entry.untold(), None);
        desk.queue.run_until(std::future::ready(())).await;
        let rows = desk.store.read(1, 100).await.unwrap();
        let uses = rows.iter().map(|row| String::from_utf8_lossy(&row.body).into_owned()).find(|row| row.contains("key.use"));
        assert!(uses.unwrap().contains(r#"["uses","5"]"#));
    });
}

#[test]
fn a_principal_has_one_random_audit_id_until_it_is_forgotten_and_then_another() {
    run(async {
        let desk = Desk::new().await;
        let ada = Principal::new("user", "ada");
        let id = desk.audit.audit_id(&ada).await.unwrap();
        assert_eq!(desk.beside().await.audit.audit_id(&ada).await.unwrap(), id, "one for all processes");
        assert_ne!(desk.audit.audit_id(&Principal::new("user", "eve")).await.unwrap(), id);
        desk.store.erase("user:ada").await.unwrap();
        desk.audit.forget(&ada);
        assert_ne!(desk.audit.audit_id(&ada).await.unwrap(), id, "nobody's rows are found by it any more");
        assert!(desk.store.of(Shelf::AuditSubjects, "user:ada", desk.clock.now()).await.unwrap().len() == 1);
    });
}

#[test]
fn an_audit_id_that_cannot_be_read_is_given_anew_and_holds_up_no_row() {
    run(async {
        let desk = Desk::new().await;
        let ada = Principal::new("user", "ada");
        let id = desk.audit.audit_id(&ada).await.unwrap();
        let kept = desk.store.of(Shelf::AuditSubjects, "user:ada", desk.clock.now()).await.unwrap().pop().unwrap();
        let damaged = Record { body: "nonsense".into(), ..kept.record };
        desk.store.put(Shelf::AuditSubjects, vec![damaged]).await.unwrap();
        desk.audit.forget(&ada);
        let anew = desk.audit.audit_id(&ada).await.unwrap();
        assert_ne!(anew, id);
        desk.audit.forget(&ada);
        assert_eq!(desk.audit.audit_id(&ada).await.unwrap(), anew, "it is kept");
    });
}

#[test]
fn what_is_noted_is_written_at_the_latest_at_the_end_and_the_chain_is_whole() {
    run(async {
        let desk = Desk::new().await;
        for n in 0..300 {
            desk.audit.note(Happening {
                who: Who::Gateway,
                from: None,
                request_id: None,
                action: AuditAction::GatewayStart,
                target: n.to_string(),
                owner: None,
                outcome: Outcome::Done,
                details: Vec::new(),
            });
        }
        // The end comes while a batch is being written.
        desk.queue.run_until(tokio::task::yield_now()).await;
        assert_eq!(desk.store.verify().await.unwrap(), AuditVerdict::Whole { rows: Some((1, 300)) });
    });
}

#[test]
fn of_many_dead_keys_of_an_owner_the_oldest_are_forgotten() {
    run(async {
        let desk = Desk::new().await;
        for _ in 0..103 {
            let key = desk.make("ada").await;
            desk.keys.revoke(By::operator(), key.id, |_| Ok(())).await.unwrap();
        }
        desk.make("ada").await;
        let kept = desk.keys.list(Some(&Principal::new("user", "ada"))).await.unwrap().len();
        assert!(kept <= 102, "{kept}");
    });
}

#[test]
fn old_rows_are_purged_in_parts_and_one_row_says_how_many_they_were() {
    run(async {
        let desk = Desk::new().await;
        let (now, days) = (desk.clock.now(), 30);
        let old = now.minus(days * 86_400_000 + 1);
        let row = |at| AuditEntry { at, body: "{}".into() };
        desk.store.append(vec![row(old); usize::try_from(AUDIT_PURGED_AT_ONCE).unwrap() + 5]).await.unwrap();
        desk.store.append(vec![row(now); 3]).await.unwrap();
        assert_eq!(purge_audit(&desk.audit, days, now).await, Ok(AUDIT_PURGED_AT_ONCE + 5));
        assert_eq!(purge_audit(&desk.audit, days, now).await, Ok(0), "another gateway, a moment later");
        let first = AUDIT_PURGED_AT_ONCE + 6;
        assert_eq!(desk.store.verify().await.unwrap(), AuditVerdict::Whole { rows: Some((first, first + 3)) });
        let last = desk.store.read(first + 3, 10).await.unwrap();
        let text = String::from_utf8_lossy(&last[0].body).into_owned();
        assert!(text.contains("audit.purge") && text.contains(&format!(r#"["rows","{}"]"#, AUDIT_PURGED_AT_ONCE + 5)), "{text}");
        desk.store.close().await.unwrap();
        assert!(purge_audit(&desk.audit, days, now).await.is_err(), "the log is away: it is told, and tried again");
    });
}
