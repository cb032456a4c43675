//! What came over the socket is read, laid over what is known and handed to the streams.

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use tickgate_core::feed::{FeedEvent, Frame, Input, Told};
use tickgate_core::market::Symbol;

use super::FeedActor;
use super::link::Link;
use super::messages::FromFeed;

/// Frames parsed before whoever else waits on the thread has a turn, the reading of the socket above all.
const FRAMES_PER_TURN: usize = 32;

impl FeedActor {
    /// Works on what waits, a bounded part of it at once.
    pub(super) fn work(&mut self, ctx: &mut Context<Self>) {
        for _ in 0..FRAMES_PER_TURN {
            let Some(frame) = self.link.as_ref().and_then(Link::take) else { return };
            self.frame(&frame, ctx);
        }
        ctx.spawn(tokio::task::yield_now().into_actor(self).map(|(), feed, ctx| feed.work(ctx)));
    }

    pub(super) fn frame(&mut self, frame: &Frame, ctx: &mut Context<Self>) {
        let events = &self.parts.metrics.feed_events;
        let market = self.parts.market.as_str();
        let conflated = self.link.as_ref().map_or(0, Link::take_conflated);
        for (outcome, count) in [
            ("read", frame.events.len() as u64),
            ("ignored", frame.ignored),
            ("malformed", frame.malformed),
            ("conflated", conflated),
        ] {
            if count > 0 {
                events.with_label_values(&[market, outcome]).inc_by(count);
            }
        }
        if frame.malformed > 0 {
            tracing::debug!(market, malformed = frame.malformed, "the feed sent what makes no sense: it is left out");
        }
        for notice in &frame.notices {
            // Not its message: a server that refuses a key may repeat it.
            tracing::debug!(market, word = ?notice.word, "the feed says");
            self.happened(Input::Notice(notice), ctx);
        }
        if self.link.is_none() {
            return;
        }
        if frame.events.is_empty() {
            self.happened(Input::Beat, ctx);
        } else {
            self.happened(Input::Data(&frame.events), ctx);
            self.hand_over(&frame.events);
        }
    }

    /// Every trade is handed over; quotes and bars of one frame together, with the next trade or at its end.
    fn hand_over(&mut self, events: &[FeedEvent]) {
        let now = self.parts.clock.now();
        let mut changed: Vec<&Symbol> = Vec::new();
        for event in events {
            if self.book.take(event, now).is_none() {
                continue;
            }
            if matches!(event.told, Told::Trade { .. }) {
                changed.retain(|symbol| **symbol != event.symbol);
                self.tell(&event.symbol);
            } else if !changed.contains(&&event.symbol) {
                changed.push(&event.symbol);
            }
        }
        for symbol in changed {
            self.tell(symbol);
        }
    }

    fn tell(&self, symbol: &Symbol) {
        let Some(followed) = self.followed.get(symbol).filter(|followed| followed.covered) else { return };
        let Some(quote) = self.book.quote(symbol) else { return };
        for stream in followed.streams.values() {
            if stream.try_send(FromFeed::Quote(quote.clone())).is_err() {
                self.parts.metrics.mailbox_full.with_label_values(&["stream"]).inc();
            }
        }
    }
}
