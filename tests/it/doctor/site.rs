//! A server of MCP over real sockets that does all as it should, but for what a test changes.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// Its key.
pub(super) const KEY: &str = "canary-key-of-the-site";
/// Another one: to whoever has it the site calls itself a tickgate.
pub(super) const KEY_OF_OURS: &str = "canary-key-of-ours";
/// Longer than any doctor of these tests waits.
const LATE: Duration = Duration::from_secs(60);

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    /// `POST /mcp`, without what stands behind a question mark.
    pub(super) what: String,
    pub(super) head: String,
    pub(super) body: Value,
    /// `http://host:port` of the site.
    pub(super) base: String,
}

/// What is said to it.
pub(super) enum Reply {
    /// Sent as it is; then the connection is closed.
    Whole(String),
    /// Sent as it is; then nothing more comes, and the connection stays.
    Unfinished(String),
    /// Sent as it is, then this for ever.
    Endless(String, &'static str),
}

/// Changes one answer.
pub(super) type Change = fn(&Heard) -> Option<Reply>;

pub(super) struct Site {
    pub(super) address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Site {
    pub(super) fn start(change: Change) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let log = Arc::clone(&heard);
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let log = Arc::clone(&log);
                std::thread::spawn(move || {
                    let Some(heard) = hear(&socket, address) else { return };
                    log.lock().unwrap().push(heard.clone());
                    say(socket, change(&heard).unwrap_or_else(|| Reply::Whole(usual(&heard))));
                });
            }
        });
        Self { address, heard }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    pub(super) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

fn hear(mut socket: &TcpStream, address: SocketAddr) -> Option<Heard> {
    socket.set_read_timeout(Some(LATE)).unwrap();
    let (mut bytes, mut part) = (Vec::new(), [0; 4_096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let named = head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= named.unwrap_or(0) {
                let line = head.lines().next()?;
                let what = line.rsplit_once(' ')?.0.split('?').next()?.to_owned();
                let body = serde_json::from_str(body).unwrap_or_default();
                return Some(Heard { what, head: head.to_owned(), body, base: format!("http://{address}") });
            }
        }
        let read = socket.read(&mut part).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&part[..read]);
    }
}

fn say(mut socket: TcpStream, reply: Reply) {
    match reply {
        Reply::Whole(text) => {
            let _ = socket.write_all(text.as_bytes());
        }
        Reply::Unfinished(text) => {
            let _ = socket.write_all(text.as_bytes());
            // Until the other side has had enough.
            let _ = socket.read(&mut [0; 1]);
        }
        Reply::Endless(text, more) => {
            let mut sent = socket.write_all(text.as_bytes());
            while sent.is_ok() {
                sent = socket.write_all(more.as_bytes());
            }
        }
    }
}

/// An answer with these lines in its head.
pub(super) fn answer(status: &str, lines: &[&str], body: &str) -> String {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{lines}\r\n{body}", body.len())
}

/// The head of an answer that comes in parts, with these lines in it.
pub(super) fn in_parts(lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{lines}\r\n")
}

/// A part.
pub(super) fn part(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

const OPEN: &str = "Access-Control-Allow-Origin: *";

pub(super) fn json_answer(status: &str, body: &Value) -> String {
    answer(status, &["Content-Type: application/json", OPEN, "Cache-Control: no-store"], &body.to_string())
}

pub(super) fn page(status: &str, text: &str) -> String {
    answer(status, &["Content-Type: text/html"], &format!("<!doctype html><title>{text}</title><p>{text}</p>"))
}

pub(super) fn resource(base: &str) -> Value {
    json!({"resource": format!("{base}/mcp"), "authorization_servers": [base], "scopes_supported": ["read"]})
}

pub(super) fn server(base: &str) -> Value {
    json!({
        "issuer": base, "authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
        "registration_endpoint": format!("{base}/register"), "jwks_uri": format!("{base}/jwks.json"),
        "response_types_supported": ["code"], "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none"], "code_challenge_methods_supported": ["S256"],
    })
}

fn challenge(base: &str) -> String {
    format!("WWW-Authenticate: Bearer resource_metadata=\"{base}/.well-known/oauth-protected-resource/mcp\", scope=\"read\"")
}

/// What it says when nothing is changed.
pub(super) fn usual(heard: &Heard) -> String {
    let base = heard.base.as_str();
    match heard.what.as_str() {
        "OPTIONS /mcp" => answer(
            "204 No Content",
            &[
                OPEN,
                "Access-Control-Allow-Headers: authorization, content-type, mcp-protocol-version, mcp-session-id, last-event-id, mcp-method, mcp-name",
            ],
            "",
        ),
        "GET /.well-known/oauth-protected-resource/mcp" | "GET /.well-known/oauth-protected-resource" => {
            json_answer("200 OK", &resource(base))
        }
        "GET /.well-known/oauth-authorization-server" => json_answer("200 OK", &server(base)),
        "GET /jwks.json" => json_answer("200 OK", &json!({"keys": [{"kty": "OKP"}]})),
        "POST /register" => {
            json_answer("201 Created", &json!({"client_id": "a-client", "redirect_uris": heard.body["redirect_uris"]}))
        }
        "GET /authorize" if heard.head.contains("stranger.invalid") => page("400 Bad Request", "No"),
        "GET /authorize" => page("200 OK", "Sign in"),
        "POST /mcp" if [KEY, KEY_OF_OURS].iter().any(|key| heard.head.contains(&format!("Bearer {key}"))) => mcp(heard),
        "POST /mcp" => {
            let lines =
                [challenge(base), OPEN.to_owned(), "Access-Control-Expose-Headers: mcp-session-id, www-authenticate".to_owned()];
            answer("401 Unauthorized", &lines.each_ref().map(String::as_str), "")
        }
        "GET /mcp" => answer("405 Method Not Allowed", &[], ""),
        _ => answer("404 Not Found", &[], ""),
    }
}

fn mcp(heard: &Heard) -> String {
    let id = &heard.body["id"];
    let name = if heard.head.contains(KEY_OF_OURS) { "tickgate" } else { "site" };
    let result = match heard.body["method"].as_str().unwrap_or_default() {
        "initialize" => {
            json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": name, "version": "1"}})
        }
        "notifications/initialized" => return answer("202 Accepted", &[], ""),
        "tools/list" => {
            json!({"tools": [{"name": "look", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true}}]})
        }
        "tools/call" => json!({"content": [{"type": "text", "text": "seen"}]}),
        _ => {
            let error = json!({"code": -32_601, "message": "unknown method"});
            return json_answer("404 Not Found", &json!({"jsonrpc": "2.0", "id": id, "error": error}));
        }
    };
    json_answer("200 OK", &json!({"jsonrpc": "2.0", "id": id, "result": result}))
}
