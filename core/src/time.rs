//! Moments and spans as integer milliseconds, so that state holding them can be stored, moved and compared.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// This moment plus `ms` milliseconds, at most the last one that can be written.
    #[must_use]
    pub const fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// This moment less `ms` milliseconds, at least the first one.
    #[must_use]
    pub const fn minus(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(ms))
    }

    /// Milliseconds that have passed since `earlier`; 0 when it lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads an RFC 3339 date and time.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let moment: Timestamp = text.parse().ok()?;
        u64::try_from(moment.as_millisecond()).ok().map(Self)
    }

    /// Reads a number whose unit is told by its magnitude alone, as the upstream mixes s, ms, µs and ns (polygon.md §4.5).
    #[must_use]
    pub const fn from_any_unit(value: u64) -> Self {
        match value {
            100_000_000_000_000_001.. => Self(value / 1_000_000),
            100_000_000_000_001.. => Self(value / 1_000),
            100_000_000_001.. => Self(value),
            _ => Self(value.saturating_mul(1_000)),
        }
    }

    /// The same of a number in JSON, which may have decimals. Zero stands for what has not happened yet, and is no time, like what is
    /// below it.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast of a float saturates, and no time is that late"
    )]
    pub fn from_number(value: &serde_json::Number) -> Option<Self> {
        let value = value.as_u64().or_else(|| value.as_f64().map(|value| value as u64))?;
        (value > 0).then(|| Self::from_any_unit(value))
    }
}

/// Writes RFC 3339 in UTC with milliseconds: `2026-03-10T18:31:08.000Z`.
impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = i64::try_from(self.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX);
        write!(f, "{moment:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc_with_milliseconds() {
        assert_eq!(Millis(1_773_167_467_294).to_string(), "2026-03-10T18:31:07.294Z");
        assert_eq!(Millis::parse_rfc3339("2026-03-10T14:31:07.294-04:00"), Some(Millis(1_773_167_467_294)));
    }

    #[test]
    fn the_unit_of_an_upstream_time_is_told_by_its_size() {
        for value in [1_773_167_467, 1_773_167_467_000, 1_773_167_467_000_000, 1_773_167_467_000_000_000] {
            assert_eq!(Millis::from_any_unit(value), Millis(1_773_167_467_000));
        }
    }
}
