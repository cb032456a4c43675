//! The database file: how it is opened, which schema it has, what its errors mean.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tickgate_core::ports::StoreError;

use crate::storage::OpenError;
use crate::storage::folder::{self, FolderLock};

/// The name of the file in `DATA_DIR`.
const FILE: &str = "tickgate.db";
/// How long a lock of another process (a command, a backup) is waited for: well within an operation's deadline.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// The log that a burst has blown up is cut back to this at the next checkpoint.
const LOG_BYTES: u64 = 64 << 20;
/// The schema, step by step. What has been released is never changed: a change is a step more.
const MIGRATIONS: &[&str] =
    &[include_str!("../migrations/0001_records.sql"), include_str!("../migrations/0002_changes_and_audit.sql")];
/// How often a command looks whether the gateway that starts beside it has brought the schema up to date.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Where the database of a folder is.
pub(in crate::storage) fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Opens the database of a folder, made and brought to our schema as needed. The caller holds the folder.
pub(super) fn open(folder: &Path) -> Result<Connection, OpenError> {
    let mut connection = connect(folder)?;
    let found = schema(&connection, folder)?;
    migrate(&mut connection, found).map_err(|error| failed(folder, &error))?;
    Ok(connection)
}

/// Opens it for who does not hold the folder. The schema is changed only while no gateway runs.
pub(super) fn open_beside(folder: &Path) -> Result<Connection, OpenError> {
    folder::create(folder).map_err(|error| OpenError::Unwritable { path: folder.to_owned(), error })?;
    let mut connection = connect(folder)?;
    let begun = Instant::now();
    loop {
        let found = schema(&connection, folder)?;
        if found == MIGRATIONS.len() {
            return Ok(connection);
        }
        match FolderLock::take(folder) {
            Ok(_lock) => {
                let found = schema(&connection, folder)?;
                migrate(&mut connection, found).map_err(|error| failed(folder, &error))?;
            }
            Err(OpenError::InUse(_)) if begun.elapsed() < BUSY_TIMEOUT => std::thread::park_timeout(LOOK_AGAIN),
            Err(OpenError::InUse(folder)) => return Err(OpenError::Older(folder)),
            Err(error) => return Err(error),
        }
    }
}

fn connect(folder: &Path) -> Result<Connection, OpenError> {
    let path = path(folder);
    // SQLite gives its other files the mode of this one.
    folder::private_file(&path).map_err(|error| OpenError::Unwritable { path: path.clone(), error })?;
    let connection = Connection::open(&path).map_err(|error| failed(folder, &error))?;
    let begun = Instant::now();
    loop {
        match configure(&connection) {
            Ok(()) => return Ok(connection),
            // Of two that make a new database at once, one is told so without the wait that it asked for.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && begun.elapsed() < BUSY_TIMEOUT => {
                std::thread::park_timeout(LOOK_AGAIN);
            }
            Err(error) => return Err(failed(folder, &error)),
        }
    }
}

/// How far the schema is; that of a later release is refused.
fn schema(connection: &Connection, folder: &Path) -> Result<usize, OpenError> {
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(|error| failed(folder, &error))?;
    if found > MIGRATIONS.len() {
        return Err(OpenError::Newer { at: path(folder).display().to_string(), found, known: MIGRATIONS.len() });
    }
    Ok(found)
}

fn failed(folder: &Path, error: &rusqlite::Error) -> OpenError {
    OpenError::Database { at: path(folder).display().to_string(), problem: problem(error) }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // With WAL, FULL alone makes a commit survive the loss of power; on macOS the disk must be told as well.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)
}

/// Each step with its number in one transaction: a step that was cut off is done again.
fn migrate(connection: &mut Connection, found: usize) -> rusqlite::Result<()> {
    for (step, sql) in MIGRATIONS.iter().enumerate().skip(found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", step + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Writes what is there already, to learn whether the disk takes it.
pub(super) fn write_something(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "user_version", MIGRATIONS.len()).map_err(|error| unavailable(&error))
}

/// The store's error for one of the database.
pub(super) fn unavailable(error: &rusqlite::Error) -> StoreError {
    StoreError::Unavailable(problem(error))
}

/// What an error means to who runs the gateway. Values are bound, so no text of SQLite's shows one.
pub(super) fn problem(error: &rusqlite::Error) -> String {
    let hint = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => "its files cannot be written",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another program holds it locked",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => "the file is damaged or no database: restore a backup",
        Some(ErrorCode::SystemIoFailure) => "the disk failed",
        _ => return error.to_string(),
    };
    format!("{hint} ({error})")
}
