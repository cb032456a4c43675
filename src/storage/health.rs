//! Does the store do what it is asked? Found out again and again, so that whoever asks for the health waits for nothing.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{IntGauge, Registry};
use tickgate_core::ports::Store;

use super::Database;

/// How often it is tried: a disk that fills up is told within seconds. It costs no write, only the lock that a write needs.
const EVERY: Duration = Duration::from_secs(1);

/// Whether the store works. Clones share it.
#[derive(Clone, Debug)]
pub struct StoreHealth {
    up: IntGauge,
    kind: &'static str,
}

impl StoreHealth {
    /// A store that has just been opened, so it works. Adds its metric to the registry.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn register(database: &Database, registry: &Registry) -> prometheus::Result<Self> {
        let up = IntGauge::new("tickgate_store_up", "1 while the store does what it is asked.")?;
        up.set(1);
        registry.register(Box::new(up.clone()))?;
        Ok(Self { up, kind: database.kind() })
    }

    /// `sqlite` or `postgres`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Whether the last try failed.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.up.get() == 0
    }

    /// Tries the store, for ever. What fails and what works again is logged once.
    pub async fn watch(self, store: Arc<dyn Store>) {
        loop {
            self.hear(store.ping().await.map_err(|error| error.to_string()));
            tokio::time::sleep(EVERY).await;
        }
    }

    fn hear(&self, outcome: Result<(), String>) {
        let works = outcome.is_ok();
        match outcome {
            Ok(()) if self.is_failing() => tracing::info!("the store works again"),
            Err(error) if !self.is_failing() => {
                tracing::error!(%error, "the store fails: alerts, tasks and sessions are not kept")
            }
            _ => {}
        }
        self.up.set(works.into());
    }
}
