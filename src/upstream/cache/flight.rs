//! Which questions are under way: who asks what somebody asks already waits for the same answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tickgate_core::budget::Payer;
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};
use tickgate_core::time::Millis;
use tokio::sync::watch;

use super::store::Outcome;

/// A question under way, as those see it who wait.
#[derive(Clone)]
pub(super) struct Flight {
    /// When it ends at the latest.
    pub(super) deadline: Millis,
    /// On whose account it goes.
    pub(super) payer: Payer,
    landed: watch::Receiver<Option<Outcome>>,
}

impl Flight {
    /// What came of it.
    pub(super) async fn landed(&mut self) -> Outcome {
        match self.landed.wait_for(Option::is_some).await {
            Ok(landed) => landed.clone().unwrap_or_else(|| Err(lost())),
            Err(_) => Err(lost()),
        }
    }
}

/// How one got aboard.
pub(super) enum Boarded {
    /// Somebody asks already.
    Joined(Flight),
    /// Nobody does: ask, and land it.
    Started(Flight, Landing),
}

/// All questions under way. There are never more than calls that run, whose number the sessions bound, each within its deadline.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<Arc<str>, Flight>>>);

impl Flights {
    /// Joins the flight of a question or starts one.
    pub(super) fn board(&self, key: &Arc<str>, payer: &Payer, deadline: Millis) -> Boarded {
        let mut flights = self.lock();
        if let Some(flight) = flights.get(key) {
            return Boarded::Joined(flight.clone());
        }
        let (sender, landed) = watch::channel(None);
        let flight = Flight { deadline, payer: payer.clone(), landed };
        flights.insert(Arc::clone(key), flight.clone());
        Boarded::Started(flight, Landing { flights: self.clone(), key: Arc::clone(key), sender })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The duty to tell what came of a flight. Dropped without having told, by a panic or with its thread, it tells that.
pub(super) struct Landing {
    flights: Flights,
    key: Arc<str>,
    sender: watch::Sender<Option<Outcome>>,
}

impl Landing {
    pub(super) fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// Tells everyone who waits. What is kept must be kept before: who comes later looks there, and asks anew.
    pub(super) fn land(self, outcome: Outcome) {
        self.sender.send_replace(Some(outcome));
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
        self.sender.send_if_modified(|landed| {
            let untold = landed.is_none();
            if untold {
                *landed = Some(Err(lost()));
            }
            untold
        });
    }
}

fn lost() -> UpstreamError {
    UpstreamError::new(UpstreamErrorKind::Unavailable, "the gateway lost its request to the upstream: try again")
}
