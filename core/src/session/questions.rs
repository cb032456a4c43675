//! What we ask the client: questions of running calls, and pings. Each has an id of ours and a deadline; its answer comes as a POST.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::calls::{CallId, Route};
use super::effect::{Effect, EndReason};
use super::limits::{MAX_QUESTIONS, PING_PATIENCE_MS};
use super::machine::Session;
use super::streams::Carries;
use crate::rpc::{RequestId, notification, request};
use crate::sse::StreamId;
use crate::time::Millis;

/// A question of a call, as the shell names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QuestionId(pub u64);

/// A question.
#[derive(Debug)]
pub struct Ask {
    /// What the shell calls it.
    pub question: QuestionId,
    /// The method.
    pub method: &'static str,
    /// Its parameters, a JSON object.
    pub params: Bytes,
    /// How long the client may take, in ms.
    pub patience_ms: u64,
}

/// The answer to a question.
pub type Reply = Result<Box<RawValue>, ReplyError>;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// The client refused; its error's code and message.
    #[error("the client refused: {message} ({code})")]
    Refused {
        /// JSON-RPC code; −1 when the user said no.
        code: i64,
        /// The client's words.
        message: String,
    },
    /// It did not answer in time.
    #[error("the client did not answer in time")]
    TimedOut,
    /// There is no way to ask it: it left before the call became a stream, or has too many questions open.
    #[error("the client cannot be asked now")]
    Unreachable,
}

/// A question that waits for its answer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OpenQuestion {
    /// Our id on the wire.
    id: u64,
    asker: Asker,
    deadline: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Asker {
    Call(CallId, QuestionId),
    Ping,
}

#[derive(Deserialize)]
struct ClientError {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
}

/// Longest text of a client's refusal that is passed on, in characters.
const MAX_REFUSAL_CHARS: usize = 500;

impl Session {
    /// Asks on the call's own stream, which the answer becomes by this at the latest.
    pub(super) fn ask(&mut self, call: CallId, ask: Ask, now: Millis, effects: &mut Vec<Effect>) {
        self.commit(call, now, effects);
        let route = self.calls.iter().find(|running| running.id == call).map(|running| running.route);
        let Some(Route::Stream(stream)) = route.filter(|_| self.questions.len() < MAX_QUESTIONS) else {
            return effects.push(Effect::Tell(call, ask.question, Err(ReplyError::Unreachable)));
        };
        let id = self.new_question(Asker::Call(call, ask.question), now.plus(ask.patience_ms));
        self.send(stream, &request(id, ask.method, &ask.params), effects);
    }

    fn new_question(&mut self, asker: Asker, deadline: Millis) -> u64 {
        self.next_question += 1;
        self.questions.push(OpenQuestion { id: self.next_question, asker, deadline });
        self.next_question
    }

    /// An answer to a question that is unknown or over is ignored.
    pub(super) fn answered(&mut self, id: &RequestId, outcome: Result<Box<RawValue>, Box<RawValue>>, effects: &mut Vec<Effect>) {
        let RequestId::Number(id) = id else { return };
        let Some(at) = self.questions.iter().position(|open| i64::try_from(open.id) == Ok(*id)) else { return };
        if let Asker::Call(call, question) = self.questions.swap_remove(at).asker {
            effects.push(Effect::Tell(call, question, outcome.map_err(|error| refused(&error))));
        }
    }

    /// The call is over: nobody waits for its answers any more, and the client need not bother.
    pub(super) fn drop_questions(&mut self, call: CallId, route: Route, effects: &mut Vec<Effect>) {
        let mut dropped = Vec::new();
        self.questions.retain(|open| {
            let gone = matches!(open.asker, Asker::Call(asker, _) if asker == call);
            if gone {
                dropped.push(open.id);
            }
            !gone
        });
        for id in dropped {
            self.withdraw(id, "the call is over", route, effects);
        }
    }

    fn withdraw(&mut self, id: u64, reason: &str, route: Route, effects: &mut Vec<Effect>) {
        if let Route::Stream(stream) = route {
            let params = format!("{{\"requestId\":{id},\"reason\":\"{reason}\"}}");
            self.send(stream, &notification("notifications/cancelled", params.as_bytes()), effects);
        }
    }

    /// Pings a client that has been silent, and gives up on answers that are late.
    pub(super) fn questions_due(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        let late: Vec<OpenQuestion> = self.questions.extract_if(.., |open| now >= open.deadline).collect();
        for OpenQuestion { id, asker, .. } in late {
            let Asker::Call(call, question) = asker else { return self.end(EndReason::Unresponsive, effects) };
            let route = self.calls.iter().find(|running| running.id == call).map(|running| running.route);
            self.withdraw(id, "no answer in time", route.unwrap_or(Route::Nowhere), effects);
            effects.push(Effect::Tell(call, question, Err(ReplyError::TimedOut)));
        }
        if let Some((stream, due)) = self.ping_due()
            && now >= due
        {
            let id = self.new_question(Asker::Ping, now.plus(PING_PATIENCE_MS));
            self.send(stream, &request(id, "ping", b"{}"), effects);
        }
    }

    /// The earliest moment at which [`Self::questions_due`] has something to do.
    pub(super) fn next_question_due(&self) -> Millis {
        let late = self.questions.iter().map(|open| open.deadline);
        late.chain(self.ping_due().map(|(_, due)| due)).fold(Millis(u64::MAX), Millis::min)
    }

    /// Where and when the next ping is due; never while one is open or before the handshake, and only where a stream outside of calls is held open.
    fn ping_due(&self) -> Option<(StreamId, Millis)> {
        if self.is_ungreeted() || self.questions.iter().any(|open| open.asker == Asker::Ping) {
            return None;
        }
        let stream = self.streams.iter().find(|stream| stream.carries != Carries::Answer && stream.exchange.is_some())?;
        Some((stream.log.id(), self.heard.plus(self.limits.ping_ms)))
    }
}

fn refused(error: &RawValue) -> ReplyError {
    let ClientError { code, message } =
        serde_json::from_str(error.get()).unwrap_or(ClientError { code: 0, message: String::new() });
    ReplyError::Refused { code, message: message.chars().take(MAX_REFUSAL_CHARS).collect() }
}
