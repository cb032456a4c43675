//! The body of a tape stream. On `/events` it hands out frames that were encoded once for all readers: per event and reader
//! nothing is serialised, locked or allocated.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use tickgate_actors::Clock;
use tickgate_actors::window::TapeReader;
use tickgate_core::tape::{Epoch, Event, Gap, Next, Position};
use tokio::time::{Instant, Sleep, sleep_until};

use super::gateway::HttpMetrics;
use super::slots::StreamSlot;
use super::tenure::{Tenure, reason};
use crate::identity::Fall;

const KEEPALIVE: Bytes = Bytes::from_static(b": ping\n\n");

/// How a stream writes what it reads.
pub(super) trait Encoding {
    /// The first bytes: sent at once, so that nobody on the way waits for them.
    fn prelude(&mut self) -> Bytes;
    /// An event; `None` if this stream does not show it.
    fn event(&mut self, event: &Event, epoch: Epoch, clock: &Clock) -> Option<Bytes>;
    /// A hole.
    fn gap(&mut self, gap: &Gap, epoch: Epoch) -> Bytes;
    /// A place to resume from, with nothing to show.
    fn mark(&mut self, position: Position) -> Option<Bytes>;
    /// The last bytes, and why: the end of the stream's own time, or of the gateway's. `position`: how far it had read, if it had begun.
    fn goodbye(&mut self, why: Goodbye, position: Option<Position>) -> Option<Bytes>;
}

/// Why a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goodbye {
    /// Its time is over.
    TimeIsOver,
    /// The gateway is shutting down.
    Draining,
    /// It did not keep up.
    TooSlow,
    /// The credential that opened it is not good any more.
    Fallen(Fall),
}

impl Goodbye {
    const fn as_str(self) -> &'static str {
        match self {
            Self::TimeIsOver => "time",
            Self::Draining => "draining",
            Self::TooSlow => "slow",
            Self::Fallen(fall) => reason(fall),
        }
    }
}

/// What a body needs beside its reader.
pub(super) struct BodyParts {
    pub(super) kind: &'static str,
    pub(super) keepalive: Duration,
    /// When the stream ends by itself.
    pub(super) deadline: Option<Instant>,
    /// How long its caller may have it.
    pub(super) tenure: Tenure,
    /// Held for as long as the stream is open.
    pub(super) _slot: StreamSlot,
    pub(super) metrics: HttpMetrics,
    pub(super) clock: Clock,
}

/// Where a body reads from.
pub(super) enum Source {
    /// Its topics are not settled yet; the prelude goes out all the same.
    Opening(LocalBoxFuture<'static, TapeReader>),
    /// The tape.
    Open(TapeReader),
}

impl Source {
    const fn position(&self) -> Option<Position> {
        match self {
            Self::Opening(_) => None,
            Self::Open(reader) => Some(reader.position()),
        }
    }
}

/// The body.
pub(super) struct FanOutBody<E> {
    source: Source,
    encoding: E,
    parts: BodyParts,
    prelude: bool,
    closed: Option<Goodbye>,
    timer: Pin<Box<Sleep>>,
    last_write: Instant,
}

impl<E: Encoding + Unpin> FanOutBody<E> {
    pub(super) fn new(source: Source, encoding: E, parts: BodyParts) -> Self {
        let now = Instant::now();
        let mut body =
            Self { source, encoding, parts, prelude: true, closed: None, timer: Box::pin(sleep_until(now)), last_write: now };
        body.arm();
        body
    }

    /// One timer serves silence and the end.
    fn arm(&mut self) {
        let silence = self.last_write + self.parts.keepalive;
        let due = self.parts.deadline.map_or(silence, |deadline| deadline.min(silence));
        self.timer.as_mut().reset(due);
    }

    fn write(&mut self, bytes: Bytes) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.last_write = Instant::now();
        Poll::Ready(Some(Ok(bytes)))
    }

    fn close(&mut self, why: Goodbye) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.closed = Some(why);
        match self.encoding.goodbye(why, self.source.position()) {
            Some(bytes) => self.write(bytes),
            None => Poll::Ready(None),
        }
    }

    /// The next bytes that the reader has, if it has any now.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        if let Source::Opening(opening) = &mut self.source {
            self.source = Source::Open(std::task::ready!(opening.as_mut().poll(cx)));
        }
        let Source::Open(reader) = &mut self.source else { return Poll::Pending };
        loop {
            let bytes = match std::task::ready!(reader.poll_next(cx)) {
                None => return self.close(Goodbye::Draining),
                Some(Next::Event(event)) => self.encoding.event(&event, reader.epoch(), &self.parts.clock),
                Some(Next::Gap(gap)) => Some(self.encoding.gap(&gap, reader.epoch())),
                Some(Next::Mark(position)) => self.encoding.mark(position),
                Some(Next::Fallen) => return self.close(Goodbye::TooSlow),
                Some(Next::Idle) => None,
            };
            if let Some(bytes) = bytes {
                return self.write(bytes);
            }
        }
    }
}

impl<E: Encoding + Unpin> MessageBody for FanOutBody<E> {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let body = self.get_mut();
        if body.closed.is_some() {
            return Poll::Ready(None);
        }
        if std::mem::take(&mut body.prelude) {
            let prelude = body.encoding.prelude();
            return body.write(prelude);
        }
        // First: nothing more is told to whom it is no longer for.
        if let Poll::Ready(fall) = body.parts.tenure.poll_over(cx) {
            return body.close(Goodbye::Fallen(fall));
        }
        if let Poll::Ready(bytes) = body.read(cx) {
            return Poll::Ready(bytes);
        }
        while body.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if body.parts.deadline.is_some_and(|deadline| deadline <= now) {
                return body.close(Goodbye::TimeIsOver);
            }
            // The timer is not moved by each write: it looks here whether the silence was long enough.
            let silent = body.last_write + body.parts.keepalive <= now;
            if silent {
                body.last_write = now;
            }
            body.arm();
            if silent {
                return Poll::Ready(Some(Ok(KEEPALIVE)));
            }
        }
        Poll::Pending
    }
}

impl<E> Drop for FanOutBody<E> {
    fn drop(&mut self) {
        let reason = self.closed.map_or("client", Goodbye::as_str);
        self.parts.metrics.streams_closed.with_label_values(&[self.parts.kind, reason]).inc();
    }
}
