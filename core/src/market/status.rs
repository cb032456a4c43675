//! The market session, as the upstream's status endpoint says it.

use jiff::civil::Weekday;
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::freshness::Stamp;
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

    /// The phase by the clock alone, without holidays: what is said until the upstream's status is known.
    #[must_use]
    pub fn by_clock(now: Millis, new_york: &TimeZone) -> Self {
        let Some(moment) = i64::try_from(now.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()) else {
            return Self::Closed;
        };
        let local = new_york.to_datetime(moment);
        if matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday) {
            return Self::Closed;
        }
        match i32::from(local.hour()) * 60 + i32::from(local.minute()) {
            240..570 => Self::Pre,
            570..960 => Self::Regular,
            960..1200 => Self::After,
            _ => Self::Closed,
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
        Self { market: market.into(), phase, server_time }
    }
}

/// What a `status` event says: the market session and how the upstream does, or why one symbol has no prices.
#[derive(Debug, Serialize)]
pub struct StatusItem<'a> {
    /// `ok`, `degraded`, `unknown_symbol`, or `ended` when a recording has been played to its end.
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
    /// Freshness.
    #[serde(flatten)]
    pub stamp: Stamp,
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

    #[test]
    fn the_clock_knows_daylight_saving_time() {
        let new_york = TimeZone::get("America/New_York").unwrap();
        for (moment, phase) in [
            ("2026-03-06T14:29:59Z", MarketPhase::Pre), // Friday, UTC-5
            ("2026-03-06T14:30:00Z", MarketPhase::Regular),
            ("2026-03-09T13:30:00Z", MarketPhase::Regular), // Monday after the change, UTC-4
            ("2026-03-09T20:00:00Z", MarketPhase::After),
            ("2026-03-10T00:00:00Z", MarketPhase::Closed),
            ("2026-03-07T15:00:00Z", MarketPhase::Closed), // Saturday
        ] {
            assert_eq!(MarketPhase::by_clock(Millis::parse_rfc3339(moment).unwrap(), &new_york), phase, "{moment}");
        }
    }
}
