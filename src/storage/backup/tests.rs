//! A backup of either database comes back in either, whole or not at all.

use std::fs;
use std::path::PathBuf;

use tickgate_core::ports::{AuditEntry, AuditVerdict, Changes, Record, Shelf};

use super::*;
use crate::storage::tests::contract::{NOW, ids, record, sealer};
use crate::storage::tests::server::Server;
use crate::storage::tests::settings;
use crate::storage::{Database, open_store, open_store_beside};

/// A database of one kind, and a folder for files.
struct Place {
    folder: tempfile::TempDir,
    settings: Settings,
}

impl Place {
    fn new(kind: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = hex::encode((0..32).map(|i| i ^ 1).collect::<Vec<u8>>());
        let url = if kind == "postgres" { Server::shared().database() } else { String::new() };
        let settings = settings(&folder.path().join("data"), &[("DATABASE_URL", &url), ("DATA_ENCRYPTION_KEY", &key)]);
        Self { folder, settings }
    }

    fn open(&self) -> Database {
        open_store(&self.settings, sealer(&[1])).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("backup")
    }

    fn backup(&self) -> u64 {
        backup(&self.settings, &self.file(), false, NOW).unwrap()
    }

    fn restore(&self, file: &Path, force: bool) -> Result<Restored, String> {
        restore(&self.settings, &sealer(&[1]), file, force).map_err(|error| format!("{error:#}"))
    }
}

/// Something of every kind.
fn records() -> Vec<Record> {
    let odd = "user:'; DROP TABLE records; -- ü\n\"";
    let bodies = (0..700).map(|id| record(id, "user:ada", &"canary".repeat(id as usize % 40)));
    bodies.chain([Record { expires: Some(NOW.plus(5)), body: vec![0, 255].into(), ..record(u128::MAX, odd, "") }]).collect()
}

async fn fill(database: &Database) {
    for shelf in [Shelf::Users, Shelf::Tasks] {
        database.store().put(shelf, records()).await.unwrap();
    }
    let entry = |n| AuditEntry { at: NOW.plus(n), body: "canary".into() };
    database.audit().append((0..20).map(entry).collect()).await.unwrap();
    database.audit().purge_before(NOW.plus(5)).await.unwrap();
}

async fn is_filled(database: &Database) {
    for shelf in [Shelf::Users, Shelf::Tasks] {
        let mut found = database.store().all(shelf, NOW).await.unwrap();
        found.sort_unstable_by_key(|record| record.id);
        assert!(found == records(), "{shelf:?}");
    }
    assert_eq!(database.audit().verify().await, Ok(AuditVerdict::Whole { rows: Some((6, 20)) }));
}

async fn from_to(from: &str, to: &str) {
    let (from, to) = (Place::new(from), Place::new(to));
    let running = from.open();
    fill(&running).await;
    assert_eq!(from.backup(), 2 * 701 + 15 + 2, "while the gateway runs");
    assert_eq!(to.restore(&from.file(), false), Ok(Restored { records: 2 * 701, unreadable: 0, audit_rows: 15 }));
    let restored = to.open();
    is_filled(&restored).await;
    is_filled(&running).await;
    assert_eq!(restored.audit().append(vec![AuditEntry { at: NOW, body: "x".into() }]).await, Ok(Some(21)));
}

#[tokio::test]
async fn a_backup_of_sqlite_comes_back_in_sqlite() {
    from_to("sqlite", "sqlite").await;
}

#[tokio::test]
async fn a_backup_of_sqlite_comes_back_in_postgres() {
    from_to("sqlite", "postgres").await;
}

#[tokio::test]
async fn a_backup_of_postgres_comes_back_in_sqlite() {
    from_to("postgres", "sqlite").await;
}

#[tokio::test]
async fn a_backup_of_postgres_comes_back_in_postgres() {
    from_to("postgres", "postgres").await;
}

#[tokio::test]
async fn a_backup_shows_no_content_and_only_its_owner_may_read_it() {
    for kind in ["sqlite", "postgres"] {
        let place = Place::new(kind);
        fill(&place.open()).await;
        place.backup();
        let text = fs::read_to_string(place.file()).unwrap();
        assert!(text.contains("user:ada") && !text.contains("canary") && !text.contains("Y2FuYXJ5"));
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(place.file()).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(place.folder.path()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_file()).count(),
            1
        );
    }
}

#[tokio::test]
async fn what_is_there_is_overwritten_only_when_that_is_said() {
    for kind in ["sqlite", "postgres"] {
        let place = Place::new(kind);
        let database = place.open();
        fill(&database).await;
        place.backup();
        let again = backup(&place.settings, &place.file(), false, NOW).unwrap_err().to_string();
        assert!(again.contains("is there already") && again.contains("--force"), "{again}");
        database.store().put(Shelf::Users, vec![record(7_000, "user:eve", "x")]).await.unwrap();
        let changes = database.store().changes_since(None).await.unwrap();
        let Changes::Behind { latest } = changes else { panic!("{changes:?}") };
        database.close().await.unwrap();
        let refused = place.restore(&place.file(), false).unwrap_err();
        assert!(refused.contains("not empty") && refused.contains("--force"), "{refused}");
        place.restore(&place.file(), true).unwrap();
        let database = place.open();
        is_filled(&database).await;
        let told = database.store().changes_since(Some(latest)).await.unwrap();
        assert!(matches!(told, Changes::Behind { latest: next } if next > latest), "who has read before reads again: {told:?}");
        assert_eq!(backup(&place.settings, &place.file(), true, NOW).unwrap(), 2 * 701 + 15 + 2);
    }
}

#[tokio::test]
async fn while_a_gateway_runs_nothing_is_restored() {
    for (kind, problem) in [("sqlite", "another gateway is running"), ("postgres", "a gateway or another command uses")] {
        let place = Place::new(kind);
        let running = place.open();
        fill(&running).await;
        place.backup();
        let refused = place.restore(&place.file(), true).unwrap_err();
        assert!(refused.contains(problem) && refused.contains("nothing was restored"), "{refused}");
        is_filled(&running).await;
        running.close().await.unwrap();
        place.restore(&place.file(), true).unwrap();
    }
}

#[tokio::test]
async fn a_damaged_file_is_refused_whole_and_what_was_there_stays() {
    for kind in ["sqlite", "postgres"] {
        let (from, place) = (Place::new("sqlite"), Place::new(kind));
        let database = from.open();
        fill(&database).await;
        database.store().put(Shelf::Users, vec![record(7_000, "user:eve", "x")]).await.unwrap();
        from.backup();
        let database = place.open();
        fill(&database).await;
        database.close().await.unwrap();
        let good = fs::read_to_string(from.file()).unwrap();
        let lines: Vec<&str> = good.lines().collect();
        let (last, middle) = (lines.len() - 1, lines.len() / 2);
        let without = |left_out: usize| {
            let kept: Vec<&str> = lines.iter().enumerate().filter(|(n, _)| *n != left_out).map(|(_, line)| *line).collect();
            kept.join("\n") + "\n"
        };
        let damaged = [
            (String::new(), "no backup"),
            ("{}\n".to_owned(), "no backup"),
            ("not json\n".repeat(3), "no backup"),
            (good.replacen("\"version\":1", "\"version\":2", 1), "newer tickgate"),
            (good.replacen("user:ada", "user:eve", 1), "checksum"),
            (without(middle), "checksum"),
            (without(last), "cut off"),
            (good[..good.len() / 2].to_owned(), "cut off"),
            (good[..good.len() - 1].to_owned(), "cut off"),
            (good.replacen(lines[middle], "{\"record\":{}}", 1), "damaged at line"),
            (format!("{good}\n"), "goes on after its end"),
            (format!("{good}{good}"), "goes on after its end"),
        ];
        for (text, problem) in damaged {
            fs::write(place.file(), text).unwrap();
            let refused = place.restore(&place.file(), true).unwrap_err();
            assert!(refused.contains(problem), "{problem}: {refused}");
        }
        is_filled(&place.open()).await;
    }
}

#[tokio::test]
async fn under_another_key_nothing_is_restored_unless_that_is_said() {
    for kind in ["sqlite", "postgres"] {
        let place = Place::new(kind);
        let database = open_store(&place.settings, sealer(&[5])).unwrap();
        database.store().put(Shelf::Users, vec![record(1, "user:ada", "x")]).await.unwrap();
        place.backup();
        database.close().await.unwrap();
        let fresh = Place::new(kind);
        let refused = fresh.restore(&place.file(), false).unwrap_err();
        assert!(refused.contains("DATA_ENCRYPTION_KEY opens none of the 1 records"), "{refused}");
        assert_eq!(fresh.restore(&place.file(), true).unwrap().unreadable, 1);
        assert_eq!(ids(&*open_store_beside(&fresh.settings, sealer(&[5])).unwrap().store(), Shelf::Users).await, [1]);
    }
}

#[test]
fn a_backup_that_cannot_be_made_leaves_no_file() {
    let place = Place::new("sqlite");
    let missing = backup(&place.settings, &place.file(), false, NOW).unwrap_err().to_string();
    assert!(missing.contains("no database"), "{missing}");
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 0);
    let nowhere = backup(&place.settings, &place.folder.path().join("nowhere/backup"), false, NOW).unwrap_err();
    assert!(format!("{nowhere:#}").contains("nowhere/backup cannot be written"), "{nowhere:#}");
}
