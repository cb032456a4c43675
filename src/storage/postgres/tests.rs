//! The contract over a real PostgreSQL server, and what is particular to one: it is away, slow, full of others, encrypted, or strange.

use std::time::Instant;

use futures_util::future::join_all;

use super::*;
use crate::storage::tests::contract::{self, NOW, Place, ids, record, sealer, store_contract};
use crate::storage::tests::server::{PASSWORD, Server, say};

struct Schema {
    url: String,
}

impl Schema {
    fn url(&self) -> DatabaseUrl {
        self.url.parse().unwrap()
    }

    fn refusal(url: &str) -> String {
        PostgresStore::open(&url.parse().unwrap(), sealer(&[1])).unwrap_err().to_string()
    }
}

impl Place for Schema {
    type Adapter = PostgresStore;

    fn new() -> Self {
        Self { url: Server::shared().database() }
    }

    async fn open(&self, sealer: Arc<Sealer>) -> PostgresStore {
        PostgresStore::open(&self.url(), sealer).unwrap()
    }

    async fn open_beside(&self, sealer: Arc<Sealer>) -> PostgresStore {
        self.open(sealer).await
    }

    async fn close(&self, store: PostgresStore) {
        store.close().await.unwrap();
    }

    async fn say(&self, sql: &str) {
        say(&self.url, &sql.replace('{', "tickgate_").replace('}', ""), std::path::Path::new("nowhere"));
    }
}

store_contract!(Schema);

fn unavailable<T: fmt::Debug>(outcome: Result<T, StoreError>) -> String {
    match outcome {
        Err(StoreError::Unavailable(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_crashes_is_a_clear_failure_and_the_store_works_again_when_it_is_back() {
    let server = Server::start();
    let place = Schema { url: server.database() };
    let store = place.open(sealer(&[1])).await;
    store.put(Shelf::Users, vec![record(0, "user:ada", "x")]).await.unwrap();
    // Operations are under way all the time, and each is either kept or an error.
    let mut kept = vec![0];
    let outcomes = {
        let (store, server) = (&store, &server);
        let puts = async {
            let mut outcomes = Vec::new();
            for first in (1..).step_by(10) {
                let put = |id| store.put(Shelf::Users, vec![record(id, "user:ada", "x")]);
                outcomes.extend((first..).zip(join_all((first..first + 10).map(put)).await));
                if outcomes.iter().any(|(_, outcome)| outcome.is_err()) {
                    return outcomes;
                }
            }
            outcomes
        };
        let crash = async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            server.stop();
        };
        tokio::join!(puts, crash).0
    };
    let failed: Vec<String> =
        outcomes.iter().filter_map(|(_, outcome)| outcome.clone().err()).map(|error| error.to_string()).collect();
    assert!(
        !failed.is_empty() && failed.iter().all(|problem| problem.starts_with("the store is unavailable: the server")),
        "{failed:?}"
    );
    assert!(unavailable(store.ping().await).contains("cannot be reached"));
    server.start_again();
    kept.extend(outcomes.iter().filter(|(_, outcome)| outcome.is_ok()).map(|(id, _)| *id));
    let begun = Instant::now();
    while store.ping().await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it comes back by itself");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let found = ids(&store, Shelf::Users).await;
    assert!(kept.iter().all(|id| found.contains(id)), "what was answered is there: {kept:?} of {found:?}");
    store.put(Shelf::Users, vec![record(1_000, "user:ada", "x")]).await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_clear_error_at_the_start() {
    let server = Server::start();
    let url = server.database();
    server.stop();
    let refusal = Schema::refusal(&server.over_tcp(&url, "127.0.0.1", PASSWORD));
    assert!(refusal.contains("test_0 on 127.0.0.1") && refusal.contains("cannot be reached"), "{refusal}");
    assert!(!refusal.contains(PASSWORD), "{refusal}");
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why_without_the_password() {
    let (server, place) = (Server::shared(), Schema::new());
    let refusal = Schema::refusal(&server.over_tcp(&place.url, "127.0.0.1", "canary-wrong"));
    assert!(refusal.contains("does not let us in") && !refusal.contains("canary"), "{refusal}");
    let refusal = Schema::refusal(&place.url.replace("test_", "lost_"));
    assert!(refusal.contains("no such database"), "{refusal}");
    let store = PostgresStore::open(&server.over_tcp(&place.url, "127.0.0.1", PASSWORD).parse().unwrap(), sealer(&[1])).unwrap();
    assert!(!format!("{store:?}").contains(PASSWORD));
    store.ping().await.unwrap();
}

#[tokio::test]
async fn with_tls_the_certificate_is_verified_for_the_name() {
    let (server, place) = (Server::shared(), Schema::new());
    let at = |host: &str, parameters: &str| format!("{}?{parameters}", server.over_tcp(&place.url, host, PASSWORD));
    let ours = format!("sslrootcert={}", server.certificate().display().to_string().replace('/', "%2F"));
    for mode in ["require", "verify-full"] {
        let store =
            PostgresStore::open(&at("localhost", &format!("sslmode={mode}&{ours}")).parse().unwrap(), sealer(&[1])).unwrap();
        let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        let ask = store.run(move |client, _| {
            Box::pin(async move { Ok(database::query_one(client, encrypted, &[]).await?.get::<_, bool>(0)) })
        });
        assert_eq!(ask.await, Ok(true), "{mode}");
        let strange = Schema::refusal(&at("localhost", &format!("sslmode={mode}")));
        assert!(strange.contains("cannot be opened") && strange.contains("UnknownIssuer"), "{strange}");
        let elsewhere = Schema::refusal(&at("127.0.0.1", &format!("sslmode={mode}&{ours}")));
        assert!(elsewhere.contains("not valid for name"), "{elsewhere}");
    }
}

#[tokio::test]
async fn machines_that_start_at_once_make_the_schema_once() {
    let place = Schema::new();
    let opened: Vec<_> = std::thread::scope(|scope| {
        let open = || PostgresStore::open(&place.url(), sealer(&[1]));
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (store, id) in opened.into_iter().zip(0..) {
        store.unwrap().put(Shelf::Tasks, vec![record(id, "user:ada", "x")]).await.unwrap();
    }
    assert_eq!(ids(&place.open(sealer(&[1])).await, Shelf::Tasks).await, (0..6).collect::<Vec<_>>());
}

#[tokio::test]
async fn while_a_backup_is_restored_nobody_comes_in() {
    let place = Schema::new();
    let (restore, connection) = tokio_postgres::connect(&place.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    restore.execute("SELECT pg_advisory_lock($1)", &[&database::IN_USE]).await.unwrap();
    assert!(Schema::refusal(&place.url).contains("a backup is being restored"));
    restore.execute("SELECT pg_advisory_unlock($1)", &[&database::IN_USE]).await.unwrap();
    place.open(sealer(&[1])).await.ping().await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_refused_and_not_touched() {
    let place = Schema::new();
    place.close(place.open(sealer(&[1])).await).await;
    place.say("INSERT INTO {schema} (step) VALUES (999); DROP TABLE {changes}").await;
    let refusal = Schema::refusal(&place.url);
    assert!(refusal.contains("newer tickgate (schema 999"), "{refusal}");
}

#[tokio::test]
async fn an_operation_that_is_late_fails_and_is_not_done_behind_the_callers_back() {
    let place = Schema::new();
    let store = PostgresStore::open_with(&place.url(), sealer(&[1]), Duration::from_millis(1_000)).unwrap();
    store.put(Shelf::Tasks, vec![record(7, "user:ada", "x")]).await.unwrap();
    let (holder, connection) = tokio_postgres::connect(&place.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    holder.batch_execute("BEGIN; LOCK TABLE tickgate_records IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let begun = Instant::now();
    let taken = join_all((0..20).map(|_| store.take(Shelf::Tasks, 7, "user:ada", NOW))).await;
    assert!(taken.into_iter().all(|taken| unavailable(taken).contains("no answer within 1 s")));
    assert!(begun.elapsed() < Duration::from_secs(4), "all waited at once");
    drop(holder);
    let begun = Instant::now();
    while store.ping().await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
    assert_eq!(ids(&store, Shelf::Tasks).await, [7]);
}

#[tokio::test]
async fn what_is_asked_when_the_caller_leaves_is_not_done() {
    let place = Schema::new();
    let store = place.open(sealer(&[1])).await;
    store.put(Shelf::Tasks, vec![record(7, "user:ada", "x")]).await.unwrap();
    let (holder, connection) = tokio_postgres::connect(&place.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    holder.batch_execute("BEGIN; LOCK TABLE tickgate_records IN ACCESS EXCLUSIVE MODE").await.unwrap();
    assert!(timeout(Duration::from_millis(200), store.take(Shelf::Tasks, 7, "user:ada", NOW)).await.is_err());
    holder.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(ids(&store, Shelf::Tasks).await, [7]);
}

#[tokio::test]
async fn closing_waits_for_what_was_asked_before_and_refuses_what_comes_after() {
    let place = Schema::new();
    let store = place.open(sealer(&[1])).await;
    let puts = join_all((0..20).map(|id| store.put(Shelf::Tasks, vec![record(id, "user:ada", "x")])));
    let (kept, closed) = tokio::join!(puts, store.close());
    assert!(closed.is_ok() && kept.iter().all(Result::is_ok));
    assert_eq!(unavailable(store.purge(NOW).await), "it is closed");
    assert_eq!(ids(&place.open(sealer(&[1])).await, Shelf::Tasks).await.len(), 20);
}

#[tokio::test]
async fn a_row_that_was_moved_cannot_be_read_and_none_shows_what_it_says() {
    let place = Schema::new();
    let store = place.open(sealer(&[1])).await;
    store.put(Shelf::Tasks, vec![record(7, "user:ada", "canary"), record(8, "user:ada", "x")]).await.unwrap();
    place.say("DO $$ BEGIN ASSERT (SELECT bool_and(position('canary'::BYTEA IN body) = 0) FROM {records}); END $$").await;
    place.say("UPDATE {records} SET principal = 'user:eve' WHERE id = decode(lpad('7', 32, '0'), 'hex')").await;
    assert_eq!(ids(&store, Shelf::Tasks).await, [8]);
    assert!(matches!(store.take(Shelf::Tasks, 7, "user:eve", NOW).await, Err(StoreError::Unreadable(_))));
}

#[tokio::test]
async fn a_server_with_other_defaults_does_not_change_what_is_kept() {
    let place = Schema::new();
    let name = place.url.rsplit('/').next().unwrap();
    place.say(&format!("ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")).await;
    place.say(&format!("ALTER DATABASE {name} SET synchronous_commit = off")).await;
    let store = place.open(sealer(&[1])).await;
    let puts = join_all((0..50).map(|id| store.put(Shelf::Users, vec![record(id, "user:ada", "x")]))).await;
    assert!(puts.iter().all(Result::is_ok), "{puts:?}");
    let durable = store.run(|client, _| {
        Box::pin(
            async move { Ok(database::query_one(client, "SELECT current_setting('synchronous_commit')", &[]).await?.get(0)) },
        )
    });
    assert_eq!(durable.await, Ok("on".to_owned()));
}
