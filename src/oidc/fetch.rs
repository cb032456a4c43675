//! What does the provider say, within bounds? A question has one answer: no redirect is followed, nothing is tried twice.

use std::time::Duration;

use actix_rt::time::timeout;
use awc::error::PayloadError;
use awc::http::header::{ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, USER_AGENT};
use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

/// Longest wait for a whole answer: a person waits for it.
const DEADLINE: Duration = Duration::from_secs(5);
/// Longest wait for a connection, so that a host that is away is known before the person leaves.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest answer, in bytes: Google's documents have 2 KiB, an answer with tokens 4.
const MAX_BYTES: usize = 64 * 1024;

/// Asks the provider. One per worker: it never leaves the worker's thread.
pub struct ProviderClient(awc::Client);

/// A good answer.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// JSON, as far as its type says.
    pub body: Bytes,
    /// How long it may be kept, in seconds, if the provider says so.
    pub max_age_secs: Option<u64>,
}

/// Why there is no good answer. Names nothing of what came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Too late.
    #[error("no whole answer within {} s", DEADLINE.as_secs())]
    Timeout,
    /// No connection, or one that broke.
    #[error("the connection failed")]
    Connection,
    /// Another status than 200.
    #[error("status {0}")]
    Status(u16),
    /// More bytes than an answer has.
    #[error("the answer is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// Not JSON.
    #[error("the answer is not JSON")]
    NotJson,
}

impl Default for ProviderClient {
    fn default() -> Self {
        Self::new()
    }
}

impl ProviderClient {
    /// A client for the thread that it is made on.
    #[must_use]
    pub fn new() -> Self {
        let connector = awc::Connector::new().timeout(CONNECT_TIMEOUT).handshake_timeout(CONNECT_TIMEOUT);
        let http = awc::Client::builder()
            .connector(connector)
            // The address was checked; where it sends us on to was not.
            .disable_redirects()
            .disable_timeout()
            .add_default_header((ACCEPT, "application/json"))
            .add_default_header((ACCEPT_ENCODING, "identity"))
            .add_default_header((USER_AGENT, concat!("tickgate/", env!("CARGO_PKG_VERSION"))))
            .finish();
        Self(http)
    }

    /// Fetches a document.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn get(&self, url: &Url) -> Result<Fetched, FetchError> {
        self.ask(self.0.get(url.as_str()), String::new()).await
    }

    /// Sends a form, with HTTP Basic credentials if there are some.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn post(&self, url: &Url, form: String, basic: Option<(&str, &SecretString)>) -> Result<Fetched, FetchError> {
        let mut request = self.0.post(url.as_str()).insert_header((CONTENT_TYPE, "application/x-www-form-urlencoded"));
        if let Some((name, secret)) = basic {
            request = request.basic_auth(encoded(name), encoded(secret.expose_secret()));
        }
        self.ask(request, form).await
    }

    async fn ask(&self, request: awc::ClientRequest, body: String) -> Result<Fetched, FetchError> {
        // Questions are rare, and a kept connection that the provider has closed would fail one.
        let sending = Box::pin(async {
            let mut response = request.force_close().send_body(body).await.map_err(|_| FetchError::Connection)?;
            if response.status() != 200 {
                return Err(FetchError::Status(response.status().as_u16()));
            }
            if !is_json(response.headers()) {
                return Err(FetchError::NotJson);
            }
            let max_age_secs = max_age(response.headers());
            let body = response.body().limit(MAX_BYTES).await.map_err(|error| match error {
                PayloadError::Overflow => FetchError::TooLong,
                _ => FetchError::Connection,
            })?;
            Ok(Fetched { body, max_age_secs })
        });
        timeout(DEADLINE, sending).await.unwrap_or(Err(FetchError::Timeout))
    }
}

/// RFC 6749 §2.3.1: both are form-encoded before they are put together.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind == "application/jwk-set+json"
}

fn max_age(headers: &HeaderMap) -> Option<u64> {
    let said = headers.get(CACHE_CONTROL)?.to_str().ok()?;
    said.split(',').find_map(|part| part.trim().strip_prefix("max-age=")?.parse().ok())
}
