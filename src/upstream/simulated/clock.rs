//! What time is it in the simulated market? The wall clock, run faster or slower from the moment of the start.

use std::time::Instant;

use jiff::Timestamp;

/// The only place of the simulator that looks at a clock; every rule takes the time as an argument.
pub(crate) struct SimulatedClock {
    started: Instant,
    started_ms: i64,
    speed: f64,
}

impl SimulatedClock {
    pub(crate) fn start(speed: f64) -> Self {
        Self { started: Instant::now(), started_ms: Timestamp::now().as_millisecond(), speed }
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.started_ms + (self.started.elapsed().as_secs_f64() * 1_000.0 * self.speed) as i64
    }
}
