//! Does the database work? It is found out now and then, so that a health check takes no time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tickgate_core::ports::Store;

use super::Database;

/// How often it is looked at: an outage is told before an orchestrator has asked twice.
const INTERVAL: Duration = Duration::from_secs(2);

/// What is known of the database. Clones are the same.
#[derive(Clone, Debug)]
pub struct StoreHealth {
    kind: &'static str,
    available: Arc<AtomicBool>,
}

impl StoreHealth {
    /// Of a database that was just opened.
    #[must_use]
    pub fn of(database: &Database) -> Self {
        Self { kind: database.kind(), available: Arc::new(AtomicBool::new(true)) }
    }

    /// `sqlite` or `postgres`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Whether it worked when it was last looked at.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.available.load(Ordering::Relaxed)
    }

    /// Looks at it now and then, for ever, and logs when it goes and when it comes back.
    pub async fn watch(self, store: Arc<dyn Store>) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            let outcome = store.ping().await;
            let was_available = self.available.swap(outcome.is_ok(), Ordering::Relaxed);
            match outcome {
                Err(error) if was_available => tracing::error!(kind = self.kind, error = %error, "the store does not work"),
                Ok(()) if !was_available => tracing::info!(kind = self.kind, "the store works again"),
                _ => {}
            }
        }
    }
}
