//! When an alert fires: a state and one price at a time.

use serde::{Deserialize, Serialize};

use super::firing::Firing;
use super::id::AlertId;
use super::terms::{Condition, Terms};
use super::{REARM_SHARE, stored};
use crate::access::Principal;
use crate::time::Millis;

/// On which side of the target a price lies. The target itself belongs to the side that the alert waits for; for `crosses` it
/// counts as above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Below the target.
    Below,
    /// Above the target.
    Above,
}

/// What an alert is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A first price.
    Unseen,
    /// A price on the other side than this.
    Armed(Side),
    /// A price that has left the target by [`REARM_SHARE`] of it. It has fired, and the price was on this side then.
    Spent(Side),
}

/// One price alert. What a change of its state is must survive a restart; `seen` may lag behind, it only tells old from new.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its name.
    pub id: AlertId,
    /// Whose it is.
    #[serde(with = "stored::principal")]
    pub principal: Principal,
    /// What it waits for.
    pub terms: Terms,
    /// When it was made.
    pub created: Millis,
    state: State,
    seen: Millis,
    fired: u64,
    last_fired: Option<Millis>,
}

impl Alert {
    /// An alert that has seen no price yet.
    #[must_use]
    pub const fn new(id: AlertId, principal: Principal, terms: Terms, now: Millis) -> Self {
        Self { id, principal, terms, created: now, state: State::Unseen, seen: Millis(0), fired: 0, last_fired: None }
    }

    /// What it is waiting for. Whenever this changes, the alert must be stored anew.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Time of the newest price that it has looked at; the beginning of time before the first.
    #[must_use]
    pub const fn seen(&self) -> Millis {
        self.seen
    }

    /// How often it has fired.
    #[must_use]
    pub const fn fired(&self) -> u64 {
        self.fired
    }

    /// When it last fired.
    #[must_use]
    pub const fn last_fired(&self) -> Option<Millis> {
        self.last_fired
    }

    /// Looks at a price. The same price again changes nothing; one that is older than the last, or no price at all, is not
    /// looked at. A time that lies ahead counts as `now`, and one that lies ahead of a clock that was set back counts for
    /// nothing: neither may make the alert deaf until then.
    pub fn observe(&mut self, price: f64, as_of: Millis, now: Millis) -> Option<Firing> {
        let as_of = as_of.min(now);
        let is_older = as_of < self.seen && self.seen <= now;
        if !price.is_finite() || price <= 0.0 || is_older {
            return None;
        }
        self.seen = as_of;
        let (state, fires) = self.next_state(price);
        let already = self.state == State::Unseen;
        self.state = state;
        fires.then(|| {
            self.fired += 1;
            self.last_fired = Some(now);
            let Terms { symbol, condition, target, .. } = self.terms.clone();
            Firing { alert: self.id, symbol, condition, target, price, fired_at: now, as_of, count: self.fired, already }
        })
    }

    fn next_state(&self, price: f64) -> (State, bool) {
        let (side, away) = (self.side(price), self.is_away(price));
        let both_ways = self.terms.condition == Condition::Crosses;
        let fired = if both_ways && away { State::Armed(side) } else { State::Spent(side) };
        match self.state {
            State::Unseen if self.waits_for(side) => (fired, true),
            State::Armed(before) if before != side => (fired, true),
            State::Spent(before) if before != side && both_ways && away => (fired, true),
            State::Spent(before) if away && (before != side || both_ways) => (State::Armed(side), false),
            State::Unseen => (State::Armed(side), false),
            unchanged => (unchanged, false),
        }
    }

    fn side(&self, price: f64) -> Side {
        let Terms { condition, target, .. } = self.terms;
        let above = if condition == Condition::Below { price > target } else { price >= target };
        if above { Side::Above } else { Side::Below }
    }

    fn is_away(&self, price: f64) -> bool {
        (price - self.terms.target).abs() >= self.terms.target * REARM_SHARE
    }

    fn waits_for(&self, side: Side) -> bool {
        matches!((self.terms.condition, side), (Condition::Above, Side::Above) | (Condition::Below, Side::Below))
    }
}
