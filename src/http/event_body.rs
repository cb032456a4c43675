//! The body of an MCP event stream: frames, with a comment when there have been none for a while.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use bytes::Bytes;
use futures_util::Stream;
use tickgate_core::access::Caller;
use tokio::time::{Instant, Sleep, sleep};

use super::gateway::Worker;
use super::tenure::{Tenure, bye};

const KEEPALIVE: Bytes = Bytes::from_static(b": ping\n\n");

/// Frames of `S`; `G`, which counts the stream, is held until the body is dropped.
pub(super) struct EventBody<S, G> {
    first: Option<Bytes>,
    /// Dropped when the stream is over, and what it hangs on with it.
    frames: Option<S>,
    tenure: Tenure,
    keepalive: Duration,
    silence: Pin<Box<Sleep>>,
    _held: G,
}

impl<S: Stream<Item = Bytes> + Unpin + 'static, G: Unpin + 'static> EventBody<S, G> {
    /// The answer with these frames; `first` goes before them at once.
    pub(super) fn respond(first: Option<Bytes>, frames: S, held: G, caller: &Caller, worker: &Worker) -> HttpResponse {
        let keepalive = Duration::from_secs(worker.gateway.settings.streams.keepalive_secs);
        let silence = Box::pin(sleep(keepalive));
        let tenure = Tenure::of(caller, &worker.gateway);
        event_stream().body(Self { first, frames: Some(frames), tenure, keepalive, silence, _held: held })
    }
}

/// The head of every event stream: not cached, not changed, not held back by a proxy.
pub(super) fn event_stream() -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-cache, no-transform"))
        .insert_header(("x-accel-buffering", "no"));
    response
}

impl<S: Stream<Item = Bytes> + Unpin, G: Unpin> MessageBody for EventBody<S, G> {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let keepalive = self.keepalive;
        if self.frames.is_none() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(fall) = self.tenure.poll_over(cx) {
            self.frames = None;
            return Poll::Ready(Some(Ok(bye(fall))));
        }
        let Some(frames) = &mut self.frames else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = Pin::new(frames).poll_next(cx) {
            self.silence.as_mut().reset(Instant::now() + keepalive);
            return Poll::Ready(frame.map(Ok));
        }
        if self.silence.as_mut().poll(cx).is_ready() {
            self.silence.as_mut().reset(Instant::now() + keepalive);
            return Poll::Ready(Some(Ok(KEEPALIVE)));
        }
        Poll::Pending
    }
}
