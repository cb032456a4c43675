//! From where may a document be fetched, and how?
//!
//! Whoever names a document chooses where we connect (peers.md §5 no. 25). So the name is resolved once, every address of the
//! answer must be public, and the connection goes to one of these very addresses: a name that says something else the second time
//! (DNS rebinding) is not asked a second time. No redirect is followed, nothing is sent but the request, and a small body is read
//! within one deadline. What came back is told to nobody but [`tickgate_core::identity::oauth::read_document`].

use std::net::SocketAddr;
use std::time::Duration;

use awc::http::header::{ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, USER_AGENT};
use awc::http::{StatusCode, Version};
use futures_util::StreamExt as _;
use tickgate_core::identity::oauth::{ClientUrl, MAX_DOCUMENT_BYTES, is_public};
use url::Url;

use super::{DocumentSettings, tls};

/// How long the whole may take, the name and the body included: a person waits for it.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long one address is tried.
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// Most addresses that are tried: of the two families one may not work.
const MAX_TRIED: usize = 2;

/// What was found.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) body: Vec<u8>,
    pub(super) cache_control: Option<String>,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchFault {
    #[error("its host has no address")]
    NoAddress,
    #[error("its host has an address that is not public")]
    NotPublic,
    #[error("nobody answers there")]
    Unreachable,
    #[error("it took longer than 5 s")]
    TooSlow,
    #[error("the answer was {0}, not 200")]
    Status(StatusCode),
    #[error("the answer is not application/json")]
    NotJson,
    #[error("the answer is larger than 5 KB")]
    TooLarge,
    #[error("the answer broke off")]
    BrokeOff,
}

impl FetchFault {
    /// What the person's page says. Of a host that is not public it says no more than of one that does not answer: the difference
    /// would tell what there is in our network.
    pub(super) const fn told(&self) -> &'static str {
        match self {
            Self::NoAddress | Self::NotPublic | Self::Unreachable | Self::TooSlow | Self::BrokeOff => {
                "the client's metadata document cannot be fetched"
            }
            Self::Status(_) => "the client's metadata document cannot be fetched: its address must answer 200 without a redirect",
            Self::NotJson => "the client's metadata document must be application/json",
            Self::TooLarge => "the client's metadata document is larger than 5 KB",
        }
    }
}

/// Fetches the document.
pub(super) async fn fetch(url: &ClientUrl, settings: &DocumentSettings) -> Result<Fetched, FetchFault> {
    tokio::time::timeout(DEADLINE, fetch_in_time(url, settings)).await.map_err(|_| FetchFault::TooSlow)?
}

async fn fetch_in_time(url: &ClientUrl, settings: &DocumentSettings) -> Result<Fetched, FetchFault> {
    let parsed = Url::parse(url.as_str()).map_err(|_| FetchFault::NoAddress)?;
    let (host, port) = (url.host(), parsed.port_or_known_default().unwrap_or(443));
    let exempt = settings.allowed_hosts.contains(&host);
    let found = tokio::net::lookup_host((host.as_str(), port)).await.map_err(|_| FetchFault::NoAddress)?;
    let addresses = may_be_asked(found.collect(), exempt)?;
    let mut fault = FetchFault::NoAddress;
    for address in addresses.into_iter().take(MAX_TRIED) {
        match ask(url, address, exempt).await {
            Err(FetchFault::Unreachable) => fault = FetchFault::Unreachable,
            settled => return settled,
        }
    }
    Err(fault)
}

/// All of the addresses, if every one is public: a name that has one of each kind is no honest client's.
fn may_be_asked(addresses: Vec<SocketAddr>, exempt: bool) -> Result<Vec<SocketAddr>, FetchFault> {
    if addresses.is_empty() {
        return Err(FetchFault::NoAddress);
    }
    let public = exempt || addresses.iter().all(|address| is_public(address.ip()));
    if public { Ok(addresses) } else { Err(FetchFault::NotPublic) }
}

async fn ask(url: &ClientUrl, address: SocketAddr, exempt: bool) -> Result<Fetched, FetchFault> {
    // A client of its own for each: a connection that is kept would be used again for a name without a look at its address.
    let connector = awc::Connector::new()
        .max_http_version(Version::HTTP_11)
        .timeout(CONNECT_DEADLINE)
        .handshake_timeout(CONNECT_DEADLINE)
        .rustls_0_23(tls::config(exempt));
    let http = awc::Client::builder().connector(connector).disable_redirects().timeout(DEADLINE).finish();
    let request = http
        .get(url.as_str())
        .address(address)
        .insert_header((ACCEPT, "application/json"))
        .insert_header((ACCEPT_ENCODING, "identity"))
        .insert_header((USER_AGENT, concat!("tickgate/", env!("CARGO_PKG_VERSION"))))
        .no_decompress();
    let mut response = request.send().await.map_err(|_| FetchFault::Unreachable)?;
    if response.status() != StatusCode::OK {
        return Err(FetchFault::Status(response.status()));
    }
    if !is_json(response.headers()) {
        return Err(FetchFault::NotJson);
    }
    let cache_control = response.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    while let Some(part) = response.next().await {
        let part = part.map_err(|_| FetchFault::BrokeOff)?;
        if body.len() + part.len() > MAX_DOCUMENT_BYTES {
            return Err(FetchFault::TooLarge);
        }
        body.extend_from_slice(&part);
    }
    Ok(Fetched { body, cache_control })
}

/// `application/json` or a type that is made of it, as it is: packed it could unfold to anything.
fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let json = media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"));
    json && headers.get(CONTENT_ENCODING).is_none_or(|encoding| encoding == "identity")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_25_one_address_that_is_not_public_spoils_a_name() {
        let at = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        assert_eq!(may_be_asked(at(&["93.184.216.34:443"]), false).unwrap().len(), 1);
        for inside in
            ["127.0.0.1:443", "10.1.2.3:443", "169.254.169.254:443", "[::1]:443", "[::ffff:127.0.0.1]:443", "[fd00::1]:443"]
        {
            assert!(matches!(may_be_asked(at(&[inside]), false), Err(FetchFault::NotPublic)), "{inside}");
            assert!(matches!(may_be_asked(at(&["93.184.216.34:443", inside]), false), Err(FetchFault::NotPublic)), "{inside}");
            assert!(may_be_asked(at(&[inside]), true).is_ok(), "{inside} is exempt");
        }
        assert!(matches!(may_be_asked(Vec::new(), true), Err(FetchFault::NoAddress)));
    }
}
