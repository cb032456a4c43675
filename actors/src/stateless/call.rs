//! One stateless call: its handler runs inside the answer.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::LocalBoxStream;
use serde_json::value::RawValue;
use tickgate_core::access::{Caller, Principal, Scope};
use tickgate_core::mcp::{Answers, Asked, FeatureRequest, Outcome, Round, StatelessRequest, Voice, bad_state, binding};
use tickgate_core::ports::Sealed;
use tickgate_core::rpc::RequestId;
use tickgate_core::task::{TaskCall, TaskTerms};
use tokio::time::{Sleep, sleep};

use super::line::StatelessLine;
use super::{Stateless, StatelessAnswer};
use crate::call::{CallInfo, CallLink, Line, Started};

/// After this long without an answer it becomes a stream: proxies cut silent requests. Not sooner, because an error can have an HTTP
/// status of its own only as long as nothing was sent.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);

/// A call with all that its answer needs.
struct Call {
    stateless: Stateless,
    id: RequestId,
    principal: Principal,
    scope: Scope,
    handler: Option<LocalBoxFuture<'static, Outcome>>,
    line: Rc<StatelessLine>,
    bound: Vec<Vec<u8>>,
    /// What must be known to run the tool again as a task; for clients that understand tasks.
    tool: Option<(Box<str>, Option<Box<RawValue>>)>,
    info: CallInfo,
}

/// What one look at a call shows.
enum Step {
    /// It has said something, or wants to.
    Spoken,
    Done(Outcome),
    Asked,
    Detached(TaskTerms),
}

pub(super) async fn answer(
    stateless: &Stateless,
    request: StatelessRequest,
    caller: &Caller,
    request_id: String,
) -> StatelessAnswer {
    let StatelessRequest { id, revision, asked, client, log_level, progress_token, traceparent } = request;
    let Asked::Feature(feature, answers) = asked else { unreachable!("only features are calls") };
    let bound = bound(&feature, &caller.principal);
    let round = match begin(stateless, answers, &bound) {
        Ok(round) => round,
        Err(error) => return stateless.json(&id, Err(error)),
    };
    let voice = Voice::new(progress_token);
    let info = CallInfo { revision, client, wants_progress: voice.has_token(), request_id, traceparent };
    let tool = match &feature {
        FeatureRequest::CallTool { name, arguments } if client.tasks => Some((name.clone(), arguments.clone())),
        _ => None,
    };
    let line = Rc::new(StatelessLine::new(voice, log_level, round));
    let link = CallLink::new(info.clone(), Line::Stateless(Rc::clone(&line)));
    match stateless.catalog.start(feature, caller, link) {
        Started::Done(outcome) => stateless.json(&id, outcome),
        Started::Running(handler) => {
            let (stateless, principal, scope) = (stateless.clone(), caller.principal.clone(), caller.scope);
            let handler = Some(handler);
            Call { stateless, id, principal, scope, handler, line, bound, tool, info }.answer().await
        }
    }
}

fn begin(stateless: &Stateless, answers: Answers, bound: &[Vec<u8>]) -> Result<Round, tickgate_core::mcp::FeatureError> {
    let now = stateless.clock.now();
    let Some(state) = answers.state.clone() else { return Round::begin(answers, None, now) };
    let context: Vec<&[u8]> = bound.iter().map(Vec::as_slice).collect();
    let opened = stateless.seal.open(Sealed::RequestState, &context, &state).ok_or_else(bad_state)?;
    Round::begin(answers, Some(&opened), now)
}

/// What a `requestState` is bound to: the caller and what is called. Empty for what cannot ask.
fn bound(feature: &FeatureRequest, principal: &Principal) -> Vec<Vec<u8>> {
    let Some(what) = binding(feature) else { return Vec::new() };
    [principal.as_str().into()].into_iter().chain(what).collect()
}

impl Call {
    /// Waits for the first that is to be sent, and decides by it what the answer is.
    async fn answer(mut self) -> StatelessAnswer {
        let mut patience = sleep_for_patience();
        let step = poll_fn(|cx| match self.poll_step(cx) {
            Poll::Pending if patience.as_mut().poll(cx).is_ready() => Poll::Ready(Step::Spoken),
            step => step,
        })
        .await;
        let outcome = match step {
            Step::Spoken => return StatelessAnswer::Stream(StatelessStream::of_call(self)),
            Step::Done(outcome) => outcome,
            Step::Asked => self.ask(),
            Step::Detached(terms) => self.detach(terms).await,
        };
        self.stateless.json(&self.id, outcome)
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let Some(handler) = &mut self.handler else { return Poll::Pending };
        let polled = handler.as_mut().poll(cx);
        if self.line.has_spoken() {
            // The answer waits until what was said before has been sent.
            if let Poll::Ready(outcome) = polled {
                self.handler = Some(Box::pin(std::future::ready(outcome)));
            }
            return Poll::Ready(Step::Spoken);
        }
        match polled {
            Poll::Ready(outcome) => {
                self.handler = None;
                Poll::Ready(Step::Done(outcome))
            }
            Poll::Pending => match self.line.wants_to_detach() {
                Some(terms) => Poll::Ready(Step::Detached(terms)),
                None if self.line.has_asked() => Poll::Ready(Step::Asked),
                None => Poll::Pending,
            },
        }
    }

    /// The questions; the run ends here and begins anew with the client's next request.
    fn ask(&mut self) -> Outcome {
        self.handler = None;
        let mut round = self.line.round.borrow_mut();
        let carried = round.carry(self.stateless.clock.now())?;
        let context: Vec<&[u8]> = self.bound.iter().map(Vec::as_slice).collect();
        Ok(round.input_required(&self.stateless.seal.seal(Sealed::RequestState, &context, &carried)))
    }

    /// The handler goes on as a task, which is durable before its name is told.
    async fn detach(&mut self, terms: TaskTerms) -> Outcome {
        let (tool, arguments) = self.tool.take().unwrap_or_default();
        let answers = self.line.round.borrow().answers().clone();
        let call = TaskCall { tool, arguments, answers, client: self.info.client, scope: self.scope };
        let task = self.stateless.tasks.create(&self.principal, call, terms, &self.info).await?;
        let created = task.created();
        self.line.become_task(task.line());
        if let Some(handler) = self.handler.take() {
            task.run(handler);
        }
        Ok(created)
    }
}

fn sleep_for_patience() -> Pin<Box<Sleep>> {
    Box::pin(sleep(ANSWER_PATIENCE))
}

/// The messages of an answer that is a stream: notifications, then the answer itself. Dropping it cancels the call.
pub struct StatelessStream(State);

enum State {
    Call(Box<Call>),
    /// The last message is being made.
    Ending(LocalBoxFuture<'static, Bytes>),
    Listen(LocalBoxStream<'static, Bytes>),
    Over,
}

impl StatelessStream {
    fn of_call(call: Call) -> Self {
        Self(State::Call(Box::new(call)))
    }

    pub(super) fn of_listener(messages: LocalBoxStream<'static, Bytes>) -> Self {
        Self(State::Listen(messages))
    }
}

impl Stream for StatelessStream {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            let step = match &mut self.0 {
                State::Listen(messages) => return messages.as_mut().poll_next(cx),
                State::Over => return Poll::Ready(None),
                State::Ending(ending) => {
                    let Poll::Ready(message) = ending.as_mut().poll(cx) else { return Poll::Pending };
                    self.0 = State::Over;
                    return Poll::Ready(Some(message));
                }
                State::Call(call) => match call.line.heard() {
                    Some(message) => return Poll::Ready(Some(message)),
                    None => match call.poll_after_speaking(cx) {
                        Poll::Ready(step) => step,
                        Poll::Pending => return Poll::Pending,
                    },
                },
            };
            if matches!(step, Step::Spoken) {
                continue;
            }
            let State::Call(call) = std::mem::replace(&mut self.0, State::Over) else { continue };
            self.0 = State::Ending(Box::pin(call.end(step)));
        }
    }
}

impl Call {
    /// As [`Self::poll_step`], once the answer is a stream: only messages count as spoken.
    fn poll_after_speaking(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        self.line.speaks_as_a_stream();
        self.poll_step(cx)
    }

    async fn end(mut self: Box<Self>, step: Step) -> Bytes {
        let outcome = match step {
            Step::Done(outcome) => outcome,
            Step::Asked => self.ask(),
            Step::Detached(terms) => self.detach(terms).await,
            Step::Spoken => unreachable!("what was said goes before the end"),
        };
        self.stateless.write(&self.id, outcome).1
    }
}
