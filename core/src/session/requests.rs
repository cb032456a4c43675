//! What each message of a client means.

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::calls::{Call, CallId, Route};
use super::effect::{Effect, FeatureRequest};
use super::input::Posted;
use super::machine::Session;
use crate::mcp::{CallToolParams, LogLevel, Refusal};
use crate::rpc::{ClientMessage, ErrorCode, MAX_ID_BYTES, RequestId, RpcError, error_response, result_response};
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

#[derive(Deserialize, Default)]
struct ListParams {
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct SetLevelParams {
    level: LogLevel,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CancelledParams {
    request_id: RequestId,
}

impl Session {
    pub(super) fn posted(&mut self, posted: Posted, now: Millis, effects: &mut Vec<Effect>) {
        let Posted { exchange, message, stream } = posted;
        match message {
            ClientMessage::Request { id, method, params } => {
                let route = Route::Waiting { exchange, stream };
                match self.request(id.clone(), &method, params.as_deref(), route, now) {
                    Ok(Asked::Answer(result)) => effects.push(Effect::Answer(exchange, result_response(&id, result))),
                    Ok(Asked::Call(call, request)) => effects.push(Effect::Start(call, request)),
                    Err(Refused::Error(error)) => effects.push(Effect::Answer(exchange, error_response(&id, &error))),
                    Err(Refused::Status(status, error)) => {
                        effects.push(Effect::Refuse(exchange, Refusal { status, id: Some(id), error }))
                    }
                }
            }
            ClientMessage::Notification { method, params } => {
                if &*method == "notifications/cancelled" {
                    self.cancelled(params.as_deref(), now, effects);
                }
                effects.push(Effect::Accept(exchange));
            }
            // We ask clients nothing yet, so no answer is waited for.
            ClientMessage::Response { .. } => effects.push(Effect::Accept(exchange)),
        }
    }

    fn request(
        &mut self,
        id: RequestId,
        method: &str,
        params: Option<&RawValue>,
        route: Route,
        now: Millis,
    ) -> Result<Asked, Refused> {
        if method == "initialize" {
            let message = "this session is already initialized: initialize without Mcp-Session-Id";
            return Err(Refused::Status(400, RpcError::new(ErrorCode::INVALID_REQUEST, message)));
        }
        if self.calls.iter().any(|call| call.request == id) {
            return Err(Refused::Error(RpcError::new(ErrorCode::INVALID_REQUEST, format!("request id {id} is still in use"))));
        }
        match method {
            "ping" => Ok(Asked::Answer(b"{}")),
            "logging/setLevel" => {
                self.log_level = parse::<SetLevelParams>(method, params)?.level;
                Ok(Asked::Answer(b"{}"))
            }
            "tools/list" => {
                let cursor = parse::<ListParams>(method, params)?.cursor;
                self.start(id, params, route, FeatureRequest::ListTools { cursor }, now)
            }
            "tools/call" => {
                let CallToolParams { name, arguments } = parse(method, params)?;
                let wants_progress = progress_token(params)?.is_some();
                self.start(id, params, route, FeatureRequest::CallTool { name, arguments, wants_progress }, now)
            }
            _ => Err(Refused::Error(RpcError::new(ErrorCode::METHOD_NOT_FOUND, "Method not found"))),
        }
    }

    fn start(
        &mut self,
        request: RequestId,
        params: Option<&RawValue>,
        route: Route,
        feature: FeatureRequest,
        now: Millis,
    ) -> Result<Asked, Refused> {
        if self.calls.len() >= self.limits.max_calls {
            let message = format!("{} calls are running in this session: wait for one or cancel one", self.calls.len());
            let error =
                RpcError::new(ErrorCode(429), message).with_data(json!({"reason": "too_many_calls", "retry_after_seconds": 1}));
            return Err(Refused::Error(error));
        }
        let id = CallId(self.next_call);
        self.next_call += 1;
        let progress_token = progress_token(params)?;
        self.calls.push(Call { id, request, route, progress_token, progress: None, started: now });
        Ok(Asked::Call(id, feature))
    }

    /// The call stops and is never answered; an id that is unknown or done is ignored.
    fn cancelled(&mut self, params: Option<&RawValue>, now: Millis, effects: &mut Vec<Effect>) {
        let Ok(CancelledParams { request_id }) = parse("notifications/cancelled", params) else { return };
        let Some(at) = self.calls.iter().position(|call| call.request == request_id) else { return };
        let call = self.calls.swap_remove(at);
        effects.push(Effect::Stop(call.id));
        match call.route {
            // The POST needs some end: 202 says that there will be no answer.
            Route::Waiting { exchange, .. } => effects.push(Effect::Accept(exchange)),
            Route::Nowhere => {}
            Route::Stream(stream) => self.close_stream(stream, now, effects),
        }
    }
}

/// What a request leads to.
enum Asked {
    Answer(&'static [u8]),
    Call(CallId, FeatureRequest),
}

/// Why a request is refused.
enum Refused {
    /// With a JSON-RPC error under HTTP 200.
    Error(RpcError),
    /// With an HTTP status.
    Status(u16, RpcError),
}

fn parse<'de, T: Deserialize<'de>>(method: &str, params: Option<&'de RawValue>) -> Result<T, Refused> {
    let params = params.map_or("{}", RawValue::get);
    // A list would be read as members in order.
    if !params.starts_with('{') {
        return Err(Refused::Error(RpcError::new(ErrorCode::INVALID_PARAMS, format!("{method}: `params` must be an object"))));
    }
    serde_json::from_str(params)
        .map_err(|error| Refused::Error(RpcError::new(ErrorCode::INVALID_PARAMS, format!("{method}: {error}"))))
}

/// A progress token is a string or a whole number.
fn progress_token(params: Option<&RawValue>) -> Result<Option<Box<RawValue>>, Refused> {
    let token = parse::<WithMeta>("params", params)?.meta.and_then(|meta| meta.progress_token);
    match token {
        Some(token) if token.get().len() > MAX_ID_BYTES || serde_json::from_str::<RequestId>(token.get()).is_err() => {
            let error = RpcError::new(
                ErrorCode::INVALID_PARAMS,
                "`_meta.progressToken` must be a string of at most 256 bytes or a whole number",
            );
            Err(Refused::Error(error))
        }
        token => Ok(token),
    }
}
