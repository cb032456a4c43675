//! The market session, as the upstream's status endpoint says it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::calendar::SpecialDay;
use super::freshness::{Stamp, as_rfc3339};
use super::symbol::Symbol;
use crate::time::Millis;

/// The New York session that a moment falls in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum MarketPhase {
    /// 04:00–09:30 New York.
    Pre,
    /// 09:30–16:00 New York.
    Regular,
    /// 16:00–20:00 New York.
    After,
    /// Otherwise.
    Closed,
}

impl MarketPhase {
    /// The name used in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Regular => "regular",
            Self::After => "after",
            Self::Closed => "closed",
        }
    }
}

/// What `/v1/marketstatus/now` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketStatus {
    /// `open`, `extended-hours` or `closed`, as the upstream words it.
    pub market: String,
    /// The session that follows from it.
    pub phase: MarketPhase,
    /// The upstream's own time.
    pub server_time: Millis,
    /// Whether currencies trade, if it says so.
    pub forex_open: Option<bool>,
    /// Closures and half days to come, where they were asked for.
    pub special_days: Option<Vec<SpecialDay>>,
}

impl MarketStatus {
    /// Derives the phase from the upstream's words and its two flags.
    #[must_use]
    pub fn new(market: &str, early_hours: bool, after_hours: bool, server_time: Millis) -> Self {
        let phase = match market {
            "open" => MarketPhase::Regular,
            "extended-hours" if early_hours => MarketPhase::Pre,
            "extended-hours" if after_hours => MarketPhase::After,
            _ => MarketPhase::Closed,
        };
        Self { market: market.into(), phase, server_time, forex_open: None, special_days: None }
    }
}

/// What a `status` event says: the market session and how the upstream does, or why one symbol has no prices.
#[derive(Debug, Serialize)]
pub struct StatusItem<'a> {
    /// `ok`, `market_closed`, `degraded`, `unknown_symbol`, or `ended` when a recording has been played to its end.
    pub state: &'static str,
    /// The symbol that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<&'a Symbol>,
    /// Why, when not `ok`: the kind of the upstream's failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The upstream's word for the session: `open`, `extended-hours`, `closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<&'a str>,
    /// How the upstream's feeds do, by market; those that nobody uses are left out. Prices are polled where one is not `live`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub feeds: BTreeMap<&'static str, &'static str>,
    /// When the next regular session begins, while there is none.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "some_as_rfc3339")]
    pub next_open: Option<Millis>,
    /// When the regular session ends, while it runs.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "some_as_rfc3339")]
    pub next_close: Option<Millis>,
    /// Freshness.
    #[serde(flatten)]
    pub stamp: Stamp,
}

fn some_as_rfc3339<S: Serializer>(moment: &Option<Millis>, serializer: S) -> Result<S::Ok, S::Error> {
    match moment {
        Some(moment) => as_rfc3339(moment, serializer),
        None => serializer.serialize_none(),
    }
}

impl StatusItem<'_> {
    /// The event body without its position: a JSON object.
    #[must_use]
    pub fn to_item(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a status holds only strings and a boolean")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phase_follows_the_upstreams_flags() {
        for (market, early, after, phase) in [
            ("open", false, false, MarketPhase::Regular),
            ("extended-hours", true, false, MarketPhase::Pre),
            ("extended-hours", false, true, MarketPhase::After),
            ("closed", false, false, MarketPhase::Closed),
            ("something new", false, false, MarketPhase::Closed),
        ] {
            assert_eq!(MarketStatus::new(market, early, after, Millis(0)).phase, phase, "{market}");
        }
    }
}
