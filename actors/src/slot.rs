//! A place for the address of an actor that can be rebuilt: holders keep the slot, the supervisor refills it.

use std::sync::{Arc, PoisonError, RwLock};

use actix::{Actor, Addr};

/// The address of the actor that fills a role at the moment.
pub struct Slot<A: Actor>(Arc<RwLock<Option<Addr<A>>>>);

impl<A: Actor> Slot<A> {
    /// A slot that nobody fills yet.
    #[must_use]
    pub fn empty() -> Self {
        Self(Arc::new(RwLock::new(None)))
    }

    /// Fills the slot.
    pub fn fill(&self, address: Addr<A>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(address);
    }

    /// Who fills it now.
    #[must_use]
    pub fn get(&self) -> Option<Addr<A>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<A: Actor> Clone for Slot<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
