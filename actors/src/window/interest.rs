//! Who on this worker wants which topics: told to the supervisor only when the first comes and the last goes.

use std::collections::BTreeMap;

use tickgate_core::market::Topic;
use tickgate_core::market::cadence::interval_ms;
use tickgate_core::tape::Position;

use super::state::TapeWindow;
use crate::supervisor::{WatchError, Watched};

/// What a subscriber waits for before it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// The topic is recorded.
    Recorded,
    /// The topic's latest state has been fetched, by this watch or by one before.
    Fetched,
}

/// Topics that a subscriber wants, and how often.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Which.
    pub topics: Vec<Topic>,
    /// Poll at least this often, in ms; the topic's default when `None`.
    pub interval_ms: Option<u64>,
    /// What to wait for.
    pub ready: Ready,
}

/// One topic's subscribers on this worker, by interval.
#[derive(Default)]
pub(super) struct LocalInterest {
    counts: BTreeMap<u64, u32>,
    recorded: Option<Watched>,
    fetched: bool,
}

/// Keeps topics watched; dropping it takes the interest back.
pub struct Interest {
    window: TapeWindow,
    held: Vec<(Topic, u64)>,
    /// The longest interval at which any of the topics is really polled, in ms.
    pub effective_interval_ms: u64,
}

impl TapeWindow {
    /// Declares interest and waits until the topics are ready.
    ///
    /// # Errors
    /// When one of the topics cannot be watched; the interest in all of them is taken back.
    pub async fn watch(&self, wish: Wish) -> Result<Interest, WatchError> {
        let mut interest =
            Interest { window: self.clone(), held: Vec::with_capacity(wish.topics.len()), effective_interval_ms: 0 };
        let mut pending = Vec::new();
        for topic in wish.topics {
            let interval_ms = interval_ms(&topic, wish.interval_ms);
            let request = self.hold(&topic, interval_ms, wish.ready, &mut interest)?;
            if let Some(request) = request {
                pending.push((topic, request));
            }
        }
        let mut reached: Option<Position> = None;
        for (topic, request) in pending {
            let watched = request.await?;
            interest.polled_every(&topic, watched.interval_ms);
            let further = reached.filter(|place| place.epoch == watched.position.epoch && place.seq > watched.position.seq);
            reached = further.or(Some(watched.position));
            let mut state = self.0.borrow_mut();
            if let Some(local) = state.interest.get_mut(&topic) {
                local.recorded = Some(watched);
                local.fetched |= wish.ready == Ready::Fetched;
            }
        }
        if let Some(position) = reached {
            self.reached(position).await;
        }
        Ok(interest)
    }

    /// Waits until the first poll of the news topics among these is on the tape: what was published while nobody watched comes
    /// before a reader that starts now. Best effort: an upstream that fails delays nobody for longer than one poll.
    pub async fn settle(&self, topics: &[Topic]) {
        for topic in topics.iter().filter(|topic| topic.is_news()) {
            let asked = {
                let state = self.0.borrow();
                let unsettled = state.interest.get(topic).filter(|local| !local.fetched);
                unsettled.and_then(|local| {
                    state
                        .market
                        .watch(topic.clone(), local.counts.keys().next().copied().unwrap_or_default(), false, Ready::Fetched)
                        .ok()
                })
            };
            if let Some(asked) = asked
                && let Ok(watched) = asked.await
            {
                if let Some(local) = self.0.borrow_mut().interest.get_mut(topic) {
                    local.fetched = true;
                }
                self.reached(watched.position).await;
            }
        }
    }

    /// Counts the subscriber and returns the request to the supervisor, if it must be asked. One whose request cannot be sent
    /// is not counted: taking back interest that was never declared would take another's.
    fn hold(
        &self,
        topic: &Topic,
        interval_ms: u64,
        ready: Ready,
        interest: &mut Interest,
    ) -> Result<Option<impl Future<Output = Result<Watched, WatchError>> + use<>>, WatchError> {
        let mut state = self.0.borrow_mut();
        let known = state.interest.get(topic).filter(|local| local.counts.contains_key(&interval_ms));
        let watched = known.filter(|local| ready == Ready::Recorded || local.fetched).and_then(|local| local.recorded);
        let request = match watched {
            Some(watched) => {
                interest.polled_every(topic, watched.interval_ms);
                None
            }
            None => Some(state.market.watch(topic.clone(), interval_ms, known.is_none(), ready)?),
        };
        *state.interest.entry(topic.clone()).or_default().counts.entry(interval_ms).or_default() += 1;
        interest.held.push((topic.clone(), interval_ms));
        Ok(request)
    }

    fn release(&self, topic: &Topic, interval_ms: u64) {
        let mut state = self.0.borrow_mut();
        let Some(local) = state.interest.get_mut(topic) else { return };
        let Some(count) = local.counts.get_mut(&interval_ms) else { return };
        *count -= 1;
        if *count > 0 {
            return;
        }
        local.counts.remove(&interval_ms);
        if local.counts.is_empty() {
            state.interest.remove(topic);
        }
        state.market.unwatch(topic.clone(), interval_ms);
    }
}

impl Interest {
    /// The status has a rhythm of its own, which says nothing of what was asked for.
    fn polled_every(&mut self, topic: &Topic, interval_ms: u64) {
        if *topic != Topic::Status {
            self.effective_interval_ms = self.effective_interval_ms.max(interval_ms);
        }
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        for (topic, interval_ms) in std::mem::take(&mut self.held) {
            self.window.release(&topic, interval_ms);
        }
    }
}
