//! People over a real store in a file.

use std::future::Future;

use futures_util::future::join;
use secrecy::SecretString;
use tickgate_core::identity::{AdminEmails, Identity, Role};
use tickgate_core::ports::{AuditLog as _, AuditVerdict, Changes};

use super::super::audit::{AuditMetrics, AuditQueue};
use super::super::directory::Departed;
use super::*;
use crate::sealing::Sealer;
use crate::storage::SqliteStore;

/// A process and the folder that it shares with others.
struct Desk {
    store: Arc<SqliteStore>,
    directory: Directory,
    people: PeopleService,
    queue: AuditQueue,
    clock: Clock,
    folder: Arc<tempfile::TempDir>,
}

fn sealer(digits: &str) -> Arc<Sealer> {
    Arc::new(Sealer::new(&[SecretString::from(digits.repeat(32))]).unwrap())
}

impl Desk {
    async fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let store = Arc::new(SqliteStore::open(folder.path(), sealer("ab")).unwrap());
        Self::on(folder, store).await
    }

    async fn beside(&self) -> Self {
        self.beside_with("ab").await
    }

    /// Another process, with this data key.
    async fn beside_with(&self, digits: &str) -> Self {
        let store = Arc::new(SqliteStore::open_beside(self.folder.path(), sealer(digits)).unwrap());
        Self::on(Arc::clone(&self.folder), store).await
    }

    async fn on(folder: Arc<tempfile::TempDir>, store: Arc<SqliteStore>) -> Self {
        let clock = Clock::start();
        let records: Arc<dyn Store> = Arc::<SqliteStore>::clone(&store);
        let (directory, _) = Directory::load(records.as_ref(), clock).await.unwrap();
        let metrics = AuditMetrics::register(&prometheus::Registry::new()).unwrap();
        let (audit, queue) = AuditWriter::new(Arc::<SqliteStore>::clone(&store), Arc::clone(&records), metrics, clock);
        let people = PeopleService::new(records, directory.clone(), audit, None, clock);
        Self { store, directory, people, queue, clock, folder }
    }

    /// Puts somebody into the store, as a sign-in does.
    async fn person(&self, number: u128, role: Role, change: impl FnOnce(&mut User)) -> User {
        let email = Some(format!("canary{number}@example.com"));
        let subject = format!("canary-subject-{number}");
        let identity = Identity { issuer: "https://id.example".into(), subject, email, email_verified: true, name: None };
        let mut user = User::first_seen(UserId(number), &identity, &AdminEmails::default(), self.clock.now());
        user.role = role;
        change(&mut user);
        self.store.put(Shelf::Users, vec![record(&user)]).await.unwrap();
        self.directory.put_user(&user);
        user
    }

    /// Every row of the audit log, once what was queued is written.
    async fn rows(self) -> String {
        self.queue.run_until(std::future::ready(())).await;
        assert!(matches!(self.store.verify().await, Ok(AuditVerdict::Whole { .. })));
        let rows = self.store.read(1, 1_000).await.unwrap();
        rows.iter().map(|row| String::from_utf8_lossy(&row.body).into_owned()).collect::<Vec<_>>().join("\n")
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn by(user: &User) -> By {
    By { who: Who::Somebody(user.principal()), from: None, request_id: None }
}

const DEMOTE: UserChange = UserChange { role: Some(Role::User), disabled: None };
const DISABLE: UserChange = UserChange { role: None, disabled: Some(true) };

#[test]
fn a_change_is_known_at_once_and_written_down_without_a_name() {
    run(async {
        let desk = Desk::new().await;
        let (boss, ada) = (desk.person(1, Role::Admin, |_| {}).await, desk.person(2, Role::User, |_| {}).await);
        let generation = desk.directory.generation();
        let changed = desk.people.change(by(&boss), ada.id, DISABLE).await.unwrap();
        assert_eq!((changed.scope(), desk.directory.scope_of(&ada.principal())), (None, None));
        assert!(desk.directory.generation() > generation, "whoever streams looks again");
        let there = desk.beside().await;
        assert_eq!(there.people.get(ada.id).await.unwrap(), changed);
        let both = UserChange { role: Some(Role::Admin), disabled: Some(false) };
        assert_eq!(desk.people.change(By::operator(), ada.id, both).await.unwrap().role, Role::Admin);
        assert!(matches!(desk.people.change(by(&boss), UserId(99), DISABLE).await, Err(PeopleError::NotFound)));
        let rows = desk.rows().await;
        assert_eq!(rows.matches("admin.disable").count(), 3, "{rows}");
        assert_eq!(rows.matches("admin.role").count(), 1);
        assert_eq!((rows.matches("\"done\"").count(), rows.matches("\"refused\"").count()), (3, 1));
        assert!(!rows.contains("canary") && !rows.contains(&ada.id.to_string()), "{rows}");
    });
}

#[test]
fn the_last_acting_admin_is_touched_by_no_admin_but_by_the_operator_and_themselves() {
    run(async {
        let desk = Desk::new().await;
        let boss = desk.person(1, Role::Admin, |_| {}).await;
        desk.person(2, Role::Admin, |user| user.disabled = Some(user.created)).await;
        let last = |done: Result<(), PeopleError>| matches!(done, Err(PeopleError::Refused(UserRefusal::LastAdmin)));
        for change in [DEMOTE, DISABLE] {
            assert!(last(desk.people.change(by(&boss), boss.id, change).await.map(drop)), "{change:?}");
        }
        assert!(last(desk.people.erase(by(&boss), boss.id).await));
        assert_eq!(desk.people.get(boss.id).await.unwrap(), boss, "nothing has changed");
        desk.people.change(By::operator(), boss.id, DEMOTE).await.unwrap();
        desk.people.change(By::operator(), boss.id, UserChange { role: Some(Role::Admin), disabled: None }).await.unwrap();
        desk.people.erase_own(by(&boss), &boss.principal()).await.unwrap();
        assert!(matches!(desk.people.get(boss.id).await, Err(PeopleError::NotFound)));
    });
}

#[test]
fn two_admins_who_demote_or_erase_each_other_at_once_on_two_gateways_leave_one() {
    run(async {
        let (here, there) = {
            let here = Desk::new().await;
            let there = here.beside().await;
            (here, there)
        };
        for round in 0..20 {
            let (one, other) = (
                here.person(100 + round * 2, Role::Admin, |_| {}).await,
                here.person(101 + round * 2, Role::Admin, |_| {}).await,
            );
            if round % 2 == 0 {
                let _ =
                    join(here.people.change(by(&one), other.id, DEMOTE), there.people.change(by(&other), one.id, DISABLE)).await;
            } else {
                let _ = join(here.people.erase(by(&one), other.id), there.people.erase(by(&other), one.id)).await;
            }
            let all = here.people.all().await.unwrap();
            let left: Vec<_> = all.iter().filter(|user| user.is_acting_admin()).collect();
            assert!(!left.is_empty(), "round {round}: {all:?}");
            for user in left {
                here.people.erase(By::operator(), user.id).await.unwrap();
            }
        }
    });
}

#[test]
fn an_erasure_takes_everything_and_leaves_one_row_that_names_nobody() {
    run(async {
        let desk = Desk::new().await;
        let ada = desk.person(2, Role::User, |_| {}).await;
        let principal = ada.principal();
        for (number, shelf) in (10..).zip(Shelf::ALL.into_iter().filter(|shelf| *shelf != Shelf::Users)) {
            let record = |id, principal: &str| Record { id, principal: principal.to_owned(), expires: None, body: "x".into() };
            desk.store.put(shelf, vec![record(number, principal.as_str()), record(number + 100, "user:eve")]).await.unwrap();
        }
        let audit_id = desk.people.0.audit.audit_id(&principal).await.unwrap().to_string();
        desk.people.erase_own(by(&ada), &principal).await.unwrap();
        let now = desk.clock.now();
        for shelf in Shelf::ALL {
            assert!(desk.store.of(shelf, principal.as_str(), now).await.unwrap().is_empty(), "{shelf:?}");
            let others = desk.store.of(shelf, "user:eve", now).await.unwrap().len();
            assert_eq!(others, usize::from(shelf != Shelf::Users), "{shelf:?}");
        }
        assert_eq!(desk.directory.scope_of(&principal), None);
        assert_eq!(desk.directory.take_departed(), [Departed { account: ada.account_key().0, person: ada.id }]);
        // What was still under way is written under an id that is kept nowhere.
        assert_ne!(desk.people.0.audit.audit_id(&principal).await.unwrap().to_string(), audit_id);
        assert!(desk.store.of(Shelf::AuditSubjects, principal.as_str(), now).await.unwrap().is_empty());
        desk.people.erase_own(by(&ada), &principal).await.expect("asked twice, done once");
        let rows = desk.rows().await;
        assert_eq!(rows.matches("user.erase").count(), 1, "{rows}");
        assert!(rows.contains(&audit_id) && !rows.contains("canary") && !rows.contains(&ada.id.to_string()));
    });
}

#[test]
fn an_erasure_that_was_left_in_the_middle_is_finished_by_the_next_who_looks() {
    run(async {
        let desk = Desk::new().await;
        let now = desk.clock.now();
        let left = desk.person(1, Role::User, |user| user.erasing = Some(now.minus(120_000))).await;
        let under_way = desk.person(2, Role::User, |user| user.erasing = Some(now)).await;
        let well = desk.person(3, Role::User, |_| {}).await;
        assert_eq!(desk.directory.scope_of(&left.principal()), None, "worth nothing from the first step on");
        let enable = UserChange { role: None, disabled: Some(false) };
        let refused = desk.people.change(By::operator(), left.id, enable).await;
        assert!(matches!(refused, Err(PeopleError::Refused(UserRefusal::Erasing))), "there is no way back");
        let there = desk.beside().await;
        assert_eq!(there.people.finish_erasures().await.unwrap(), 1);
        assert_eq!(there.people.finish_erasures().await.unwrap(), 0);
        let mut still: Vec<UserId> = desk.people.all().await.unwrap().iter().map(|user| user.id).collect();
        still.sort();
        assert_eq!(still, [under_way.id, well.id]);
        assert!(there.rows().await.contains("user.erase"));
    });
}

#[test]
fn a_name_without_an_account_is_erased_with_its_keys_and_may_come_back() {
    run(async {
        let desk = Desk::new().await;
        let ada = Principal::new("user", "ada");
        let record = Record { id: 7, principal: ada.as_str().to_owned(), expires: None, body: "x".into() };
        desk.store.put(Shelf::ApiKeys, vec![record]).await.unwrap();
        let who = || By { who: Who::Somebody(ada.clone()), from: None, request_id: None };
        desk.people.erase_own(who(), &ada).await.unwrap();
        assert!(desk.store.all(Shelf::ApiKeys, desk.clock.now()).await.unwrap().is_empty());
        assert!(desk.directory.take_departed().is_empty(), "whoever has the name next keeps what is theirs");
        assert_eq!(desk.rows().await.matches("user.erase").count(), 1);
    });
}

#[test]
fn whose_record_goes_elsewhere_is_forgotten_here_but_not_one_whose_record_cannot_be_read() {
    run(async {
        let here = Desk::new().await;
        let ada = here.person(2, Role::User, |_| {}).await;
        let departed = Departed { account: ada.account_key().0, person: ada.id };
        let late = Record { id: 9, principal: ada.principal().as_str().to_owned(), expires: None, body: "late".into() };
        here.store.put(Shelf::Alerts, vec![late.clone()]).await.unwrap();
        // A gateway with another data key: to it the record makes no sense.
        let blind = here.beside_with("cd").await;
        blind.people.forget_departed(&departed).await.unwrap();
        here.people.forget_departed(&departed).await.unwrap();
        assert_eq!(here.store.all(Shelf::Alerts, here.clock.now()).await.unwrap().len(), 1, "the person is there");
        here.beside().await.people.erase(By::operator(), ada.id).await.unwrap();
        here.store.put(Shelf::Alerts, vec![late]).await.unwrap();
        here.people.forget_departed(&departed).await.unwrap();
        assert!(here.store.all(Shelf::Alerts, here.clock.now()).await.unwrap().is_empty(), "what was under way is gone too");
        // The same account signs in again: somebody new, who keeps what is theirs.
        let again = here.person(3, Role::User, |user| user.subject.clone_from(&ada.subject)).await;
        assert_eq!(again.account_key(), ada.account_key());
        here.people.forget_departed(&departed).await.unwrap();
        assert_eq!(here.people.get(again.id).await.unwrap(), again);
    });
}

#[test]
fn what_was_under_way_when_somebody_was_erased_is_erased_when_it_must_be_over() {
    run(async {
        let here = Desk::new().await;
        let ada = here.person(2, Role::User, |_| {}).await;
        let aftermath = std::time::Duration::from_millis(300);
        let following = tokio::spawn(departures::follow(here.people.clone(), aftermath));
        here.people.erase(By::operator(), ada.id).await.unwrap();
        let principal = ada.principal().as_str().to_owned();
        let left = async || here.store.of(Shelf::Alerts, &principal, here.clock.now()).await.unwrap().len();
        // What requests that were let in before write: before the first look, which is at once, and after it.
        for look in ["first", "second"] {
            let late = Record { id: 9, principal: principal.clone(), expires: None, body: look.into() };
            here.store.put(Shelf::Alerts, vec![late]).await.unwrap();
            let gone = async {
                while left().await > 0 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(std::time::Duration::from_secs(10), gone).await.expect(look);
        }
        following.abort();
    });
}

#[test]
fn the_directory_tells_who_departed_whoever_erased_them() {
    run(async {
        let here = Desk::new().await;
        let ada = here.person(2, Role::User, |_| {}).await;
        let Ok(Changes::Since { latest, .. } | Changes::Behind { latest }) = here.store.changes_since(None).await else {
            panic!("the store says where it is")
        };
        let store: Arc<dyn Store> = Arc::<SqliteStore>::clone(&here.store);
        let following = tokio::spawn(super::super::feed::follow(here.directory.clone(), store, latest, here.clock));
        let mut changes = here.directory.changes();
        here.beside().await.people.erase(By::operator(), ada.id).await.unwrap();
        let gone = async {
            loop {
                let departed = here.directory.take_departed();
                if !departed.is_empty() {
                    return departed;
                }
                changes.changed().await.unwrap();
            }
        };
        let departed = tokio::time::timeout(std::time::Duration::from_secs(1), gone).await.expect("within a second");
        assert_eq!(departed, [Departed { account: ada.account_key().0, person: ada.id }]);
        following.abort();
    });
}

#[test]
fn pages_have_the_newest_first_and_go_on_where_one_ended_also_when_they_who_stood_there_are_gone() {
    run(async {
        let desk = Desk::new().await;
        let now = desk.clock.now();
        for number in 1..=7 {
            let role = if number % 2 == 0 { Role::Admin } else { Role::User };
            desk.person(number, role, |user| user.created = now.minus(1_000).plus(u64::try_from(number / 2).unwrap())).await;
        }
        let page = async |role, after, limit| {
            let page = desk.people.list(&PeopleWanted { role, after, limit }).await.unwrap();
            (page.users.iter().map(|user| user.id.0).collect::<Vec<_>>(), page.next)
        };
        let (first, next) = page(None, None, 3).await;
        assert_eq!(first, [7, 6, 5]);
        let next: Place = next.unwrap().to_string().parse().unwrap();
        desk.people.erase(By::operator(), UserId(5)).await.unwrap();
        assert_eq!(page(None, Some(next), 3).await.0, [4, 3, 2]);
        assert_eq!(page(None, Some(next), 4).await, (vec![4, 3, 2, 1], None));
        assert_eq!(page(Some(Role::Admin), None, 2).await.0, [6, 4]);
        for bad in ["", "1", "1-", "01-00000000000000000000000000000007", "1-7", "-1-00000000000000000000000000000007"] {
            assert_eq!(bad.parse::<Place>(), Err(PlaceError), "{bad}");
        }
        assert_eq!(desk.people.with_email("CANARY7@example.com").await.unwrap().len(), 1);
    });
}
