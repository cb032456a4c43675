//! What commands work with that look at people and keys: the database, also beside a running gateway, who is known in it, and its audit log.

use std::sync::Arc;

use tickgate_actors::Clock;
use tickgate_core::identity::HashKeys;
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::ports::StoreError;

use crate::identity::{AuditMetrics, AuditWriter, Directory, Happening, KeyService, PeopleService, Who};
use crate::sealing::{Sealer, hash_keys};
use crate::settings::{Settings, TelemetrySettings};
use crate::storage::{Database, data_keys, missing_database, open_store_beside};
use crate::telemetry::start_logs;

/// An open database.
pub(super) struct Desk {
    pub(super) database: Database,
    pub(super) audit: AuditWriter,
    hashing: HashKeys,
    clock: Clock,
}

impl Desk {
    /// Opens the database that the settings name.
    ///
    /// # Errors
    /// When there is none: what looks at people and keys must not make an empty one in the wrong folder and see nothing there.
    pub(super) fn open(settings: &Settings) -> anyhow::Result<Self> {
        if let Some(file) = missing_database(settings) {
            anyhow::bail!("there is no database {}: name the gateway's DATA_DIR or DATABASE_URL", file.display());
        }
        Self::open_or_make(settings)
    }

    /// The same, made if there is none: the first key may be there before the first start.
    pub(super) fn open_or_make(settings: &Settings) -> anyhow::Result<Self> {
        if let Some(file) = missing_database(settings) {
            eprintln!("a new database is made: {}", file.display());
        }
        // What cannot be read is told, or a wrong DATA_ENCRYPTION_KEY would look like an empty database.
        let warnings = TelemetrySettings { log_level: tracing::Level::WARN, log_to_stderr: true, ..settings.telemetry.clone() };
        start_logs(&warnings);
        let secrets = data_keys(settings)?;
        let (hashing, clock) = (hash_keys(&secrets)?, Clock::start());
        let database = open_store_beside(settings, Arc::new(Sealer::new(&secrets)?))?;
        let metrics = AuditMetrics::register(&prometheus::Registry::new())?;
        // Nothing waits in the queue: what a command does is written before it ends.
        let (audit, _queue) = AuditWriter::new(database.audit(), database.store(), metrics, clock);
        Ok(Self { database, audit, hashing, clock })
    }

    /// Its keys.
    pub(super) async fn keys(&self) -> anyhow::Result<KeyService> {
        let (store, directory) = (self.database.store(), self.directory().await?);
        Ok(KeyService::new(store, directory, self.audit.clone(), self.hashing.clone(), self.clock))
    }

    /// Its people. A running gateway forgets what it holds of those who are erased when it hears of it.
    pub(super) async fn people(&self) -> anyhow::Result<PeopleService> {
        let (store, directory) = (self.database.store(), self.directory().await?);
        Ok(PeopleService::new(store, directory, self.audit.clone(), None, self.clock))
    }

    /// Writes down what the operator did.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub(super) async fn tell(
        &self,
        action: AuditAction,
        target: &str,
        details: Vec<(&'static str, String)>,
    ) -> Result<(), StoreError> {
        let happening = Happening {
            who: Who::Operator,
            from: None,
            request_id: None,
            action,
            target: target.to_owned(),
            owner: None,
            outcome: Outcome::Done,
            details,
        };
        self.audit.write(&happening).await
    }

    async fn directory(&self) -> anyhow::Result<Directory> {
        Ok(Directory::load(self.database.store().as_ref(), self.clock).await?.0)
    }
}
