//! A POST with several messages (2025-03-26): one array answers them all, or a stream with an answer each.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::calls::{CallId, Route};
use super::effect::Effect;
use super::exchange::ExchangeId;
use super::limits::{MAX_BATCH, MAX_BATCH_ANSWERS_BYTES};
use super::machine::Session;
use super::streams::{Carries, Stream};
use crate::mcp::Refusal;
use crate::rpc::{ClientMessage, ErrorCode, RequestId, RpcError, error_response, null_id_error};
use crate::sse::StreamId;
use crate::time::Millis;

/// A POST with several messages that waits for the answers of some.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Batch {
    stream: StreamId,
    exchange: ExchangeId,
    waiting: Vec<CallId>,
    #[serde(with = "crate::sse::text")]
    answers: Vec<Bytes>,
    /// Its messages are still being taken: it is not answered before the last one, whatever becomes of the first.
    #[serde(skip)]
    taking: bool,
}

impl Session {
    pub(super) fn batch_posted(
        &mut self,
        exchange: ExchangeId,
        messages: Vec<Result<ClientMessage, RpcError>>,
        stream: StreamId,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(message) = self.refusal_of(&messages) {
            let error = RpcError::new(ErrorCode::INVALID_REQUEST, message);
            return effects.push(Effect::Refuse(exchange, Refusal::new(400, error)));
        }
        if let Some(pipe) = self.pipe_stream() {
            effects.push(Effect::Accept(exchange));
            for message in messages {
                match message {
                    Ok(message) => self.message(message, Route::Stream(pipe), now, effects),
                    Err(error) => self.send(pipe, &null_id_error(&error), effects),
                }
            }
            return;
        }
        self.batches.push(Batch { stream, exchange, waiting: Vec::new(), answers: Vec::new(), taking: true });
        for message in messages {
            match message {
                Ok(message) => self.message(message, Route::Batch(stream), now, effects),
                Err(error) => self.batch_error(stream, &error),
            }
        }
        if let Some(batch) = self.batch(stream) {
            batch.taking = false;
        }
        self.batch_complete(stream, effects);
    }

    fn refusal_of(&self, messages: &[Result<ClientMessage, RpcError>]) -> Option<String> {
        let initializes = |message: &Result<ClientMessage, RpcError>| matches!(message, Ok(ClientMessage::Request { method, .. }) if &**method == "initialize");
        if !self.revision.has_batches() {
            return Some(format!("Invalid Request: {} has no batches; send one message per POST", self.revision.as_str()));
        }
        if messages.len() > MAX_BATCH {
            return Some(format!("Invalid Request: {} messages in one batch; at most {MAX_BATCH}", messages.len()));
        }
        messages.iter().any(initializes).then(|| "Invalid Request: initialize must not be in a batch".to_owned())
    }

    fn batch(&mut self, stream: StreamId) -> Option<&mut Batch> {
        self.batches.iter_mut().find(|batch| batch.stream == stream)
    }

    pub(super) fn batch_waits_for(&mut self, stream: StreamId, call: CallId) {
        if let Some(batch) = self.batch(stream) {
            batch.waiting.push(call);
        }
    }

    /// Adds the answer to a request. What would be too much together is refused by itself.
    pub(super) fn batch_answer(&mut self, stream: StreamId, request: &RequestId, answer: Bytes) {
        if let Some(batch) = self.batch(stream) {
            let all: usize = batch.answers.iter().map(Bytes::len).sum();
            batch.answers.push(if all + answer.len() > MAX_BATCH_ANSWERS_BYTES { too_much(request) } else { answer });
        }
    }

    fn batch_error(&mut self, stream: StreamId, error: &RpcError) {
        if let Some(batch) = self.batch(stream) {
            batch.answers.push(null_id_error(error));
        }
    }

    /// A call of the batch is over, answered or cancelled.
    pub(super) fn batch_forget(&mut self, stream: StreamId, call: CallId, effects: &mut Vec<Effect>) {
        if let Some(batch) = self.batch(stream) {
            batch.waiting.retain(|waiting| *waiting != call);
        }
        self.batch_complete(stream, effects);
    }

    /// Answers once nothing is waited for; a batch that asked nothing is accepted.
    fn batch_complete(&mut self, stream: StreamId, effects: &mut Vec<Effect>) {
        let is_complete = |batch: &Batch| batch.stream == stream && batch.waiting.is_empty() && !batch.taking;
        let Some(at) = self.batches.iter().position(is_complete) else { return };
        let Batch { exchange, answers, .. } = self.batches.swap_remove(at);
        effects.push(if answers.is_empty() { Effect::Accept(exchange) } else { Effect::Answer(exchange, array(&answers)) });
    }

    /// Makes the POST a stream: what is answered already goes first.
    pub(super) fn commit_batch(&mut self, stream: StreamId, effects: &mut Vec<Effect>) {
        let Some(at) = self.batches.iter().position(|batch| batch.stream == stream) else { return };
        let Batch { exchange, answers, .. } = self.batches.swap_remove(at);
        for call in self.calls.iter_mut().filter(|call| call.route == Route::Batch(stream)) {
            call.route = Route::Stream(stream);
        }
        self.add_stream(Stream::new(stream, Carries::Answer, Some(exchange)), effects);
        for answer in answers {
            self.send(stream, &answer, effects);
        }
    }

    /// The client left: nobody is there for the answers.
    pub(super) fn batch_disconnected(&mut self, exchange: ExchangeId) {
        let Some(at) = self.batches.iter().position(|batch| batch.exchange == exchange) else { return };
        let Batch { stream, .. } = self.batches.swap_remove(at);
        for call in self.calls.iter_mut().filter(|call| call.route == Route::Batch(stream)) {
            call.route = Route::Nowhere;
        }
    }

    /// The session is over.
    pub(super) fn refuse_batches(&mut self, error: &RpcError, effects: &mut Vec<Effect>) {
        let refusals = self
            .batches
            .drain(..)
            .map(|batch| Effect::Refuse(batch.exchange, Refusal { status: 404, id: None, error: error.clone() }));
        effects.extend(refusals);
    }
}

fn too_much(request: &RequestId) -> Bytes {
    let message = "the answers of this batch are more than 1 MiB together: send this request in a POST of its own";
    error_response(request, &RpcError::new(ErrorCode::INVALID_REQUEST, message))
}

fn array(answers: &[Bytes]) -> Bytes {
    let mut all = BytesMut::with_capacity(answers.iter().map(|answer| answer.len() + 1).sum::<usize>() + 2);
    for (at, answer) in answers.iter().enumerate() {
        all.put_u8(if at == 0 { b'[' } else { b',' });
        all.put_slice(answer);
    }
    all.put_u8(b']');
    all.freeze()
}
