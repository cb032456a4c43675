//! A stream whose market has a feed: it is polled until the feed brings its price, then only now and then, and again when the
//! feed is gone. Whatever brings a price, the stream drops what is older than what it has.

use actix::{AsyncContext, Context, Handler, Message};

use super::StreamActor;
use crate::feed::{FED_CHECK_MS, FollowFeed, FromFeed, Polled, UnfollowFeed};
use crate::poller::Observation;
use crate::slot::Slot;

/// The feed was rebuilt: it does not know that it feeds this topic.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Refeed;

impl StreamActor {
    /// How often it is polled when `wanted_ms` is wanted of it.
    pub(super) const fn poll_interval_ms(&self, wanted_ms: u64) -> u64 {
        if self.covered && wanted_ms < FED_CHECK_MS { FED_CHECK_MS } else { wanted_ms }
    }

    pub(super) fn follow_feed(&self, ctx: &Context<Self>) {
        if let (Some(feed), false) = (self.feed(), self.unknown) {
            let _ = feed.try_send(FollowFeed { topic: self.parts.topic.clone(), stream: ctx.address().recipient() });
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a symbol that is not given back would be fed for ever")]
    pub(super) fn unfollow_feed(&self) {
        if let Some(feed) = self.feed() {
            feed.do_send(UnfollowFeed(self.parts.topic.clone()));
        }
    }

    /// What was polled is what the feed lays its news over.
    pub(super) fn tell_feed(&self, observation: &Observation) {
        if let (Observation::Quote(quote), Some(feed)) = (observation, self.feed()) {
            let _ = feed.try_send(Polled(quote.clone()));
        }
    }

    fn feed(&self) -> Option<actix::Addr<crate::feed::FeedActor>> {
        self.parts.feed.as_ref().and_then(Slot::get)
    }

    fn covered(&mut self, covered: bool, ctx: &Context<Self>) {
        if std::mem::replace(&mut self.covered, covered) != covered {
            self.poll(ctx);
        }
    }
}

impl Handler<FromFeed> for StreamActor {
    type Result = ();

    fn handle(&mut self, news: FromFeed, ctx: &mut Self::Context) {
        match news {
            FromFeed::Covered(covered) => self.covered(covered, ctx),
            FromFeed::Quote(quote) => self.observed(Observation::Quote(quote), ctx),
        }
    }
}

impl Handler<Refeed> for StreamActor {
    type Result = ();

    fn handle(&mut self, _: Refeed, ctx: &mut Self::Context) {
        self.covered(false, ctx);
        self.follow_feed(ctx);
    }
}
