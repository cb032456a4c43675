//! Where an exchange's answer goes: first one answer, then, if that is a stream, its frames.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix::Recipient;
use bytes::Bytes;
use futures_util::Stream;
use tickgate_core::session::ExchangeId;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::adapters::Chain;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Iter, StreamExt as _};

use super::{Answer, Gone};

/// Frames that wait for a connection that reads too slowly; beyond it the connection is closed and resumes from the log.
const MAX_WAITING_FRAMES: usize = 256;
/// The same where all calls of a session speak on one connection: they can speak in one go, before it gets a turn to read.
const MAX_WAITING_FRAMES_OF_A_PIPE: usize = 64 * MAX_WAITING_FRAMES;

/// One side of an exchange.
pub(super) enum Outlet {
    Waiting(oneshot::Sender<Answer>),
    Attached(mpsc::Sender<Bytes>),
}

/// What became of a frame.
pub(super) enum Pushed {
    Sent,
    TooSlow,
    Gone,
}

impl Outlet {
    pub(super) const fn waiting(reply: oneshot::Sender<Answer>) -> Self {
        Self::Waiting(reply)
    }

    pub(super) fn answer(self, answer: Answer) {
        if let Self::Waiting(reply) = self {
            let _ = reply.send(answer);
        }
    }

    /// Makes the answer a stream, perhaps the only one of its session; `None` when the other side is gone.
    pub(super) fn attach(
        self,
        frames: Vec<Bytes>,
        session: Recipient<Gone>,
        exchange: ExchangeId,
        is_a_pipe: bool,
    ) -> Option<Self> {
        let Self::Waiting(reply) = self else { return Some(self) };
        let (sender, receiver) = mpsc::channel(if is_a_pipe { MAX_WAITING_FRAMES_OF_A_PIPE } else { MAX_WAITING_FRAMES });
        let stream = SessionStream { frames: tokio_stream::iter(frames).chain(ReceiverStream::new(receiver)), session, exchange };
        reply.send(Answer::Stream(stream)).ok()?;
        Some(Self::Attached(sender))
    }

    pub(super) fn push(&self, frame: Bytes) -> Pushed {
        match self {
            Self::Waiting(_) => Pushed::Gone,
            Self::Attached(sender) => match sender.try_send(frame) {
                Ok(()) => Pushed::Sent,
                Err(mpsc::error::TrySendError::Full(_)) => Pushed::TooSlow,
                Err(mpsc::error::TrySendError::Closed(_)) => Pushed::Gone,
            },
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::Waiting(reply) => reply.is_closed(),
            Self::Attached(sender) => sender.is_closed(),
        }
    }
}

/// The frames of one connection. Dropping it tells the session.
pub struct SessionStream {
    /// What is replayed, then what comes.
    frames: Chain<Iter<std::vec::IntoIter<Bytes>>, ReceiverStream<Bytes>>,
    session: Recipient<Gone>,
    exchange: ExchangeId,
}

impl fmt::Debug for SessionStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionStream").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}

impl Stream for SessionStream {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        Pin::new(&mut self.frames).poll_next(cx)
    }
}

impl Drop for SessionStream {
    fn drop(&mut self) {
        // A full mailbox loses this notice; the session's timer notices the closed channel.
        let _ = self.session.try_send(Gone(self.exchange));
    }
}
