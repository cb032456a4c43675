//! A client of a gateway's MCP endpoint: sessions are opened and renewed by themselves, streams are resumed by themselves.

mod call_stream;
mod error;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use awc::ClientRequest;
use awc::error::PayloadError;
use awc::http::header::HeaderMap;
use awc::http::{Method, StatusCode};
use bytes::{Bytes, BytesMut};
use futures_util::stream::LocalBoxStream;
use futures_util::{Stream, StreamExt as _};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

pub use call_stream::{CallStream, CallUpdate};
pub use error::ClientError;

/// The revision that this client speaks.
const REVISION: &str = "2025-11-25";
/// Longest wait for the head of an answer: a call answers or becomes a stream within it.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);
/// Longest silence of a stream: four times the gateway's keep-alive.
const SILENCE_DEADLINE: Duration = Duration::from_secs(60);
/// Largest plain answer read.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// An answer whose head has come.
struct Response {
    status: StatusCode,
    headers: HeaderMap,
    chunks: LocalBoxStream<'static, Result<Bytes, PayloadError>>,
}

impl Response {
    fn new<S>(response: awc::ClientResponse<S>) -> Self
    where
        S: Stream<Item = Result<Bytes, PayloadError>> + Unpin + 'static,
    {
        // A stream may be silent for longer than awc waits for an ordinary body; its keep-alive comments come far more often.
        let response = response.timeout(SILENCE_DEADLINE);
        Self { status: response.status(), headers: response.headers().clone(), chunks: Box::pin(response) }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Speaks MCP to one endpoint. Lives on one thread, as awc does; clones share the session.
#[derive(Clone)]
pub struct McpClient(Rc<Shared>);

struct Shared {
    http: awc::Client,
    url: String,
    key: Option<SecretString>,
    session: RefCell<Option<String>>,
    next_id: Cell<u64>,
}

impl McpClient {
    /// A client for `url` (`http://host:port/mcp`), with an API key or token if the gateway wants one.
    #[must_use]
    pub fn new(url: impl Into<String>, key: Option<SecretString>) -> Self {
        let http = awc::Client::builder().disable_redirects().timeout(HEAD_DEADLINE).finish();
        Self(Rc::new(Shared { http, url: url.into(), key, session: RefCell::new(None), next_id: Cell::new(1) }))
    }

    /// Calls a tool and waits for its result, whatever form it comes in.
    ///
    /// # Errors
    /// When the gateway refuses the call or cannot be reached. A tool's own failure is a result with `isError`.
    pub async fn call_tool(&self, name: &str, arguments: Value) -> Result<Value, ClientError> {
        let mut stream = self.call_tool_streaming(name, arguments).await?;
        while let Some(update) = stream.next().await {
            if let CallUpdate::Result(result) = update? {
                return Ok(result);
            }
        }
        Err(ClientError::NoResult)
    }

    /// Calls a tool and gives what it says as it comes, its result last.
    ///
    /// # Errors
    /// As [`Self::call_tool`].
    pub async fn call_tool_streaming(&self, name: &str, arguments: Value) -> Result<CallStream, ClientError> {
        let id = self.next_id();
        let params = json!({"name": name, "arguments": arguments, "_meta": {"progressToken": id}});
        let message = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
        let response = self.send(&message).await?;
        CallStream::begin(self.clone(), id, response).await
    }

    /// Sends a message within a session. A session that has ended (404) is renewed once.
    async fn send(&self, message: &Value) -> Result<Response, ClientError> {
        if self.0.session.borrow().is_none() {
            self.initialize().await?;
        }
        let response = self.post(message).await?;
        if response.status != StatusCode::NOT_FOUND {
            return accept(response).await;
        }
        self.initialize().await?;
        accept(self.post(message).await?).await
    }

    async fn initialize(&self) -> Result<(), ClientError> {
        self.0.session.replace(None);
        let params = json!({"protocolVersion": REVISION, "capabilities": {}, "clientInfo": {"name": "tickgate-client", "version": env!("CARGO_PKG_VERSION")}});
        let message = json!({"jsonrpc": "2.0", "id": self.next_id(), "method": "initialize", "params": params});
        let mut response = accept(self.post(&message).await?).await?;
        let session = response.header("mcp-session-id").map(ToOwned::to_owned);
        body(&mut response).await?;
        self.0.session.replace(session);
        accept(self.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await?).await?;
        Ok(())
    }

    async fn post(&self, message: &Value) -> Result<Response, ClientError> {
        let request = self.request(Method::POST).insert_header(("accept", "application/json, text/event-stream"));
        let sent = request.send_json(message).await;
        sent.map(Response::new).map_err(|error| ClientError::Unreachable(error.to_string()))
    }

    /// Resumes a stream after an event.
    async fn resume(&self, last_event_id: &str) -> Result<Response, ClientError> {
        let request = self
            .request(Method::GET)
            .insert_header(("accept", "text/event-stream"))
            .insert_header(("last-event-id", last_event_id));
        let sent = request.send().await;
        accept(sent.map(Response::new).map_err(|error| ClientError::Unreachable(error.to_string()))?).await
    }

    fn request(&self, method: Method) -> ClientRequest {
        let mut request = self.0.http.request(method, &self.0.url).insert_header(("mcp-protocol-version", REVISION));
        if let Some(key) = &self.0.key {
            request = request.insert_header(("authorization", format!("Bearer {}", key.expose_secret())));
        }
        if let Some(session) = &*self.0.session.borrow() {
            request = request.insert_header(("mcp-session-id", session.as_str()));
        }
        request
    }

    fn next_id(&self) -> u64 {
        let id = self.0.next_id.get();
        self.0.next_id.set(id + 1);
        id
    }
}

/// A refusal becomes an error that says what the gateway said.
async fn accept(mut response: Response) -> Result<Response, ClientError> {
    if response.status.is_success() {
        return Ok(response);
    }
    let status = response.status.as_u16();
    let body = body(&mut response).await.unwrap_or_default();
    let error: Value = serde_json::from_slice(&body).unwrap_or_default();
    let said = error["error"]["message"].as_str().or_else(|| error["detail"].as_str()).unwrap_or("no reason given");
    Err(ClientError::Refused { status, message: said.to_owned() })
}

async fn body(response: &mut Response) -> Result<Bytes, ClientError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunks.next().await {
        body.extend_from_slice(&chunk.map_err(|error| ClientError::Unreadable(error.to_string()))?);
        if body.len() > MAX_ANSWER_BYTES {
            return Err(ClientError::Unreadable(format!("it is longer than {MAX_ANSWER_BYTES} bytes")));
        }
    }
    Ok(body.freeze())
}
