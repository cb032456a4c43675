//! One worker's copy of the tape, and the readers on that worker.
//!
//! Owns: the copy and every reader's wake-up. Hears: `WindowUpdate`. Tells: the readers' tasks, once per batch.
//! Dies: with its worker. Everything here stays on one thread, so nothing is locked.

mod interest;
mod reader;
mod state;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler, Message, SpawnHandle};
use tickgate_core::tape::{Batch, Window};
use tickgate_core::time::Millis;

pub use interest::{Interest, Ready, Wish};
pub use reader::{ReaderSettings, TapeReader};
pub use state::TapeWindow;

/// News from the tape.
#[derive(Message)]
#[rtype(result = "()")]
pub enum WindowUpdate {
    /// What happened since the last one.
    Batch(Arc<Batch>),
    /// The whole tape: this window joins, or the tape was rebuilt.
    Install(Box<Window>),
    /// The gateway is shutting down: every reader ends.
    Drain,
}

/// Feeds one worker's window.
pub struct WindowActor {
    window: TapeWindow,
    timer: Option<(Millis, SpawnHandle)>,
}

impl WindowActor {
    /// Feeds this window.
    #[must_use]
    pub const fn new(window: TapeWindow) -> Self {
        Self { window, timer: None }
    }

    /// One timer per worker serves all readers that gather.
    fn arm(&mut self, ctx: &mut Context<Self>) {
        let Some(due) = self.window.next_tick() else { return };
        if let Some((armed, handle)) = self.timer {
            if armed <= due {
                return;
            }
            ctx.cancel_future(handle);
        }
        let handle = ctx.run_later(self.window.clock().until(due), |actor, ctx| {
            actor.timer = None;
            actor.window.tick();
            actor.arm(ctx);
        });
        self.timer = Some((due, handle));
    }
}

impl Actor for WindowActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(crate::tape::FORGET_EVERY, |actor, _| actor.window.forget_unused());
    }
}

impl Handler<WindowUpdate> for WindowActor {
    type Result = ();

    fn handle(&mut self, update: WindowUpdate, ctx: &mut Self::Context) {
        match update {
            WindowUpdate::Batch(batch) => self.window.apply(&batch),
            WindowUpdate::Install(window) => self.window.install(*window),
            WindowUpdate::Drain => self.window.drain(),
        }
        self.arm(ctx);
    }
}
