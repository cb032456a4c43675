//! What is told of certificates: the test is a server over real TLS.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::doctor;
use crate::support::TestGateway;

/// Certificates for `localhost`: one for a hundred years, one that has expired.
const GOOD: &[u8] = include_bytes!("certificate-good.der");
const EXPIRED: &[u8] = include_bytes!("certificate-expired.der");

/// Shakes hands, and answers everything with 404.
fn server(certificate: &'static [u8]) -> SocketAddr {
    let key = PrivateKeyDer::Pkcs8(include_bytes!("certificate-key.der").to_vec().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_no_client_auth().with_single_cert(vec![CertificateDer::from(certificate)], key).unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            std::thread::spawn(move || {
                let mut stream = rustls::StreamOwned::new(connection, socket);
                if stream.read(&mut [0; 4_096]).is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
            });
        }
    });
    address
}

/// A file in which an authority stands.
fn authority(folder: &tempfile::TempDir, certificate: &[u8]) -> String {
    let file = folder.path().join("authority.pem");
    let text = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64_STANDARD.encode(certificate));
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_certificate_is_believed_only_from_an_authority_for_the_name_and_in_time() {
    let (good, expired) = (server(GOOD).port(), server(EXPIRED).port());
    let folder = tempfile::tempdir().unwrap();
    let ca = authority(&folder, GOOD);
    let told = doctor(&[&format!("https://localhost:{good}/mcp"), "--ca", &ca], &[]);
    told.must_say("ok", "certificate", "more days; TLSv1_3, HTTP/1.1");
    told.must_say("fail", "first request", "status 404");
    let told = doctor(&[&format!("https://localhost:{good}/mcp")], &[]);
    told.must_say("fail", "certificate", "an authority that clients do not know");
    let told = doctor(&[&format!("https://127.0.0.1:{good}/mcp"), "--ca", &ca], &[]);
    told.must_say("fail", "certificate", "for another name than 127.0.0.1");
    let ca = authority(&folder, EXPIRED);
    let told = doctor(&[&format!("https://localhost:{expired}/mcp"), "--ca", &ca], &[]);
    told.must_say("fail", "certificate", "has expired");
}

#[test]
fn http_and_https_that_were_mixed_up_are_told() {
    let secure = server(GOOD).port();
    let told = doctor(&[&format!("http://localhost:{secure}/mcp")], &[]);
    told.must_say("fail", "first request", "type https://");
    let plain = TestGateway::start();
    let told = doctor(&[&plain.url("/mcp").replace("http:", "https:")], &[]);
    told.must_say("fail", "certificate", "speaks no TLS");
}
