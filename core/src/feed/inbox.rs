//! What waits to be read. Reading from the socket must not wait for parsing, or the server's buffer fills and it cuts us
//! (polygon.md §5.1). When too much waits, the oldest frames are boiled down to the newest of each symbol and kind.

use std::collections::{HashMap, VecDeque};
use std::mem::{Discriminant, discriminant};

use bytes::Bytes;

use super::event::{FeedEvent, Frame, Span, Told};
use super::reading::read_frame;
use crate::market::{Market, Symbol};

/// How much may wait unparsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxLimits {
    /// Frames.
    pub frames: usize,
    /// Bytes of them.
    pub bytes: usize,
}

impl Default for InboxLimits {
    /// A second of a busy market; two frames of the largest size.
    fn default() -> Self {
        Self { frames: 1_024, bytes: 16 << 20 }
    }
}

/// Symbols and kinds that boiling down keeps, and notices: no market has as many, and an upstream that goes mad costs no more memory.
const MAX_BOILED: usize = 100_000;

type Kind = (Symbol, Discriminant<Told>, Option<Span>);

/// Frames in their order, and before them what is left of those that had to give way.
#[derive(Debug)]
pub struct Inbox {
    market: Market,
    limits: InboxLimits,
    frames: VecDeque<Bytes>,
    bytes: usize,
    boiled: Frame,
    places: HashMap<Kind, usize>,
    conflated: u64,
}

impl Inbox {
    /// An empty inbox of a market.
    #[must_use]
    pub fn new(market: Market, limits: InboxLimits) -> Self {
        Self { market, limits, frames: VecDeque::new(), bytes: 0, boiled: Frame::default(), places: HashMap::new(), conflated: 0 }
    }

    /// Takes a frame.
    pub fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
        if self.frames.len() > self.limits.frames || self.bytes > self.limits.bytes {
            // Half of them at once, so that a reader that is behind does not parse for each frame.
            let keep = self.frames.len() / 2;
            while self.frames.len() > keep
                && let Some(oldest) = self.unqueue()
            {
                self.boil(&oldest);
            }
        }
    }

    /// The next to work on; `None` when nothing waits.
    pub fn take(&mut self) -> Option<Frame> {
        if self.boiled != Frame::default() {
            self.places.clear();
            return Some(std::mem::take(&mut self.boiled));
        }
        self.unqueue().map(|frame| read_frame(self.market, &frame))
    }

    /// Events that were left out because a newer one of their symbol and kind came, since this was last asked.
    pub fn take_conflated(&mut self) -> u64 {
        std::mem::take(&mut self.conflated)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.boiled == Frame::default()
    }

    /// Forgets everything: the connection that it came from is gone.
    pub fn clear(&mut self) {
        *self = Self::new(self.market, self.limits);
    }

    fn unqueue(&mut self) -> Option<Bytes> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.len();
        Some(frame)
    }

    fn boil(&mut self, frame: &Bytes) {
        let Frame { events, notices, ignored, malformed } = read_frame(self.market, frame);
        self.boiled.ignored += ignored;
        self.boiled.malformed += malformed;
        // What is said of the connection is rare and decides what happens to it: all of it is kept.
        let room = MAX_BOILED.saturating_sub(self.boiled.notices.len());
        self.boiled.notices.extend(notices.into_iter().take(room));
        for event in events {
            self.keep(event);
        }
    }

    fn keep(&mut self, event: FeedEvent) {
        let span = if let Told::Bar(bar) = &event.told { Some(bar.span) } else { None };
        let kind = (event.symbol.clone(), discriminant(&event.told), span);
        match self.places.get(&kind) {
            Some(&place) => {
                self.conflated += 1;
                let known = &mut self.boiled.events[place];
                if event.at >= known.at {
                    *known = event;
                }
            }
            None if self.places.len() == MAX_BOILED => self.conflated += 1,
            None => {
                self.places.insert(kind, self.boiled.events.len());
                self.boiled.events.push(event);
            }
        }
    }
}
