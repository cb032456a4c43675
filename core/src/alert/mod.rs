//! Price alerts: what one waits for, when it fires, and when it may fire again.
//!
//! An alert fires on the edge, not for as long as its condition holds: `above` when a price at or above the target follows one
//! below it, `below` when a price at or below the target follows one above it, `crosses` whenever the price changes sides (the
//! target itself counts as above). An `above` or `below` alert that holds at its very first look fires at once and says
//! `already`; `crosses` never does, it only notes the side. Having fired, an alert is spent until the price has been away from
//! the target by [`REARM_SHARE`] of it, so that a price that trembles around the target fires once: `above` must have gone down
//! that far, `below` up; `crosses` that far on either side, and if that is the side where it was before, that is a change of
//! sides and fires.

mod firing;
mod id;
mod rule;
mod shown;
mod stored;
mod terms;
mod tick;

#[cfg(test)]
mod tests;

pub use firing::Firing;
pub use id::{AlertId, AlertIdError};
pub use rule::{Alert, Side, State};
pub use shown::{ShownAlert, ShownState};
pub use stored::Unreadable;
pub use terms::{Condition, MAX_NOTE_CHARS, TARGET_BOUNDS, Terms, TermsError};
pub use tick::Tick;

/// Alerts that one principal may have: more than anybody watches by hand, few enough that one caller cannot fill the gateway.
pub const MAX_ALERTS_PER_PRINCIPAL: usize = 100;
/// Alerts in all: each costs under a kilobyte of memory and, in the worst case, a look at every tick of its symbol.
pub const MAX_ALERTS: usize = 100_000;
/// How far the price must go from the target before an alert can fire again, as a share of the target.
pub const REARM_SHARE: f64 = 0.001;
