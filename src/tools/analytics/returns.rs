//! `get_returns`.

use schemars::JsonSchema;
use serde::Serialize;
use tickgate_core::analytics::{self, ReturnKind, enough};

use super::Analysis;
use super::answer::{At, Points, Shown, points};
use super::asked::{self, Wanted, arguments};
use crate::tools::ToolFailure;
use crate::tools::arguments::Texts;
use crate::tools::bar_series::BarSeries;

arguments! {
    struct Arguments {
        /// Symbols, 1 to 20; an array of strings, or one string with commas.
        #[serde(alias = "symbol")]
        symbols: Texts,
        /// simple: from bar to bar; log: the same as logarithms; cumulative: since the first bar.
        #[serde(default)]
        kind: ReturnKind,
        /// A year's return without risk, as a fraction (0.04), for the Sharpe ratio; 0 by default.
        #[serde(default)]
        risk_free_rate: f64,
        /// How many bars make a year; by default 252 days of 6.5 hours, 260 days for currencies, 365 for crypto.
        #[serde(default)]
        periods_per_year: Option<f64>,
        /// At most this many points of a series: 1 to 5000. All series of an answer share 800.
        #[serde(default = "crate::tools::analytics::asked::points")]
        #[schemars(range(min = 1, max = 5_000))]
        max_points: u64,
    }
}

/// Returns of one symbol, as fractions: 0.01 is one percent.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct Returns {
    symbol: String,
    kind: ReturnKind,
    /// From the first close to the last one.
    total_return: Shown,
    /// The same as the pace of a year; absent where it is beyond all numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    annualised_return: Option<Shown>,
    /// Mean of the simple returns of a bar.
    mean_return: Shown,
    /// Standard deviation of them; absent with fewer than two.
    #[serde(skip_serializing_if = "Option::is_none")]
    deviation: Option<Shown>,
    /// Mean return above the risk-free rate over the deviation, a year's; absent when the price did not move.
    #[serde(skip_serializing_if = "Option::is_none")]
    sharpe_ratio: Option<Shown>,
    /// How many bars were taken for a year.
    periods_per_year: Shown,
    max_drawdown: Fall,
    returns: Points,
}

/// The deepest fall below an earlier close.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Fall {
    /// As a fraction of the peak.
    depth: Shown,
    peak_at: At,
    trough_at: At,
}

impl Analysis for Arguments {
    type Results = Vec<Returns>;
    const NAME: &'static str = "get_returns";
    const TITLE: &'static str = "Returns";
    const DESCRIPTION: &'static str = "What symbols gained: simple, log or cumulative returns per bar, the total, the pace of a year, the Sharpe ratio \
                                       and the deepest fall. Calculated here from the upstream's bars.";

    fn wanted(&self) -> Result<Wanted, ToolFailure> {
        if !(-1.0..=10.0).contains(&self.risk_free_rate) {
            let problem = format!("{} is out of bounds: a fraction from -1 to 10, such as 0.04", self.risk_free_rate);
            return Err(ToolFailure::argument("risk_free_rate", problem));
        }
        asked::max_points(self.max_points, 1)?;
        let symbols: Vec<&str> = self.symbols.0.iter().map(String::as_str).collect();
        let wanted = self.bars_of(&symbols)?;
        asked::per_year(self.periods_per_year, self.timespan, self.multiplier, &wanted.symbols[0])?;
        Ok(wanted)
    }

    fn results(&self, series: &[BarSeries]) -> Result<Vec<Returns>, ToolFailure> {
        let most = asked::max_points(self.max_points, series.len())?;
        series.iter().map(|series| self.of(series, most)).collect()
    }
}

impl Arguments {
    fn of(&self, series: &BarSeries, most: usize) -> Result<Returns, ToolFailure> {
        let bars = &series.bars;
        let too_few = |error| asked::too_few(series, "a return", error);
        enough(bars.len(), 2).map_err(too_few)?;
        let undefined = || ToolFailure::new("undefined", format!("the prices of {} are beyond all numbers", series.symbol));
        let per_year = asked::per_year(self.periods_per_year, self.timespan, self.multiplier, &series.symbol)?;
        let simple: Vec<f64> = analytics::returns(bars, ReturnKind::Simple).into_iter().flatten().collect();
        let total = analytics::total_return(bars).ok_or_else(undefined)?;
        let fall = analytics::max_drawdown(bars).ok_or_else(undefined)?;
        Ok(Returns {
            symbol: series.symbol.to_string(),
            kind: self.kind,
            total_return: Shown(total),
            annualised_return: analytics::annualised_return(total, bars.len() - 1, per_year).map(Shown),
            mean_return: Shown(analytics::mean(&simple).ok_or_else(undefined)?),
            deviation: analytics::deviation(&simple).map(Shown),
            sharpe_ratio: analytics::sharpe(&simple, self.risk_free_rate, per_year).map(Shown),
            periods_per_year: Shown(per_year),
            max_drawdown: Fall { depth: Shown(fall.depth), peak_at: At(fall.peak_at), trough_at: At(fall.trough_at) },
            returns: points(&bars[1..], analytics::returns(bars, self.kind), most),
        })
    }
}
