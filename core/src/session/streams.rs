//! A session's streams: their logs, and which exchange each is attached to.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::exchange::ExchangeId;
use super::limits::{DELIVERED_GRACE_MS, UNDELIVERED_GRACE_MS};
use crate::sse::{EventId, StreamId, StreamLog};
use crate::time::Millis;

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Carries {
    /// One call's messages and its answer.
    Answer,
    /// What belongs to no call.
    Standalone,
}

/// One stream.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stream {
    pub(super) log: StreamLog,
    pub(super) carries: Carries,
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
    pub(super) fn new(id: StreamId, carries: Carries, exchange: ExchangeId) -> Self {
        Self { log: StreamLog::new(id), carries, exchange: Some(exchange), finished: None }
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

    pub(super) fn expires(&self) -> Option<Millis> {
        self.finished.map(Finished::expires)
    }

    pub(super) fn append(&mut self, json: &[u8]) -> Bytes {
        self.log.append(|id: EventId| crate::sse::message(id, json))
    }
}
