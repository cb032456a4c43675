//! Where an exchange's answer goes: first one answer, then, if that is a stream, its frames.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use actix::Recipient;
use bytes::Bytes;
use futures_util::Stream;
use tickgate_core::session::ExchangeId;
use tickgate_core::sse::MAX_LOG_BYTES;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::adapters::Chain;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Iter, StreamExt as _};

use super::{Answer, Gone};

/// Frames that wait for a connection that reads too slowly; beyond it the connection is closed and resumes from the log.
const MAX_WAITING_FRAMES: usize = 256;
/// The same where all calls of a session speak on one connection: they can speak in one go, before it gets a turn to read.
const MAX_WAITING_FRAMES_OF_A_PIPE: usize = 64 * MAX_WAITING_FRAMES;
/// Bytes of frames that wait: frames can be large. Twice what the log keeps: whoever is further behind could not resume either.
const MAX_WAITING_BYTES: usize = 2 * MAX_LOG_BYTES;
/// The same for a pipe: 128 KiB for each of the 64 calls that run at once.
const MAX_WAITING_BYTES_OF_A_PIPE: usize = 8 * MAX_LOG_BYTES;

/// One side of an exchange.
pub(super) enum Outlet {
    Waiting(oneshot::Sender<Answer>),
    Attached(Inflow),
}

/// Where frames go in.
pub(super) struct Inflow {
    frames: mpsc::Sender<Bytes>,
    /// Bytes that went in and were not taken out yet.
    waiting: Arc<AtomicUsize>,
    max_waiting: usize,
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
        let (max_frames, max_waiting) = if is_a_pipe {
            (MAX_WAITING_FRAMES_OF_A_PIPE, MAX_WAITING_BYTES_OF_A_PIPE)
        } else {
            (MAX_WAITING_FRAMES, MAX_WAITING_BYTES)
        };
        let (sender, receiver) = mpsc::channel(max_frames);
        let waiting = Arc::new(AtomicUsize::new(0));
        let outflow = Outflow { frames: ReceiverStream::new(receiver), waiting: Arc::clone(&waiting) };
        let stream = SessionStream { frames: tokio_stream::iter(frames).chain(outflow), session, exchange };
        reply.send(Answer::Stream(stream)).ok()?;
        Some(Self::Attached(Inflow { frames: sender, waiting, max_waiting }))
    }

    pub(super) fn push(&self, frame: Bytes) -> Pushed {
        match self {
            Self::Waiting(_) => Pushed::Gone,
            Self::Attached(inflow) => inflow.push(frame),
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::Waiting(reply) => reply.is_closed(),
            Self::Attached(inflow) => inflow.frames.is_closed(),
        }
    }
}

impl Inflow {
    /// A frame that is larger than the bound goes in alone: its reader is not slow.
    fn push(&self, frame: Bytes) -> Pushed {
        let size = frame.len();
        let before = self.waiting.fetch_add(size, Ordering::Relaxed);
        let fits = before == 0 || before.saturating_add(size) <= self.max_waiting;
        let sent = if fits { self.frames.try_send(frame) } else { Err(mpsc::error::TrySendError::Full(frame)) };
        let Err(error) = sent else { return Pushed::Sent };
        self.waiting.fetch_sub(size, Ordering::Relaxed);
        match error {
            mpsc::error::TrySendError::Full(_) => Pushed::TooSlow,
            mpsc::error::TrySendError::Closed(_) => Pushed::Gone,
        }
    }
}

/// Where they come out.
struct Outflow {
    frames: ReceiverStream<Bytes>,
    waiting: Arc<AtomicUsize>,
}

impl Stream for Outflow {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let frame = ready!(Pin::new(&mut self.frames).poll_next(cx));
        self.waiting.fetch_sub(frame.as_ref().map_or(0, Bytes::len), Ordering::Relaxed);
        Poll::Ready(frame)
    }
}

/// The frames of one connection. Dropping it tells the session.
pub struct SessionStream {
    /// What is replayed, then what comes.
    frames: Chain<Iter<std::vec::IntoIter<Bytes>>, Outflow>,
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
