//! One event: encoded once for all its readers.

use std::ops::Range;
use std::sync::OnceLock;

use bytes::{BufMut, Bytes, BytesMut};

use super::position::{Epoch, Position, Seq};
use crate::market::Topic;
use crate::time::Millis;

/// Memory counted per event beside its frame: the struct, its topics and the places it holds in the indexes.
const EVENT_OVERHEAD_BYTES: usize = 256;

/// What an event tells; the `event:` field of its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A tick.
    Price,
    /// A bar that is over.
    Bar,
    /// An article.
    News,
    /// A price alert fired.
    Alert,
    /// Market session or upstream health.
    Status,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Price, Self::Bar, Self::News, Self::Alert, Self::Status];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Price => "price",
            Self::Bar => "bar",
            Self::News => "news",
            Self::Alert => "alert",
            Self::Status => "status",
        }
    }

    /// Whether only the newest event of a topic matters, so that older unsent ones may be skipped.
    #[must_use]
    pub const fn is_conflatable(self) -> bool {
        matches!(self, Self::Price)
    }
}

/// What makes two events the same thing: an article has one position however many topics find it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The thing's own id.
    pub key: String,
    /// Changes when the thing does.
    pub fingerprint: u64,
}

/// An event that has no position yet.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What it tells.
    pub kind: Kind,
    /// Where it belongs; at least one.
    pub topics: Vec<Topic>,
    /// The body: a JSON object on one line.
    pub item: Vec<u8>,
    /// Time of the data.
    pub as_of: Millis,
    /// What it is a version of, where that matters.
    pub identity: Option<Identity>,
    /// Found by a topic's first look and older than it: on the tape for those who ask for the newest, not sent to readers.
    pub history: bool,
}

/// An event with its position, its frame written once.
#[derive(Debug)]
pub struct Event {
    /// Its place.
    pub seq: Seq,
    /// What it tells.
    pub kind: Kind,
    /// Where it belongs.
    pub topics: Box<[Topic]>,
    /// Time of the data.
    pub as_of: Millis,
    /// When it was put on the tape.
    pub recorded: Millis,
    /// See [`Draft::history`].
    pub history: bool,
    /// See [`Identity`].
    pub identity: Option<Identity>,
    frame: Bytes,
    item: Range<usize>,
    quoted: OnceLock<Bytes>,
}

impl Event {
    pub(super) fn new(draft: Draft, epoch: Epoch, seq: Seq, updated: bool, now: Millis) -> Self {
        let position = Position { epoch, seq };
        let (frame, item) = encode(&draft, &position.to_string(), updated);
        Self {
            seq,
            kind: draft.kind,
            topics: draft.topics.into(),
            as_of: draft.as_of,
            recorded: now,
            history: draft.history,
            identity: draft.identity,
            frame,
            item,
            quoted: OnceLock::new(),
        }
    }

    /// The SSE frame of `/events`: `id`, `event`, one `data` line, a blank line.
    #[must_use]
    pub const fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// The JSON object alone, a part of the frame.
    #[must_use]
    pub fn item(&self) -> Bytes {
        self.frame.slice(self.item.clone())
    }

    /// The item as a JSON string, for places that carry JSON as text; made at most once.
    #[must_use]
    pub fn quoted_item(&self) -> &Bytes {
        self.quoted.get_or_init(|| {
            let text = std::str::from_utf8(&self.frame[self.item.clone()]).expect("an item is JSON, which is UTF-8");
            serde_json::to_vec(text).expect("a string is always JSON").into()
        })
    }

    /// What the event costs the tape's memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.frame.len() + EVENT_OVERHEAD_BYTES
    }
}

fn encode(draft: &Draft, position: &str, updated: bool) -> (Bytes, Range<usize>) {
    debug_assert!(draft.item.first() == Some(&b'{') && draft.item.last() == Some(&b'}') && !draft.item.contains(&b'\n'));
    let mut frame = BytesMut::with_capacity(draft.item.len() + 2 * position.len() + 64);
    frame.put_slice(b"id: ");
    frame.put_slice(position.as_bytes());
    frame.put_slice(b"\nevent: ");
    frame.put_slice(draft.kind.as_str().as_bytes());
    frame.put_slice(b"\ndata: ");
    let start = frame.len();
    frame.put_slice(&draft.item[..draft.item.len() - 1]);
    if updated {
        frame.put_slice(b",\"updated\":true");
    }
    frame.put_slice(if draft.item.len() > 2 { b",\"position\":\"" } else { b"\"position\":\"" });
    frame.put_slice(position.as_bytes());
    frame.put_slice(b"\"}");
    let end = frame.len();
    frame.put_slice(b"\n\n");
    (frame.freeze(), start..end)
}
