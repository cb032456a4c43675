//! What survives a restart: the ports [`Store`] and [`AuditLog`] over SQLite and over PostgreSQL, backups of either, and the secrets of
//! a development machine.
//!
//! SQLite is a file of `DATA_DIR`, which belongs to one gateway at a time; PostgreSQL (`DATABASE_URL`) can belong to several. Bodies are
//! sealed under `DATA_ENCRYPTION_KEY`; shelves, ids, principals, times and hashes are not.

mod backup;
mod chain;
mod database;
mod folder;
mod health;
mod kept_secret;
mod postgres;
mod rows;
mod sqlite;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::Context as _;
use secrecy::SecretString;
#[cfg(doc)]
use tickgate_core::ports::{AuditLog, Store};

pub use self::backup::{Restored, backup, restore};
pub use self::database::{Database, open_store, open_store_beside};
pub use self::health::StoreHealth;
pub use self::kept_secret::kept_secret;
pub use self::postgres::{DatabaseUrl, PostgresStore};
pub use self::sqlite::SqliteStore;

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
    /// A gateway of an older release has it.
    #[error("DATA_DIR: an older tickgate is running on {}; stop it before a newer one touches its database", .0.display())]
    Older(PathBuf),
    /// The database is damaged, locked, away, or none of ours.
    #[error("the database {at} cannot be opened: {problem}")]
    Database {
        /// Where it is.
        at: String,
        /// What is wrong.
        problem: String,
    },
    /// A later release has been here.
    #[error(
        "the database {at} was written by a newer tickgate (schema {found}, this one knows 1 to {known}); run that one, or restore a backup"
    )]
    Newer {
        /// Where it is.
        at: String,
        /// Its schema.
        found: usize,
        /// Our schema.
        known: usize,
    },
    /// There is no thread for it.
    #[error("the storage thread cannot be started: {0}")]
    NoThread(std::io::Error),
}

/// The file of the embedded database, if that is what the settings name and it is not there yet.
#[must_use]
pub fn missing_database(settings: &Settings) -> Option<PathBuf> {
    let file = sqlite::file_of(&settings.listen.data_dir);
    (settings.storage.database_url.is_none() && !file.exists()).then_some(file)
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
