//! The newest bars of a symbol, for resources and `/api/bars`.

use serde_json::value::RawValue;
use tickgate_core::analytics::Timespan;
use tickgate_core::budget::Payer;
use tickgate_core::market::Symbol;
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};
use tickgate_core::time::Millis;

use super::bar_series::{self, BarQuery};
use super::context::ToolContext;
use crate::upstream::cache::Hit;

/// Bars, oldest first.
pub(crate) struct NewestBars {
    pub(crate) rows: Vec<Box<RawValue>>,
    pub(crate) as_of: Millis,
    pub(crate) delayed: bool,
    pub(crate) hit: Hit,
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
    let timespan = Timespan::named(timespan)
        .ok_or_else(|| UpstreamError::new(UpstreamErrorKind::InvalidParams, "there is no such timespan"))?;
    let query = BarQuery { symbol: symbol.clone(), timespan, multiplier: 1, from: None, to: None, most: limit, adjusted: true };
    let fetched = bar_series::fetch(context, &query, payer, request_id).await?;
    Ok(NewestBars { rows: fetched.rows, as_of: fetched.as_of, delayed: fetched.delayed, hit: fetched.hit })
}
