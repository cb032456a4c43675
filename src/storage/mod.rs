//! What survives a restart: the [`Store`](tickgate_core::ports::Store) port over SQLite, and the secrets of a development machine.
//!
//! Everything is in `DATA_DIR`, which belongs to one gateway at a time. Bodies are sealed under `DATA_ENCRYPTION_KEY`; shelves, ids,
//! principals and expiries are not.

mod folder;
mod health;
mod kept_secret;
mod sqlite;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use secrecy::SecretString;

pub use self::health::StoreHealth;
pub use self::kept_secret::kept_secret;
pub use self::sqlite::SqliteStore;

use crate::sealing::Sealer;
use crate::settings::{Environment, Settings};

/// The file of `DATA_DIR` with the data key of a development machine.
const KEPT_DATA_KEY: &str = "data-encryption-key";

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or a file in it cannot be made or written.
    #[error("DATA_DIR: {} cannot be used: {error}; name a folder that the gateway may write", path.display())]
    Unwritable {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Another gateway has it.
    #[error("DATA_DIR: another gateway is running on {}; give each gateway a folder of its own", .0.display())]
    InUse(PathBuf),
    /// The database is damaged, locked, or none of ours.
    #[error("the database {} cannot be opened: {problem}", path.display())]
    Database {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A later release has been here.
    #[error(
        "the database {} was written by a newer tickgate (schema {found}, this one knows 1 to {known}); run that one, or restore a backup",
        path.display()
    )]
    Newer {
        /// Its file.
        path: PathBuf,
        /// Its schema.
        found: usize,
        /// Our schema.
        known: usize,
    },
    /// There is no thread for it.
    #[error("the storage thread cannot be started: {0}")]
    NoThread(std::io::Error),
}

/// The keys that data is sealed with: `DATA_ENCRYPTION_KEY`, or in development one that is made once and kept in `DATA_DIR`.
///
/// # Errors
/// When there is none, or that of development cannot be kept.
pub fn data_keys(settings: &Settings) -> anyhow::Result<Vec<SecretString>> {
    let keys = &settings.storage.data_keys;
    if !keys.is_empty() {
        return Ok(keys.clone());
    }
    let environment = settings.listen.environment;
    anyhow::ensure!(environment == Environment::Development, "DATA_ENCRYPTION_KEY is needed when APP_ENV is {environment}");
    let folder = &settings.listen.data_dir;
    let kept = kept_secret(folder, KEPT_DATA_KEY);
    Ok(vec![kept.with_context(|| format!("DATA_DIR: the data key of development cannot be kept in {}", folder.display()))?])
}

/// Opens the store in `DATA_DIR`. Blocks for as long as the disk needs: for the start of the program.
///
/// # Errors
/// When the folder cannot be written or belongs to another gateway, or the database is damaged or too new.
pub fn open_store(settings: &Settings, sealer: Arc<Sealer>) -> anyhow::Result<SqliteStore> {
    Ok(SqliteStore::open(&settings.listen.data_dir, sealer)?)
}
