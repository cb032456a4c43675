//! What is the market doing?

use serde::Deserialize;
use tickgate_core::budget::Payer;
use tickgate_core::market::MarketStatus;
use tickgate_core::market::text::clean;
use tickgate_core::ports::UpstreamError;
use tickgate_core::time::Millis;

use super::super::client::{Path, PolygonClient, UpstreamCall, invalid_response};

/// Longest word for a session, in characters: it is shown.
const MAX_WORD_CHARS: usize = 32;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    market: String,
    server_time: Option<String>,
    early_hours: Option<bool>,
    after_hours: Option<bool>,
}

impl PolygonClient {
    pub(super) async fn status_now(&self) -> Result<MarketStatus, UpstreamError> {
        let path = Path::new("/v1/marketstatus/now", &[])?;
        let call = UpstreamCall { path, query: Vec::new(), payer: Payer::Status, deadline: self.deadline(), request_id: None };
        let answer = self.get(call).await?;
        status(&answer.body, answer.fetched)
    }
}

fn status(body: &[u8], fetched: Millis) -> Result<MarketStatus, UpstreamError> {
    let status: Status = serde_json::from_slice(body).map_err(|_| invalid_response())?;
    let word: String = clean(&status.market).chars().take(MAX_WORD_CHARS).collect();
    let server_time = status.server_time.as_deref().and_then(Millis::parse_rfc3339).unwrap_or(fetched);
    Ok(MarketStatus::new(&word, status.early_hours.unwrap_or(false), status.after_hours.unwrap_or(false), server_time))
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
        }
    }

    #[test]
    fn a_status_without_a_market_is_none_and_one_without_a_time_has_that_of_the_fetch() {
        assert!(status(b"{}", Millis(7)).is_err());
        assert!(status(b"\"unexpected\"", Millis(7)).is_err());
        assert_eq!(status(br#"{"market":"open","serverTime":"?"}"#, Millis(7)).unwrap().server_time, Millis(7));
    }
}
