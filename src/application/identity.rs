//! Who is known: read from the store at the start, followed while the gateway runs, told to the store and the audit log.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tickgate_actors::Clock;
use tickgate_core::identity::HashKeys;
use tickgate_core::ports::{Seal, Store};
use tokio::sync::oneshot;

use super::parts::Kept;
use crate::http::KEY_LINK;
use crate::identity::{
    AuditMetrics, AuditQueue, AuditWriter, Directory, KeyLinks, KeyService, LinkParts, follow, write_last_uses, write_uses,
};
use crate::sealing::hash_keys;
use crate::settings::{AuthMode, Settings};
use crate::storage::data_keys;

/// How long the end of the process waits for the last rows of the audit log.
const LAST_ROWS: Duration = Duration::from_secs(5);

/// Who is known, and what keeps it so.
pub(super) struct Identity {
    pub(super) directory: Directory,
    pub(super) keys: KeyService,
    pub(super) audit: AuditWriter,
    pub(super) hashing: HashKeys,
    store: Arc<dyn Store>,
    queue: AuditQueue,
    latest: u64,
    pub(super) clock: Clock,
}

impl Identity {
    /// Reads who is known.
    ///
    /// # Errors
    /// When the store cannot be read, or nobody could ever come in.
    pub(super) async fn load(settings: &Settings, kept: &Kept, registry: &prometheus::Registry) -> anyhow::Result<Self> {
        let clock = Clock::start();
        let hashing = hash_keys(&data_keys(settings)?)?;
        let loaded = Directory::load(kept.store.as_ref(), clock).await;
        let (directory, latest) = loaded.context("the API keys and people that the store keeps cannot be read")?;
        let nobody = settings.access.mode == AuthMode::Required
            && !settings.access.has_credentials()
            && !directory.has_good_key(clock.now());
        anyhow::ensure!(
            !nobody,
            "AUTH=required but no credential is configured, so nobody could get in: set MCP_API_KEYS, JWT_SECRET_KEY or \
             GOOGLE_CLIENT_ID, or make a key with `tickgate keys create`"
        );
        let store = Arc::clone(&kept.store);
        let (audit, queue) =
            AuditWriter::new(kept.database.audit(), Arc::clone(&store), AuditMetrics::register(registry)?, clock);
        let keys = KeyService::new(Arc::clone(&store), directory.clone(), audit.clone(), hashing.clone(), clock);
        Ok(Self { directory, keys, audit, hashing, store, queue, latest, clock })
    }

    /// The links under which keys are shown, at this gateway's address.
    pub(super) fn key_links(&self, seal: &Arc<dyn Seal>, public_url: &str) -> KeyLinks {
        let parts = LinkParts {
            store: Arc::clone(&self.store),
            seal: Arc::clone(seal),
            keys: self.keys.clone(),
            directory: self.directory.clone(),
            audit: self.audit.clone(),
            clock: self.clock,
        };
        KeyLinks::new(parts, format!("{public_url}{KEY_LINK}"))
    }

    /// Follows the store and tells it, until [`Following::end`].
    pub(super) fn run(self) -> Following {
        let Self { directory, audit, store, queue, latest, clock, .. } = self;
        let (stop, stopped) = oneshot::channel::<()>();
        let tasks = [
            actix_rt::spawn(follow(directory.clone(), Arc::clone(&store), latest, clock)),
            actix_rt::spawn(write_uses(directory.clone(), Arc::clone(&store), audit.clone(), clock)),
        ];
        let rows = actix_rt::spawn(queue.run_until(async {
            let _ = stopped.await;
        }));
        Following { tasks, rows, stop, directory, audit, store, clock }
    }
}

/// What runs beside the server.
pub(super) struct Following {
    tasks: [actix_rt::task::JoinHandle<()>; 2],
    rows: actix_rt::task::JoinHandle<()>,
    stop: oneshot::Sender<()>,
    directory: Directory,
    audit: AuditWriter,
    store: Arc<dyn Store>,
    clock: Clock,
}

impl Following {
    /// Tells the store and the log what they do not know yet, and ends.
    pub(super) async fn end(self) {
        for task in self.tasks {
            task.abort();
        }
        let last = async {
            write_last_uses(&self.directory, self.store.as_ref(), &self.audit, self.clock).await;
            let _ = self.stop.send(());
            let _ = self.rows.await;
        };
        if tokio::time::timeout(LAST_ROWS, last).await.is_err() {
            tracing::error!("the audit log did not take its last rows in time");
        }
    }
}
