//! Sockets that fail in ways a well-behaved server does not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use tickgate_core::ports::UpstreamErrorKind;

use super::harness::{Scripted, Wanted, json};

const TOO_MUCH: usize = 16 * 1024 * 1024 + 1;

fn listen(serve: impl FnOnce(TcpListener) + Send + 'static) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    (base, std::thread::spawn(move || serve(listener)))
}

fn read_head(stream: &TcpStream) {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    assert!(lines.take_while(|line| !line.is_empty()).count() > 0);
}

fn answer(mut stream: &TcpStream) {
    let body = r#"{"status":"OK"}"#;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
}

/// Counts the bytes that an upstream sends to one who takes gzip.
fn sent_for(path: &str, base: &str) -> usize {
    let mut stream = TcpStream::connect(base.trim_start_matches("http://")).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\naccept-encoding: gzip\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut sent = Vec::new();
    stream.read_to_end(&mut sent).unwrap()
}

#[actix_rt::test]
async fn a_connection_that_was_kept_too_long_is_replaced_unnoticed() {
    let (base, server) = listen(|listener| {
        let (stream, _) = listener.accept().unwrap();
        read_head(&stream);
        answer(&stream);
        // The second request comes on the same connection, which ends just then.
        read_head(&stream);
        drop(stream);
        let (stream, _) = listener.accept().unwrap();
        read_head(&stream);
        answer(&stream);
    });
    let bench = Wanted::at(&base).make();
    assert!(bench.get("/v2/x").await.is_ok());
    assert!(bench.get("/v2/x").await.is_ok());
    assert_eq!(bench.count("tickgate_upstream_retries_total", None), 1);
    server.join().unwrap();
}

#[actix_rt::test]
async fn what_is_not_http_makes_no_sense() {
    let (base, server) = listen(|listener| {
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().unwrap();
            read_head(&stream);
            stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n\r\n").unwrap();
        }
    });
    let error = Wanted::at(&base).make().get("/v2/x").await.unwrap_err();
    assert_eq!(error.kind, UpstreamErrorKind::InvalidResponse);
    server.join().unwrap();
}

#[actix_rt::test]
async fn a_body_that_is_too_large_is_not_read_to_its_end() {
    let (base, server) = listen(|listener| {
        let (mut stream, _) = listener.accept().unwrap();
        read_head(&stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
        let chunk = format!("100000\r\n{}\r\n", " ".repeat(0x0010_0000));
        // Without an end: only the client can stop this.
        let chunks = (0..200).take_while(|_| stream.write_all(chunk.as_bytes()).is_ok()).count();
        assert!(chunks < 100, "{chunks} MiB were taken");
    });
    assert_eq!(Wanted::at(&base).make().get("/v2/x").await.unwrap_err().kind, UpstreamErrorKind::TooLarge);
    server.join().unwrap();
}

#[actix_rt::test]
async fn a_body_that_says_that_it_is_too_large_or_unfolds_to_be_so_is_refused() {
    let upstream = Scripted::start(|_, target| {
        let mut answer = actix_web::HttpResponse::Ok();
        answer.content_type("application/json");
        if target == "/v2/plain" {
            // Identity keeps the compressor away, so that the length is said.
            answer.insert_header(("content-encoding", "identity"));
        }
        answer.body(format!("[{}]", " ".repeat(TOO_MUCH - 2)))
    });
    let base = upstream.base.clone();
    // The server is run by this thread, so another one has to wait for it.
    let sent = actix_rt::task::spawn_blocking(move || sent_for("/v2/compressed", &base)).await.unwrap();
    assert!(sent < 1_000_000, "{sent} bytes: it is small before it unfolds");
    let bench = Wanted::at(&upstream.base).make();
    for path in ["/v2/plain", "/v2/compressed"] {
        assert_eq!(bench.get(path).await.unwrap_err().kind, UpstreamErrorKind::TooLarge, "{path}");
    }
    assert_eq!(upstream.seen().len(), 3);
    let small = Scripted::start(|_, _| json(format!("[{}]", " ".repeat(100_000))));
    assert!(Wanted::at(&small.base).make().get("/v2/x").await.is_ok());
}
