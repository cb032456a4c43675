//! What is told to the outside: error reports to a Sentry that speaks the real wire format, and logs as JSON lines. Both from
//! the real program in a process of its own, because both are set once per process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::support::{canary, get, post, until};

/// The program on a free port, with its log lines.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
    lines: mpsc::Receiver<String>,
    pub(crate) log: Vec<Value>,
    pub(crate) folder: tempfile::TempDir,
}

impl Program {
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let mut program = Self::spawn(settings);
        let started = program.wait_for(|line| line["url"].is_string() && line["auth"].is_string());
        program.address = started["url"].as_str().unwrap().trim_start_matches("http://").parse().unwrap();
        program
    }

    fn spawn(settings: &[(&str, &str)]) -> Self {
        canary::watch(settings);
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tickgate"))
            .env_clear()
            .envs([("PORT", "0"), ("LOG_FORMAT", "json"), ("DRAIN_SECS", "2")])
            .envs(settings.iter().copied())
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), lines, log: Vec::new(), folder }
    }

    /// One that logs errors only, so that its address is told by the port it was given.
    pub(crate) fn start_quietly(settings: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let port = address.port().to_string();
        let mut program = Self::spawn(&[&[("PORT", port.as_str())], settings].concat());
        program.address = address;
        until("the gateway to listen", || TcpStream::connect(address).is_ok());
        program
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next log line for which `wanted` holds; every line must be JSON.
    pub(crate) fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(15)).expect("the log line");
            canary::must_be_clean("the log", &line);
            let value: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            self.log.push(value.clone());
            if wanted(&value) {
                return value;
            }
        }
    }

    pub(crate) fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
    }

    pub(crate) fn wait(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Takes envelopes as Sentry does: `POST /api/<project>/envelope/`, gzip or plain; gives their text.
fn fake_sentry() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let dsn = format!("http://public@{}/1", listener.local_addr().unwrap());
    let (sender, envelopes) = mpsc::channel();
    std::thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            if let Some(envelope) = take_envelope(socket) {
                let _ = sender.send(envelope);
            }
        }
    });
    (dsn, envelopes)
}

fn take_envelope(socket: TcpStream) -> Option<String> {
    let mut reader = BufReader::new(socket);
    let (mut head, mut line) = (String::new(), String::new());
    while reader.read_line(&mut line).ok()? > 2 {
        head.push_str(&line.to_ascii_lowercase());
        line.clear();
    }
    assert!(head.starts_with("post /api/1/envelope/"), "{head}");
    let body = if let Some(length) = head.lines().find_map(|line| line.strip_prefix("content-length: ")) {
        let mut body = vec![0; length.trim().parse().ok()?];
        reader.read_exact(&mut body).ok()?;
        body
    } else {
        let mut body = Vec::new();
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).ok()?;
            if size == 0 {
                break body;
            }
            body.extend_from_slice(&chunk[..size]);
        }
    };
    let _ = reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
    Some(String::from_utf8_lossy(&body).into_owned())
}

#[test]
fn an_error_is_reported_to_sentry_once_with_its_request_and_without_a_secret() {
    let (dsn, envelopes) = fake_sentry();
    let program = Program::start(&[
        ("SENTRY_DSN", &dsn),
        ("SENTRY_TRACES_SAMPLE_RATE", "0"),
        ("MCP_API_KEYS", "canary-canary-canary"),
        ("AUTH", "required"),
    ]);
    let answer = post("/test-error?ticket=canary-ticket", "canary-body")
        .header("X-API-Key", "canary-canary-canary")
        .header("X-Request-Id", "report-1")
        .send(program.address);
    assert_eq!(answer.status, 500);
    let body = answer.text();
    assert!(body.contains("report-1") && !body.contains("on purpose"), "{body}");
    let mut events = Vec::new();
    while let Ok(envelope) = envelopes.recv_timeout(Duration::from_secs(3)) {
        assert!(!envelope.contains("canary"), "{envelope}");
        if envelope.contains("\"type\":\"event\"") {
            events.push(envelope);
        }
    }
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].contains("/test-error") && events[0].contains("report-1"), "{}", events[0]);
}

#[test]
fn every_log_line_is_json_and_a_request_line_says_who_what_and_how_long() {
    let mut program = Program::start(&[("MCP_API_KEYS", "canary-canary-canary:read:ada"), ("AUTH", "required")]);
    get("/api/status?last=canary-query")
        .header("X-API-Key", "canary-canary-canary")
        .header("X-Request-Id", "log-1")
        .send(program.address);
    let line = program.wait_for(|line| line["span"]["request_id"] == "log-1");
    assert_eq!((&line["level"], line["status_code"].as_u64()), (&Value::from("INFO"), Some(400)));
    assert!(line["latency_ms"].is_u64() && line["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        (&line["span"]["user_id"], &line["span"]["endpoint"], &line["span"]["method"]),
        (&Value::from("user:ada"), &Value::from("/api/status"), &Value::from("GET"))
    );
    program.signal("-TERM");
    program.wait_for(|line| line["message"].as_str().is_some_and(|message| message.contains("shutting down")));
    assert_eq!(program.wait(), 0);
    assert!(program.log.iter().all(|line| !line.to_string().contains("canary")));
}

#[test]
fn a_taken_port_is_a_clear_error_and_a_restart_takes_it_over() {
    let program = Program::start(&[]);
    assert_eq!(get("/readyz").send(program.address).status, 200);
    let port = program.address.port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let taken = Command::new(env!("CARGO_BIN_EXE_tickgate"))
        .env_clear()
        .current_dir(folder.path())
        .args(["--port", &port, "--log-format", "text"])
        .output()
        .unwrap();
    assert!(!taken.status.success());
    assert!(String::from_utf8_lossy(&taken.stderr).contains("choose another PORT"), "{}", String::from_utf8_lossy(&taken.stderr));
    drop(program);
    let again = Program::start(&[("PORT", &port)]);
    until("the second gateway to be ready", || get("/readyz").send(again.address).status == 200);
}
