//! Clients that are known by a document on their own site: the test is that site, over real TLS.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use super::support::*;

/// A site over HTTPS with a certificate of its own making.
pub(crate) struct Site {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    /// Status line, further header lines, body.
    answer: Arc<Mutex<(String, String, Vec<u8>)>>,
}

impl Site {
    pub(crate) fn start() -> Self {
        let certificate = CertificateDer::from(include_bytes!("site-certificate.der").to_vec());
        let key = PrivateKeyDer::Pkcs8(include_bytes!("site-key.der").to_vec().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let site = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            answer: Arc::new(Mutex::new(("200 OK".to_owned(), String::new(), Vec::new()))),
        };
        let (asked, answer) = (Arc::clone(&site.asked), Arc::clone(&site.answer));
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let Ok(socket) = socket else { return };
                let Ok(connection) = rustls::ServerConnection::new(Arc::clone(&config)) else { return };
                let mut stream = rustls::StreamOwned::new(connection, socket);
                let mut head = [0; 4_096];
                if stream.read(&mut head).is_err() {
                    continue;
                }
                asked.fetch_add(1, Ordering::SeqCst);
                let (status, headers, body) = answer.lock().unwrap().clone();
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).and_then(|()| stream.flush());
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        });
        site
    }

    pub(crate) fn client(&self) -> String {
        format!("https://localhost:{}/client.json", self.address.port())
    }

    fn says(&self, status: &str, headers: &str, body: impl Into<Vec<u8>>) {
        *self.answer.lock().unwrap() = (status.to_owned(), headers.to_owned(), body.into());
    }

    pub(crate) fn serves(&self, document: &Value) {
        self.says("200 OK", "Content-Type: application/json\r\n", document.to_string());
    }

    fn document(&self) -> Value {
        json!({"client_id": self.client(), "client_name": "A site's client", "redirect_uris": [REDIRECT]})
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

const ALLOWED: [(&str, &str); 1] = [("CIMD_ALLOWED_HOSTS", "localhost")];

#[test]
fn a_client_with_a_document_needs_no_registration_and_its_document_is_kept_for_a_while() {
    let (gateway, site) = (gateway(&ALLOWED), Site::start());
    site.serves(&site.document());
    let mut browser = Browser::of(&gateway, "ada");
    let page = browser.get(&asking(&site.client(), &[])).text();
    assert!(page.contains("A site&#39;s client") && page.contains("It is described at localhost."), "{page}");
    let code = code(&mut browser, &site.client());
    let tokens = exchange(&gateway, &site.client(), &code, &[]).json();
    assert_eq!(calls(&gateway, &text(&tokens, "access_token")), 200);
    assert_eq!(refresh(&gateway, &site.client(), &text(&tokens, "refresh_token"), &[]).status, 200);
    assert_eq!(site.asked(), 1, "for two pages, a code and two tokens");
}

#[test]
fn what_a_document_may_not_say_is_told_on_a_page_and_looked_at_again_at_once() {
    let (gateway, site) = (gateway(&ALLOWED), Site::start());
    let mut browser = Browser::of(&gateway, "ada");
    let mut ask = || {
        let answer = browser.get(&asking(&site.client(), &[]));
        assert_eq!(answer.header("location"), None);
        answer.status
    };
    let wrong = [
        json!({"client_id": "https://other.example/client.json", "client_name": "x", "redirect_uris": [REDIRECT]}),
        json!({"client_id": site.client(), "client_name": "x", "redirect_uris": ["javascript:alert(1)"]}),
        json!({"client_id": site.client(), "client_name": "x", "redirect_uris": [REDIRECT], "client_secret": "no"}),
        json!({"client_id": site.client(), "client_name": "x"}),
        json!([]),
        // A good one, of a client that has another address.
        json!({"client_id": site.client(), "client_name": "x", "redirect_uris": ["https://elsewhere.example/cb"]}),
    ];
    for (count, document) in wrong.iter().enumerate() {
        site.serves(document);
        assert_eq!((ask(), site.asked()), (400, count + 1), "{document}");
    }
}

#[test]
fn attack_25_a_document_is_fetched_from_no_private_address() {
    let (gateway, site) = (gateway(&[]), Site::start());
    site.serves(&site.document());
    let mut browser = Browser::of(&gateway, "ada");
    let port = site.address.port();
    for host in ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "10.0.0.1"] {
        let client = format!("https://{host}:{port}/client.json");
        let answer = browser.get(&asking(&client, &[]));
        assert_eq!((answer.status, answer.header("location")), (400, None), "{client}");
    }
    assert_eq!(site.asked(), 0, "not even a connection");
    for spelled in
        ["https://2130706433/c", "https://0x7f.1/c", "https://LOCALHOST/c", "http://localhost/c", "https://a.example/../c"]
    {
        assert_eq!(browser.get(&asking(spelled, &[])).status, 400, "{spelled}");
    }
}

#[test]
fn attack_25_no_redirect_is_followed_and_no_more_than_five_kilobytes_are_read() {
    let (gateway, site, inner) = (gateway(&ALLOWED), Site::start(), Site::start());
    inner.serves(&site.document());
    let mut browser = Browser::of(&gateway, "ada");
    let mut ask = || browser.get(&asking(&site.client(), &[])).status;
    site.says("302 Found", &format!("Location: {}\r\n", inner.client()), "");
    assert_eq!((ask(), inner.asked()), (400, 0));
    let mut large = site.document();
    large["x"] = json!("x".repeat(5_200));
    site.serves(&large);
    assert_eq!(ask(), 400);
    site.says("200 OK", "Content-Type: text/html\r\n", site.document().to_string());
    assert_eq!(ask(), 400, "a page is no document");
    site.says("200 OK", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", site.document().to_string());
    assert_eq!(ask(), 400, "nor is what is packed");
    site.says("404 Not Found", "Content-Type: application/json\r\n", site.document().to_string());
    assert_eq!(ask(), 400);
    site.serves(&site.document());
    assert_eq!(ask(), 200, "what was wrong is not remembered");
    site.says("500 Oops", "", "");
    assert_eq!(ask(), 200, "what was right is");
}
