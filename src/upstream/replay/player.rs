//! When does what happen again? At its recorded time over the speed, in the recorded order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tickgate_core::tape::Draft;
use tokio::time::{Instant, sleep_until};

use super::format::Recorded;
use super::recording::Recording;

/// How much of a recording has been played. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Playhead(Arc<AtomicUsize>);

impl Playhead {
    /// How many events have been played.
    #[must_use]
    pub fn played(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

impl Recorded {
    /// The event as it goes on the tape. It has no identity: a version of an article says itself that it is one.
    #[must_use]
    pub fn to_draft(&self) -> Draft {
        Draft {
            kind: self.kind,
            topics: self.topics.clone(),
            item: self.body.clone().into_bytes(),
            as_of: self.as_of,
            identity: None,
            history: false,
        }
    }
}

/// Plays a recording to its end. `speed`: 2 is twice as fast; `happens`: called for each event at its time.
pub async fn play(recording: &Recording, speed: f64, playhead: &Playhead, mut happens: impl FnMut(&Recorded)) {
    let began = Instant::now();
    for event in &recording.events {
        let after = Duration::from_millis(event.at_ms).div_f64(speed);
        sleep_until(began + after).await;
        playhead.0.fetch_add(1, Ordering::Release);
        happens(event);
    }
}
