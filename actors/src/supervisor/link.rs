//! The supervisor, as others hold it.

use std::sync::Arc;
use std::time::Duration;

use actix::{Addr, MailboxError, Recipient};
use tickgate_core::market::Topic;
use tickgate_core::tape::Draft;
use tokio::sync::oneshot;

use super::SupervisorActor;
use super::death::Dying;
use super::messages::{
    AttachWindow, Drain, Feed, Inspect, Inspection, Rested, UnknownSymbol, Unwatch, Watch, WatchError, Watched,
};
use crate::window::{Ready, WindowUpdate};

/// Longest wait for a topic to be ready: an upstream call with its retries, and a little more.
const WATCH_DEADLINE: Duration = Duration::from_secs(15);
/// A stream may rest or die just as it is asked; then the question is asked again.
const WATCH_ATTEMPTS: usize = 3;

/// Up from an actor to its supervisor.
#[derive(Clone)]
pub struct SupervisorLink(Addr<SupervisorActor>);

impl SupervisorLink {
    pub(super) const fn new(supervisor: Addr<SupervisorActor>) -> Self {
        Self(supervisor)
    }

    /// Sends a notice of death, if there is one.
    #[expect(clippy::disallowed_methods, reason = "a death that goes unnoticed is never mended")]
    pub fn report(&self, notice: Option<Dying>) {
        if let Some(notice) = notice {
            self.0.do_send(notice);
        }
    }

    #[expect(clippy::disallowed_methods, reason = "one per stream and life")]
    pub(crate) fn rested(&self, topic: Topic) {
        self.0.do_send(Rested(topic));
    }

    #[expect(clippy::disallowed_methods, reason = "one per stream and life")]
    pub(crate) fn unknown_symbol(&self, topic: Topic) {
        self.0.do_send(UnknownSymbol(topic));
    }
}

/// The market, as the edges hold it. Clones share one address: every clone of an address may send one message beyond the bound.
#[derive(Clone)]
pub struct MarketLink(pub(super) Arc<Addr<SupervisorActor>>);

impl MarketLink {
    pub(super) fn new(supervisor: Addr<SupervisorActor>) -> Self {
        Self(Arc::new(supervisor))
    }

    /// Gives a worker's window every batch of the tape from now on.
    #[expect(clippy::disallowed_methods, reason = "once per worker")]
    pub fn attach(&self, window: Recipient<WindowUpdate>) {
        self.0.do_send(AttachWindow(window));
    }

    /// Ends every reader: the gateway is shutting down.
    #[expect(clippy::disallowed_methods, reason = "once per process")]
    pub fn drain(&self) {
        self.0.do_send(Drain);
    }

    /// Says that a topic's events come from elsewhere than the pollers, and puts one on the tape if there is one.
    #[expect(clippy::disallowed_methods, reason = "an event that was fed must not be lost")]
    pub fn feed(&self, topic: Topic, draft: Option<Draft>) {
        self.0.do_send(Feed { topic, draft });
    }

    /// What is being watched.
    ///
    /// # Errors
    /// When the supervisor is gone or busy.
    pub async fn inspect(&self) -> Result<Inspection, MailboxError> {
        self.0.send(Inspect).await
    }

    pub(crate) fn watch(
        &self,
        topic: Topic,
        interval_ms: u64,
        add: bool,
        ready: Ready,
    ) -> Result<impl Future<Output = Result<Watched, WatchError>> + use<>, WatchError> {
        // The first attempt is sent now: interest is counted in the order in which it is declared, or it is not declared at all.
        let supervisor = Arc::clone(&self.0);
        let mut asked = ask(&supervisor, &topic, interval_ms, add, ready)?;
        let answer = async move {
            for _ in 0..WATCH_ATTEMPTS {
                if let Ok(answer) = asked.await {
                    return answer;
                }
                asked = ask(&supervisor, &topic, interval_ms, false, ready)?;
            }
            Err(WatchError::Busy)
        };
        Ok(async move { tokio::time::timeout(WATCH_DEADLINE, answer).await.unwrap_or(Err(WatchError::Busy)) })
    }

    #[expect(clippy::disallowed_methods, reason = "interest that is not taken back would be polled for ever")]
    pub(crate) fn unwatch(&self, topic: Topic, interval_ms: u64) {
        self.0.do_send(Unwatch { topic, interval_ms });
    }
}

type Answer = oneshot::Receiver<Result<Watched, WatchError>>;

fn ask(
    supervisor: &Addr<SupervisorActor>,
    topic: &Topic,
    interval_ms: u64,
    add: bool,
    ready: Ready,
) -> Result<Answer, WatchError> {
    let (reply, answer) = oneshot::channel();
    let watch = Watch { topic: topic.clone(), interval_ms, add, ready, reply };
    supervisor.try_send(watch).map_err(|_| WatchError::Busy)?;
    Ok(answer)
}
