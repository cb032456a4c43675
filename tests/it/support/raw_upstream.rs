//! An upstream over a raw socket: it says what a test wants, byte by byte, and remembers what it was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::Value;

/// A question as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) at: Instant,
    /// Path and query.
    pub(crate) target: String,
    /// The whole head.
    pub(crate) head: String,
}

/// Listens until it is dropped. Each connection serves one question.
pub(crate) struct RawUpstream {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    ended: Arc<AtomicBool>,
}

impl RawUpstream {
    /// `answer` gets the target and the socket; what fails is the client's going away.
    pub(crate) fn start(answer: impl Fn(&str, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, ended): (Arc<Mutex<Vec<Asked>>>, Arc<AtomicBool>) = Default::default();
        let (seen, over, answer) = (Arc::clone(&asked), Arc::clone(&ended), Arc::new(answer));
        std::thread::spawn(move || {
            for mut socket in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let Some(question) = read(&socket) else { return };
                    let target = question.target.clone();
                    seen.lock().unwrap().push(question);
                    let _ = answer(&target, &mut socket);
                });
            }
        });
        Self { address, asked, ended }
    }

    /// One that answers a good market status itself, because the gateway always asks for it, and leaves the rest to `answer`.
    pub(crate) fn of_data(answer: impl Fn(&str, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        Self::start(move |target, socket| match target.split('?').next() {
            Some("/v1/marketstatus/now") => {
                let status = r#"{"market":"open","serverTime":"2026-03-10T14:31:08-04:00","exchanges":{"nyse":"open"}}"#;
                socket.write_all(&json_answer(200, status))
            }
            Some("/v1/marketstatus/upcoming") => socket.write_all(&json_answer(200, "[]")),
            _ => answer(target, socket),
        })
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Questions that are not about the market's status.
    pub(crate) fn asked_for_data(&self) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| !asked.target.starts_with("/v1/marketstatus")).collect()
    }
}

impl Drop for RawUpstream {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // The thread waits for one more.
        let _ = TcpStream::connect(self.address);
    }
}

fn read(socket: &TcpStream) -> Option<Asked> {
    let mut head = String::new();
    let mut reader = BufReader::new(socket);
    while reader.read_line(&mut head).ok()? > 2 {}
    let target = head.split(' ').nth(1)?.to_owned();
    Some(Asked { at: Instant::now(), target, head })
}

/// A whole answer of this type, after which the connection closes.
pub(crate) fn answer(status: u16, content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "HTTP/1.1 {status} Whatever\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

pub(crate) fn json_answer(status: u16, body: &str) -> Vec<u8> {
    answer(status, "application/json", body.as_bytes())
}

/// A body of the vendor's, as the fixtures have it.
pub(crate) fn fixture(file: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/polygon").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// An answer out of a fixture that holds several under names, each with its status.
pub(crate) fn fixture_answer(file: &str, name: &str) -> Vec<u8> {
    let all: Value = serde_json::from_str(&fixture(file)).unwrap();
    let one = &all[name];
    let status = one["http_status"].as_u64().unwrap_or_else(|| panic!("{name} in {file}")) as u16;
    match (&one["body"], one["body_text"].as_str()) {
        (_, Some(text)) => answer(status, one["content_type"].as_str().unwrap(), text.as_bytes()),
        (Value::Null, None) => answer(status, "application/json", b""),
        (body, None) => json_answer(status, &body.to_string()),
    }
}

/// A gzip body that unfolds to an array of so many spaces: one deflate block with fixed codes, of matches of 258 bytes.
pub(crate) fn gzip_bomb(bytes: usize) -> Vec<u8> {
    let (mut out, mut byte, mut filled) = (vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], 0u8, 0);
    let mut push = |bit: u8| {
        byte |= bit << filled;
        filled += 1;
        if filled == 8 {
            out.push(byte);
            (byte, filled) = (0, 0);
        }
    };
    // The header: the last block, with fixed codes. Then `[` and a space. Codes go out from their highest bit.
    [1, 1, 0].into_iter().for_each(&mut push);
    for code in [0x30 + b'[', 0x30 + b' '] {
        (0..8).rev().for_each(|at| push(code >> at & 1));
    }
    for _ in 0..bytes / 258 {
        // Length 258, distance 1.
        (0..8).rev().for_each(|at| push(0xc5 >> at & 1));
        (0..5).for_each(|_| push(0));
    }
    // The end of the block, and what fills the last byte.
    (0..14).for_each(|_| push(0));
    out
}
