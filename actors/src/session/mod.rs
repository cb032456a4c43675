//! One MCP session of the stateful era: the shell around [`tickgate_core::session::Session`].
//!
//! Owns: the machine, the exchanges that wait for it, its running calls, its timer. Hears: `Submit`, `OpenStream`, `Close`,
//! what its calls say. Tells: each exchange its answer. Dies: its slot in the directory is freed, also after a panic; the
//! client gets 404 and starts anew.

mod directory;
mod handle;
mod line;
mod outlet;
mod rest;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::rc::Rc;

use actix::fut::wrap_stream;
use actix::{
    Actor, ActorContext, ActorFutureExt, ActorStreamExt, AsyncContext, Context, Handler, Message, SpawnHandle, WrapFuture,
};
use tickgate_core::access::{Caller, Scope};
use tickgate_core::mcp::{FeatureResult, Refusal, Revision};
use tickgate_core::rpc::{ClientMessage, RpcError};
use tickgate_core::session::{
    CallEvent, CallId, Effect, EndReason, ExchangeId, Input, Notice, Posted, QuestionId, Reply, Session, Start,
};
use tickgate_core::sse::{EventId, StreamId};
use tickgate_core::time::Millis;
use tokio::sync::oneshot;

use crate::call::{CallInfo, CallLink, Catalog, Line, Started};
use crate::clock::{Clock, random_u128};
use crate::metrics::Metrics;

use directory::SessionSlot;
pub use directory::{DirectoryLimits, OpenError, SessionDirectory, SessionId};
pub use handle::{SessionHandle, SubmitError};
pub(crate) use line::SessionLine;
use line::{CallAsks, CallSaid};
pub use outlet::SessionStream;
use outlet::{Outlet, Pushed};
pub use rest::FindError;
use rest::Written;

/// Mailbox bound: a client that pipelines more than this at once is told to wait.
const MAILBOX: usize = 128;

/// The answer to an exchange.
#[derive(Debug)]
pub enum Answer {
    /// 202.
    Accepted,
    /// 200 with one JSON message.
    Json(bytes::Bytes),
    /// 204: nothing more will come.
    NothingMore,
    /// An HTTP status with a JSON-RPC error.
    Refused(Refusal),
    /// 200 with an event stream.
    Stream(SessionStream),
}

/// One session.
pub struct SessionActor {
    session: Session,
    caller: Caller,
    catalog: Rc<dyn Catalog>,
    outlets: HashMap<ExchangeId, Outlet>,
    running: HashMap<CallId, SpawnHandle>,
    /// Calls that wait for the client's answer.
    asking: HashMap<(CallId, QuestionId), oneshot::Sender<Reply>>,
    watching: HashMap<Box<str>, SpawnHandle>,
    next_exchange: u64,
    /// Of the newest message or batch: calls start while it is handled.
    request_id: String,
    timer: Option<(Millis, SpawnHandle)>,
    ended: Option<EndReason>,
    /// Who wants it written down, once no call runs.
    rests: Option<oneshot::Sender<Written>>,
    rested: bool,
    clock: Clock,
    metrics: Metrics,
    _slot: SessionSlot,
}

impl SessionActor {
    fn happen(&mut self, input: Input, ctx: &mut Context<Self>) {
        let mut inputs = vec![input];
        let mut effects = Vec::new();
        while let Some(input) = inputs.pop() {
            self.session.handle(input, self.clock.now(), &mut effects);
            for effect in effects.drain(..) {
                inputs.extend(self.carry_out(effect, ctx));
            }
        }
        self.arm(ctx);
        self.rest_if_idle(ctx);
    }

    /// Does one deed; what comes of it at once is the next input.
    fn carry_out(&mut self, effect: Effect, ctx: &mut Context<Self>) -> Option<Input> {
        match effect {
            Effect::Accept(exchange) => self.answer(exchange, Answer::Accepted),
            Effect::Answer(exchange, json) => self.answer(exchange, Answer::Json(json)),
            Effect::NothingMore(exchange) => self.answer(exchange, Answer::NothingMore),
            Effect::Refuse(exchange, refusal) => self.answer(exchange, Answer::Refused(refusal)),
            Effect::Attach(exchange, frames) => {
                let outlet = self.outlets.remove(&exchange)?;
                match outlet.attach(frames, ctx.address().recipient(), exchange, self.session.is_a_pipe()) {
                    Some(outlet) => {
                        self.outlets.insert(exchange, outlet);
                    }
                    None => return Some(Input::Disconnected(exchange)),
                }
            }
            Effect::Send(exchange, frame) => match self.outlets.get(&exchange).map(|outlet| outlet.push(frame)) {
                Some(Pushed::Sent) => {}
                // The log keeps what could not be sent; the client resumes from it.
                Some(Pushed::TooSlow) => {
                    self.metrics.slow_readers.with_label_values(&["mcp"]).inc();
                    return self.disconnected(exchange);
                }
                Some(Pushed::Gone) | None => return self.disconnected(exchange),
            },
            Effect::Finish(exchange) => {
                self.outlets.remove(&exchange);
            }
            Effect::Start(call, start) => return self.start(call, start, ctx),
            Effect::Greet(call, revision) => return Some(self.greet(call, revision)),
            Effect::Watch(call, uri) => return Some(self.watch(call, uri, ctx)),
            Effect::Unwatch(uri) => {
                if let Some(watching) = self.watching.remove(&uri) {
                    ctx.cancel_future(watching);
                }
            }
            Effect::Tell(call, question, reply) => {
                if let Some(asking) = self.asking.remove(&(call, question)) {
                    let _ = asking.send(reply);
                }
            }
            Effect::Stop(call) => {
                self.forget_questions(call);
                if let Some(running) = self.running.remove(&call) {
                    ctx.cancel_future(running);
                }
            }
            Effect::End(reason) => {
                self.ended = Some(reason);
                ctx.stop();
            }
        }
        None
    }

    fn answer(&mut self, exchange: ExchangeId, answer: Answer) {
        if let Some(outlet) = self.outlets.remove(&exchange) {
            outlet.answer(answer);
        }
    }

    fn disconnected(&mut self, exchange: ExchangeId) -> Option<Input> {
        self.outlets.remove(&exchange);
        Some(Input::Disconnected(exchange))
    }

    fn start(&mut self, call: CallId, start: Start, ctx: &mut Context<Self>) -> Option<Input> {
        let Start { request, revision, client, wants_progress } = start;
        let request_id = self.request_id.clone();
        let info = CallInfo { revision, client, wants_progress, request_id, traceparent: None };
        let link = CallLink::new(info, Line::Session(SessionLine::new(ctx.address(), call)));
        match Rc::clone(&self.catalog).start(request, &self.caller, link) {
            Started::Done(outcome) => Some(Input::Call(call, CallEvent::Finished(outcome))),
            Started::Running(future) => {
                let running = future.into_actor(self).map(move |outcome, session, ctx| {
                    session.running.remove(&call);
                    session.forget_questions(call);
                    session.happen(Input::Call(call, CallEvent::Finished(outcome)), ctx);
                });
                self.running.insert(call, ctx.spawn(running));
                None
            }
        }
    }

    fn greet(&self, call: CallId, revision: Revision) -> Input {
        let greeting = self.catalog.server().initialize_result(revision);
        Input::Call(call, CallEvent::Finished(Ok(FeatureResult::new(greeting.into()))))
    }

    fn watch(&mut self, call: CallId, uri: Box<str>, ctx: &mut Context<Self>) -> Input {
        // Two calls of one batch may want the same.
        if self.watching.contains_key(&uri) {
            return Input::Call(call, CallEvent::Finished(Ok(FeatureResult::empty())));
        }
        let outcome = self.catalog.watch_resource(&uri, &self.caller).map(|changes| {
            let notice = Notice::ResourceUpdated(uri.clone());
            let told =
                wrap_stream(changes).map(move |(), session: &mut Self, ctx| session.happen(Input::Notice(notice.clone()), ctx));
            self.watching.insert(uri, ctx.spawn(told.finish()));
            FeatureResult::empty()
        });
        Input::Call(call, CallEvent::Finished(outcome))
    }

    fn forget_questions(&mut self, call: CallId) {
        if !self.asking.is_empty() {
            self.asking.retain(|(asker, _), _| *asker != call);
        }
    }

    fn new_exchange(&mut self, outlet: Outlet) -> ExchangeId {
        let exchange = ExchangeId(self.next_exchange);
        self.next_exchange += 1;
        self.outlets.insert(exchange, outlet);
        exchange
    }

    /// Keeps one timer, for the earliest moment at which time alone matters.
    fn arm(&mut self, ctx: &mut Context<Self>) {
        let due = self.session.wake_at();
        if let Some((armed, timer)) = self.timer {
            if armed <= due {
                return;
            }
            ctx.cancel_future(timer);
        }
        let timer = ctx.run_later(self.clock.until(due), |session, ctx| {
            session.timer = None;
            session.forget_the_gone(ctx);
            session.happen(Input::TimeReached, ctx);
        });
        self.timer = Some((due, timer));
    }

    /// A notice that a connection is gone can be lost with a full mailbox: it is noticed here at the latest.
    fn forget_the_gone(&mut self, ctx: &mut Context<Self>) {
        let gone: Vec<ExchangeId> =
            self.outlets.iter().filter(|(_, outlet)| outlet.is_gone()).map(|(exchange, _)| *exchange).collect();
        for exchange in gone {
            self.outlets.remove(&exchange);
            self.happen(Input::Disconnected(exchange), ctx);
        }
    }
}

impl Actor for SessionActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.metrics.sessions_opened.inc();
        self.metrics.sessions_open.inc();
        self.watch_again(ctx);
        self.arm(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        let reason = match self.ended {
            Some(reason) => reason.as_str(),
            None if self.rested => "rested",
            None if std::thread::panicking() => "crashed",
            None => "shutdown",
        };
        self.metrics.sessions_open.dec();
        self.metrics.sessions_ended.with_label_values(&[reason]).inc();
        tracing::info!(caller.id = %self.caller.principal, reason, "session ended");
    }
}

/// A POST with one message.
#[derive(Message)]
#[rtype(result = "()")]
struct Submit {
    message: ClientMessage,
    /// The id of the HTTP request, for what is asked upstream on its behalf.
    request_id: String,
    scope: Option<Scope>,
    reply: oneshot::Sender<Answer>,
}

/// A GET.
#[derive(Message)]
#[rtype(result = "()")]
struct OpenStream {
    resume: Option<EventId>,
    reply: oneshot::Sender<Answer>,
}

/// DELETE.
#[derive(Message)]
#[rtype(result = "()")]
struct Close;

/// The gateway is shutting down.
#[derive(Message)]
#[rtype(result = "()")]
struct Drain;

/// Something changed that clients are told of.
#[derive(Message)]
#[rtype(result = "()")]
struct Tell(Notice);

/// A POST with several messages.
#[derive(Message)]
#[rtype(result = "()")]
struct SubmitBatch {
    messages: Vec<Result<ClientMessage, RpcError>>,
    request_id: String,
    scope: Option<Scope>,
    reply: oneshot::Sender<Answer>,
}

/// The other side of a stream is gone.
#[derive(Message)]
#[rtype(result = "()")]
struct Gone(ExchangeId);

impl Handler<Submit> for SessionActor {
    type Result = ();

    fn handle(&mut self, Submit { message, request_id, scope, reply }: Submit, ctx: &mut Self::Context) {
        self.request_id = request_id;
        self.caller.scope = scope.unwrap_or(self.caller.scope);
        let exchange = self.new_exchange(Outlet::waiting(reply));
        self.happen(Input::Posted(Posted { exchange, message, stream: StreamId(random_u128()) }), ctx);
    }
}

impl Handler<SubmitBatch> for SessionActor {
    type Result = ();

    fn handle(&mut self, SubmitBatch { messages, request_id, scope, reply }: SubmitBatch, ctx: &mut Self::Context) {
        self.request_id = request_id;
        self.caller.scope = scope.unwrap_or(self.caller.scope);
        let exchange = self.new_exchange(Outlet::waiting(reply));
        self.happen(Input::BatchPosted { exchange, messages, stream: StreamId(random_u128()) }, ctx);
    }
}

impl Handler<Tell> for SessionActor {
    type Result = ();

    fn handle(&mut self, Tell(notice): Tell, ctx: &mut Self::Context) {
        self.happen(Input::Notice(notice), ctx);
    }
}

impl Handler<CallAsks> for SessionActor {
    type Result = ();

    fn handle(&mut self, CallAsks { call, ask, reply }: CallAsks, ctx: &mut Self::Context) {
        self.asking.insert((call, ask.question), reply);
        self.happen(Input::Call(call, CallEvent::Ask(ask)), ctx);
    }
}

impl Handler<OpenStream> for SessionActor {
    type Result = ();

    fn handle(&mut self, OpenStream { resume, reply }: OpenStream, ctx: &mut Self::Context) {
        let exchange = self.new_exchange(Outlet::waiting(reply));
        self.happen(Input::StreamOpened { exchange, resume, stream: StreamId(random_u128()) }, ctx);
    }
}

impl Handler<Close> for SessionActor {
    type Result = ();

    fn handle(&mut self, _: Close, ctx: &mut Self::Context) {
        self.happen(Input::Deleted, ctx);
    }
}

impl Handler<Drain> for SessionActor {
    type Result = ();

    fn handle(&mut self, _: Drain, ctx: &mut Self::Context) {
        self.happen(Input::Draining, ctx);
    }
}

impl Handler<CallSaid> for SessionActor {
    type Result = ();

    fn handle(&mut self, CallSaid(call, event): CallSaid, ctx: &mut Self::Context) {
        self.happen(Input::Call(call, event), ctx);
    }
}

impl Handler<Gone> for SessionActor {
    type Result = ();

    fn handle(&mut self, Gone(exchange): Gone, ctx: &mut Self::Context) {
        self.outlets.remove(&exchange);
        self.happen(Input::Disconnected(exchange), ctx);
    }
}
