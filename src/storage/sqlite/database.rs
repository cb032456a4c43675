//! The database file: how it is opened, which schema it has, what its errors mean.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tickgate_core::ports::StoreError;

use crate::storage::{OpenError, folder};

/// The name of the file in `DATA_DIR`.
const FILE: &str = "tickgate.db";
/// How long a lock of another program (a backup) is waited for: well within an operation's deadline.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// The log that a burst has blown up is cut back to this at the next checkpoint.
const LOG_BYTES: u64 = 64 << 20;
/// The schema, step by step. What has been released is never changed: a change is a step more.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001_records.sql")];

/// Opens the database of a folder, made and brought to our schema as needed.
pub(super) fn open(folder: &Path) -> Result<Connection, OpenError> {
    let path = folder.join(FILE);
    // SQLite gives its other files the mode of this one.
    folder::private_file(&path).map_err(|error| OpenError::Unwritable { path: path.clone(), error })?;
    let failed = |error: rusqlite::Error| OpenError::Database { path: path.clone(), problem: problem(&error) };
    let mut connection = Connection::open(&path).map_err(failed)?;
    configure(&connection).map_err(failed)?;
    let found: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    if found > MIGRATIONS.len() {
        return Err(OpenError::Newer { path, found, known: MIGRATIONS.len() });
    }
    migrate(&mut connection, found).map_err(failed)?;
    Ok(connection)
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
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", step + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

/// The store's error for one of the database.
pub(super) fn unavailable(error: &rusqlite::Error) -> StoreError {
    StoreError::Unavailable(problem(error))
}

/// What an error means to who runs the gateway. Values are bound, so no text of SQLite's shows one.
fn problem(error: &rusqlite::Error) -> String {
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
