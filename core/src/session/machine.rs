//! The machine itself: state, time, streams. What each request means is in `requests`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::batch::Batch;
use super::calls::{Call, CallId, Route};
use super::effect::{Effect, EndReason};
use super::exchange::ExchangeId;
use super::input::{CallEvent, Input};
use super::limits::{ANSWER_PATIENCE_MS, MAX_STREAMS, RETRY_MS, SessionLimits};
use super::pipe::Pipe;
use super::questions::OpenQuestion;
use super::streams::{Carries, Stream};
use crate::mcp::{ClientCapabilities, LogLevel, Outcome, Refusal, Revision, log_message};
use crate::rpc::{ErrorCode, RpcError, error_response};
use crate::sse::{EventId, StreamId, comment, pause, priming};
use crate::time::Millis;

/// A session of the stateful era.
#[derive(Debug, Serialize, Deserialize)]
pub struct Session {
    pub(super) revision: Revision,
    pub(super) client: ClientCapabilities,
    pub(super) limits: SessionLimits,
    pub(super) log_level: LogLevel,
    pub(super) calls: Vec<Call>,
    pub(super) next_call: u64,
    pub(super) batches: Vec<Batch>,
    pub(super) questions: Vec<OpenQuestion>,
    pub(super) next_question: u64,
    pub(super) streams: Vec<Stream>,
    /// Resources whose changes the client is told.
    pub(super) watched: Vec<Box<str>>,
    pub(super) pipe: Option<Pipe>,
    opened: Millis,
    active: Millis,
    /// When the client last said something.
    pub(super) heard: Millis,
    ended: bool,
}

impl Session {
    pub(super) const fn new(revision: Revision, client: ClientCapabilities, limits: SessionLimits, now: Millis) -> Self {
        Self {
            revision,
            client,
            limits,
            log_level: LogLevel::Info,
            calls: Vec::new(),
            next_call: 0,
            batches: Vec::new(),
            questions: Vec::new(),
            next_question: 0,
            streams: Vec::new(),
            watched: Vec::new(),
            pipe: None,
            opened: now,
            active: now,
            heard: now,
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
                (self.active, self.heard) = (now, now);
                self.posted(posted, now, effects);
            }
            Input::BatchPosted { exchange, messages, stream } => {
                (self.active, self.heard) = (now, now);
                self.batch_posted(exchange, messages, stream, now, effects);
            }
            Input::StreamOpened { exchange, resume, stream } => {
                (self.active, self.heard) = (now, now);
                self.stream_opened(exchange, resume, stream, now, effects);
            }
            Input::Call(id, event) => self.call_event(id, event, now, effects),
            Input::Notice(notice) => self.notice(&notice, effects),
            Input::Disconnected(exchange) => self.disconnected(exchange, now, effects),
            Input::Deleted => self.end(EndReason::Deleted, effects),
            Input::Draining if self.pipe.is_some() => self.drain_pipe(effects),
            Input::Draining => self.drain(now, effects),
            Input::TimeReached => self.time_reached(now, effects),
        }
        self.bound_logs();
    }

    /// When [`Input::TimeReached`] is due. Never later than something that time alone must bring about.
    #[must_use]
    pub fn wake_at(&self) -> Millis {
        if self.ended {
            return Millis(u64::MAX);
        }
        let age = self.age_end();
        let idle = if self.is_busy() { age } else { self.idle_end() };
        let patience = self.calls.iter().filter(|call| call.is_waiting()).map(|call| call.started.plus(ANSWER_PATIENCE_MS));
        let expiry = self.streams.iter().filter_map(Stream::expires);
        patience.chain(expiry).fold(age.min(idle).min(self.next_question_due()), Millis::min)
    }

    pub(super) const fn age_end(&self) -> Millis {
        self.opened.plus(self.limits.max_ms)
    }

    pub(super) const fn idle_end(&self) -> Millis {
        self.active.plus(self.limits.idle_ms)
    }

    fn is_busy(&self) -> bool {
        !self.calls.is_empty() || self.streams.iter().any(|stream| stream.exchange.is_some())
    }

    fn time_reached(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        if now >= self.age_end() {
            return self.end(EndReason::TooOld, effects);
        }
        if !self.is_busy() && now >= self.idle_end() {
            return self.end(EndReason::Idle, effects);
        }
        self.streams.retain(|stream| stream.exchange.is_some() || stream.expires().is_none_or(|expires| expires > now));
        let impatient: Vec<CallId> = self
            .calls
            .iter()
            .filter(|call| call.is_waiting() && now >= call.started.plus(ANSWER_PATIENCE_MS))
            .map(|call| call.id)
            .collect();
        for call in impatient {
            self.commit(call, now, effects);
        }
        self.questions_due(now, effects);
    }

    pub(super) fn end(&mut self, reason: EndReason, effects: &mut Vec<Effect>) {
        let error = RpcError::new(ErrorCode::INVALID_REQUEST, "Session not found or expired");
        for call in self.calls.drain(..) {
            effects.push(Effect::Stop(call.id));
            if let Route::Waiting { exchange, .. } = call.route {
                effects.push(Effect::Refuse(exchange, Refusal { status: 404, id: Some(call.request), error: error.clone() }));
            }
        }
        self.refuse_batches(&error, effects);
        effects.extend(self.watched.drain(..).map(Effect::Unwatch));
        effects.extend(self.streams.drain(..).filter_map(|stream| stream.exchange).map(Effect::Finish));
        effects.push(Effect::End(reason));
        self.ended = true;
    }

    fn disconnected(&mut self, exchange: ExchangeId, now: Millis, effects: &mut Vec<Effect>) {
        let everything = |stream: &Stream| stream.carries == Carries::Everything && stream.exchange == Some(exchange);
        if self.streams.iter().any(everything) {
            return self.end(EndReason::Disconnected, effects);
        }
        self.batch_disconnected(exchange);
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
            _ if self.pipe.is_some() => self.open_pipe(exchange, stream, effects),
            None => self.open_standalone(exchange, stream, now, effects),
            Some(id) => self.resume(exchange, id, now, effects),
        }
    }

    /// The newest standalone stream takes the place of the older one (DESIGN §6).
    fn open_standalone(&mut self, exchange: ExchangeId, id: StreamId, now: Millis, effects: &mut Vec<Effect>) {
        self.close_standalone(now, effects);
        self.add_stream(Stream::new(id, Carries::Standalone, Some(exchange)), effects);
    }

    /// Ends the connections that wait for nothing in particular. Their streams stay: the next life of the gateway goes on with them.
    fn drain(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        let attached = self.streams.iter_mut().filter(|stream| stream.carries != Carries::Answer);
        let exchanges: Vec<ExchangeId> = attached.filter_map(|stream| stream.exchange.take()).collect();
        if !exchanges.is_empty() {
            self.active = now;
        }
        effects.extend(exchanges.into_iter().map(Effect::Finish));
    }

    fn close_standalone(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        let open = |stream: &&mut Stream| stream.carries != Carries::Answer && stream.finished.is_none();
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

    pub(super) fn add_stream(&mut self, mut stream: Stream, effects: &mut Vec<Effect>) {
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
    pub(super) fn commit(&mut self, id: CallId, now: Millis, effects: &mut Vec<Effect>) {
        let Some(call) = self.calls.iter_mut().find(|call| call.id == id) else { return };
        match call.route {
            Route::Waiting { exchange, stream } => {
                call.route = Route::Stream(stream);
                self.active = now;
                self.add_stream(Stream::new(stream, Carries::Answer, Some(exchange)), effects);
            }
            Route::Batch(stream) => {
                self.active = now;
                self.commit_batch(stream, effects);
            }
            Route::Nowhere | Route::Stream(_) => {}
        }
    }

    fn call_event(&mut self, id: CallId, event: CallEvent, now: Millis, effects: &mut Vec<Effect>) {
        let Some(at) = self.calls.iter().position(|call| call.id == id) else { return };
        match event {
            CallEvent::Streaming => self.commit(id, now, effects),
            CallEvent::Pause { retry_ms } => self.pause(id, retry_ms, now, effects),
            CallEvent::Progress(report) => {
                if let Some(notification) = self.calls[at].voice.progress(&report) {
                    self.say(id, &notification, now, effects);
                }
            }
            CallEvent::Log { level, logger, data } => {
                if let Some(notification) = log_message(Some(self.log_level), level, logger, &data) {
                    self.say(id, &notification, now, effects);
                }
            }
            CallEvent::Ask(ask) => self.ask(id, ask, now, effects),
            CallEvent::Finished(outcome) => self.finish_call(at, &outcome, now, effects),
        }
    }

    /// Closes the connection of a call's stream; what comes meanwhile is kept for the client's return.
    fn pause(&mut self, id: CallId, retry_ms: u64, now: Millis, effects: &mut Vec<Effect>) {
        if !self.revision.has_priming_events() {
            return;
        }
        self.commit(id, now, effects);
        let route = self.calls.iter().find(|call| call.id == id).map(|call| call.route);
        let Some(Route::Stream(stream)) = route else { return };
        let Some(stream) = self.streams.iter_mut().find(|open| open.log.id() == stream && open.carries == Carries::Answer) else {
            return;
        };
        let frame = stream.log.append(|id| pause(id, retry_ms));
        if let Some(exchange) = stream.exchange.take() {
            effects.extend([Effect::Send(exchange, frame), Effect::Finish(exchange)]);
            self.active = now;
        }
    }

    fn say(&mut self, id: CallId, json: &[u8], now: Millis, effects: &mut Vec<Effect>) {
        self.commit(id, now, effects);
        let route = self.calls.iter().find(|call| call.id == id).map(|call| call.route);
        if let Some(Route::Stream(stream)) = route {
            self.send(stream, json, effects);
        }
    }

    pub(super) fn send(&mut self, id: StreamId, json: &[u8], effects: &mut Vec<Effect>) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.log.id() == id) {
            let frame = stream.append(json);
            effects.extend(stream.exchange.map(|exchange| Effect::Send(exchange, frame)));
        }
    }

    fn finish_call(&mut self, at: usize, outcome: &Outcome, now: Millis, effects: &mut Vec<Effect>) {
        let call = self.calls.swap_remove(at);
        self.active = now;
        self.drop_questions(call.id, call.route, effects);
        self.watch_settled(call.watches, outcome.is_ok(), effects);
        let answer: Bytes = match outcome {
            Ok(result) => result.response(&call.request, self.revision, &[]),
            Err(error) => {
                let (status, error) = (error.status(self.revision), error.rpc(self.revision));
                if status != 200 && matches!(call.route, Route::Waiting { .. }) {
                    return self.refuse(call.route, Refusal { status, id: Some(call.request), error }, effects);
                }
                error_response(&call.request, &error)
            }
        };
        self.reply(call.route, &call.request, answer, effects);
        match call.route {
            Route::Batch(batch) => self.batch_forget(batch, call.id, effects),
            Route::Stream(stream) => self.close_when_done(stream, now, effects),
            Route::Waiting { .. } | Route::Nowhere => {}
        }
    }

    /// Refuses a POST that waits.
    pub(super) fn refuse(&self, route: Route, refusal: Refusal, effects: &mut Vec<Effect>) {
        debug_assert!(!self.ended, "nothing is refused after the end");
        if let Route::Waiting { exchange, .. } = route {
            effects.push(Effect::Refuse(exchange, refusal));
        }
    }

    /// Closes a call's stream once no other call speaks on it; a pipe stays, unless it was only waiting for this.
    pub(super) fn close_when_done(&mut self, id: StreamId, now: Millis, effects: &mut Vec<Effect>) {
        if self.pipe.is_some() {
            return self.end_drained_pipe(effects);
        }
        if !self.calls.iter().any(|call| call.route == Route::Stream(id)) {
            self.close_stream(id, now, effects);
        }
    }

    /// No more events will come on this stream.
    fn close_stream(&mut self, id: StreamId, now: Millis, effects: &mut Vec<Effect>) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.log.id() == id) {
            stream.finish(now);
            effects.extend(stream.exchange.take().map(Effect::Finish));
        }
    }
}
