//! Which database it is, and how it is opened.

use std::sync::Arc;

use tickgate_core::ports::{AuditLog, Store, StoreError};

use super::{PostgresStore, SqliteStore};
use crate::sealing::Sealer;
use crate::settings::Settings;

/// The database that the settings name. Clones are the same.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file of `DATA_DIR`.
    Sqlite(Arc<SqliteStore>),
    /// The server of `DATABASE_URL`.
    Postgres(Arc<PostgresStore>),
}

impl Database {
    /// Its kind, for health checks and labels.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// Its records.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::<SqliteStore>::clone(store),
            Self::Postgres(store) => Arc::<PostgresStore>::clone(store),
        }
    }

    /// Its audit log.
    #[must_use]
    pub fn audit(&self) -> Arc<dyn AuditLog> {
        match self {
            Self::Sqlite(store) => Arc::<SqliteStore>::clone(store),
            Self::Postgres(store) => Arc::<PostgresStore>::clone(store),
        }
    }

    /// Does what waits and lets go of it. Later operations fail.
    ///
    /// # Errors
    /// When that takes longer than 10 s.
    pub async fn close(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }
}

/// Opens the database for a gateway. Blocks for as long as the disk or the server needs: for the start of the program.
///
/// # Errors
/// When the folder cannot be written or belongs to another gateway, the server cannot be reached in time, or the database is damaged or
/// too new.
pub fn open_store(settings: &Settings, sealer: Arc<Sealer>) -> anyhow::Result<Database> {
    Ok(match &settings.storage.database_url {
        Some(url) => Database::Postgres(Arc::new(PostgresStore::open(url, sealer)?)),
        None => Database::Sqlite(Arc::new(SqliteStore::open(&settings.listen.data_dir, sealer)?)),
    })
}

/// Opens it for a command, also while a gateway runs on it.
///
/// # Errors
/// As [`open_store`], but for another gateway; when that is of an older release.
pub fn open_store_beside(settings: &Settings, sealer: Arc<Sealer>) -> anyhow::Result<Database> {
    Ok(match &settings.storage.database_url {
        Some(url) => Database::Postgres(Arc::new(PostgresStore::open(url, sealer)?)),
        None => Database::Sqlite(Arc::new(SqliteStore::open_beside(&settings.listen.data_dir, sealer)?)),
    })
}
