//! What each message of a client means.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::calls::{Call, CallId, Route};
use super::effect::{Effect, Start};
use super::input::Posted;
use super::machine::Session;
use crate::mcp::{FeatureRequest, LogLevel, Refusal, Voice, cancelled_request, parse, sound_token};
use crate::rpc::{ClientMessage, ErrorCode, RequestId, RpcError, error_response, result_response};
use crate::time::Millis;

#[derive(Deserialize, Default)]
struct Meta {
    #[serde(default, rename = "progressToken")]
    progress_token: Option<Box<RawValue>>,
}

#[derive(Deserialize, Default)]
struct WithMeta {
    #[serde(default, rename = "_meta")]
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct SetLevelParams {
    level: LogLevel,
}

/// What a request leads to.
pub(super) enum Asked {
    Answer(&'static [u8]),
    Start(CallId, FeatureRequest),
    Greet(CallId),
    Watch(CallId, Box<str>),
}

/// Why a request is refused.
pub(super) enum Refused {
    /// With a JSON-RPC error under HTTP 200.
    Error(RpcError),
    /// With an HTTP status.
    Status(u16, RpcError),
}

impl From<RpcError> for Refused {
    fn from(error: RpcError) -> Self {
        Self::Error(error)
    }
}

impl Session {
    pub(super) fn posted(&mut self, posted: Posted, now: Millis, effects: &mut Vec<Effect>) {
        let Posted { exchange, message, stream } = posted;
        match (self.pipe_stream(), &message) {
            (Some(pipe), _) => {
                effects.push(Effect::Accept(exchange));
                self.message(message, Route::Stream(pipe), now, effects);
            }
            (None, ClientMessage::Request { .. }) => self.message(message, Route::Waiting { exchange, stream }, now, effects),
            (None, _) => {
                self.message(message, Route::Nowhere, now, effects);
                effects.push(Effect::Accept(exchange));
            }
        }
    }

    /// Takes one message, whose answer goes the given way.
    pub(super) fn message(&mut self, message: ClientMessage, route: Route, now: Millis, effects: &mut Vec<Effect>) {
        match message {
            ClientMessage::Request { id, method, params } => {
                let asked = self.request((id.clone(), &method, params.as_deref()), route, now, effects);
                match asked {
                    Ok(Asked::Answer(result)) => self.reply(route, &id, result_response(&id, result), effects),
                    Ok(Asked::Start(call, request)) => {
                        let wants_progress = self.calls.last().is_some_and(|call| call.voice.has_token());
                        let start = Start { request, revision: self.revision, client: self.client, wants_progress };
                        effects.push(Effect::Start(call, start));
                    }
                    Ok(Asked::Greet(call)) => effects.push(Effect::Greet(call, self.revision)),
                    Ok(Asked::Watch(call, uri)) => effects.push(Effect::Watch(call, uri)),
                    Err(Refused::Status(status, error)) if matches!(route, Route::Waiting { .. }) => {
                        self.refuse(route, Refusal { status, id: Some(id), error }, effects);
                    }
                    Err(Refused::Error(error) | Refused::Status(_, error)) => {
                        self.reply(route, &id, error_response(&id, &error), effects);
                    }
                }
            }
            ClientMessage::Notification { method, params } => {
                if let Some(request) = cancelled_request(&method, params.as_deref()) {
                    self.cancelled(&request, now, effects);
                }
            }
            ClientMessage::Response { id, outcome } => self.answered(&id, outcome, effects),
        }
    }

    /// Sends the answer to a request that is answered at once.
    pub(super) fn reply(&mut self, route: Route, request: &RequestId, answer: Bytes, effects: &mut Vec<Effect>) {
        match route {
            Route::Waiting { exchange, .. } => effects.push(Effect::Answer(exchange, answer)),
            Route::Batch(batch) => self.batch_answer(batch, request, answer),
            Route::Stream(stream) => self.send(stream, &answer, effects),
            Route::Nowhere => {}
        }
    }

    fn request(
        &mut self,
        (id, method, params): (RequestId, &str, Option<&RawValue>),
        route: Route,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) -> Result<Asked, Refused> {
        let ungreeted = self.is_ungreeted();
        if method == "initialize" && !ungreeted {
            let message = match self.pipe {
                Some(_) => "this session is already initialized: it stays so until its stream ends",
                None => "this session is already initialized: initialize without Mcp-Session-Id",
            };
            return Err(Refused::Status(400, RpcError::new(ErrorCode::INVALID_REQUEST, message)));
        }
        if self.calls.iter().any(|call| call.request == id) {
            return Err(RpcError::new(ErrorCode::INVALID_REQUEST, format!("request id {id} is still in use")).into());
        }
        if method == "ping" {
            return Ok(Asked::Answer(b"{}"));
        }
        if method != "initialize" && ungreeted {
            let message = "this session is not initialized: send initialize first";
            return Err(RpcError::new(ErrorCode::INVALID_REQUEST, message).into());
        }
        match method {
            "initialize" => self.greet(id, params, route, now),
            "logging/setLevel" => {
                self.log_level = parse::<SetLevelParams>(method, params)?.level;
                Ok(Asked::Answer(b"{}"))
            }
            "resources/subscribe" => self.subscribe(id, params, route, now),
            "resources/unsubscribe" => self.unsubscribe(params, effects),
            _ => match FeatureRequest::read(method, params, self.revision)? {
                Some(feature) => Ok(Asked::Start(self.begin(id, params, route, now)?, feature)),
                None => Err(RpcError::new(ErrorCode::METHOD_NOT_FOUND, "Method not found").into()),
            },
        }
    }

    /// Lists a new call.
    pub(super) fn begin(
        &mut self,
        request: RequestId,
        params: Option<&RawValue>,
        route: Route,
        now: Millis,
    ) -> Result<CallId, Refused> {
        if self.calls.len() >= self.limits.max_calls {
            let message = format!("{} calls are running in this session: wait for one or cancel one", self.calls.len());
            let error =
                RpcError::new(ErrorCode(429), message).with_data(json!({"reason": "too_many_calls", "retry_after_seconds": 1}));
            return Err(error.into());
        }
        let id = CallId(self.next_call);
        self.next_call += 1;
        let voice = Voice::new(progress_token(params)?);
        self.calls.push(Call { id, request, route, voice, started: now, watches: None });
        if let Route::Batch(batch) = route {
            self.batch_waits_for(batch, id);
        }
        Ok(id)
    }

    /// The call stops and is never answered; an id that is unknown or done is ignored.
    fn cancelled(&mut self, request: &RequestId, now: Millis, effects: &mut Vec<Effect>) {
        let Some(at) = self.calls.iter().position(|call| call.request == *request) else { return };
        let call = self.calls.swap_remove(at);
        self.drop_questions(call.id, call.route, effects);
        effects.push(Effect::Stop(call.id));
        self.watch_settled(call.watches, false, effects);
        match call.route {
            // The POST needs some end: 202 says that there will be no answer.
            Route::Waiting { exchange, .. } => effects.push(Effect::Accept(exchange)),
            Route::Nowhere => {}
            Route::Batch(batch) => self.batch_forget(batch, call.id, effects),
            Route::Stream(stream) => self.close_when_done(stream, now, effects),
        }
    }
}

/// A progress token is a string or a whole number.
fn progress_token(params: Option<&RawValue>) -> Result<Option<Box<RawValue>>, Refused> {
    let token = parse::<WithMeta>("params", params)?.meta.and_then(|meta| meta.progress_token);
    match token {
        Some(token) if !sound_token(&token) => {
            let message = "`_meta.progressToken` must be a string of at most 256 bytes or a whole number";
            Err(RpcError::new(ErrorCode::INVALID_PARAMS, message).into())
        }
        token => Ok(token),
    }
}
