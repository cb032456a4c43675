//! What is the market doing?

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::value::RawValue;
use tickgate_core::budget::Payer;
use tickgate_core::market::calendar::MAX_SPECIAL_DAYS;
use tickgate_core::market::text::clean;
use tickgate_core::market::{Closure, MarketStatus, SpecialDay};
use tickgate_core::ports::UpstreamError;
use tickgate_core::time::Millis;

use super::super::client::{Path, PolygonClient, invalid_response};

/// Longest word for a session, in characters: it is shown.
const MAX_WORD_CHARS: usize = 32;

/// How long the closures to come may take, in ms: the status waits for them.
const SPECIAL_DAYS_DEADLINE_MS: u64 = 3_000;

/// How much longer where calls are few, in ms: polls of the smallest plan are a quarter of a minute apart, and a caller's call may
/// come between. The status waits so long twice a day.
const SPECIAL_DAYS_PATIENCE_MS: u64 = 40_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    market: String,
    server_time: Option<String>,
    early_hours: Option<bool>,
    after_hours: Option<bool>,
    #[serde(default)]
    currencies: Currencies,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Currencies {
    fx: Option<String>,
}

/// A row of the announced closures.
#[derive(Deserialize)]
struct Announced {
    date: String,
    exchange: String,
    status: String,
    close: Option<String>,
}

impl PolygonClient {
    pub(super) async fn status_now(&self) -> Result<MarketStatus, UpstreamError> {
        let path = Path::new("/v1/marketstatus/now", &[])?;
        let answer = self.ask_for(Payer::Status, path, Vec::new(), self.deadline()).await?;
        let mut status = status(&answer.body, answer.fetched)?;
        status.special_days = self.special_days().await;
        Ok(status)
    }

    /// The closures to come, when they have not been asked for in a while. Without them the week's hours hold, so that they
    /// cannot be had is no failure of the status.
    async fn special_days(&self) -> Option<Vec<SpecialDay>> {
        let calls_are_few = self.has_few_calls();
        if !self.memory.wants_special_days(calls_are_few, self.clock.now()) {
            return None;
        }
        let patience_ms = if calls_are_few { SPECIAL_DAYS_PATIENCE_MS } else { 0 };
        let deadline = self.clock.now().plus(SPECIAL_DAYS_DEADLINE_MS + patience_ms);
        let asked = async {
            let path = Path::new("/v1/marketstatus/upcoming", &[])?;
            // As the status itself: behind the polls of every topic it would come too late.
            self.ask_for(Payer::Status, path, Vec::new(), deadline).await
        };
        let days = asked.await.and_then(|answer| special_days(&answer.body));
        if let Err(error) = &days {
            tracing::warn!(error.kind = error.kind.as_str(), "the market's closures to come cannot be had: {error}");
        }
        self.memory.asked_for_special_days(days.is_ok(), self.clock.now());
        days.ok()
    }
}

/// Reads the rows of the two stock exchanges; a row that makes no sense is left out.
fn special_days(body: &[u8]) -> Result<Vec<SpecialDay>, UpstreamError> {
    let rows: Vec<&RawValue> = serde_json::from_slice(body).map_err(|_| invalid_response())?;
    let day = |row: &RawValue| {
        let row: Announced = serde_json::from_str(row.get()).ok()?;
        let closure = match row.status.as_str() {
            "closed" => Closure::WholeDay,
            "early-close" => Closure::Early(row.close.as_deref().and_then(Millis::parse_rfc3339)),
            _ => return None,
        };
        let date: Date = row.date.parse().ok()?;
        matches!(row.exchange.as_str(), "NYSE" | "NASDAQ").then_some(SpecialDay { date, closure })
    };
    Ok(rows.into_iter().filter_map(day).take(MAX_SPECIAL_DAYS).collect())
}

fn status(body: &[u8], fetched: Millis) -> Result<MarketStatus, UpstreamError> {
    let status: Status = serde_json::from_slice(body).map_err(|_| invalid_response())?;
    let word: String = clean(&status.market).chars().take(MAX_WORD_CHARS).collect();
    let server_time = status.server_time.as_deref().and_then(Millis::parse_rfc3339).unwrap_or(fetched);
    let (early, after) = (status.early_hours.unwrap_or(false), status.after_hours.unwrap_or(false));
    let forex_open = status.currencies.fx.map(|word| word != "closed");
    Ok(MarketStatus { forex_open, ..MarketStatus::new(&word, early, after, server_time) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tickgate_core::market::MarketPhase;

    const STATUSES: &str = include_str!("../../../../tests/fixtures/polygon/v1_marketstatus.json");

    #[test]
    fn the_sessions_of_the_fixtures_are_read() {
        let fixtures: serde_json::Value = serde_json::from_str(STATUSES).unwrap();
        for (name, phase, time) in [
            ("open", MarketPhase::Regular, "2026-03-10T18:31:08Z"),
            ("extended", MarketPhase::After, "2026-03-10T21:12:44Z"),
            ("closed", MarketPhase::Closed, "2026-03-14T15:00:00Z"),
        ] {
            let body = fixtures[format!("/v1/marketstatus/now#{name}")].to_string();
            let status = status(body.as_bytes(), Millis(0)).unwrap();
            assert_eq!((status.phase, Some(status.server_time)), (phase, Millis::parse_rfc3339(time)), "{name}");
            assert_eq!(status.forex_open, Some(name != "closed"));
        }
    }

    #[test]
    fn the_closures_of_the_fixtures_are_read() {
        let fixtures: serde_json::Value = serde_json::from_str(STATUSES).unwrap();
        let days = special_days(fixtures["/v1/marketstatus/upcoming"].to_string().as_bytes()).unwrap();
        assert_eq!(days.len(), 8, "each day at two exchanges");
        assert_eq!(days[0], SpecialDay { date: Date::constant(2026, 4, 3), closure: Closure::WholeDay });
        let early = Closure::Early(Millis::parse_rfc3339("2026-11-27T18:00:00Z"));
        assert_eq!(days[7], SpecialDay { date: Date::constant(2026, 11, 27), closure: early });
    }

    #[test]
    fn a_closure_that_makes_no_sense_is_left_out() {
        let body = br#"[7, {"date":"2026-13-01","exchange":"NYSE","status":"closed"}, {"date":"2026-04-03","exchange":"OTC","status":"closed"},
            {"date":"2026-04-03","exchange":"NYSE","status":"?"}, {"date":"2026-04-03","exchange":"NYSE","status":"closed"}]"#;
        assert_eq!(special_days(body).unwrap().len(), 1);
        assert!(special_days(b"{}").is_err());
    }

    #[test]
    fn a_status_without_a_market_is_none_and_one_without_a_time_has_that_of_the_fetch() {
        assert!(status(b"{}", Millis(7)).is_err());
        assert!(status(b"\"unexpected\"", Millis(7)).is_err());
        assert_eq!(status(br#"{"market":"open","serverTime":"?"}"#, Millis(7)).unwrap().server_time, Millis(7));
    }
}
