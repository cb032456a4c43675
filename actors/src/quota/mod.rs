//! The upstream budget: one bucket for all calls made with one key.
//!
//! Owns: the token bucket. Hears: `Reserve`, `Pause`. Tells: nobody. Dies: rebuilt by the supervisor, full.

#[cfg(test)]
mod tests;

use actix::{Actor, Context, Handler, Message};
use tickgate_core::access::TokenBucket;
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};
use tickgate_core::time::Millis;

use crate::clock::Clock;
use crate::slot::Slot;
use crate::supervisor::{Death, Dying, SupervisorLink};

/// The budget of one upstream key.
#[derive(Clone, Copy, Debug)]
pub struct QuotaSettings {
    /// Calls a minute (`UPSTREAM_RPM`, or the plan's).
    pub per_minute: u32,
}

/// Owns the bucket.
pub struct QuotaActor {
    bucket: TokenBucket,
    clock: Clock,
    supervisor: SupervisorLink,
}

impl QuotaActor {
    /// A full budget.
    #[must_use]
    pub fn new(settings: QuotaSettings, clock: Clock, supervisor: SupervisorLink) -> Self {
        // A second's worth at once: the upstream asks for an even rate (polygon.md §4.4).
        let burst = (settings.per_minute / 60).max(1);
        Self { bucket: TokenBucket::new(settings.per_minute, burst, clock.now()), clock, supervisor }
    }
}

impl Actor for QuotaActor {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        self.supervisor.report(Dying::if_panicking(Death::Quota));
    }
}

/// Takes a token, or says when there will be one.
#[derive(Message)]
#[rtype(result = "Result<(), Millis>")]
struct Reserve;

/// The upstream said that it is too much.
#[derive(Message)]
#[rtype(result = "()")]
struct Pause(Millis);

impl Handler<Reserve> for QuotaActor {
    type Result = Result<(), Millis>;

    fn handle(&mut self, _: Reserve, _: &mut Self::Context) -> Self::Result {
        self.bucket.take(self.clock.now())
    }
}

impl Handler<Pause> for QuotaActor {
    type Result = ();

    fn handle(&mut self, Pause(until): Pause, _: &mut Self::Context) {
        tracing::warn!(
            pause_ms = until.since(self.clock.now()),
            "the upstream says that the plan's rate is exceeded: pausing all calls"
        );
        self.bucket.pause(until);
    }
}

/// The budget, as callers hold it.
#[derive(Clone)]
pub struct Quota {
    slot: Slot<QuotaActor>,
    clock: Clock,
}

impl Quota {
    /// The budget whose actor fills `slot`.
    #[must_use]
    pub const fn new(slot: Slot<QuotaActor>, clock: Clock) -> Self {
        Self { slot, clock }
    }

    /// Waits for a token, but not beyond `deadline`.
    ///
    /// # Errors
    /// When there will be none in time, with the wait that it would take.
    pub async fn reserve(&self, deadline: Millis) -> Result<(), UpstreamError> {
        loop {
            let now = self.clock.now();
            let at = match self.slot.get() {
                Some(actor) => match actor.send(Reserve).await {
                    Ok(Ok(())) => return Ok(()),
                    Ok(Err(at)) => at,
                    // Being rebuilt.
                    Err(_) => now.plus(100),
                },
                None => now.plus(100),
            };
            if at > deadline {
                let message =
                    "the upstream plan's request budget is spent: try again later, or raise UPSTREAM_RPM if the plan allows more";
                return Err(UpstreamError::new(UpstreamErrorKind::Budget, message).retry_after(at.since(now)));
            }
            tokio::time::sleep(self.clock.until(at)).await;
        }
    }

    /// Gives nothing to anyone for `ms`.
    pub fn pause(&self, ms: u64) {
        if let Some(actor) = self.slot.get() {
            let _ = actor.try_send(Pause(self.clock.now().plus(ms)));
        }
    }
}
