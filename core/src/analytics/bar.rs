//! One bar, and how many bars of a span make a year.

use crate::market::Market;
use crate::time::Millis;

/// What happened in one span of time. Prices are greater than 0 and all numbers finite: see [`Bar::is_sane`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// When it began.
    pub at: Millis,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Traded volume; 0 where there is none, as of an index.
    pub volume: f64,
    /// Volume-weighted average price, where the upstream gives one.
    pub vwap: Option<f64>,
}

impl Bar {
    /// Whether all of it can be calculated with.
    #[must_use]
    pub fn is_sane(&self) -> bool {
        let prices = [self.open, self.high, self.low, self.close];
        let bounds = |price: &f64| self.low <= *price && *price <= self.high;
        prices.iter().all(|price| price.is_finite() && *price > 0.0 && bounds(price))
            && self.volume.is_finite()
            && self.volume >= 0.0
            && self.vwap.is_none_or(|vwap| vwap.is_finite() && vwap > 0.0)
    }

    /// The mean of high, low and close.
    #[must_use]
    pub fn typical(&self) -> f64 {
        (self.high + self.low + self.close) / 3.0
    }
}

/// The span of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Timespan {
    /// Seconds.
    Second,
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
    /// Days.
    Day,
    /// Weeks.
    Week,
    /// Months.
    Month,
    /// Quarters.
    Quarter,
    /// Years.
    Year,
}

impl Timespan {
    /// All of them, the shortest first.
    pub const ALL: [Self; 8] =
        [Self::Second, Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// The span of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|timespan| timespan.as_str() == name)
    }

    /// The name that the upstream uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// How long one is, in ms, at least: a month has 28 days or more.
    #[must_use]
    pub const fn least_ms(self) -> u64 {
        const DAY_MS: u64 = 86_400_000;
        match self {
            Self::Second => 1_000,
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
            Self::Day => DAY_MS,
            Self::Week => 7 * DAY_MS,
            Self::Month => 28 * DAY_MS,
            Self::Quarter => 90 * DAY_MS,
            Self::Year => 365 * DAY_MS,
        }
    }

    /// How many of the upstream's base bars (seconds, minutes, days) one holds at most: its limits count those.
    #[must_use]
    pub const fn base_bars(self) -> u64 {
        match self {
            Self::Second | Self::Minute | Self::Day => 1,
            Self::Hour => 60,
            Self::Week => 7,
            Self::Month => 31,
            Self::Quarter => 92,
            Self::Year => 366,
        }
    }

    /// How many there are in a year of trading: 252 days of 6.5 hours for what trades in New York, 260 whole days for
    /// currencies, 365 whole days for crypto.
    #[must_use]
    pub const fn per_year(self, market: Market) -> f64 {
        let (days, hours) = match market {
            Market::Crypto => (365.0, 24.0),
            Market::Forex => (260.0, 24.0),
            Market::Stocks | Market::Options | Market::Indices => (252.0, 6.5),
        };
        match self {
            Self::Second => days * hours * 3_600.0,
            Self::Minute => days * hours * 60.0,
            Self::Hour => days * hours,
            Self::Day => days,
            Self::Week => 52.0,
            Self::Month => 12.0,
            Self::Quarter => 4.0,
            Self::Year => 1.0,
        }
    }
}
