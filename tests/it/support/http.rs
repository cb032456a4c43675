//! HTTP/1.1 by hand over a blocking socket, so that a test can see every byte and cut a connection anywhere.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// No answer takes longer in a test.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct Request {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    host: Option<String>,
}

pub(crate) fn get(path: &str) -> Request {
    Request { method: "GET", path: path.to_owned(), headers: Vec::new(), body: Vec::new(), host: None }
}

pub(crate) fn post(path: &str, body: impl Into<Vec<u8>>) -> Request {
    Request { method: "POST", body: body.into(), ..get(path) }
}

impl Request {
    pub(crate) fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        if name.eq_ignore_ascii_case("host") {
            self.host = Some(value.to_owned());
        } else {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Sends it and reads the head of the answer.
    pub(crate) fn send(self, address: SocketAddr) -> Answer {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        socket.set_nodelay(true).unwrap();
        let host = self.host.unwrap_or_else(|| address.to_string());
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() || self.method == "POST" {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        // A server that refuses early may close before it has read everything.
        let _ = socket.write_all(head.as_bytes()).and_then(|()| socket.write_all(&self.body));
        Answer::read(socket)
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    reader: BufReader<TcpStream>,
    chunk: usize,
    pending: Vec<u8>,
    ended: bool,
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) data: Option<String>,
    pub(crate) retry: Option<String>,
    pub(crate) comment: Option<String>,
}

impl Event {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.data.as_deref().unwrap_or("null")).unwrap()
    }
}

impl Answer {
    fn read(socket: TcpStream) -> Self {
        let mut reader = BufReader::new(socket);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let read = reader.read_line(&mut line).unwrap();
            assert!(read > 0, "the connection closed before an answer; head so far {lines:?}");
            let line = line.trim_end().to_owned();
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines[1..]
            .iter()
            .map(|line| line.split_once(": ").unwrap_or((line, "")))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        Self { status, headers: headers.collect(), reader, chunk: 0, pending: Vec::new(), ended: false }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn text(mut self) -> String {
        if let Some(length) = self.header("content-length").and_then(|length| length.parse().ok()) {
            let mut body = vec![0; length];
            self.reader.read_exact(&mut body).unwrap();
            return clean(String::from_utf8(body).unwrap());
        }
        let mut body = Vec::new();
        while let Some(byte) = self.byte() {
            body.push(byte);
        }
        clean(String::from_utf8(body).unwrap())
    }

    pub(crate) fn json(self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
    }

    /// Cuts the connection where it is.
    pub(crate) fn cut(self) {
        let _ = self.reader.get_ref().shutdown(Shutdown::Both);
    }

    /// The next byte of a chunked body.
    fn byte(&mut self) -> Option<u8> {
        if self.ended || self.header("transfer-encoding") != Some("chunked") {
            return None;
        }
        if self.chunk == 0 {
            let mut line = String::new();
            self.reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            self.chunk = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
            if self.chunk == 0 {
                self.ended = true;
                return None;
            }
        }
        let mut byte = [0];
        self.reader.read_exact(&mut byte).ok()?;
        self.chunk -= 1;
        if self.chunk == 0 {
            let mut end = [0; 2];
            self.reader.read_exact(&mut end).ok()?;
        }
        Some(byte[0])
    }

    /// The next event, or `None` when the stream has ended.
    pub(crate) fn event(&mut self) -> Option<Event> {
        loop {
            let byte = self.byte()?;
            self.pending.push(byte);
            if self.pending.ends_with(b"\n\n") {
                let text = clean(String::from_utf8(std::mem::take(&mut self.pending)).unwrap());
                return Some(parse(&text));
            }
        }
    }

    /// The next event that carries data, whatever comes before.
    pub(crate) fn data(&mut self) -> Option<Event> {
        loop {
            let event = self.event()?;
            if event.data.as_deref().is_some_and(|data| !data.is_empty()) {
                return Some(event);
            }
        }
    }

    /// Whether the stream ended as HTTP says, not by a cut.
    pub(crate) fn ended_cleanly(&self) -> bool {
        self.ended
    }
}

/// No answer holds a secret of the configuration.
fn clean(text: String) -> String {
    assert_eq!(super::canary::configured_in(&text), None, "a secret is in an answer");
    text
}

fn parse(text: &str) -> Event {
    let mut event = Event::default();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        match field {
            "" => event.comment = Some(value),
            "id" => event.id = Some(value),
            "event" => event.name = Some(value),
            "data" => event.data = Some(event.data.take().map_or(value.clone(), |data| data + "\n" + &value)),
            "retry" => event.retry = Some(value),
            other => panic!("unknown field {other}"),
        }
    }
    event
}
