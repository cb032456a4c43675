//! What does a server answer, within bounds? No redirect is followed, nothing is tried twice, and neither a server that says nothing
//! nor one that never ends holds us up.

use std::sync::Arc;
use std::time::Duration;

use awc::error::{ConnectError, PayloadError, SendRequestError};
use awc::http::header::HeaderMap;
use awc::http::{Method, Version};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::LocalBoxStream;
use serde_json::Value;
use tickgate_core::rpc::excerpt;
use tickgate_core::sse::Decoder;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::finding::Secrets;

/// Longest answer read, in bytes: a list of many tools with their schemas has one.
const MAX_BODY_BYTES: usize = 4 << 20;

/// How long awc may wait for a body: longer than any walk, because each reader here has a bound of its own.
const BODY_TIMEOUT: Duration = Duration::from_secs(3_600);

/// Asks servers. Lives on one thread, as awc does.
pub(super) struct Visitor {
    http: awc::Client,
    /// How long one answer may take.
    pub(super) deadline: Duration,
    /// What answers may say back and we must not.
    pub(super) secrets: Secrets,
}

/// A question.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    method: Method,
    url: Url,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Ask {
    pub(super) fn get(url: &Url) -> Self {
        Self { method: Method::GET, url: url.clone(), headers: Vec::new(), body: Bytes::new() }
    }

    pub(super) fn with_method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    pub(super) fn post_json(url: &Url, body: &Value) -> Self {
        let ask = Self { method: Method::POST, body: body.to_string().into(), ..Self::get(url) };
        ask.header("content-type", "application/json")
    }

    pub(super) fn post_form(url: &Url, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let ask = Self { method: Method::POST, body: body.into(), ..Self::get(url) };
        ask.header("content-type", "application/x-www-form-urlencoded")
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("nothing came within {} s", .0.as_secs())]
    Late(Duration),
    #[error("no connection: {0}")]
    NoConnection(String),
    #[error("what came is no HTTP: {0}")]
    NoHttp(String),
}

/// Why an answer is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Cut {
    #[error("its body had not ended after {} s", .0.as_secs())]
    Late(Duration),
    #[error("its body is longer than {MAX_BODY_BYTES} bytes")]
    TooLong,
    #[error("its body broke off")]
    Broken,
}

/// An answer whose head has come.
pub(super) struct Open {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) chunks: LocalBoxStream<'static, Result<Bytes, PayloadError>>,
    asked: Instant,
}

impl Open {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    pub(super) fn is_event_stream(&self) -> bool {
        is_type(&self.headers, "text/event-stream")
    }

    /// How long ago it was asked for, in ms.
    pub(super) fn waited_ms(&self) -> u128 {
        self.asked.elapsed().as_millis()
    }

    /// The next bytes; `None` at its end, or when none come in time.
    pub(super) async fn next(&mut self, until: Instant) -> Option<Bytes> {
        timeout_at(until, self.chunks.next()).await.ok().flatten().and_then(Result::ok)
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) cut: Option<Cut>,
    secrets: Secrets,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    pub(super) fn is_json(&self) -> bool {
        is_type(&self.headers, "application/json")
    }

    pub(super) fn is_html(&self) -> bool {
        is_type(&self.headers, "text/html")
    }

    /// Its words for a person: shortened, and without what is hidden by now.
    pub(super) fn words(&self) -> String {
        excerpt(&self.secrets.redact(&said(&self.body)))
    }

    /// Its body, if it is a whole JSON value.
    pub(super) fn json(&self) -> Option<Value> {
        if self.cut.is_some() { None } else { serde_json::from_slice(&self.body).ok() }
    }
}

impl Visitor {
    pub(super) fn new(tls: &Arc<rustls::ClientConfig>, deadline: Duration, secrets: Secrets) -> Self {
        let mut tls = rustls::ClientConfig::clone(tls);
        // As most clients ask; `reach` says whether HTTP/2 is offered.
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let connector = awc::Connector::new()
            .max_http_version(Version::HTTP_11)
            .timeout(deadline)
            .handshake_timeout(deadline)
            .rustls_0_23(Arc::new(tls));
        let http = awc::Client::builder()
            .connector(connector)
            // Where a redirect leads is told, not followed: a credential would go along.
            .disable_redirects()
            .disable_timeout()
            .add_default_header(("user-agent", concat!("tickgate-doctor/", env!("CARGO_PKG_VERSION"))))
            .finish();
        Self { http, deadline, secrets }
    }

    /// Asks, and reads the head of the answer.
    pub(super) async fn open(&self, ask: Ask) -> Result<Open, Fault> {
        let asked = Instant::now();
        let mut request = self.http.request(ask.method, ask.url.as_str()).force_close().no_decompress();
        for (name, value) in ask.headers {
            request = request.insert_header((name, value));
        }
        request = request.insert_header_if_none(("accept-encoding", "identity"));
        let sending = Box::pin(request.send_body(ask.body));
        let response = match timeout_at(asked + self.deadline, sending).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.fault(&error)),
            Err(_) => return Err(Fault::Late(self.deadline)),
        };
        let response = response.timeout(BODY_TIMEOUT);
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Open { status, headers, chunks: response.boxed_local(), asked })
    }

    /// Asks, and reads the whole answer.
    pub(super) async fn ask(&self, ask: Ask) -> Result<Seen, Fault> {
        let open = self.open(ask).await?;
        Ok(self.read(open, |_| false).await)
    }

    /// Sends a JSON-RPC request; its answer comes as JSON or as an event of a stream, which is not read on.
    pub(super) async fn call(&self, ask: Ask) -> Result<(Seen, Option<Value>), Fault> {
        let open = self.open(ask.header("accept", "application/json, text/event-stream")).await?;
        if !open.is_event_stream() {
            let seen = self.read(open, |_| false).await;
            let answer = seen.json();
            return Ok((seen, answer));
        }
        let (mut decoder, mut answer) = (Decoder::default(), None);
        let seen = self
            .read(open, |chunk| {
                let Ok(events) = decoder.feed(chunk) else { return true };
                let values = events.iter().filter_map(|event| serde_json::from_str::<Value>(&event.data).ok());
                answer = answer.take().or_else(|| values.into_iter().find(is_answer));
                answer.is_some()
            })
            .await;
        Ok((seen, answer))
    }

    /// Ends the session that an answer opened, if it did: nobody goes on with it.
    pub(super) async fn discard(&self, url: &Url, seen: &Seen) {
        if let Some(id) = seen.header("mcp-session-id") {
            let _ = self.ask(Ask::get(url).with_method(Method::DELETE).header("mcp-session-id", id)).await;
        }
    }

    /// Reads an answer until `enough` of its bytes have come.
    async fn read(&self, mut open: Open, mut enough: impl FnMut(&[u8]) -> bool) -> Seen {
        let until = open.asked + self.deadline;
        let (mut body, mut cut) = (Vec::new(), None);
        loop {
            let chunk = match timeout_at(until, open.chunks.next()).await {
                Err(_) => {
                    cut = Some(Cut::Late(self.deadline));
                    break;
                }
                Ok(None) => break,
                Ok(Some(Err(_))) => {
                    cut = Some(Cut::Broken);
                    break;
                }
                Ok(Some(Ok(chunk))) => chunk,
            };
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                cut = Some(Cut::TooLong);
                break;
            }
            body.extend_from_slice(&chunk);
            if enough(&chunk) {
                break;
            }
        }
        Seen { status: open.status, headers: open.headers, body, cut, secrets: self.secrets.clone() }
    }

    fn fault(&self, error: &SendRequestError) -> Fault {
        match error {
            SendRequestError::Timeout | SendRequestError::Connect(ConnectError::Timeout) => Fault::Late(self.deadline),
            SendRequestError::Response(error) => Fault::NoHttp(error.to_string()),
            SendRequestError::Connect(error) => Fault::NoConnection(error.to_string()),
            error => Fault::NoConnection(error.to_string()),
        }
    }
}

fn is_answer(message: &Value) -> bool {
    message.get("result").is_some() || message.get("error").is_some()
}

pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_type(headers: &HeaderMap, wanted: &str) -> bool {
    let named = header(headers, "content-type").unwrap_or_default();
    named.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted)
}

/// What an answer says to a person: the message of an error that we know the form of, else its first bytes.
fn said(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let places = [&value["error"]["message"], &value["error_description"], &value["detail"], &value["message"], &value["error"]];
    match places.into_iter().find_map(Value::as_str) {
        Some(text) => text.to_owned(),
        None => String::from_utf8_lossy(body).into_owned(),
    }
}
