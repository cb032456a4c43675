//! One reader of the tape: a set of topics and one place.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::{Event, Kind};
use super::gap::{Gap, GapReason};
use super::position::{Epoch, Position, Seq};
use super::window::{TopicId, Window};
use crate::market::Topic;

/// Which events a reader gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Every event exactly once.
    All,
    /// Of each price topic only the newest that was not sent yet; every other event exactly once.
    Conflate,
}

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the newest event, after the latest price and status of each topic.
    Latest,
    /// At the newest event, with nothing before it.
    Live,
    /// After this position.
    After(Position),
}

/// What a reader gets next.
#[derive(Debug)]
pub enum Next {
    /// An event.
    Event(Arc<Event>),
    /// A hole, to be told.
    Gap(Gap),
    /// Everything before this position has been read: a place to resume from, with nothing to show.
    Mark(Position),
    /// Nothing until the window changes.
    Idle,
    /// The reader was too slow for mode `all` and events it needs have left the tape: close it, it resumes from its position.
    Fallen,
}

/// One topic of a reader.
#[derive(Clone, Copy, Debug)]
struct Interest {
    id: TopicId,
    /// Up to where evicted events have been accounted for by a gap.
    accounted_to: Seq,
}

/// A reader's state: a few words, whatever the window holds.
#[derive(Debug)]
pub struct Cursor {
    topics: Box<[Interest]>,
    mode: Mode,
    epoch: Epoch,
    seq: Seq,
    initial: VecDeque<Arc<Event>>,
    gaps: VecDeque<Gap>,
    mark: bool,
}

impl Cursor {
    /// Joins the window: what was recorded after `start`, then what comes, is one unbroken sequence.
    #[must_use]
    pub fn join(window: &mut Window, topics: &[Topic], mode: Mode, start: Start) -> Self {
        let topics = topics.iter().map(|topic| Interest { id: window.topic_id(topic), accounted_to: 0 }).collect();
        let mut cursor = Self {
            topics,
            mode,
            epoch: window.epoch(),
            seq: window.head(),
            initial: VecDeque::new(),
            gaps: VecDeque::new(),
            mark: false,
        };
        match start {
            Start::Live => cursor.mark = true,
            Start::Latest => {
                cursor.initial = cursor.latest(window);
                cursor.mark = true;
            }
            Start::After(position) => cursor.resume(window, position),
        }
        cursor
    }

    /// The place up to which everything was read.
    #[must_use]
    pub const fn position(&self) -> Position {
        Position { epoch: self.epoch, seq: self.seq }
    }

    /// What comes next. Allocates nothing, except for a gap.
    pub fn next(&mut self, window: &Window) -> Next {
        if self.epoch != window.epoch() {
            self.resume(window, self.position());
        }
        if let Some(event) = self.initial.pop_front() {
            return Next::Event(event);
        }
        if std::mem::take(&mut self.mark) {
            return Next::Mark(self.position());
        }
        if self.has_fallen(window) {
            return Next::Fallen;
        }
        let event = self.first_event(window);
        if let Some(mut gap) = self.gaps.pop_front_if(|gap| event.is_none_or(|event| gap.begins_before(event.seq, self.epoch))) {
            // Another topic may have an event or a hole of its own inside this one: reading, and resuming, goes on before it.
            let event = event.map_or(gap.to, |event| event.seq - 1);
            let hole =
                self.gaps.front().map_or(gap.to, |next| if next.from.epoch == self.epoch { next.from.seq } else { self.seq });
            gap.resume = gap.to.min(event).min(hole).max(self.seq);
            self.seq = gap.resume;
            return Next::Gap(gap);
        }
        match event.cloned() {
            Some(event) => {
                self.seq = event.seq;
                Next::Event(event)
            }
            None => {
                self.seq = window.head();
                Next::Idle
            }
        }
    }

    fn first_event<'a>(&self, window: &'a Window) -> Option<&'a Arc<Event>> {
        let mut first: Option<&Arc<Event>> = None;
        for &Interest { id, .. } in &self.topics {
            let candidate =
                if self.conflates(window.last(id)) { window.last_after(id, self.seq) } else { window.first_after(id, self.seq) };
            if let Some(event) = candidate
                && first.is_none_or(|first| event.seq < first.seq)
            {
                first = Some(event);
            }
        }
        first
    }

    fn conflates(&self, last: Option<&Arc<Event>>) -> bool {
        self.mode == Mode::Conflate && last.is_some_and(|event| event.kind.is_conflatable())
    }

    fn has_fallen(&self, window: &Window) -> bool {
        self.topics
            .iter()
            .any(|topic| window.evicted_to(topic.id) > self.seq.max(topic.accounted_to) && !self.conflates(window.last(topic.id)))
    }

    fn latest(&self, window: &Window) -> VecDeque<Arc<Event>> {
        let mut latest: Vec<_> = self
            .topics
            .iter()
            .filter_map(|topic| window.last(topic.id))
            .filter(|event| matches!(event.kind, Kind::Price | Kind::Status))
            .cloned()
            .collect();
        latest.sort_by_key(|event| event.seq);
        latest.into()
    }

    fn resume(&mut self, window: &Window, position: Position) {
        self.epoch = window.epoch();
        self.initial.clear();
        self.mark = false;
        let reason = if position.epoch != window.epoch() {
            // Everything of this life lies after the cursor: it is replayed after the gap.
            self.seq = 0;
            Some((0, GapReason::Epoch))
        } else if position.seq > window.head() {
            self.seq = window.head();
            Some((window.head(), GapReason::Unknown))
        } else {
            self.seq = position.seq;
            None
        };
        let mut gaps: Vec<Gap> = Vec::new();
        if let Some((to, reason)) = reason {
            gaps.push(Self::gap(window, position, to, reason, self.topics.iter().map(|topic| topic.id)));
        }
        for topic in &mut self.topics {
            topic.accounted_to = window.evicted_to(topic.id);
        }
        let hole_start =
            |from: Seq| if from == self.seq && reason.is_none() { position } else { Position { epoch: self.epoch, seq: from } };
        for &Interest { id, .. } in &self.topics {
            for (from, to, reason) in window.holes(id, self.seq) {
                // After a change of epoch the first gap covers what came before the topic was first recorded.
                if gaps.first().is_some_and(|gap| gap.reason == GapReason::Epoch) && from == 0 && reason == GapReason::Unrecorded
                {
                    continue;
                }
                match gaps.iter_mut().find(|gap| gap.to == to && gap.reason == reason && gap.from == hole_start(from)) {
                    Some(gap) => {
                        gap.topics.push(window.topic(id).clone());
                        gap.snapshot.extend(window.last(id).cloned());
                    }
                    None => gaps.push(Self::gap(window, hole_start(from), to, reason, [id].into_iter())),
                }
            }
        }
        gaps.sort_by_key(|gap| (gap.from.epoch == self.epoch, gap.from.seq.min(gap.to)));
        self.gaps = gaps.into();
    }

    fn gap(window: &Window, from: Position, to: Seq, reason: GapReason, topics: impl Iterator<Item = TopicId> + Clone) -> Gap {
        let snapshot = topics.clone().filter_map(|id| window.last(id).cloned()).collect();
        Gap { from, to, resume: to, reason, topics: topics.map(|id| window.topic(id).clone()).collect(), snapshot }
    }
}
