//! Places for event streams: bounded in all and per caller.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::IntGauge;
use tickgate_core::access::Principal;

#[derive(Default)]
struct Taken {
    all: usize,
    by_caller: HashMap<Principal, usize>,
}

/// The places. Clones share them.
#[derive(Clone)]
pub struct StreamSlots {
    taken: Arc<Mutex<Taken>>,
    most: usize,
    most_per_caller: usize,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoSlot {
    Full,
    TooMany,
}

impl StreamSlots {
    /// So many places in all and per caller.
    #[must_use]
    pub fn new(most: usize, most_per_caller: usize) -> Self {
        Self { taken: Arc::default(), most, most_per_caller }
    }

    pub(super) fn take(&self, principal: &Principal, open: IntGauge) -> Result<StreamSlot, NoSlot> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.most {
            return Err(NoSlot::Full);
        }
        let count = taken.by_caller.entry(principal.clone()).or_default();
        if *count >= self.most_per_caller {
            return Err(NoSlot::TooMany);
        }
        *count += 1;
        taken.all += 1;
        Ok(StreamSlot { slots: self.clone(), principal: principal.clone(), _open: OpenStream::counted_by(open) })
    }
}

/// Counts an open stream until it is dropped.
pub(super) struct OpenStream(IntGauge);

impl OpenStream {
    pub(super) fn counted_by(open: IntGauge) -> Self {
        open.inc();
        Self(open)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A place; dropping it frees it.
pub(super) struct StreamSlot {
    slots: StreamSlots,
    principal: Principal,
    _open: OpenStream,
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(count) = taken.by_caller.get_mut(&self.principal) {
            *count -= 1;
            if *count == 0 {
                taken.by_caller.remove(&self.principal);
            }
        }
    }
}
