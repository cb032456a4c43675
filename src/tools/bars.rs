//! The newest bars of a symbol, for resources and `/api/bars`.

use serde::Deserialize;
use serde_json::value::RawValue;
use tickgate_core::budget::Payer;
use tickgate_core::market::Symbol;
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};
use tickgate_core::time::Millis;

use super::context::ToolContext;
use crate::upstream::polygon::{Path, UpstreamCall};

/// Longest time that the upstream may take, in ms.
const CALL_DEADLINE_MS: u64 = 15_000;
/// Base bars (minutes, days) that one upstream call gives at most.
const MAX_BASE_BARS: u64 = 50_000;
const DAY_MS: u64 = 86_400_000;

/// Bars, oldest first.
pub(crate) struct NewestBars {
    pub(crate) rows: Vec<Box<RawValue>>,
    pub(crate) as_of: Millis,
    pub(crate) delayed: bool,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    results: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct BarTime {
    t: u64,
}

/// How many days back `limit` bars surely reach, weekends and holidays included, and how many base bars make one.
const fn reach(timespan: &str) -> (u64, u64) {
    match timespan.as_bytes() {
        b"second" | b"minute" => (4, 1),
        b"hour" => (60, 60),
        b"day" => (1_500, 1),
        b"week" => (4_000, 7),
        _ => (10_000, 31),
    }
}

/// The newest `limit` bars.
pub(crate) async fn newest(
    context: &ToolContext,
    symbol: &Symbol,
    timespan: &'static str,
    limit: u64,
    payer: Payer,
    request_id: String,
) -> Result<NewestBars, UpstreamError> {
    let now = context.clock.now();
    let (days, base) = reach(timespan);
    let (from, to) = (now.minus(days * DAY_MS).0.to_string(), now.0.to_string());
    let values = [("ticker", symbol.as_str()), ("timespan", timespan), ("from", &from), ("to", &to)];
    let path = Path::new("/v2/aggs/ticker/{ticker}/range/1/{timespan}/{from}/{to}", &values)?;
    // The upstream's limit counts base bars: minutes for hours, days for weeks.
    let query = vec![("sort", "desc".to_owned()), ("limit", (limit * base).min(MAX_BASE_BARS).to_string())];
    let call = UpstreamCall { path, query, payer, deadline: now.plus(CALL_DEADLINE_MS), request_id: Some(request_id) };
    let fetched = context.upstream.get(call).await?;
    let envelope: Envelope = serde_json::from_slice(&fetched.body).map_err(|_| {
        UpstreamError::new(UpstreamErrorKind::InvalidResponse, "the upstream's answer makes no sense: try again later")
    })?;
    let mut rows = envelope.results;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    rows.reverse();
    let newest = rows.last().and_then(|row| serde_json::from_str::<BarTime>(row.get()).ok());
    let as_of = newest.map_or(fetched.fetched, |bar| Millis::from_any_unit(bar.t));
    Ok(NewestBars { rows, as_of, delayed: fetched.delayed })
}
