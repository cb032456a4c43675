//! What can go wrong upstream, and does it go wrong with this request? A list of kinds with probabilities; the decisions
//! follow from the seed and the number of the request, so a failing run can be repeated.

use std::fmt;
use std::str::FromStr;

use super::noise::{mix, unit};

/// One way of failing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// 401, unknown key.
    Unauthorized,
    /// 403, not entitled.
    Forbidden,
    /// 429 with a JSON error.
    RateLimited,
    /// 429 without a body.
    RateLimitedEmpty,
    /// 500 with a JSON error.
    ServerError,
    /// 502 with an HTML page.
    BadGateway,
    /// 503 with a JSON error.
    Unavailable,
    /// The answer comes 3 seconds late.
    Slow,
    /// No answer for 120 seconds.
    Hang,
    /// 200 with JSON that ends in the middle.
    Malformed,
    /// 200 with an HTML page.
    Html,
    /// 200 without `results`.
    NoResults,
    /// 200 with `results` of another type.
    WrongType,
    /// The connection ends in the middle of the body.
    Cut,
}

use FaultKind::{
    BadGateway, Cut, Forbidden, Hang, Html, Malformed, NoResults, RateLimited, RateLimitedEmpty, ServerError, Slow, Unauthorized,
    Unavailable, WrongType,
};

const KINDS: [(FaultKind, &str); 14] = [
    (Unauthorized, "401"),
    (Forbidden, "403"),
    (RateLimited, "429"),
    (RateLimitedEmpty, "429empty"),
    (ServerError, "500"),
    (BadGateway, "502"),
    (Unavailable, "503"),
    (Slow, "slow"),
    (Hang, "hang"),
    (Malformed, "malformed"),
    (Html, "html"),
    (NoResults, "noresults"),
    (WrongType, "wrongtype"),
    (Cut, "cut"),
];

impl FaultKind {
    fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

/// Says what is wrong with a list of faults.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultsError {
    /// An entry is not `kind:probability`.
    #[error("fault {entry:?} is not written kind:probability; kinds are {}", kinds())]
    Shape {
        /// The entry as it was written.
        entry: String,
    },
    /// There is no such kind.
    #[error("unknown fault {kind:?}; kinds are {}", kinds())]
    Kind {
        /// The kind as it was written.
        kind: String,
    },
    /// The probability is no number from 0 to 1.
    #[error("fault {kind} has the probability {probability:?}, which is not between 0 and 1; kinds are {}", kinds())]
    Probability {
        /// The kind it was given for.
        kind: String,
        /// The probability as it was written.
        probability: String,
    },
}

fn kinds() -> String {
    KINDS.map(|(_, name)| name).join(", ")
}

/// Faults with the probability of each, written `429:0.1,slow:0.05`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    rates: Vec<(FaultKind, f64)>,
}

impl Faults {
    /// Decides which fault befalls a request, if any. Each kind is decided for itself; the first one named wins.
    pub fn strike(&self, seed: u64, request: u64) -> Option<FaultKind> {
        let hit = |kind: FaultKind, rate: f64| unit(mix(&[seed, 0x6661_756c, request, kind as u64])) < rate;
        self.rates.iter().find(|&&(kind, rate)| hit(kind, rate)).map(|&(kind, _)| kind)
    }
}

impl FromStr for Faults {
    type Err = FaultsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut rates: Vec<(FaultKind, f64)> = Vec::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (name, number) = entry.split_once(':').ok_or_else(|| FaultsError::Shape { entry: entry.to_owned() })?;
            let (name, number) = (name.trim(), number.trim());
            let Some(&(kind, _)) = KINDS.iter().find(|(_, known)| *known == name) else {
                return Err(FaultsError::Kind { kind: name.to_owned() });
            };
            let rate = number.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
            let rate = rate.ok_or_else(|| FaultsError::Probability { kind: name.to_owned(), probability: number.to_owned() })?;
            // A kind named twice: the later one counts.
            rates.retain(|&(named, _)| named != kind);
            rates.push((kind, rate));
        }
        Ok(Self { rates })
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (kind, rate)) in self.rates.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(formatter, "{comma}{}:{rate}", kind.name())?;
        }
        Ok(())
    }
}
