//! The machine itself: state, time, streams. What each request means is in `requests`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::calls::{Call, CallId, Route};
use super::effect::{Effect, EndReason};
use super::exchange::ExchangeId;
use super::input::{CallEvent, CallOutcome, Input};
use super::limits::{ANSWER_PATIENCE_MS, MAX_STREAMS, RETRY_MS, SessionLimits};
use super::streams::{Carries, Stream};
use crate::mcp::{LogLevel, Refusal, Revision};
use crate::rpc::{ErrorCode, RpcError, error_response, notification, result_response};
use crate::sse::{EventId, StreamId, comment, priming};
use crate::time::Millis;

/// A session of the stateful era.
#[derive(Debug, Serialize, Deserialize)]
pub struct Session {
    pub(super) revision: Revision,
    pub(super) limits: SessionLimits,
    pub(super) log_level: LogLevel,
    pub(super) calls: Vec<Call>,
    pub(super) next_call: u64,
    streams: Vec<Stream>,
    opened: Millis,
    active: Millis,
    ended: bool,
}

impl Session {
    pub(super) const fn new(revision: Revision, limits: SessionLimits, now: Millis) -> Self {
        Self {
            revision,
            limits,
            log_level: LogLevel::Info,
            calls: Vec::new(),
            next_call: 0,
            streams: Vec::new(),
            opened: now,
            active: now,
            ended: false,
        }
    }

    /// The negotiated revision.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// Number of streams that a client is attached to.
    #[must_use]
    pub fn attached_streams(&self) -> usize {
        self.streams.iter().filter(|stream| stream.exchange.is_some()).count()
    }

    /// Takes what happened at `now` and appends what must be done.
    pub fn handle(&mut self, input: Input, now: Millis, effects: &mut Vec<Effect>) {
        if self.ended {
            return;
        }
        match input {
            Input::Posted(posted) => {
                self.active = now;
                self.posted(posted, now, effects);
            }
            Input::StreamOpened { exchange, resume, stream } => {
                self.active = now;
                self.stream_opened(exchange, resume, stream, now, effects);
            }
            Input::Call(id, event) => self.call_event(id, event, now, effects),
            Input::Disconnected(exchange) => self.disconnected(exchange, now),
            Input::Deleted => self.end(EndReason::Deleted, effects),
            Input::Draining => self.close_standalone(now, effects),
            Input::TimeReached => self.time_reached(now, effects),
        }
    }

    /// When [`Input::TimeReached`] is due. Never later than something that time alone must bring about.
    #[must_use]
    pub fn wake_at(&self) -> Millis {
        if self.ended {
            return Millis(u64::MAX);
        }
        let age = self.opened.plus(self.limits.max_ms);
        let idle = if self.is_busy() { age } else { self.active.plus(self.limits.idle_ms) };
        let patience = self
            .calls
            .iter()
            .filter(|call| matches!(call.route, Route::Waiting { .. }))
            .map(|call| call.started.plus(ANSWER_PATIENCE_MS));
        let expiry = self.streams.iter().filter_map(Stream::expires);
        patience.chain(expiry).fold(age.min(idle), Millis::min)
    }

    fn is_busy(&self) -> bool {
        !self.calls.is_empty() || self.streams.iter().any(|stream| stream.exchange.is_some())
    }

    fn time_reached(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        if now >= self.opened.plus(self.limits.max_ms) {
            return self.end(EndReason::TooOld, effects);
        }
        if !self.is_busy() && now >= self.active.plus(self.limits.idle_ms) {
            return self.end(EndReason::Idle, effects);
        }
        self.streams.retain(|stream| stream.exchange.is_some() || stream.expires().is_none_or(|expires| expires > now));
        let impatient: Vec<CallId> = self
            .calls
            .iter()
            .filter(|call| matches!(call.route, Route::Waiting { .. }) && now >= call.started.plus(ANSWER_PATIENCE_MS))
            .map(|call| call.id)
            .collect();
        for call in impatient {
            self.commit(call, now, effects);
        }
    }

    fn end(&mut self, reason: EndReason, effects: &mut Vec<Effect>) {
        for call in self.calls.drain(..) {
            effects.push(Effect::Stop(call.id));
            if let Route::Waiting { exchange, .. } = call.route {
                let error = RpcError::new(ErrorCode::INVALID_REQUEST, "Session not found or expired");
                effects.push(Effect::Refuse(exchange, Refusal { status: 404, id: Some(call.request), error }));
            }
        }
        effects.extend(self.streams.drain(..).filter_map(|stream| stream.exchange).map(Effect::Finish));
        effects.push(Effect::End(reason));
        self.ended = true;
    }

    fn disconnected(&mut self, exchange: ExchangeId, now: Millis) {
        // A disconnect is not a cancellation in this era: calls go on and their streams can be resumed.
        for call in &mut self.calls {
            if matches!(call.route, Route::Waiting { exchange: waiting, .. } if waiting == exchange) {
                call.route = Route::Nowhere;
            }
        }
        for stream in &mut self.streams {
            if stream.exchange == Some(exchange) {
                stream.exchange = None;
                self.active = now;
            }
        }
    }

    fn stream_opened(
        &mut self,
        exchange: ExchangeId,
        resume: Option<EventId>,
        stream: StreamId,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        match resume {
            None => self.open_standalone(exchange, stream, now, effects),
            Some(id) => self.resume(exchange, id, now, effects),
        }
    }

    /// The newest standalone stream takes the place of the older one (DESIGN §6).
    fn open_standalone(&mut self, exchange: ExchangeId, id: StreamId, now: Millis, effects: &mut Vec<Effect>) {
        self.close_standalone(now, effects);
        self.add_stream(Stream::new(id, Carries::Standalone, exchange), effects);
    }

    fn close_standalone(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        let open = |stream: &&mut Stream| stream.carries == Carries::Standalone && stream.finished.is_none();
        for stream in self.streams.iter_mut().filter(open) {
            stream.finish(now);
            if let Some(exchange) = stream.exchange.take() {
                effects.push(Effect::Finish(exchange));
                self.active = now;
            }
        }
    }

    fn resume(&mut self, exchange: ExchangeId, id: EventId, now: Millis, effects: &mut Vec<Effect>) {
        let found = self.streams.iter_mut().find(|stream| stream.log.id() == id.stream);
        let replay = found.map(|stream| (stream.log.after(id.seq), stream));
        match replay {
            Some((Ok(frames), stream)) if frames.is_empty() && stream.finished.is_some() => {
                stream.delivered(now);
                effects.push(Effect::NothingMore(exchange));
            }
            Some((Ok(frames), stream)) => {
                effects.extend(stream.exchange.take().map(Effect::Finish));
                effects.push(Effect::Attach(exchange, frames));
                if stream.finished.is_some() {
                    stream.delivered(now);
                    effects.push(Effect::Finish(exchange));
                } else {
                    stream.exchange = Some(exchange);
                }
            }
            // Another session's event id is answered like one that never was.
            _ => {
                let message =
                    "unknown Last-Event-ID: its stream is not of this session or is no longer kept; open a stream without it";
                let error = RpcError::new(ErrorCode::INVALID_REQUEST, message);
                effects.push(Effect::Refuse(exchange, Refusal::new(400, error)));
            }
        }
    }

    fn add_stream(&mut self, mut stream: Stream, effects: &mut Vec<Effect>) {
        let exchange = stream.exchange;
        let first =
            if self.revision.has_priming_events() { stream.log.append(|id| priming(id, RETRY_MS)) } else { comment("connected") };
        effects.extend(exchange.map(|exchange| Effect::Attach(exchange, vec![first])));
        let expiries = self.streams.iter().enumerate().filter_map(|(at, stream)| Some((stream.expires()?, at)));
        if self.streams.len() >= MAX_STREAMS
            && let Some((_, soonest)) = expiries.min()
        {
            self.streams.remove(soonest);
        }
        self.streams.push(stream);
    }

    /// Makes a waiting POST a stream.
    fn commit(&mut self, id: CallId, now: Millis, effects: &mut Vec<Effect>) {
        let Some(call) = self.calls.iter_mut().find(|call| call.id == id) else { return };
        let Route::Waiting { exchange, stream } = call.route else { return };
        call.route = Route::Stream(stream);
        self.active = now;
        self.add_stream(Stream::new(stream, Carries::Answer, exchange), effects);
    }

    fn call_event(&mut self, id: CallId, event: CallEvent, now: Millis, effects: &mut Vec<Effect>) {
        let Some(at) = self.calls.iter().position(|call| call.id == id) else { return };
        match event {
            CallEvent::Streaming => self.commit(id, now, effects),
            CallEvent::Progress { progress, total, message, event } => {
                let call = &mut self.calls[at];
                let sound = progress.is_finite() && total.is_none_or(f64::is_finite);
                let grows = sound && call.progress.is_none_or(|before| progress > before);
                if let Some(token) = call.progress_token.as_ref().filter(|_| grows) {
                    let params = progress_params(token.get(), progress, total, message.as_deref(), event.as_deref());
                    call.progress = Some(progress);
                    self.say(id, &notification("notifications/progress", &params), now, effects);
                }
            }
            CallEvent::Log { level, logger, data } => {
                if level >= self.log_level {
                    self.say(id, &notification("notifications/message", &log_params(level, logger, &data)), now, effects);
                }
            }
            CallEvent::Finished(outcome) => self.finish_call(at, &outcome, now, effects),
        }
    }

    fn say(&mut self, id: CallId, json: &[u8], now: Millis, effects: &mut Vec<Effect>) {
        self.commit(id, now, effects);
        let route = self.calls.iter().find(|call| call.id == id).map(|call| call.route);
        if let Some(Route::Stream(stream)) = route {
            self.send(stream, json, effects);
        }
    }

    fn send(&mut self, id: StreamId, json: &[u8], effects: &mut Vec<Effect>) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.log.id() == id) {
            let frame = stream.append(json);
            effects.extend(stream.exchange.map(|exchange| Effect::Send(exchange, frame)));
        }
    }

    fn finish_call(&mut self, at: usize, outcome: &CallOutcome, now: Millis, effects: &mut Vec<Effect>) {
        let call = self.calls.swap_remove(at);
        self.active = now;
        let answer: Bytes = match outcome {
            CallOutcome::Result(result) => result_response(&call.request, result),
            CallOutcome::Error(error) => error_response(&call.request, error),
        };
        match call.route {
            Route::Waiting { exchange, .. } => effects.push(Effect::Answer(exchange, answer)),
            Route::Nowhere => {}
            Route::Stream(id) => {
                self.send(id, &answer, effects);
                self.close_stream(id, now, effects);
            }
        }
    }

    /// No more events will come on this stream.
    pub(super) fn close_stream(&mut self, id: StreamId, now: Millis, effects: &mut Vec<Effect>) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.log.id() == id) {
            stream.finish(now);
            effects.extend(stream.exchange.take().map(Effect::Finish));
        }
    }
}

fn progress_params(token: &str, progress: f64, total: Option<f64>, message: Option<&[u8]>, event: Option<&[u8]>) -> Vec<u8> {
    let mut params = format!("{{\"progressToken\":{token},\"progress\":{progress}").into_bytes();
    if let Some(total) = total {
        params.extend_from_slice(format!(",\"total\":{total}").as_bytes());
    }
    for (member, value, end) in [("\"message\":", message, ""), ("\"_meta\":{\"tickgate/event\":", event, "}")] {
        if let Some(value) = value {
            params.push(b',');
            params.extend_from_slice(member.as_bytes());
            params.extend_from_slice(value);
            params.extend_from_slice(end.as_bytes());
        }
    }
    params.push(b'}');
    params
}

fn log_params(level: LogLevel, logger: &str, data: &[u8]) -> Vec<u8> {
    let level = serde_json::to_string(&level).expect("a level is a word");
    let mut params = format!("{{\"level\":{level},\"logger\":\"{logger}\",\"data\":").into_bytes();
    params.extend_from_slice(data);
    params.push(b'}');
    params
}
