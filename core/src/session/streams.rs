//! A session's streams: their logs, and which exchange each is attached to.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::exchange::ExchangeId;
use super::limits::{DELIVERED_GRACE_MS, MAX_LOGGED_BYTES, UNDELIVERED_GRACE_MS};
use super::machine::Session;
use crate::sse::{EventId, StreamId, StreamLog};
use crate::time::Millis;

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Carries {
    /// One call's messages and its answer.
    Answer,
    /// What belongs to no call.
    Standalone,
    /// Everything: the only stream of a pipe.
    Everything,
}

/// How messages stand on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Framing {
    /// As events with ids, kept for a resume: Streamable HTTP.
    Events,
    /// As events without ids, not kept: HTTP+SSE of 2024-11-05.
    BareEvents,
    /// One line each, not kept: stdio.
    Lines,
}

/// One stream.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stream {
    pub(super) log: StreamLog,
    pub(super) carries: Carries,
    framing: Framing,
    pub(super) exchange: Option<ExchangeId>,
    /// When the last event was logged, if there will be no more.
    pub(super) finished: Option<Finished>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Finished {
    at: Millis,
    delivered: bool,
}

impl Finished {
    fn expires(self) -> Millis {
        self.at.plus(if self.delivered { DELIVERED_GRACE_MS } else { UNDELIVERED_GRACE_MS })
    }
}

impl Stream {
    pub(super) const fn new(id: StreamId, carries: Carries, exchange: Option<ExchangeId>) -> Self {
        Self { log: StreamLog::new(id), carries, framing: Framing::Events, exchange, finished: None }
    }

    pub(super) const fn pipe(id: StreamId, framing: Framing, exchange: ExchangeId) -> Self {
        Self { log: StreamLog::new(id), carries: Carries::Everything, framing, exchange: Some(exchange), finished: None }
    }

    pub(super) fn finish(&mut self, now: Millis) {
        self.finished = Some(Finished { at: now, delivered: self.exchange.is_some() });
    }

    /// The client has come back for the rest.
    pub(super) fn delivered(&mut self, now: Millis) {
        if let Some(finished) = &mut self.finished {
            *finished = Finished { at: now, delivered: true };
        }
    }

    /// Whether its client has had everything and nothing more will come.
    pub(super) fn is_delivered(&self) -> bool {
        self.finished.is_some_and(|finished| finished.delivered)
    }

    pub(super) fn expires(&self) -> Option<Millis> {
        self.finished.map(Finished::expires)
    }

    pub(super) fn append(&mut self, json: &[u8]) -> Bytes {
        match self.framing {
            Framing::Events => self.log.append(|id: EventId| crate::sse::message(id, json)),
            Framing::BareEvents => crate::sse::bare_message(json),
            Framing::Lines => crate::rpc::line(json),
        }
    }
}

impl Session {
    /// Keeps all logs together within bounds. First go the streams that were read to their end, then the oldest events of the
    /// largest log; the newest event of a stream, which is its answer once there is one, goes last.
    pub(super) fn bound_logs(&mut self) {
        let mut bytes: usize = self.streams.iter().map(|stream| stream.log.bytes()).sum();
        while bytes > MAX_LOGGED_BYTES {
            let delivered = self.streams.iter().enumerate().filter(|(_, stream)| stream.is_delivered());
            if let Some((at, _)) = delivered.min_by_key(|(_, stream)| stream.expires()) {
                bytes -= self.streams.remove(at).log.bytes();
                continue;
            }
            let largest = self.streams.iter_mut().max_by_key(|stream| (stream.log.events() > 1, stream.log.bytes()));
            let Some(stream) = largest else { return };
            let before = stream.log.bytes();
            if !stream.log.drop_oldest() {
                return;
            }
            bytes -= before - stream.log.bytes();
        }
    }
}
