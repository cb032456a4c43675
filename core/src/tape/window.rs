//! What is still known of the tape: the retained events by topic, and from when to when each topic was recorded.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::batch::{Batch, Entry};
use super::event::Event;
use super::gap::GapReason;
use super::position::{Epoch, Position, Seq};
use crate::market::Topic;
use crate::time::Millis;

/// Recorded stretches remembered per topic; an older hole is told as evicted.
const MAX_SPANS_PER_TOPIC: usize = 64;

/// How much the tape keeps (DESIGN §4, `TAPE_*`).
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Events per topic.
    pub max_events_per_topic: usize,
    /// Bytes of all events.
    pub max_bytes: usize,
    /// Age of an event in ms.
    pub max_age_ms: u64,
}

/// A topic's place in a window; stable for as long as the window lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TopicId(usize);

impl TopicId {
    /// The place as an index, counted from 0 in the order in which topics were first seen.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

/// A stretch in which a topic was recorded: after `from`, up to `until` or still.
#[derive(Clone, Debug)]
struct Span {
    from: Seq,
    until: Option<Seq>,
}

#[derive(Clone, Debug)]
struct Track {
    topic: Topic,
    events: VecDeque<Arc<Event>>,
    /// Events up to here may be missing because they left the tape.
    evicted_to: Seq,
    spans: VecDeque<Span>,
}

/// The retained part of the tape.
#[derive(Clone, Debug)]
pub struct Window {
    epoch: Epoch,
    head: Seq,
    limits: Limits,
    bytes: usize,
    order: BTreeMap<Seq, Arc<Event>>,
    ids: HashMap<Topic, TopicId>,
    tracks: Vec<Track>,
    /// Places of topics that were forgotten, to be used again.
    free: Vec<TopicId>,
    /// Events of always recorded topics that were forgotten lie at or before this place: whoever asks for one of them again
    /// is told that they may be missing.
    forgotten_to: Seq,
}

impl Window {
    /// An empty window.
    #[must_use]
    pub fn new(epoch: Epoch, limits: Limits) -> Self {
        Self {
            epoch,
            head: 0,
            limits,
            bytes: 0,
            order: BTreeMap::new(),
            ids: HashMap::new(),
            tracks: Vec::new(),
            free: Vec::new(),
            forgotten_to: 0,
        }
    }

    /// The life of the tape that this window shows.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The place of the newest entry.
    #[must_use]
    pub const fn head(&self) -> Seq {
        self.head
    }

    /// The same as a position.
    #[must_use]
    pub const fn position(&self) -> Position {
        Position { epoch: self.epoch, seq: self.head }
    }

    /// Bytes of all retained events.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Number of retained events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether nothing is retained.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The topic's place, made on first sight.
    pub fn topic_id(&mut self, topic: &Topic) -> TopicId {
        if let Some(id) = self.ids.get(topic) {
            return *id;
        }
        let (spans, evicted_to) = if topic.is_always_recorded() {
            (VecDeque::from([Span { from: 0, until: None }]), self.forgotten_to)
        } else {
            (VecDeque::new(), 0)
        };
        let track = Track { topic: topic.clone(), events: VecDeque::new(), evicted_to, spans };
        let id = match self.free.pop() {
            Some(id) => {
                self.tracks[id.0] = track;
                id
            }
            None => {
                self.tracks.push(track);
                TopicId(self.tracks.len() - 1)
            }
        };
        self.ids.insert(topic.clone(), id);
        id
    }

    /// Forgets topics that nobody reads, that are not recorded and of which nothing is retained: whoever asks for one again
    /// is told of an unrecorded gap, as before. Of topics that are always recorded it is remembered together up to where
    /// events of them may have left. Without it, every topic ever asked for would be kept for ever.
    pub fn forget_unused(&mut self, is_read: impl Fn(TopicId) -> bool) {
        let Self { ids, tracks, free, forgotten_to, .. } = self;
        ids.retain(|topic, id| {
            let track = &tracks[id.0];
            let always = topic.is_always_recorded();
            let recorded = !always && track.spans.back().is_some_and(|span| span.until.is_none());
            let used = recorded || !track.events.is_empty() || is_read(*id);
            if !used {
                free.push(*id);
                if always {
                    *forgotten_to = (*forgotten_to).max(track.evicted_to);
                }
            }
            used
        });
    }

    /// How many topics have a place.
    #[must_use]
    pub fn topics(&self) -> usize {
        self.ids.len()
    }

    /// The topic at a place.
    #[must_use]
    pub fn topic(&self, id: TopicId) -> &Topic {
        &self.tracks[id.0].topic
    }

    /// The events of a topic that are retained, oldest first.
    pub fn events(&self, topic: &Topic) -> impl DoubleEndedIterator<Item = &Arc<Event>> {
        self.ids.get(topic).into_iter().flat_map(|id| self.tracks[id.0].events.iter())
    }

    /// The newest retained event of a topic.
    #[must_use]
    pub fn latest(&self, topic: &Topic) -> Option<&Arc<Event>> {
        self.events(topic).next_back()
    }

    /// Becomes a copy of `other`, in which each topic keeps the place that it has here: readers hold places.
    pub fn adopt(&mut self, mut other: Self) {
        let ids = std::mem::take(&mut self.ids);
        let mut copy = Self::new(other.epoch, self.limits);
        copy.tracks = std::mem::take(&mut self.tracks);
        copy.free = std::mem::take(&mut self.free);
        for (topic, id) in ids {
            let theirs = other.topic_id(&topic);
            copy.tracks[id.0] = other.tracks[theirs.0].clone();
            copy.ids.insert(topic, id);
        }
        for (topic, theirs) in &other.ids {
            if !copy.ids.contains_key(topic) {
                let id = copy.topic_id(topic);
                copy.tracks[id.0] = other.tracks[theirs.0].clone();
            }
        }
        *self = Self { head: other.head, bytes: other.bytes, order: other.order, forgotten_to: other.forgotten_to, ..copy };
    }

    /// Applies a batch of the tape. One of another epoch starts the window anew.
    pub fn apply_batch(&mut self, batch: &Batch) {
        if batch.epoch != self.epoch {
            self.adopt(Self::new(batch.epoch, self.limits));
        }
        for entry in &batch.entries {
            self.apply(entry, batch.at);
        }
    }

    /// Applies one entry and returns the events that had to leave.
    pub(super) fn apply(&mut self, entry: &Entry, now: Millis) -> Vec<Arc<Event>> {
        self.head = entry.seq();
        match entry {
            Entry::Event(event) => self.append(event),
            Entry::Watched { topic, seq, resumed } => self.begin_span(topic, *seq, *resumed),
            Entry::Unwatched { topic, seq } => self.end_span(topic, *seq),
        }
        self.evict(now)
    }

    fn append(&mut self, event: &Arc<Event>) {
        self.bytes += event.bytes();
        self.order.insert(event.seq, Arc::clone(event));
        for topic in &event.topics {
            let id = self.topic_id(topic);
            self.tracks[id.0].events.push_back(Arc::clone(event));
        }
    }

    fn begin_span(&mut self, topic: &Topic, seq: Seq, resumed: bool) {
        let id = self.topic_id(topic);
        let spans = &mut self.tracks[id.0].spans;
        match spans.back_mut() {
            Some(Span { until: None, .. }) => {}
            Some(span) if resumed => span.until = None,
            _ => spans.push_back(Span { from: seq, until: None }),
        }
        if spans.len() > MAX_SPANS_PER_TOPIC {
            spans.pop_front();
            let oldest = spans.front().map_or(0, |span| span.from);
            let track = &mut self.tracks[id.0];
            track.evicted_to = track.evicted_to.max(oldest);
        }
    }

    fn end_span(&mut self, topic: &Topic, seq: Seq) {
        if topic.is_always_recorded() {
            return;
        }
        let id = self.topic_id(topic);
        if let Some(span) = self.tracks[id.0].spans.back_mut() {
            span.until.get_or_insert(seq);
        }
    }

    /// An event leaves the tape whole, from all its topics at once.
    fn evict(&mut self, now: Millis) -> Vec<Arc<Event>> {
        let mut gone = Vec::new();
        if let Some(newest) = self.order.get(&self.head).cloned() {
            for topic in &newest.topics {
                let id = self.topic_id(topic);
                while self.tracks[id.0].events.len() > self.limits.max_events_per_topic {
                    let oldest = self.tracks[id.0].events[0].seq;
                    gone.extend(self.remove(oldest));
                }
            }
        }
        let cutoff = now.minus(self.limits.max_age_ms);
        while let Some((&seq, event)) = self.order.first_key_value() {
            if self.bytes <= self.limits.max_bytes && event.recorded >= cutoff {
                break;
            }
            gone.extend(self.remove(seq));
        }
        gone
    }

    fn remove(&mut self, seq: Seq) -> Option<Arc<Event>> {
        let event = self.order.remove(&seq)?;
        self.bytes -= event.bytes();
        for topic in &event.topics {
            let id = self.topic_id(topic);
            let track = &mut self.tracks[id.0];
            if let Ok(at) = track.events.binary_search_by_key(&seq, |event| event.seq) {
                track.events.remove(at);
            }
            track.evicted_to = track.evicted_to.max(seq);
        }
        Some(event)
    }

    /// The first event of a topic after `after` that readers get.
    pub(super) fn first_after(&self, id: TopicId, after: Seq) -> Option<&Arc<Event>> {
        let events = &self.tracks[id.0].events;
        // The common reader is caught up or one event behind.
        match events.back() {
            Some(last) if last.seq > after => {}
            _ => return None,
        }
        let start = match events.len().checked_sub(2).map(|at| events[at].seq) {
            Some(second) if second > after => events.partition_point(|event| event.seq <= after),
            _ => events.len() - 1,
        };
        events.range(start..).find(|event| !event.history)
    }

    /// The newest event of a topic if it lies after `after`.
    pub(super) fn last_after(&self, id: TopicId, after: Seq) -> Option<&Arc<Event>> {
        self.tracks[id.0].events.back().filter(|event| event.seq > after && !event.history)
    }

    /// The newest event of a topic.
    pub(super) fn last(&self, id: TopicId) -> Option<&Arc<Event>> {
        self.tracks[id.0].events.back()
    }

    /// Up to where events of a topic may have left the tape.
    pub(super) fn evicted_to(&self, id: TopicId) -> Seq {
        self.tracks[id.0].evicted_to
    }

    /// The holes of a topic after `after`, oldest first, as `(from, to, reason)`.
    pub(super) fn holes(&self, id: TopicId, after: Seq) -> Vec<(Seq, Seq, GapReason)> {
        let track = &self.tracks[id.0];
        let mut holes = Vec::new();
        let mut known_to = after;
        if track.evicted_to > after {
            holes.push((after, track.evicted_to, GapReason::Evicted));
            known_to = track.evicted_to;
        }
        for span in &track.spans {
            if span.from > known_to {
                holes.push((known_to, span.from, GapReason::Unrecorded));
            }
            match span.until {
                Some(until) => known_to = known_to.max(until),
                None => return holes,
            }
        }
        if self.head > known_to {
            holes.push((known_to, self.head, GapReason::Unrecorded));
        }
        holes
    }
}
