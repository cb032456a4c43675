//! Days and moments as people, models and upstreams write them.

use jiff::Timestamp;
use tickgate_core::time::Millis;

use super::kind::Unit;

/// Above this a whole number is in nanoseconds (polygon.md §4.5).
const LEAST_NANOS: u64 = 100_000_000_000_000_000;

/// Whether this is a day, `2026-03-10`.
pub(super) fn is_day(text: &str) -> bool {
    let form = text.len() == 10
        && text.bytes().enumerate().all(|(at, c)| if matches!(at, 4 | 7) { c == b'-' } else { c.is_ascii_digit() });
    form && text.parse::<jiff::civil::Date>().is_ok()
}

/// Writes a moment (a day, an RFC 3339 time, or a Unix time of any unit) as the upstream takes it. A day stays a day, for it
/// means the day of the exchange.
pub(super) fn write(text: &str, unit: Unit) -> Option<String> {
    if is_day(text) {
        return Some(text.to_owned());
    }
    if !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit()) {
        return written(text.parse().ok()?, unit);
    }
    let moment: Timestamp = text.parse().ok()?;
    match unit {
        // In one spelling: what is read here is more than the upstream reads, and the same question is asked once.
        Unit::Text => Some(moment.to_string()),
        Unit::Millis => u64::try_from(moment.as_millisecond()).ok().map(|ms| ms.to_string()),
        Unit::Nanos => u64::try_from(moment.as_nanosecond()).ok().map(|ns| ns.to_string()),
    }
}

/// The same of a number.
pub(super) fn written(number: u64, unit: Unit) -> Option<String> {
    let ms = Millis::from_any_unit(number);
    match unit {
        // No digit is lost of what is in nanoseconds already.
        Unit::Nanos if number > LEAST_NANOS => Some(number.to_string()),
        Unit::Nanos => ms.0.checked_mul(1_000_000).map(|ns| ns.to_string()),
        Unit::Millis => Some(ms.0.to_string()),
        Unit::Text => Timestamp::from_millisecond(i64::try_from(ms.0).ok()?).ok().map(|moment| moment.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_the_unit_that_the_upstream_takes_and_no_digit_is_lost() {
        for (text, unit, expected) in [
            ("2026-03-10", Unit::Nanos, "2026-03-10"),
            ("2026-03-10T18:31:07.294080343Z", Unit::Nanos, "1773167467294080343"),
            ("2026-03-10T14:31:07.294-04:00", Unit::Millis, "1773167467294"),
            ("2026-03-10T18:31:07Z", Unit::Text, "2026-03-10T18:31:07Z"),
            ("1773167467294080343", Unit::Nanos, "1773167467294080343"),
            ("1773167467294080343", Unit::Millis, "1773167467294"),
            ("1773167467294", Unit::Nanos, "1773167467294000000"),
            ("1773167467", Unit::Millis, "1773167467000"),
            ("1773167467", Unit::Text, "2026-03-10T18:31:07Z"),
            ("2026-03-10 14:31:07-04:00[America/New_York]", Unit::Text, "2026-03-10T18:31:07Z"),
        ] {
            assert_eq!(write(text, unit).as_deref(), Some(expected), "{text} {unit:?}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "yesterday",
            "+5",
            "-5",
            "2026-13-01",
            "2026-02-30",
            "2026-W11-2",
            "20260310[]",
            "99999999999999999999",
            "٢٠٢٦-٠٣-١٠",
        ] {
            assert_eq!(write(text, Unit::Millis), None, "{text}");
            assert!(!is_day(text), "{text}");
        }
    }
}
