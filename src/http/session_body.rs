//! The body of an MCP event stream: a session's frames, with a comment when it has been silent for a while.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use bytes::Bytes;
use futures_util::Stream as _;
use prometheus::IntGauge;
use tickgate_actors::session::SessionStream;
use tokio::time::{Instant, Sleep, sleep};

use super::gateway::Worker;

const KEEPALIVE: Bytes = Bytes::from_static(b": ping\n\n");

pub(super) struct SessionBody {
    stream: SessionStream,
    keepalive: Duration,
    silence: Pin<Box<Sleep>>,
    open: IntGauge,
}

impl SessionBody {
    pub(super) fn respond(stream: SessionStream, worker: &Worker) -> HttpResponse {
        let keepalive = Duration::from_secs(worker.gateway.settings.streams.keepalive_secs);
        let open = worker.gateway.metrics.streams_open.with_label_values(&["mcp"]);
        open.inc();
        event_stream().body(Self { stream, keepalive, silence: Box::pin(sleep(keepalive)), open })
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

impl MessageBody for SessionBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let keepalive = self.keepalive;
        if let Poll::Ready(frame) = Pin::new(&mut self.stream).poll_next(cx) {
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

impl Drop for SessionBody {
    fn drop(&mut self) {
        self.open.dec();
    }
}
