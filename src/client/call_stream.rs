//! One call's stream: cut anywhere, it goes on after the last event that was read.

use std::collections::VecDeque;
use std::time::Duration;

use awc::http::StatusCode;
use futures_util::StreamExt as _;
use serde_json::Value;
use tickgate_core::sse::Decoder;

use super::error::ClientError;
use super::{McpClient, Response, body};

/// Reconnects in a row that bring nothing, before the call is given up.
const MAX_FRUITLESS_RECONNECTS: u32 = 5;
/// Wait before a reconnect when the stream named none.
const DEFAULT_RETRY_MS: u64 = 1_000;

/// What a call says.
#[derive(Clone, Debug, PartialEq)]
pub enum CallUpdate {
    /// It has come so far; `message` is what it says of it.
    Progress {
        /// How far.
        progress: f64,
        /// Of how much.
        total: Option<f64>,
        /// What.
        message: Option<String>,
    },
    /// A log message.
    Log(Value),
    /// Its result; nothing follows.
    Result(Value),
}

/// The updates of one call.
pub struct CallStream {
    client: McpClient,
    id: u64,
    response: Option<Response>,
    decoder: Decoder,
    ready: VecDeque<CallUpdate>,
    fruitless: u32,
    done: bool,
}

impl CallStream {
    pub(super) async fn begin(client: McpClient, id: u64, mut response: Response) -> Result<Self, ClientError> {
        let mut stream =
            Self { client, id, response: None, decoder: Decoder::default(), ready: VecDeque::new(), fruitless: 0, done: false };
        if is_event_stream(&response) {
            stream.response = Some(response);
        } else {
            let body = body(&mut response).await?;
            stream.take(&String::from_utf8_lossy(&body))?;
        }
        Ok(stream)
    }

    /// The next update; `None` after the result, or after an error.
    pub async fn next(&mut self) -> Option<Result<CallUpdate, ClientError>> {
        loop {
            if let Some(update) = self.ready.pop_front() {
                self.done = matches!(update, CallUpdate::Result(_));
                return Some(Ok(update));
            }
            if self.done {
                return None;
            }
            if let Err(error) = self.read().await {
                self.done = true;
                return Some(Err(error));
            }
        }
    }

    /// Reads a chunk, or reconnects.
    async fn read(&mut self) -> Result<(), ClientError> {
        let chunk = match &mut self.response {
            Some(response) => response.chunks.next().await.and_then(Result::ok),
            None => None,
        };
        let Some(chunk) = chunk else { return self.reconnect().await };
        for event in self.decoder.feed(&chunk).map_err(|error| ClientError::Unreadable(error.to_string()))? {
            self.fruitless = 0;
            self.take(&event.data)?;
        }
        Ok(())
    }

    async fn reconnect(&mut self) -> Result<(), ClientError> {
        let Some(last) = self.decoder.last_event_id().map(ToOwned::to_owned) else { return Err(ClientError::NoResult) };
        self.fruitless += 1;
        if self.fruitless > MAX_FRUITLESS_RECONNECTS {
            return Err(ClientError::NoResult);
        }
        tokio::time::sleep(Duration::from_millis(self.decoder.retry_ms().unwrap_or(DEFAULT_RETRY_MS))).await;
        self.decoder.reconnected();
        self.response = None;
        match self.client.resume(&last).await {
            Ok(response) if response.status == StatusCode::NO_CONTENT => Err(ClientError::NoResult),
            Ok(response) => {
                self.response = Some(response);
                Ok(())
            }
            // It may be back in a moment.
            Err(ClientError::Unreachable(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, text: &str) -> Result<(), ClientError> {
        let message: Value = serde_json::from_str(text).map_err(|error| ClientError::Unreadable(error.to_string()))?;
        let params = &message["params"];
        match message["method"].as_str() {
            Some("notifications/progress") => self.ready.push_back(CallUpdate::Progress {
                progress: params["progress"].as_f64().unwrap_or_default(),
                total: params["total"].as_f64(),
                message: params["message"].as_str().map(ToOwned::to_owned),
            }),
            Some("notifications/message") => self.ready.push_back(CallUpdate::Log(params.clone())),
            Some(_) => {}
            None if message["id"].as_u64() != Some(self.id) => {}
            None => match message.get("error") {
                Some(error) => {
                    let said = error["message"].as_str().unwrap_or("no reason given").to_owned();
                    return Err(ClientError::Rpc { code: error["code"].as_i64().unwrap_or_default(), message: said });
                }
                None => self.ready.push_back(CallUpdate::Result(message["result"].clone())),
            },
        }
        Ok(())
    }
}

fn is_event_stream(response: &Response) -> bool {
    response.header("content-type").is_some_and(|value| value.starts_with("text/event-stream"))
}
