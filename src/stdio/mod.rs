//! MCP over standard input and output, for the one client that started us: each message is a line, stdout carries nothing else.
//! Both eras: the messages of sessions go to the one session, stateless requests run beside each other.

mod calls;
mod input;
mod output;

use std::future::Future;
use std::io::{self, Read, Write};
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::json;
use tickgate_actors::clock::random_u128;
use tickgate_actors::session::{Answer, SessionHandle, SessionStream, SubmitError};
use tickgate_actors::stateless::Stateless;
use tickgate_core::access::Caller;
use tickgate_core::mcp::{Envelope, Era, Refusal, admit, cancelled_request, classify_line};
use tickgate_core::rpc::{Body, ClientMessage, ErrorCode, RequestId, RpcError, error_response, line, null_id_error};
use tokio::sync::mpsc;
use tokio::time::sleep;

use calls::Calls;
use input::Line;
use output::{Gone, Output, Written};

/// What a conversation is held with.
pub(crate) struct Speakers {
    /// The session of the stateful era.
    pub(crate) session: SessionHandle,
    /// Its one stream.
    pub(crate) stream: SessionStream,
    /// Requests of the stateless era.
    pub(crate) stateless: Stateless,
    /// Who started us.
    pub(crate) caller: Caller,
}

/// How much there may be of what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Bytes of a line (`MAX_BODY_BYTES`).
    pub(crate) line_bytes: usize,
    /// Stateless requests at once (`MAX_CALLS_PER_SESSION`).
    pub(crate) calls: usize,
    /// Time for what runs at the end (`DRAIN_SECS`).
    pub(crate) drain: Duration,
}

/// Why no more messages are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The client closed our input.
    Input,
    /// The client closed our output.
    Output,
    /// We were told to stop.
    Told,
    /// The session ended by itself: a call crashed it, or the client has not read for too long.
    Session,
}

/// One client's messages and our answers.
pub(crate) struct Conversation {
    lines: mpsc::Receiver<Line>,
    listener: Listener,
    stream: SessionStream,
    written: Written,
    drain: Duration,
}

impl Conversation {
    /// Begins to read and write.
    ///
    /// # Errors
    /// When there are no threads for it.
    pub(crate) fn open(
        speakers: Speakers,
        bounds: Bounds,
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        let Speakers { session, stream, stateless, caller } = speakers;
        let (output, written) = Output::open(output)?;
        let lines = input::lines(input, bounds.line_bytes)?;
        let calls = Calls::new(stateless, caller, output.clone(), bounds.calls);
        let listener = Listener { session, calls, output, line_bytes: bounds.line_bytes };
        Ok(Self { lines, listener, stream, written, drain: bounds.drain })
    }

    /// Holds it to its end. `told`: resolves when we are to stop; `drain` then lets what runs come to its end, which it gets time for,
    /// and with `true` hastens it.
    pub(crate) async fn hold(self, told: impl Future<Output = ()>, drain: impl Fn(bool)) -> Ended {
        let Self { mut lines, mut listener, stream, written, drain: time } = self;
        let mut told = pin!(told);
        let mut speaking = pin!(speak(stream, listener.output.clone()));
        let output = listener.output.clone();
        let ended = tokio::select! {
            ended = listener.listen(&mut lines) => ended,
            () = &mut told => Ended::Told,
            ended = &mut speaking => ended,
            () = output.closed() => Ended::Output,
        };
        tracing::info!(reason = ?ended, "no more messages are taken");
        if ended == Ended::Output {
            return ended;
        }
        drop(output);
        drain(ended == Ended::Told);
        let Listener { mut calls, session, output, .. } = listener;
        drop((session, output));
        let over = async {
            if ended != Ended::Session {
                speaking.await;
            }
            calls.all_over().await;
            drop(calls);
            let _ = written.await;
        };
        let hasten = async {
            if ended != Ended::Told {
                told.await;
                drain(true);
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = over => {}
            () = hasten => {}
            () = sleep(time) => tracing::warn!("what still runs is given up after {} s", time.as_secs()),
        }
        ended
    }
}

/// Says what the session says, until it has ended or nobody reads.
async fn speak(mut stream: SessionStream, output: Output) -> Ended {
    while let Some(frame) = stream.next().await {
        if output.send(frame).await.is_err() {
            return Ended::Output;
        }
    }
    Ended::Session
}

/// Takes the client's messages.
struct Listener {
    session: SessionHandle,
    calls: Calls,
    output: Output,
    line_bytes: usize,
}

impl Listener {
    async fn listen(&mut self, lines: &mut mpsc::Receiver<Line>) -> Ended {
        loop {
            // A client that does not read is not listened to either.
            self.output.has_room().await;
            let Some(line) = lines.recv().await else { return Ended::Input };
            if self.take(line).await.is_err() {
                return Ended::Output;
            }
        }
    }

    async fn take(&mut self, line: Line) -> Result<(), Gone> {
        let parsed = match line {
            Line::Text(text) => Body::parse(&text),
            Line::TooLong => {
                let message = format!("Payload Too Large: a message has at most {} bytes", self.line_bytes);
                Err(RpcError::new(ErrorCode(413), message).with_data(json!({"reason": "body_too_large"})))
            }
        };
        match parsed {
            Ok(body) => self.body(body).await,
            Err(error) => self.refuse(None, &error).await,
        }
    }

    async fn body(&mut self, body: Body) -> Result<(), Gone> {
        if let Body::One(ClientMessage::Notification { method, params }) = &body
            && let Some(id) = cancelled_request(method, params.as_deref())
            && self.calls.cancel(&id)
        {
            return Ok(());
        }
        match classify_line(body) {
            Era::Legacy(message) => {
                let id = request_id_of(&message);
                let answer = self.session.submit(message, new_request_id()).await;
                self.submitted(id, answer).await
            }
            Era::LegacyBatch(messages) => {
                let answer = self.session.submit_batch(messages, new_request_id()).await;
                self.submitted(None, answer).await
            }
            Era::Modern(message, envelope) => self.stateless(message, *envelope).await,
            Era::ModernNotification => Ok(()),
            Era::Refused(Refusal { id, error, .. }) => self.refuse(id.as_ref(), &error).await,
        }
    }

    /// The session answers on its stream; only what it does not take is said here.
    async fn submitted(&self, id: Option<RequestId>, answer: Result<Answer, SubmitError>) -> Result<(), Gone> {
        match answer {
            Ok(Answer::Refused(refusal)) => self.refuse(refusal.id.as_ref(), &refusal.error).await,
            Err(SubmitError::Busy) => {
                let error = RpcError::new(ErrorCode(503), SubmitError::Busy.to_string()).with_data(json!({"reason": "busy"}));
                self.refuse(id.as_ref(), &error).await
            }
            // Of a session that has ended, the end of its stream tells.
            Ok(_) | Err(SubmitError::Ended) => Ok(()),
        }
    }

    async fn stateless(&mut self, message: ClientMessage, envelope: Envelope) -> Result<(), Gone> {
        let ClientMessage::Request { id, method, params } = message else { return Ok(()) };
        let started = match admit(id.clone(), &method, params.as_deref(), envelope, None) {
            Ok(request) => self.calls.start(request, new_request_id()),
            Err(refusal) => Err(refusal.error),
        };
        match started {
            Ok(()) => Ok(()),
            Err(error) => self.refuse(Some(&id), &error).await,
        }
    }

    async fn refuse(&self, id: Option<&RequestId>, error: &RpcError) -> Result<(), Gone> {
        let message = id.map_or_else(|| null_id_error(error), |id| error_response(id, error));
        self.output.send(line(&message)).await
    }
}

/// For what is asked upstream on behalf of a message.
fn new_request_id() -> String {
    format!("{:032x}", random_u128())
}

fn request_id_of(message: &ClientMessage) -> Option<RequestId> {
    match message {
        ClientMessage::Request { id, .. } => Some(id.clone()),
        ClientMessage::Notification { .. } | ClientMessage::Response { .. } => None,
    }
}
