//! One reader on this worker: a cursor, and the task to wake.

use std::future::poll_fn;
use std::task::{Context, Poll};

use tickgate_core::market::Topic;
use tickgate_core::tape::{Cursor, Gather, Mode, Next, Position, Start};

use super::interest::Interest;
use super::state::TapeWindow;

/// How a reader reads.
#[derive(Clone, Copy, Debug)]
pub struct ReaderSettings {
    /// Which events.
    pub mode: Mode,
    /// How long it gathers.
    pub gather: Gather,
    /// Where it begins.
    pub start: Start,
}

/// Reads the tape. Dropping it frees its place and its interest.
pub struct TapeReader {
    window: TapeWindow,
    cursor: Cursor,
    reader: usize,
    _interest: Interest,
}

impl TapeReader {
    /// Joins the window: backlog or gap, then live, in one step.
    #[must_use]
    pub fn join(window: &TapeWindow, topics: &[Topic], settings: ReaderSettings, interest: Interest) -> Self {
        let mut state = window.0.borrow_mut();
        let cursor = Cursor::join(&mut state.window, topics, settings.mode, settings.start);
        let ids = topics.iter().map(|topic| state.window.topic_id(topic)).collect();
        let reader = state.add_reader(settings.gather, ids);
        drop(state);
        Self { window: window.clone(), cursor, reader, _interest: interest }
    }

    /// The place up to which everything was read.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.cursor.position()
    }

    /// The epoch that frames of gaps are written for.
    #[must_use]
    pub fn epoch(&self) -> tickgate_core::tape::Epoch {
        self.cursor.position().epoch
    }

    /// What comes next, never [`Next::Idle`]; `None` once the gateway is shutting down.
    pub fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Option<Next>> {
        let mut state = self.window.0.borrow_mut();
        let state = &mut *state;
        if state.draining {
            return Poll::Ready(None);
        }
        let slot = &mut state.readers[self.reader];
        if slot.ready {
            match self.cursor.next(&state.window) {
                Next::Idle => slot.ready = false,
                next => return Poll::Ready(Some(next)),
            }
        }
        if !slot.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            slot.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Waits for what comes next; `None` once the gateway is shutting down.
    pub async fn next(&mut self) -> Option<Next> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// What is there already, without waiting.
    pub fn try_next(&mut self) -> Option<Next> {
        let state = self.window.0.borrow();
        match self.cursor.next(&state.window) {
            Next::Idle => None,
            next => Some(next),
        }
    }
}

impl Drop for TapeReader {
    fn drop(&mut self) {
        self.window.0.borrow_mut().remove_reader(self.reader);
    }
}
