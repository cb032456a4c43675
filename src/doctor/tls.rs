//! Whose certificate is it, is it believed, and how long is it good?

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, Error, InvalidMessage, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_cert::der::Decode as _;

/// What a handshake showed.
pub(super) struct Shaken {
    /// `TLSv1_3` and the like.
    pub(super) version: String,
    /// What the server would rather speak: `h2` or `http/1.1`.
    pub(super) protocol: Option<String>,
    /// The end of its certificate, in Unix seconds.
    pub(super) not_after: Option<u64>,
}

/// Believes the public authorities and these.
pub(super) fn config(more: &[CertificateDer<'static>]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(more.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("the provider has what TLS 1.2 and 1.3 need");
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Shakes hands as `host`; the error says what is wrong and what to do.
pub(super) async fn shake(socket: TcpStream, host: &str, config: &ClientConfig) -> Result<Shaken, (String, String)> {
    let mut config = config.clone();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|_| {
        (format!("{host} is no name that a certificate could have"), "write the host as its certificate does".to_owned())
    })?;
    let connected = Box::pin(TlsConnector::from(Arc::new(config)).connect(name, socket)).await;
    let stream = connected.map_err(|error| match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(error) => wrong(error, host),
        None => (format!("the handshake broke off: {error}"), "ask whoever runs the server or the proxy before it".to_owned()),
    })?;
    let (_, connection) = stream.get_ref();
    Ok(Shaken {
        version: connection.protocol_version().map_or_else(|| "TLS".to_owned(), |version| format!("{version:?}")),
        protocol: connection.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
        not_after: connection.peer_certificates().and_then(<[_]>::first).and_then(|certificate| not_after(certificate)),
    })
}

fn not_after(certificate: &CertificateDer<'_>) -> Option<u64> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    Some(certificate.tbs_certificate.validity.not_after.to_unix_duration().as_secs())
}

fn wrong(error: &Error, host: &str) -> (String, String) {
    let (seen, todo) = match error {
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            ("the certificate has expired".to_owned(), "renew it, and look at why that did not happen by itself")
        }
        Error::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            ("the certificate is not good yet".to_owned(), "set the clocks of both machines")
        }
        Error::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) => {
            (format!("the certificate is for another name than {host}"), "type the name that it is for, or get one for this name")
        }
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => (
            "the certificate comes from an authority that clients do not know".to_owned(),
            "get one from a public authority, send the whole chain, or name the authority with --ca FILE",
        ),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            ("what answers there speaks no TLS".to_owned(), "type http:// instead, or have the proxy end TLS on this port")
        }
        error => (format!("the handshake failed: {error}"), "ask whoever runs the server or the proxy before it"),
    };
    (seen, todo.to_owned())
}
