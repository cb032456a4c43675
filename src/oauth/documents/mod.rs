//! What does the metadata document of a client say, and is what was read a moment ago still good?

mod fetch;
mod tls;

use std::sync::Arc;

use moka::sync::Cache;
use tickgate_actors::Clock;
use tickgate_core::identity::oauth::{Client, ClientUrl, OAuthCode, OAuthError, cache_secs, read_document};
use tickgate_core::time::Millis;
use tokio::sync::Semaphore;

use fetch::{FetchFault, Fetched};

/// Most documents that are kept; the least used ones go first. Each has at most 5 KB.
const MAX_KEPT: u64 = 1_000;
/// Most documents that are fetched at once: whoever names documents makes us connect somewhere.
const MAX_FETCHES: usize = 8;

/// How documents are fetched.
#[derive(Clone, Debug, Default)]
pub struct DocumentSettings {
    /// Hosts that may have private addresses and a certificate of their own making (`CIMD_ALLOWED_HOSTS`, development only).
    pub allowed_hosts: Vec<String>,
}

/// Reads documents and keeps the good ones for a while. What is wrong is not kept: a client can mend it at once.
pub struct Documents {
    settings: DocumentSettings,
    kept: Cache<String, Arc<Kept>>,
    places: Semaphore,
    clock: Clock,
}

struct Kept {
    client: Client,
    until: Millis,
}

impl Documents {
    /// Fetches by these settings.
    #[must_use]
    pub fn new(settings: DocumentSettings, clock: Clock) -> Self {
        Self { settings, kept: Cache::new(MAX_KEPT), places: Semaphore::new(MAX_FETCHES), clock }
    }

    /// What a client called itself when its document was last read, if that is still at hand. Nothing is fetched.
    #[must_use]
    pub(super) fn last_name(&self, url: &ClientUrl) -> Option<String> {
        self.kept.get(url.as_str()).map(|kept| kept.client.name.clone())
    }

    /// The client whose document lies there.
    ///
    /// # Errors
    /// What a page tells the person, never a redirect: `invalid_client`, or that too many are fetched now.
    pub(super) async fn find(&self, url: &ClientUrl) -> Result<Client, OAuthError> {
        let now = self.clock.now();
        if let Some(kept) = self.kept.get(url.as_str()).filter(|kept| kept.until > now) {
            return Ok(kept.client.clone());
        }
        let busy = || OAuthError::told(OAuthCode::TemporarilyUnavailable, "too many client documents are fetched now: try again");
        let place = self.places.try_acquire().map_err(|_| busy())?;
        let fetched = fetch::fetch(url, &self.settings).await;
        drop(place);
        let Fetched { body, cache_control } = fetched.map_err(|fault| refused(url, &fault))?;
        let client = read_document(url, &body, now).map_err(|fault| {
            tracing::info!(client = %url, problem = %fault, "a client's metadata document is not believed");
            fault.told()
        })?;
        let until = now.plus(cache_secs(cache_control.as_deref()) * 1_000);
        self.kept.insert(url.as_str().to_owned(), Arc::new(Kept { client: client.clone(), until }));
        Ok(client)
    }
}

fn refused(url: &ClientUrl, fault: &FetchFault) -> OAuthError {
    tracing::info!(client = %url, problem = %fault, "a client's metadata document cannot be fetched");
    OAuthError::told(OAuthCode::InvalidClient, fault.told())
}

/// Shows what is kept by number only.
impl std::fmt::Debug for Documents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Documents").field("settings", &self.settings).finish_non_exhaustive()
    }
}
