//! How fresh a number is, said with every number (DESIGN §3).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::status::MarketPhase;
use crate::time::Millis;

/// Where a number came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Source {
    /// The upstream's WebSocket feed.
    Ws,
    /// A request to the upstream's REST API.
    Poll,
    /// Our cache of such a request.
    Cache,
    /// The simulated market: not real prices.
    Simulated,
}

/// How far ahead of our clock a time of the upstream's may lie, in ms: clocks differ by seconds.
pub const MAX_AHEAD_MS: u64 = 60_000;

impl Source {
    /// Whether data of this source can be of the moment that it says, told at `now`. One stamp of the year 9999 that is believed
    /// makes everything after it look old. The simulated market's clock may run fast, so it may be ahead.
    #[must_use]
    pub fn believes(self, told: Millis, now: Millis) -> bool {
        self == Self::Simulated || told <= now.plus(MAX_AHEAD_MS)
    }
}

/// The freshness of a streamed item: fields of the item itself.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Stamp {
    /// Time of the data.
    #[serde(serialize_with = "as_rfc3339")]
    pub as_of: Millis,
    /// How it came here.
    pub source: Source,
    /// Whether the plan delays it.
    pub delayed: bool,
    /// The session it was seen in.
    pub session: MarketPhase,
}

/// The freshness of an answer: `_freshness` of tool results and API answers.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Freshness {
    /// Time of the data, RFC 3339; the time of the fetch where the data has none.
    #[serde(serialize_with = "as_rfc3339")]
    #[schemars(with = "String")]
    pub as_of: Millis,
    /// Milliseconds from `as_of` to this answer.
    pub age_ms: u64,
    /// How it came here.
    pub source: Source,
    /// Whether the plan delays it.
    pub delayed: bool,
    /// The market session at the time of the answer.
    pub session: MarketPhase,
    /// True when the upstream failed just now and this is what it said before; left out otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub stale: bool,
    /// Position of the tape before the upstream was asked: streaming after it misses nothing.
    pub position: String,
}

pub(crate) fn as_rfc3339<S: Serializer>(moment: &Millis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(moment)
}
