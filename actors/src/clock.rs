//! The time, read in one place: it follows tokio's clock, so that paused time moves everything.

use std::cell::RefCell;
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

    /// A clock that shows `moment` now: tests begin on the day they are about.
    #[must_use]
    pub fn starting_at(moment: Millis) -> Self {
        Self { started: Instant::now(), wall: moment }
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

/// Random bytes asked of the operating system at once: a call for each name would be a system call for each request.
const POOL_BYTES: usize = 1_024;

thread_local! {
    /// Bytes that this thread has not handed out yet; handed-out ones are wiped.
    static POOL: RefCell<([u8; POOL_BYTES], usize)> = const { RefCell::new(([0; POOL_BYTES], POOL_BYTES)) };
}

/// 128 random bits from the operating system.
///
/// # Panics
/// When the operating system has none: nothing that needs to be unguessable may go on without.
#[must_use]
pub fn random_u128() -> u128 {
    POOL.with_borrow_mut(|(pool, used)| {
        if *used == POOL_BYTES {
            getrandom::fill(pool).expect("the operating system gives random bytes");
            *used = 0;
        }
        let mut bytes = [0; 16];
        let next = *used + bytes.len();
        bytes.copy_from_slice(&pool[*used..next]);
        pool[*used..next].fill(0);
        *used = next;
        u128::from_ne_bytes(bytes)
    })
}

/// A process-wide clock for places that have no other, such as log stamps.
#[must_use]
pub fn process_clock() -> Clock {
    static CLOCK: OnceLock<Clock> = OnceLock::new();
    *CLOCK.get_or_init(Clock::start)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_of_many_random_names_are_the_same_in_any_thread() {
        let threads: Vec<_> =
            (0..4).map(|_| std::thread::spawn(|| (0..1_000).map(|_| random_u128()).collect::<Vec<_>>())).collect();
        let names: HashSet<u128> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(names.len(), 4_000);
    }
}
