//! The contract over SQLite, and what is particular to a file: locks, modes, damage, crashes.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use futures_util::future::join_all;

use super::*;
use crate::storage::folder;
use crate::storage::tests::contract::{self, NOW, Place, ids, record, sealer, store_contract};

struct Folder(tempfile::TempDir);

impl Place for Folder {
    type Adapter = SqliteStore;

    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn open(&self, sealer: Arc<Sealer>) -> SqliteStore {
        SqliteStore::open(&self.data(), sealer).unwrap()
    }

    async fn open_beside(&self, sealer: Arc<Sealer>) -> SqliteStore {
        SqliteStore::open_beside(&self.data(), sealer).unwrap()
    }

    async fn close(&self, store: SqliteStore) {
        store.close().await.unwrap();
    }

    async fn say(&self, sql: &str) {
        let connection = Connection::open(self.file()).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        connection.execute_batch(&sql.replace(['{', '}'], "")).unwrap();
    }
}

impl Folder {
    fn data(&self) -> PathBuf {
        self.0.path().join("deep/data")
    }

    fn file(&self) -> PathBuf {
        self.data().join("tickgate.db")
    }

    fn refusal(&self) -> String {
        SqliteStore::open(&self.data(), sealer(&[1])).unwrap_err().to_string()
    }
}

store_contract!(Folder);

async fn opened() -> (Folder, SqliteStore) {
    let folder = Folder::new();
    let store = folder.open(sealer(&[1])).await;
    (folder, store)
}

/// Says something to SQLite in the store's own connection.
async fn say(store: &SqliteStore, sql: &'static str) {
    store.run(move |connection, _| connection.execute_batch(sql).map_err(|error| database::unavailable(&error))).await.unwrap();
}

/// What keeps the thread busy until the sender is dropped.
async fn hold(store: &SqliteStore, released: Receiver<()>) -> Result<(), StoreError> {
    let work = move |_: &Connection, _: &Sealer| {
        let _ = released.recv();
        Ok(())
    };
    store.run(work).await
}

fn unavailable<T: std::fmt::Debug>(outcome: Result<T, StoreError>) -> String {
    match outcome {
        Err(StoreError::Unavailable(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

/// The bytes of all files of a folder.
fn all_bytes(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[tokio::test]
async fn no_file_shows_what_a_body_says() {
    let (folder, store) = opened().await;
    store.put(Shelf::Tasks, vec![record(7, "user:ada", "canary-canary-canary")]).await.unwrap();
    let shows = |word: &str| {
        all_bytes(&folder.data()).iter().any(|(_, bytes)| bytes.windows(word.len()).any(|window| window == word.as_bytes()))
    };
    assert!(folder.data().join("tickgate.db-wal").exists() && shows("user:ada"), "the bytes were looked at");
    assert!(!shows("canary"));
    store.close().await.unwrap();
    assert!(!shows("canary") && shows("user:ada"));
}

#[cfg(unix)]
#[tokio::test]
async fn folder_and_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let (folder, store) = opened().await;
    store.put(Shelf::Tasks, vec![record(7, "user:ada", "x")]).await.unwrap();
    assert_eq!(mode(&folder.data()), 0o700);
    let files = all_bytes(&folder.data());
    assert_eq!(files.len(), 4, "the database, its log, its index, the lock");
    for (path, _) in files {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    store.close().await.unwrap();
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o644)).unwrap();
    let _store = folder.open(sealer(&[1])).await;
    assert_eq!(mode(&folder.file()), 0o600, "what was laxer is tightened");
}

#[tokio::test]
async fn a_row_that_was_moved_cannot_be_read() {
    for moved in ["shelf = 'alerts'", "principal = 'user:eve'", "id = zeroblob(16)"] {
        let (_folder, store) = opened().await;
        store.put(Shelf::Tasks, vec![record(7, "user:ada", "x")]).await.unwrap();
        let sql = format!("UPDATE records SET {moved}");
        let update = move |connection: &Connection, _: &Sealer| {
            connection.execute_batch(&sql).unwrap();
            Ok(())
        };
        store.run(update).await.unwrap();
        assert_eq!((ids(&store, Shelf::Tasks).await, ids(&store, Shelf::Alerts).await), (vec![], vec![]), "{moved}");
        let (shelf, id) =
            (if moved.starts_with("shelf") { Shelf::Alerts } else { Shelf::Tasks }, if moved.starts_with("id") { 0 } else { 7 });
        let principal = if moved.starts_with("principal") { "user:eve" } else { "user:ada" };
        let taken = store.take(shelf, id, principal, NOW).await;
        assert!(matches!(taken, Err(StoreError::Unreadable(_))), "{moved}: {taken:?}");
    }
}

#[tokio::test]
async fn a_second_gateway_on_the_folder_is_refused_until_the_first_has_closed() {
    let (folder, store) = opened().await;
    let refusal = folder.refusal();
    assert!(refusal.contains("another gateway is running on") && refusal.contains("DATA_DIR"), "{refusal}");
    store.close().await.unwrap();
    folder.open(sealer(&[1])).await;
}

#[tokio::test]
async fn a_command_comes_in_beside_a_gateway_and_a_gateway_beside_a_command() {
    let (folder, gateway) = opened().await;
    let command = folder.open_beside(sealer(&[1])).await;
    command.put(Shelf::Tasks, vec![record(1, "user:ada", "x")]).await.unwrap();
    gateway.put(Shelf::Tasks, vec![record(2, "user:ada", "x")]).await.unwrap();
    assert_eq!((ids(&gateway, Shelf::Tasks).await, ids(&command, Shelf::Tasks).await), (vec![1, 2], vec![1, 2]));
    assert!(folder.refusal().contains("another gateway is running on"));
    gateway.close().await.unwrap();
    let gateway = folder.open(sealer(&[1])).await;
    assert_eq!(ids(&gateway, Shelf::Tasks).await, [1, 2]);
    command.close().await.unwrap();
    gateway.close().await.unwrap();
    // Alone, a command makes what is not there.
    assert_eq!(ids(&Folder::new().open_beside(sealer(&[1])).await, Shelf::Tasks).await, Vec::<u128>::new());
}

#[tokio::test]
async fn a_gateway_and_a_command_that_write_at_once_wait_for_each_other() {
    let (folder, gateway) = opened().await;
    let command = folder.open_beside(sealer(&[1])).await;
    let puts = (0..400).map(|id| {
        let store = if id < 200 { &gateway } else { &command };
        store.put(Shelf::Tasks, vec![record(id, "user:ada", "x")])
    });
    assert!(join_all(puts).await.iter().all(Result::is_ok));
    assert_eq!(ids(&gateway, Shelf::Tasks).await.len(), 400);
}

#[tokio::test]
async fn a_gateway_and_commands_that_start_at_once_make_the_database_once() {
    for _ in 0..10 {
        let folder = Folder::new();
        let opened: Vec<_> = std::thread::scope(|scope| {
            let gateway = scope.spawn(|| SqliteStore::open(&folder.data(), sealer(&[1])));
            let commands: Vec<_> =
                (0..3).map(|_| scope.spawn(|| SqliteStore::open_beside(&folder.data(), sealer(&[1])))).collect();
            commands.into_iter().chain([gateway]).map(|thread| thread.join().unwrap()).collect()
        });
        for store in opened {
            // A gateway that meets a command while that makes the schema is refused, and starts again.
            match store {
                Ok(store) => store.ping().await.unwrap(),
                Err(OpenError::InUse(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[tokio::test]
async fn a_command_of_a_newer_release_leaves_the_database_of_a_running_gateway_alone() {
    let folder = Folder::new();
    folder::create(&folder.data()).unwrap();
    let lock = FolderLock::take(&folder.data()).unwrap();
    let old = Connection::open(folder.file()).unwrap();
    old.execute_batch(include_str!("../migrations/0001_records.sql")).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    let refusal = SqliteStore::open_beside(&folder.data(), sealer(&[1])).unwrap_err().to_string();
    assert!(refusal.contains("an older tickgate is running"), "{refusal}");
    assert_eq!(old.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)).unwrap(), 1);
    drop(lock);
    folder.open_beside(sealer(&[1])).await.ping().await.unwrap();
}

#[tokio::test]
async fn what_the_first_schema_has_kept_is_there_in_the_newest() {
    let folder = Folder::new();
    folder::create(&folder.data()).unwrap();
    let old = Connection::open(folder.file()).unwrap();
    old.execute_batch(include_str!("../migrations/0001_records.sql")).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    let kept = record(7, "user:ada", "x");
    let sealed = crate::storage::rows::seal(&sealer(&[1]), Shelf::Tasks, &kept);
    old.execute("INSERT INTO records VALUES ('tasks', ?1, 'user:ada', NULL, ?2)", (7_u128.to_be_bytes(), sealed)).unwrap();
    drop(old);
    let store = folder.open(sealer(&[1])).await;
    let found = store.find(Shelf::Tasks, 7, NOW).await.unwrap().unwrap();
    assert_eq!(found.record, kept);
    assert!(store.swap(Shelf::Tasks, kept, Some(found.version), NOW).await.unwrap().is_some());
}

#[tokio::test]
async fn a_store_that_is_dropped_does_what_waits_and_gives_the_folder_back() {
    let (folder, store) = opened().await;
    let mut answers = Vec::new();
    for id in [1, 2] {
        let record = record(id, "user:ada", "x");
        let (job, answer) = job(move |connection, sealer| records::put(connection, sealer, Shelf::Tasks, &[record]));
        store.messages.send(Message::Run(job)).await.unwrap();
        answers.push(answer);
    }
    drop(store);
    let store = loop {
        match SqliteStore::open(&folder.data(), sealer(&[1])) {
            Ok(store) => break store,
            Err(OpenError::InUse(_)) => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(ids(&store, Shelf::Tasks).await, [1, 2]);
}

#[tokio::test]
async fn closing_waits_for_what_was_asked_before_and_refuses_what_comes_after() {
    let (folder, store) = opened().await;
    let puts = join_all((0..20).map(|id| store.put(Shelf::Tasks, vec![record(id, "user:ada", "x")])));
    let (kept, closed) = tokio::join!(puts, store.close());
    assert!(closed.is_ok() && kept.iter().all(Result::is_ok));
    assert_eq!(unavailable(store.purge(NOW).await), "it is closed");
    store.close().await.unwrap();
    assert_eq!(ids(&folder.open(sealer(&[1])).await, Shelf::Tasks).await.len(), 20);
}

#[tokio::test]
async fn of_a_put_all_records_are_kept_or_none_and_its_neighbours_are_not_touched() {
    let (_folder, store) = opened().await;
    say(
        &store,
        "CREATE TRIGGER refuse BEFORE INSERT ON records WHEN new.principal = 'refused' BEGIN SELECT RAISE(ABORT, 'refused'); END",
    )
    .await;
    let (release, released) = channel();
    let puts = async {
        let puts = [vec![1], vec![2, 666, 3], vec![4]].map(|ids| {
            let principal = |id| if id == 666 { "refused" } else { "user:ada" };
            store.put(Shelf::Tasks, ids.into_iter().map(|id| record(id, principal(id), "x")).collect())
        });
        // All three wait behind the one that holds the thread, so they are one batch.
        let (outcomes, ()) = tokio::join!(join_all(puts), async { drop(release) });
        outcomes
    };
    let (held, outcomes) = tokio::join!(hold(&store, released), puts);
    held.unwrap();
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(ids(&store, Shelf::Tasks).await, [1, 4]);
}

#[tokio::test]
async fn whether_it_works_is_asked_without_a_write_and_after_a_failure_with_one() {
    let (folder, store) = opened().await;
    let other = Connection::open(folder.file()).unwrap();
    let version = || other.pragma_query_value(None, "data_version", |row| row.get::<_, u64>(0)).unwrap();
    let quiet = version();
    store.ping().await.unwrap();
    assert_eq!(version(), quiet);
    say(&store, "PRAGMA max_page_count = 8").await;
    assert!(store.put(Shelf::Tasks, vec![record(1, "user:ada", &"x".repeat(100_000))]).await.is_err());
    let failed = version();
    store.ping().await.unwrap();
    let written = version();
    assert_ne!(written, failed, "a full disk takes it or not");
    store.ping().await.unwrap();
    assert_eq!(version(), written);
}

#[tokio::test]
async fn a_full_disk_is_a_clear_failure_and_the_store_goes_on_when_there_is_room() {
    let (folder, store) = opened().await;
    store.put(Shelf::Tasks, vec![record(1, "user:ada", "x")]).await.unwrap();
    say(&store, "PRAGMA max_page_count = 8").await;
    let big = record(2, "user:ada", &"x".repeat(100_000));
    let (full, small) = tokio::join!(store.put(Shelf::Tasks, vec![big.clone()]), store.all(Shelf::Tasks, NOW));
    assert!(unavailable(full).contains("the disk is full"));
    // It was in the same batch or in a later one.
    assert!(small.map_or_else(|error| matches!(error, StoreError::Unavailable(_)), |records| records.len() == 1));
    say(&store, "PRAGMA max_page_count = 1000000").await;
    store.put(Shelf::Tasks, vec![big]).await.unwrap();
    place_is_whole(&folder, store, &[1, 2]).await;
}

#[tokio::test]
async fn a_database_that_cannot_be_written_is_a_clear_failure() {
    let (_folder, store) = opened().await;
    store.put(Shelf::Tasks, vec![record(1, "user:ada", "x")]).await.unwrap();
    say(&store, "PRAGMA query_only = ON").await;
    assert!(unavailable(store.put(Shelf::Tasks, vec![record(2, "user:ada", "x")]).await).contains("cannot be written"));
}

#[tokio::test]
async fn a_database_that_another_program_holds_is_a_clear_failure_and_works_again_later() {
    let (folder, store) = opened().await;
    say(&store, "PRAGMA busy_timeout = 1").await;
    let other = Connection::open(folder.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let puts = join_all((0..3).map(|id| store.put(Shelf::Tasks, vec![record(id, "user:ada", "x")]))).await;
    for outcome in puts {
        assert!(unavailable(outcome).contains("another program holds it locked"));
    }
    other.execute_batch("ROLLBACK").unwrap();
    store.put(Shelf::Tasks, vec![record(7, "user:ada", "x")]).await.unwrap();
    assert_eq!(ids(&store, Shelf::Tasks).await, [7]);
}

#[tokio::test]
async fn an_operation_that_is_late_fails_and_is_not_done_behind_the_callers_back() {
    let (_folder, mut store) = opened().await;
    store.put(Shelf::Tasks, vec![record(7, "user:ada", "x")]).await.unwrap();
    store.deadline = Duration::from_millis(20);
    let (release, released) = channel();
    let (held, taken) = tokio::join!(hold(&store, released), store.take(Shelf::Tasks, 7, "user:ada", NOW));
    assert!(unavailable(held).contains("no answer within") && unavailable(taken).contains("no answer within"));
    drop(release);
    store.deadline = OPERATION_DEADLINE;
    assert_eq!(ids(&store, Shelf::Tasks).await, [7]);
}

#[tokio::test]
async fn after_the_death_of_its_thread_the_store_is_unavailable_and_the_folder_free() {
    let (folder, store) = opened().await;
    store.put(Shelf::Tasks, vec![record(7, "user:ada", "x")]).await.unwrap();
    let death = store.run::<(), _>(|_, _| panic!("on purpose")).await;
    assert_eq!(unavailable(death), "it is closed");
    assert_eq!(unavailable(store.all(Shelf::Tasks, NOW).await), "it is closed");
    place_is_whole(&folder, store, &[7]).await;
}

async fn place_is_whole(folder: &Folder, store: SqliteStore, expected: &[u128]) {
    store.close().await.unwrap();
    let store = folder.open(sealer(&[1])).await;
    let check = |connection: &Connection, _: &Sealer| {
        Ok(connection.pragma_query_value(None, "integrity_check", |row| row.get::<_, String>(0)).unwrap())
    };
    assert_eq!(store.run(check).await.unwrap(), "ok");
    assert_eq!(ids(&store, Shelf::Tasks).await, expected);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_refused_and_not_touched() {
    let (folder, store) = opened().await;
    store.close().await.unwrap();
    Connection::open(folder.file()).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let before = fs::read(folder.file()).unwrap();
    let refusal = folder.refusal();
    assert!(refusal.contains("newer tickgate (schema 999"), "{refusal}");
    assert!(before == fs::read(folder.file()).unwrap());
}

#[tokio::test]
async fn a_damaged_database_is_a_clear_failure() {
    let (folder, store) = opened().await;
    let records = (0..200).map(|id| record(id, "user:ada", &"x".repeat(3_000))).collect();
    store.put(Shelf::Tasks, records).await.unwrap();
    store.close().await.unwrap();
    let mut bytes = fs::read(folder.file()).unwrap();
    let middle = 8_192..bytes.len() - 8_192;
    bytes[middle].fill(0xff);
    fs::write(folder.file(), &bytes).unwrap();
    let store = folder.open(sealer(&[1])).await;
    assert!(unavailable(store.all(Shelf::Tasks, NOW).await).contains("damaged"));
    store.close().await.unwrap();
    fs::write(folder.file(), "this is no database, ".repeat(500)).unwrap();
    let refusal = folder.refusal();
    assert!(refusal.contains("tickgate.db") && refusal.contains("restore a backup"), "{refusal}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_a_clear_error() {
    let folder = Folder::new();
    fs::write(folder.0.path().join("deep"), "a file").unwrap();
    let refusal = folder.refusal();
    assert!(refusal.contains("DATA_DIR") && refusal.contains("deep/data") && refusal.contains("may write"), "{refusal}");
}

/// The variable that tells [`the_process_that_is_killed`] where to write.
const CRASH_FOLDER: &str = "TICKGATE_TEST_CRASH_FOLDER";

/// Not a test: the process that the next one kills. It says what was answered, and goes on until it dies.
#[tokio::test]
#[ignore = "the other half of what_was_answered_survives_kill_9"]
async fn the_process_that_is_killed() {
    let Ok(folder) = std::env::var(CRASH_FOLDER) else { return };
    let store = SqliteStore::open(Path::new(&folder), sealer(&[1])).unwrap();
    let first = ids(&store, Shelf::Tasks).await.last().map_or(0, |last| last + 1);
    for start in (first..).step_by(10) {
        let put = |id| store.put(Shelf::Tasks, vec![record(id, "user:ada", "x"), record(id, "user:ada", "y")]);
        let said = |id| {
            let put = put(id);
            async move {
                put.await.unwrap();
                writeln!(std::io::stdout(), "\nanswered {id}").unwrap();
            }
        };
        join_all((start..start + 10).map(said)).await;
    }
}

#[tokio::test]
async fn what_was_answered_survives_kill_9() {
    let folder = Folder::new();
    let mut answered: Vec<u128> = Vec::new();
    for _ in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "storage::sqlite::tests::the_process_that_is_killed", "--ignored", "--nocapture"])
            .env(CRASH_FOLDER, folder.data())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let before = answered.len();
        for id in lines.filter_map(|line| line.strip_prefix("answered ")?.parse().ok()) {
            answered.push(id);
            if answered.len() == before + 107 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(answered.len() >= before + 107, "it was killed while it worked");
        let store = folder.open(sealer(&[1])).await;
        let kept = ids(&store, Shelf::Tasks).await;
        let lost: Vec<_> = answered.iter().filter(|id| !kept.contains(id)).collect();
        assert!(lost.is_empty(), "{lost:?}");
        place_is_whole(&folder, store, &kept).await;
    }
}
