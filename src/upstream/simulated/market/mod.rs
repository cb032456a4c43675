//! The simulated market: pure functions of the seed, the symbol and the time.
//!
//! | room | the question it answers |
//! |---|---|
//! | [`universe`] | which symbols exist (`listed`: the well-known ones) |
//! | [`calendar`] | when is a market open (`holidays`: the days it is not) |
//! | [`prices`] | what did a symbol cost at a time, and within which bounds did it move |
//! | [`volume`] | how much was traded between two times |
//! | [`bars`] | which bars does a range hold |
//! | [`indicators`] | what do averages and oscillators make of prices |
//! | [`futures`] | which futures are there |
//! | [`options`] | which option contracts are there, and what is one worth |

pub(crate) mod bars;
pub(crate) mod calendar;
pub(crate) mod futures;
pub(crate) mod holidays;
pub(crate) mod indicators;
mod listed;
pub(crate) mod options;
pub(crate) mod prices;
pub(crate) mod universe;
pub(crate) mod volume;

use std::str::FromStr;

use calendar::Calendar;
use universe::Universe;

/// Says whether the simulated stock market follows New York hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionMode {
    /// The regular session never ends: a newcomer always sees prices move.
    Open,
    /// New York hours, weekends and holidays.
    Clock,
}

/// Says that a session mode is none of the known ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown session mode {0:?}: allowed are open and clock")]
pub struct UnknownSessionMode(String);

impl FromStr for SessionMode {
    type Err = UnknownSessionMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "open" => Ok(Self::Open),
            "clock" => Ok(Self::Clock),
            other => Err(UnknownSessionMode(other.to_owned())),
        }
    }
}

/// Everything about the market that is fixed by the settings.
pub(crate) struct Exchange {
    pub(crate) seed: u64,
    pub(crate) universe: Universe,
    pub(crate) calendar: Calendar,
}

impl Exchange {
    pub(crate) fn new(seed: u64, symbols: usize, session: SessionMode) -> Self {
        Self { seed, universe: Universe::new(seed, symbols), calendar: Calendar::new(session) }
    }
}
