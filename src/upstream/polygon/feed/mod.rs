//! The socket to the vendor's WebSocket feed, over `awc`: opened in time, frames bounded in size, fragments joined, pings answered.
//!
//! `socket`: its two halves; `metered`: no more is read than a message may have.
//!
//! The key is sent as a message, only to the configured host, and stands in no address and no log.

mod metered;
mod socket;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use awc::error::{SendRequestError, WsClientError};
use awc::http::header::{HeaderValue, USER_AGENT};
use awc::http::{StatusCode, Version};
use futures_util::StreamExt as _;
use secrecy::SecretString;
use tickgate_core::market::Market;
use tickgate_core::ports::{FeedConnector, FeedLink, PortFuture, UpstreamError, UpstreamErrorKind};
use url::Url;

use super::Plan;
use metered::{Meter, Metered};
use socket::{Reader, Writer};

/// Where the vendor's feed in real time is, and the one that is 15 minutes late; the wrong one for a plan refuses its key.
const REAL_TIME: &str = "wss://socket.massive.com";
const DELAYED: &str = "wss://delayed.massive.com";

/// Largest message, whole or in fragments. The library's own limit of 64 KiB is less than a busy second of a large subscription.
pub(super) const MAX_MESSAGE_BYTES: usize = 8 << 20;

/// What may be read beyond one message before it was found whole: its head, and what came with it.
const SLACK_BYTES: usize = 1 << 20;

/// Longest wait for a connection, and again for its TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The vendor's feed for a plan; `None` when the plan has none.
#[must_use]
pub fn vendor_feed(plan: Plan) -> Option<Url> {
    let url = match plan {
        Plan::Free => return None,
        Plan::Starter | Plan::Developer => DELAYED,
        Plan::Advanced => REAL_TIME,
    };
    Some(url.parse().expect("the vendor's address is a URL"))
}

/// Opens sockets to one host with one key. It stays on its thread.
pub struct PolygonFeed {
    base: String,
    key: SecretString,
    http: awc::Client,
}

impl fmt::Debug for PolygonFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolygonFeed").finish_non_exhaustive()
    }
}

impl PolygonFeed {
    /// A connector for this thread. `base`: a ws or wss URL; the market becomes the last part of its path.
    #[must_use]
    pub fn new(base: &Url, key: SecretString) -> Self {
        let port = base.port().map_or_else(String::new, |port| format!(":{port}"));
        let host = base.host_str().unwrap_or_default();
        let base = format!("{}://{host}{port}{}", base.scheme(), base.path().trim_end_matches('/'));
        Self { base, key, http: http_client() }
    }
}

impl FeedConnector for PolygonFeed {
    fn connect(&self, market: Market) -> PortFuture<'_, Result<FeedLink, UpstreamError>> {
        let address = format!("{}/{}", self.base, market.as_str());
        Box::pin(async move {
            let request = self.http.ws(address).max_frame_size(MAX_MESSAGE_BYTES);
            let (_, socket) = Box::pin(request.connect()).await.map_err(|error| failure(&error))?;
            let meter = Meter::default();
            let socket = socket.into_map_io(|io| Metered::new(io, meter.clone(), MAX_MESSAGE_BYTES + SLACK_BYTES));
            let (sink, stream) = socket.split();
            let writer = Writer::new(sink, self.key.clone());
            Ok(FeedLink { reader: Box::new(Reader::new(stream, writer.sink(), meter)), writer: Box::new(writer) })
        })
    }
}

fn http_client() -> awc::Client {
    let connector =
        awc::Connector::new().max_http_version(Version::HTTP_11).timeout(CONNECT_TIMEOUT).handshake_timeout(CONNECT_TIMEOUT);
    awc::Client::builder()
        .connector(connector)
        .disable_redirects()
        .timeout(CONNECT_TIMEOUT * 2)
        .add_default_header((USER_AGENT, HeaderValue::from_static(concat!("tickgate/", env!("CARGO_PKG_VERSION")))))
        .finish()
}

/// Words a failure without what the library says: that names addresses.
fn failure(error: &WsClientError) -> UpstreamError {
    let (kind, text) = match error {
        WsClientError::InvalidResponseStatus(StatusCode::UNAUTHORIZED) => {
            (UpstreamErrorKind::Auth, "the feed refuses the connection: it wants another key")
        }
        WsClientError::InvalidResponseStatus(StatusCode::FORBIDDEN) => {
            (UpstreamErrorKind::NotEntitled, "the feed refuses the connection: the plan does not include it")
        }
        WsClientError::InvalidResponseStatus(StatusCode::TOO_MANY_REQUESTS) => {
            (UpstreamErrorKind::RateLimited, "the feed refuses the connection: there were too many")
        }
        WsClientError::SendRequest(SendRequestError::Timeout) => (UpstreamErrorKind::Timeout, "the feed did not answer in time"),
        WsClientError::SendRequest(SendRequestError::Connect(_)) => {
            (UpstreamErrorKind::Unavailable, "no connection to the feed: check MASSIVE_WS_URL and the network")
        }
        _ => (UpstreamErrorKind::Unavailable, "the feed does not speak WebSocket there: check MASSIVE_WS_URL"),
    };
    UpstreamError::new(kind, text)
}
