//! Which rows does an answer have? Each is read by itself, so that a malformed one costs no other.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Number, from_str};
use tickgate_core::ports::UpstreamError;
use tickgate_core::time::Millis;

use super::super::client::invalid_response;

#[derive(Deserialize)]
struct Listing<'a> {
    #[serde(borrow)]
    results: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    tickers: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    count: Option<&'a RawValue>,
    #[serde(borrow, rename = "resultsCount")]
    results_count: Option<&'a RawValue>,
}

/// Reads the rows of an answer and leaves out malformed ones. `what` names them in the log.
///
/// # Errors
/// `InvalidResponse` when there are rows and none can be read, or when rows are counted but not there.
pub(super) fn read<'a, T: Deserialize<'a>>(body: &'a [u8], what: &'static str) -> Result<Vec<T>, UpstreamError> {
    let listing: Listing<'a> = serde_json::from_slice(body).map_err(|_| invalid_response())?;
    // An empty result may come without its key (polygon.md §4.2).
    let Some(rows) = listing.results.or(listing.tickers) else {
        let counted = [listing.count, listing.results_count].into_iter().flatten().any(|count| count.get() != "0");
        return if counted { Err(invalid_response()) } else { Ok(Vec::new()) };
    };
    let read: Vec<T> = rows.iter().filter_map(|row| from_str(row.get()).ok()).collect();
    let malformed = rows.len() - read.len();
    if malformed > 0 {
        tracing::warn!(what, malformed, rows = rows.len(), "the upstream sent malformed rows: they are left out");
    }
    if read.is_empty() && malformed > 0 { Err(invalid_response()) } else { Ok(read) }
}

/// Reads a time in whatever unit it is; zero and what is no time are none.
pub(super) fn moment(value: Option<&Number>) -> Option<Millis> {
    Millis::from_number(value?)
}

/// A price or size that can be one. Zeros stand for what has not happened yet.
pub(super) fn price(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite() && *value > 0.0)
}

/// What was traded: never less than nothing.
pub(super) fn volume(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite() && *value >= 0.0)
}

/// Price less the previous close, and the same in percent of it; `None` when there is none, or no number that can be written.
pub(super) fn change(price: f64, previous: Option<f64>) -> Option<(f64, f64)> {
    let change = previous.map(|previous| (price - previous, (price - previous) / previous * 100.0));
    change.filter(|(_, percent)| percent.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tickgate_core::ports::UpstreamErrorKind;

    fn numbers(body: &str) -> Result<Vec<u8>, UpstreamErrorKind> {
        read::<u8>(body.as_bytes(), "numbers").map_err(|error| error.kind)
    }

    #[test]
    fn a_malformed_row_costs_no_other() {
        assert_eq!(numbers(r#"{"results":[1,"x",{"a":[2]},3,null],"count":5}"#), Ok(vec![1, 3]));
        assert_eq!(numbers(r#"{"tickers":[7]}"#), Ok(vec![7]));
    }

    #[test]
    fn nothing_found_is_no_failure_but_something_unreadable_is() {
        assert_eq!(numbers(r#"{"status":"OK","resultsCount":0,"count":0}"#), Ok(vec![]));
        assert_eq!(numbers(r#"{"status":"OK"}"#), Ok(vec![]));
        assert_eq!(numbers(r#"{"results":[]}"#), Ok(vec![]));
        for body in [r#"{"count":3}"#, r#"{"results":"x"}"#, r#"{"results":{}}"#, r#"{"results":["x"]}"#, r#""x""#, "[]"] {
            assert_eq!(numbers(body), Err(UpstreamErrorKind::InvalidResponse), "{body}");
        }
    }

    #[test]
    fn a_price_is_more_than_nothing_a_volume_not_less_and_a_change_can_be_written() {
        for (value, price_of, volume_of) in [(1.5, Some(1.5), Some(1.5)), (0.0, None, Some(0.0)), (-3.0, None, None)] {
            assert_eq!((price(Some(value)), volume(Some(value))), (price_of, volume_of));
        }
        assert_eq!(change(110.0, Some(100.0)), Some((10.0, 10.0)));
        assert_eq!(change(1e308, Some(1e-300)), None);
    }

    #[test]
    fn a_time_is_read_in_any_unit_and_never_zero() {
        let read = |text: &str| moment(Some(&from_str(text).unwrap()));
        assert_eq!(read("1773167467294080343"), Some(Millis(1_773_167_467_294)));
        assert_eq!(read("1773167467294"), Some(Millis(1_773_167_467_294)));
        assert_eq!(read("1773167467.9"), Some(Millis(1_773_167_467_000)));
        for text in ["0", "-5", "0.0"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
