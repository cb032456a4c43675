//! Which alerts there are: by symbol, for prices; by name and by owner, for people.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tickgate_core::access::Principal;
use tickgate_core::alert::{Alert, AlertId, Firing, MAX_ALERTS, MAX_ALERTS_PER_PRINCIPAL, Tick};
use tickgate_core::market::Symbol;
use tickgate_core::time::Millis;

use super::AlertError;
use crate::window::Interest;

/// The alerts of one symbol, and what keeps its price watched for them.
#[derive(Default)]
struct Watched {
    alerts: BTreeMap<AlertId, Alert>,
    interest: Option<Interest>,
}

/// The alerts of one principal: those that there are, and how many are on their way into the store.
#[derive(Default)]
struct Possessions {
    alerts: BTreeSet<AlertId>,
    coming: usize,
}

/// How many alerts there may be.
#[derive(Clone, Copy)]
pub(super) struct Room {
    pub(super) per_principal: usize,
    pub(super) in_all: usize,
}

/// All alerts.
pub(super) struct Book {
    symbols: HashMap<Symbol, Watched>,
    places: HashMap<AlertId, Symbol>,
    owners: HashMap<Principal, Possessions>,
    coming: usize,
    /// On their way out of the store: nobody sees them any more, but they are still there.
    leaving: HashSet<AlertId>,
    /// Whose state has changed since it was last taken to be stored.
    changed: BTreeSet<AlertId>,
    room: Room,
}

impl Default for Book {
    fn default() -> Self {
        Self::with_room(Room { per_principal: MAX_ALERTS_PER_PRINCIPAL, in_all: MAX_ALERTS })
    }
}

impl Book {
    pub(super) fn with_room(room: Room) -> Self {
        Self {
            symbols: HashMap::new(),
            places: HashMap::new(),
            owners: HashMap::new(),
            coming: 0,
            leaving: HashSet::new(),
            changed: BTreeSet::new(),
            room,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Keeps room for an alert that is on its way into the store.
    pub(super) fn reserve(&mut self, principal: &Principal) -> Result<(), AlertError> {
        if self.places.len() + self.coming >= self.room.in_all {
            return Err(AlertError::Full);
        }
        let possessions = self.owners.entry(principal.clone()).or_default();
        if possessions.alerts.len() + possessions.coming >= self.room.per_principal {
            return Err(AlertError::TooMany);
        }
        possessions.coming += 1;
        self.coming += 1;
        Ok(())
    }

    /// Gives the room back: the alert is there, or is not coming.
    pub(super) fn release(&mut self, principal: &Principal) {
        self.coming -= 1;
        if let Some(possessions) = self.owners.get_mut(principal) {
            possessions.coming -= 1;
            self.forget_if_idle(principal);
        }
    }

    fn forget_if_idle(&mut self, principal: &Principal) {
        if self.owners.get(principal).is_some_and(|theirs| theirs.alerts.is_empty() && theirs.coming == 0) {
            self.owners.remove(principal);
        }
    }

    pub(super) fn insert(&mut self, alert: Alert, interest: Option<Interest>) {
        let (id, symbol) = (alert.id, alert.terms.symbol.clone());
        self.owners.entry(alert.principal.clone()).or_default().alerts.insert(id);
        let watched = self.symbols.entry(symbol.clone()).or_default();
        watched.alerts.insert(id, alert);
        watched.interest = watched.interest.take().or(interest);
        self.places.insert(id, symbol);
    }

    pub(super) fn remove(&mut self, id: AlertId) {
        self.leaving.remove(&id);
        self.changed.remove(&id);
        let Some(symbol) = self.places.remove(&id) else { return };
        let Some(watched) = self.symbols.get_mut(&symbol) else { return };
        let removed = watched.alerts.remove(&id);
        if watched.alerts.is_empty() {
            self.symbols.remove(&symbol);
        }
        if let Some(alert) = removed
            && let Some(possessions) = self.owners.get_mut(&alert.principal)
        {
            possessions.alerts.remove(&id);
            self.forget_if_idle(&alert.principal);
        }
    }

    /// Removes every alert of a principal.
    pub(super) fn remove_all_of(&mut self, principal: &Principal) {
        let ids = self.owners.get(principal).map(|possessions| possessions.alerts.clone()).unwrap_or_default();
        ids.into_iter().for_each(|id| self.remove(id));
    }

    pub(super) fn get(&self, id: AlertId) -> Option<&Alert> {
        self.symbols.get(self.places.get(&id)?)?.alerts.get(&id)
    }

    pub(super) fn is_owned(&self, principal: &Principal, id: AlertId) -> bool {
        !self.leaving.contains(&id) && self.get(id).is_some_and(|alert| alert.principal == *principal)
    }

    /// The alerts of a principal, oldest first.
    pub(super) fn of(&self, principal: &Principal) -> Vec<Alert> {
        let ids = self.owners.get(principal).into_iter().flat_map(|possessions| &possessions.alerts);
        let mut alerts: Vec<Alert> =
            ids.filter(|id| !self.leaving.contains(id)).filter_map(|id| self.get(*id)).cloned().collect();
        alerts.sort_by_key(|alert| (alert.created, alert.id));
        alerts
    }

    pub(super) fn begin_to_leave(&mut self, principal: &Principal, id: AlertId) -> Result<(), AlertError> {
        if !self.is_owned(principal, id) {
            return Err(AlertError::NotFound);
        }
        self.leaving.insert(id);
        Ok(())
    }

    /// It stays, because the store did not let it go.
    pub(super) fn stays(&mut self, id: AlertId) {
        self.leaving.remove(&id);
        self.changed.insert(id);
    }

    /// Up to `most` of those whose state must be stored, and takes them as stored.
    pub(super) fn take_changed(&mut self, most: usize) -> Vec<Alert> {
        let ids: Vec<AlertId> = self.changed.iter().filter(|id| !self.leaving.contains(id)).take(most).copied().collect();
        ids.into_iter()
            .filter_map(|id| {
                self.changed.remove(&id);
                self.get(id).cloned()
            })
            .collect()
    }

    /// Their state was not stored after all.
    pub(super) fn changed_still(&mut self, ids: impl IntoIterator<Item = AlertId>) {
        let there = ids.into_iter().filter(|id| self.places.contains_key(id));
        self.changed.extend(there);
    }

    pub(super) fn watches(&self, symbol: &Symbol) -> bool {
        self.symbols.contains_key(symbol)
    }

    pub(super) fn symbols(&self) -> Vec<Symbol> {
        self.symbols.keys().cloned().collect()
    }

    /// Symbols that nothing keeps watched.
    pub(super) fn unwatched(&self) -> impl Iterator<Item = &Symbol> {
        self.symbols.iter().filter(|(_, watched)| watched.interest.is_none()).map(|(symbol, _)| symbol)
    }

    pub(super) fn gain_interest(&mut self, symbol: &Symbol, interest: Interest) {
        if let Some(watched) = self.symbols.get_mut(symbol) {
            watched.interest = watched.interest.take().or(Some(interest));
        }
    }

    pub(super) fn lose_interest(&mut self, symbol: &Symbol) {
        if let Some(watched) = self.symbols.get_mut(symbol) {
            watched.interest = None;
        }
    }

    /// Shows a price to every alert of its symbol.
    pub(super) fn observe(&mut self, symbol: &Symbol, tick: Tick, now: Millis) -> Vec<Firing> {
        let Some(watched) = self.symbols.get_mut(symbol) else { return Vec::new() };
        let looks = watched.alerts.values_mut().map(|alert| look(alert, tick, now, &mut self.changed));
        looks.flatten().collect()
    }

    /// Shows what is on the tape, oldest first, to every alert of its symbol that has not seen it.
    pub(super) fn catch_up(&mut self, symbol: &Symbol, ticks: &[Tick], now: Millis) -> Vec<Firing> {
        let Some(watched) = self.symbols.get_mut(symbol) else { return Vec::new() };
        let mut firings = Vec::new();
        for alert in watched.alerts.values_mut() {
            let (seen, created) = (alert.seen(), alert.created);
            for (at, tick) in ticks.iter().enumerate() {
                // Of several with the time of the one that it saw last it cannot be told which that was; looking at the newest
                // again changes nothing. A time that lay ahead was seen as the moment itself.
                let is_new = tick.as_of.min(tick.recorded) > seen || at + 1 == ticks.len();
                if is_new && tick.recorded >= created {
                    firings.extend(look(alert, *tick, now, &mut self.changed));
                }
            }
        }
        firings
    }
}

fn look(alert: &mut Alert, tick: Tick, now: Millis, changed: &mut BTreeSet<AlertId>) -> Option<Firing> {
    let before = alert.state();
    let firing = alert.observe(tick.price, tick.as_of, now);
    if alert.state() != before {
        changed.insert(alert.id);
    }
    firing
}
