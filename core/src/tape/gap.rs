//! A hole in what is known, said instead of silently skipped.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::event::Event;
use super::position::{Epoch, Position, Seq};
use crate::market::Topic;

/// Why events are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GapReason {
    /// They were on the tape and have left it.
    Evicted,
    /// The cursor is from another life of the tape: the gateway restarted.
    Epoch,
    /// The cursor lies ahead of the tape.
    Unknown,
    /// Nobody watched the topic at that time.
    Unrecorded,
}

impl GapReason {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Evicted => "evicted",
            Self::Epoch => "epoch",
            Self::Unknown => "unknown",
            Self::Unrecorded => "unrecorded",
        }
    }
}

/// One hole: the events of `topics` after `from` up to and including `to` are not there.
#[derive(Clone, Debug)]
pub struct Gap {
    /// Where the hole begins.
    pub from: Position,
    /// Where it ends.
    pub to: Seq,
    /// Where reading goes on: at the hole's end, or before an event of another topic that lies inside the hole.
    pub resume: Seq,
    /// Why.
    pub reason: GapReason,
    /// Whose events are missing.
    pub topics: Vec<Topic>,
    /// The latest known event of each of these topics.
    pub snapshot: Vec<Arc<Event>>,
}

impl Gap {
    /// Whether the hole begins before the event at `seq` of the tape's present life.
    pub(super) fn begins_before(&self, seq: Seq, epoch: Epoch) -> bool {
        self.from.epoch != epoch || self.from.seq < seq
    }

    /// The gap as a JSON object: `{"from","to","reason","topics","snapshot"}`.
    #[must_use]
    pub fn item(&self, epoch: Epoch) -> Bytes {
        let to = Position { epoch, seq: self.to };
        let mut item = BytesMut::with_capacity(128 + self.snapshot.iter().map(|event| event.frame().len()).sum::<usize>());
        item.put_slice(
            format!("{{\"from\":\"{}\",\"to\":\"{to}\",\"reason\":\"{}\",\"topics\":[", self.from, self.reason.as_str())
                .as_bytes(),
        );
        for (at, topic) in self.topics.iter().enumerate() {
            item.put_slice(if at == 0 { b"\"" } else { b",\"" });
            // A topic's grammar leaves nothing to escape.
            item.put_slice(topic.to_string().as_bytes());
            item.put_u8(b'"');
        }
        item.put_slice(b"],\"snapshot\":[");
        for (at, event) in self.snapshot.iter().enumerate() {
            if at > 0 {
                item.put_u8(b',');
            }
            item.put_slice(&event.item());
        }
        item.put_slice(b"]}");
        item.freeze()
    }

    /// The SSE frame of `/events`. Its id is where reading goes on.
    #[must_use]
    pub fn frame(&self, epoch: Epoch) -> Bytes {
        let item = self.item(epoch);
        let mut frame = BytesMut::with_capacity(item.len() + 64);
        frame.put_slice(format!("id: {}\nevent: gap\ndata: ", Position { epoch, seq: self.resume }).as_bytes());
        frame.put_slice(&item);
        frame.put_slice(b"\n\n");
        frame.freeze()
    }
}
