//! The time, read in one place: it follows tokio's clock, so that paused time moves everything.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tickgate_core::time::Millis;
use tokio::time::Instant;

/// Gives the present moment.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    wall: Millis,
}

impl Clock {
    /// A clock that shows the wall time now and runs evenly from here on: a step of the wall clock does not disturb it.
    #[must_use]
    pub fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { started: Instant::now(), wall: Millis(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)) }
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.wall.plus(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// How long until `moment`; at least a millisecond, the timer's resolution.
    #[must_use]
    pub fn until(&self, moment: Millis) -> Duration {
        Duration::from_millis(moment.since(self.now()).max(1))
    }

    /// How long this clock has run.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}

/// 128 random bits from the operating system.
///
/// # Panics
/// When the operating system has none: nothing that needs to be unguessable may go on without.
#[must_use]
pub fn random_u128() -> u128 {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    u128::from_ne_bytes(bytes)
}

/// A process-wide clock for places that have no other, such as log stamps.
#[must_use]
pub fn process_clock() -> Clock {
    static CLOCK: OnceLock<Clock> = OnceLock::new();
    *CLOCK.get_or_init(Clock::start)
}
