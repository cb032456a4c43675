//! The window and its readers' wake-ups.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::task::Waker;

use slab::Slab;
use tickgate_core::market::Topic;
use tickgate_core::tape::{Batch, Entry, Epoch, Event, Gather, Kind, Limits, Position, TopicId, Window};
use tickgate_core::time::Millis;
use tokio::sync::oneshot;

use super::interest::LocalInterest;
use crate::clock::Clock;
use crate::supervisor::MarketLink;

/// One worker's copy of the tape. Clones are the same window; it never leaves its thread.
#[derive(Clone)]
pub struct TapeWindow(pub(super) Rc<RefCell<State>>);

pub(super) struct State {
    pub(super) window: Window,
    pub(super) readers: Slab<ReaderSlot>,
    /// Readers by topic, indexed by [`TopicId::index`].
    by_topic: Vec<Vec<usize>>,
    ticks: BTreeMap<Millis, Vec<usize>>,
    waiting: Vec<(Position, oneshot::Sender<()>)>,
    /// Lives of the tape that are over, as far as this worker has seen: nothing more of them will come.
    past: Vec<Epoch>,
    pub(super) interest: HashMap<Topic, LocalInterest>,
    pub(super) market: MarketLink,
    pub(super) draining: bool,
    pub(super) clock: Clock,
}

/// How a reader is woken.
pub(super) struct ReaderSlot {
    pub(super) gather: Gather,
    pub(super) topics: Box<[TopicId]>,
    /// Whether something is due.
    pub(super) ready: bool,
    /// The tick that it waits for, if it does. A tick may also name a reader that is gone, whose place another has taken.
    tick: Option<Millis>,
    pub(super) waker: Option<Waker>,
}

impl ReaderSlot {
    fn wake(&mut self) {
        if !std::mem::replace(&mut self.ready, true)
            && let Some(waker) = &self.waker
        {
            waker.wake_by_ref();
        }
    }
}

impl TapeWindow {
    /// An empty window; the supervisor's tape fills it once it is attached.
    #[must_use]
    pub fn new(limits: Limits, market: MarketLink, clock: Clock) -> Self {
        Self(Rc::new(RefCell::new(State {
            window: Window::new(Epoch(0), limits),
            readers: Slab::new(),
            by_topic: Vec::new(),
            ticks: BTreeMap::new(),
            waiting: Vec::new(),
            past: Vec::new(),
            interest: HashMap::new(),
            market,
            draining: false,
            clock,
        })))
    }

    /// The clock that this window goes by.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.0.borrow().clock
    }

    /// The newest place that this worker has seen.
    #[must_use]
    pub fn position(&self) -> Position {
        self.0.borrow().window.position()
    }

    /// The newest retained event of a topic.
    #[must_use]
    pub fn latest(&self, topic: &Topic) -> Option<std::sync::Arc<Event>> {
        self.0.borrow().window.latest(topic).cloned()
    }

    /// The newest `limit` retained events of these topics, history included, oldest first.
    #[must_use]
    pub fn newest(&self, topics: &[Topic], limit: usize) -> Vec<std::sync::Arc<Event>> {
        let state = self.0.borrow();
        let mut newest: Vec<_> = topics.iter().flat_map(|topic| state.window.events(topic).rev().take(limit)).cloned().collect();
        newest.sort_by_key(|event| event.seq);
        newest.dedup_by_key(|event| event.seq);
        // What was first found as history and then seen to come is on the tape twice.
        let mut seen = HashSet::new();
        newest.reverse();
        newest.retain(|event| event.identity.as_ref().is_none_or(|identity| seen.insert(identity.clone())));
        newest.truncate(limit);
        newest.reverse();
        newest
    }

    /// Waits until this worker has seen everything up to `position`, or the tape was rebuilt.
    pub async fn reached(&self, position: Position) {
        let receiver = {
            let mut state = self.0.borrow_mut();
            if state.has_reached(position) {
                return;
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push((position, sender));
            receiver
        };
        let _ = receiver.await;
    }

    /// Waits until this worker has the tape at all: right after the start it has none for a moment, and its position means nothing.
    pub async fn installed(&self) {
        self.reached(Position { epoch: Epoch(0), seq: u64::MAX }).await;
    }

    /// How many readers are open.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.0.borrow().readers.len()
    }

    pub(crate) fn apply(&self, batch: &Batch) {
        let mut state = self.0.borrow_mut();
        let state = &mut *state;
        let old_epoch = state.window.epoch();
        state.window.apply_batch(batch);
        if batch.epoch != old_epoch {
            state.past.push(old_epoch);
            state.wake_all();
        }
        let now = state.clock.now();
        for entry in &batch.entries {
            if let Entry::Event(event) = entry
                && !event.history
            {
                state.wake_readers(event, now);
            }
        }
        state.release_waiting();
    }

    pub(crate) fn install(&self, window: Window) {
        let mut state = self.0.borrow_mut();
        let old_epoch = state.window.epoch();
        if window.epoch() != old_epoch {
            state.past.push(old_epoch);
        }
        state.window.adopt(window);
        state.wake_all();
        state.release_waiting();
    }

    pub(super) fn drain(&self) {
        let mut state = self.0.borrow_mut();
        state.draining = true;
        state.wake_all();
    }

    pub(crate) fn forget_unused(&self) {
        let mut state = self.0.borrow_mut();
        let State { window, by_topic, .. } = &mut *state;
        window.forget_unused(|id| by_topic.get(id.index()).is_some_and(|readers| !readers.is_empty()));
    }

    pub(super) fn next_tick(&self) -> Option<Millis> {
        self.0.borrow().ticks.keys().next().copied()
    }

    pub(super) fn tick(&self) {
        let mut state = self.0.borrow_mut();
        let now = state.clock.now();
        while let Some(entry) = state.ticks.first_entry().filter(|entry| *entry.key() <= now) {
            let due = *entry.key();
            for reader in entry.remove() {
                if let Some(slot) = state.readers.get_mut(reader).filter(|slot| slot.tick == Some(due)) {
                    slot.tick = None;
                    slot.wake();
                }
            }
        }
    }
}

impl State {
    pub(super) fn add_reader(&mut self, gather: Gather, topics: Box<[TopicId]>) -> usize {
        let reader = self.readers.insert(ReaderSlot { gather, topics: topics.clone(), ready: true, tick: None, waker: None });
        for topic in topics {
            if self.by_topic.len() <= topic.index() {
                self.by_topic.resize_with(topic.index() + 1, Vec::new);
            }
            self.by_topic[topic.index()].push(reader);
        }
        reader
    }

    pub(super) fn remove_reader(&mut self, reader: usize) {
        let slot = self.readers.remove(reader);
        for topic in slot.topics {
            let readers = &mut self.by_topic[topic.index()];
            if let Some(at) = readers.iter().position(|other| *other == reader) {
                readers.swap_remove(at);
            }
        }
    }

    fn wake_readers(&mut self, event: &Event, now: Millis) {
        for topic in &event.topics {
            let id = self.window.topic_id(topic);
            let Some(readers) = self.by_topic.get(id.index()) else { continue };
            for &reader in readers {
                let slot = &mut self.readers[reader];
                notify(slot, reader, event.kind, now, &mut self.ticks);
            }
        }
    }

    fn wake_all(&mut self) {
        self.readers.iter_mut().for_each(|(_, slot)| slot.wake());
    }

    fn release_waiting(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        for (_, sender) in waiting.extract_if(.., |(position, _)| self.has_reached(*position)) {
            let _ = sender.send(());
        }
        self.waiting = waiting;
    }

    fn has_reached(&self, position: Position) -> bool {
        let here = self.window.position();
        (here.epoch == position.epoch && here.seq >= position.seq) || self.past.contains(&position.epoch)
    }
}

fn notify(slot: &mut ReaderSlot, reader: usize, kind: Kind, now: Millis, ticks: &mut BTreeMap<Millis, Vec<usize>>) {
    let due = slot.gather.due(kind, now);
    if due <= now {
        slot.wake();
    } else if !slot.ready && slot.tick.is_none() {
        slot.tick = Some(due);
        ticks.entry(due).or_default().push(reader);
    }
}
