//! Whenever and however a described endpoint is asked, it answers or refuses; nothing of what a client sends breaks it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::super::answer::Refusal;
use super::super::market::SessionMode;
use super::super::routes::{OBJECTS, TABLES};
use super::super::state::State;
use super::endpoints::ENDPOINTS;
use super::tables::{NOON, ask, segments};
use super::{SimulatorSettings, at};

fn small(session: SessionMode, symbols: usize) -> State {
    State::new(SimulatorSettings { session, symbols, ..SimulatorSettings::default() })
}

/// The endpoints of tables and objects; the others have handlers of their own.
fn described() -> impl Iterator<Item = &'static str> {
    ENDPOINTS.iter().map(|&(_, target, _)| target).filter(|target| {
        let path = target.split('?').next().unwrap();
        let patterns = TABLES.iter().copied().flatten().map(|table| table.path);
        patterns
            .chain(OBJECTS.iter().copied().flatten().map(|object| object.path))
            .any(|pattern| segments(path, pattern).is_some())
    })
}

#[test]
fn every_endpoint_answers_at_any_moment_and_with_few_symbols() {
    assert!(described().count() > 50);
    for (session, symbols) in [(SessionMode::Open, 1), (SessionMode::Clock, 12)] {
        let state = small(session, symbols);
        for moment in [
            // A weekend, the night the clocks change, an early close, the turn of a year, before and after the session.
            "2026-03-14T15:00:00Z",
            "2026-03-08T07:30:00Z",
            "2026-11-27T19:00:00Z",
            "2027-01-01T00:00:00Z",
            "2026-12-19T00:00:01Z",
            "2026-03-10T09:00:00Z",
            "2026-03-10T21:30:00Z",
        ] {
            for target in described() {
                let outcome = ask(&state, at(moment), target);
                let told = matches!(outcome, Ok(_) | Err(Refusal::NotFound | Refusal::NoData));
                assert!(told, "{target} at {moment} with {symbols}: {outcome:?}");
            }
        }
    }
}

#[test]
fn no_value_breaks_an_endpoint() {
    let state = small(SessionMode::Clock, 3);
    let values = [
        "",
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "1e400",
        "NaN",
        "9999-12-31",
        "-009999-01-01",
        "é",
        ",",
        "💣.asc",
    ];
    let names = [
        "limit",
        "sort",
        "order",
        "cursor",
        "ticker",
        "ticker.any_of",
        "timestamp.gte",
        "timestamp",
        "window_start.lt",
        "date.gt",
        "as_of",
        "resolution",
        "window",
        "long_window",
        "amount",
        "precision",
        "strike_price.any_of",
        "expiration_date",
        "published.lte",
        "types",
        "session_end_date",
        "fiscal_year",
        "search",
        "expired",
        "type",
    ];
    // Every endpoint gets every name, and over all endpoints every name gets every value.
    for (turn, target) in described().enumerate() {
        let path = target.split('?').next().unwrap();
        for (place, name) in names.iter().enumerate() {
            let value = values[(turn + place) % values.len()];
            let _ = ask(&state, at(NOON), &format!("{path}?{name}={value}&limit=2"));
        }
    }
    for ticker in
        ["O:", "O:é271217C00240000", "O:AAPL999999C00240000", "O:AAPL271217X00240000", "O:AAPL271217C-0240000", "Z", "éé", "💣"]
    {
        for path in
            ["/v3/reference/options/contracts/", "/v3/snapshot/options/AAPL/", "/futures/v1/contracts/", "/v1/related-companies/"]
        {
            assert!(ask(&state, at(NOON), &format!("{path}{ticker}")).is_err(), "{path}{ticker}");
        }
    }
}

#[test]
fn a_forged_cursor_is_refused_or_harmless() {
    let state = small(SessionMode::Open, 3);
    for at_ms in [i64::MIN, -1, 0, at(NOON), i64::MAX] {
        for skip in [0, usize::MAX] {
            let forged = json!({"query": {"limit": "2"}, "skip": skip, "at_ms": at_ms, "from_ms": at_ms});
            let cursor = URL_SAFE_NO_PAD.encode(forged.to_string());
            for path in ["/v3/trades/AAPL", "/fed/v1/inflation", "/v3/reference/tickers", "/v3/snapshot/options/AAPL"] {
                let _ = ask(&state, at(NOON), &format!("{path}?cursor={cursor}"));
            }
            if skip == 0 {
                let _ = ask(&state, at(NOON), &format!("/v1/indicators/ema/AAPL?cursor={cursor}"));
            }
        }
    }
}
