//! The event log of one MCP stream: an event is logged before it is sent, so that a cut connection can be resumed.

use std::collections::VecDeque;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::event_id::{EventId, StreamId};

/// Events kept per stream: five minutes at more than three a second.
pub const MAX_LOG_EVENTS: usize = 1_024;
/// Bytes kept per stream.
pub const MAX_LOG_BYTES: usize = 1 << 20;

/// One stream's events, the oldest of which may have been dropped.
#[derive(Debug, Serialize, Deserialize)]
pub struct StreamLog {
    id: StreamId,
    next_seq: u64,
    #[serde(with = "super::text")]
    frames: VecDeque<Bytes>,
    bytes: usize,
}

/// Why a stream cannot be resumed after an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// Events after the id were dropped.
    #[error("the events after this Last-Event-ID are no longer kept")]
    Evicted,
    /// The stream never had that event.
    #[error("unknown Last-Event-ID")]
    Unknown,
}

impl StreamLog {
    /// An empty log.
    #[must_use]
    pub const fn new(id: StreamId) -> Self {
        Self { id, next_seq: 0, frames: VecDeque::new(), bytes: 0 }
    }

    /// The stream's name.
    #[must_use]
    pub const fn id(&self) -> StreamId {
        self.id
    }

    /// Logs the next event: `frame` is given the event's id and returns its frame.
    pub fn append(&mut self, frame: impl FnOnce(EventId) -> Bytes) -> Bytes {
        let frame = frame(EventId { stream: self.id, seq: self.next_seq });
        self.next_seq += 1;
        self.bytes += frame.len();
        self.frames.push_back(frame.clone());
        while self.frames.len() > MAX_LOG_EVENTS || (self.bytes > MAX_LOG_BYTES && self.frames.len() > 1) {
            self.drop_oldest();
        }
        frame
    }

    /// Bytes that it keeps.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Number of events that it keeps.
    #[must_use]
    pub fn events(&self) -> usize {
        self.frames.len()
    }

    /// Drops the oldest event; who needs it is told that it is no longer kept. False when there is none.
    pub fn drop_oldest(&mut self) -> bool {
        let dropped = self.frames.pop_front();
        self.bytes -= dropped.as_ref().map_or(0, Bytes::len);
        dropped.is_some()
    }

    /// The frames after event `seq`, oldest first.
    ///
    /// # Errors
    /// When there was no such event, or some after it were dropped.
    pub fn after(&self, seq: u64) -> Result<Vec<Bytes>, ReplayError> {
        let first = self.next_seq - self.frames.len() as u64;
        if seq >= self.next_seq {
            return Err(ReplayError::Unknown);
        }
        let skip = (seq + 1).checked_sub(first).ok_or(ReplayError::Evicted)?;
        Ok(self.frames.iter().skip(usize::try_from(skip).unwrap_or(usize::MAX)).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replay_begins_strictly_after_the_id_and_says_what_it_cannot_give() {
        let mut log = StreamLog::new(StreamId(1));
        assert_eq!(log.after(0), Err(ReplayError::Unknown));
        for n in 0..MAX_LOG_EVENTS as u64 + 2 {
            log.append(|id| Bytes::from(id.seq.to_string()));
            assert_eq!(log.after(n), Ok(vec![]));
        }
        assert_eq!(log.after(0), Err(ReplayError::Evicted));
        assert_eq!(log.after(1).unwrap().len(), MAX_LOG_EVENTS);
        assert_eq!(log.after(MAX_LOG_EVENTS as u64), Ok(vec![Bytes::from((MAX_LOG_EVENTS + 1).to_string())]));
        assert_eq!(log.after(u64::MAX), Err(ReplayError::Unknown));
    }

    #[test]
    fn a_log_is_bounded_in_bytes_but_keeps_its_newest_event() {
        let mut log = StreamLog::new(StreamId(1));
        for _ in 0..3 {
            log.append(|_| Bytes::from(vec![0; MAX_LOG_BYTES]));
        }
        assert_eq!((log.events(), log.bytes()), (1, MAX_LOG_BYTES));
    }

    #[test]
    fn what_was_dropped_is_evicted_and_the_newest_event_is_remembered_even_then() {
        let mut log = StreamLog::new(StreamId(1));
        log.append(|_| Bytes::from_static(b"ab"));
        log.append(|_| Bytes::from_static(b"c"));
        assert!(log.drop_oldest());
        assert_eq!((log.bytes(), log.after(0)), (1, Ok(vec![Bytes::from_static(b"c")])));
        assert!(log.drop_oldest());
        assert_eq!((log.bytes(), log.after(0), log.after(1)), (0, Err(ReplayError::Evicted), Ok(vec![])));
        assert!(!log.drop_oldest());
    }
}
