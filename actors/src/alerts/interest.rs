//! Symbols that alerts wait for and that nothing keeps watched yet: after a start, or after the upstream knew no such symbol.

use std::collections::VecDeque;
use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use tickgate_core::market::{Symbol, Topic};

use super::AlertsActor;
use crate::window::{Ready, Wish};

/// Symbols asked for at once: a start with many alerts must not fill the supervisor's mailbox.
const ASKED_AT_ONCE: usize = 64;
/// Longest wait for one symbol; the sweep asks again.
const ASK_DEADLINE: Duration = Duration::from_secs(15);

/// Which symbols are still to be asked for.
#[derive(Default)]
pub(super) struct Asking {
    queue: VecDeque<Symbol>,
    running: usize,
}

impl AlertsActor {
    /// Asks for every symbol that is not watched, unless that is under way.
    pub(super) fn ask_for_interest(&mut self, ctx: &mut Context<Self>) {
        if self.asking.running > 0 {
            return;
        }
        self.asking.queue = self.book.unwatched().cloned().collect();
        for _ in 0..ASKED_AT_ONCE {
            self.ask_next(ctx);
        }
    }

    fn ask_next(&mut self, ctx: &mut Context<Self>) {
        let Some(symbol) = self.asking.queue.pop_front() else { return };
        self.asking.running += 1;
        let window = self.window.clone();
        let wish = Wish { topics: vec![Topic::Prices(symbol.clone())], interval_ms: None, ready: Ready::Recorded };
        let watched = async move { tokio::time::timeout(ASK_DEADLINE, window.watch(wish)).await };
        ctx.spawn(watched.into_actor(self).map(move |watched, actor, ctx| {
            actor.asking.running -= 1;
            match watched {
                Ok(Ok(interest)) => actor.book.gain_interest(&symbol, interest),
                Ok(Err(error)) => tracing::debug!("a price alert waits for its symbol: {error}"),
                Err(_) => tracing::debug!(%symbol, "a price alert waits for its symbol: no answer in time"),
            }
            actor.ask_next(ctx);
        }));
    }
}
