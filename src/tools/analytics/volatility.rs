//! `get_volatility`.

use schemars::JsonSchema;
use serde::Serialize;
use tickgate_core::analytics::{self, ReturnKind, enough};

use super::Analysis;
use super::answer::{Points, Shown, points};
use super::asked::{self, Wanted, arguments};
use crate::tools::ToolFailure;
use crate::tools::arguments::Texts;
use crate::tools::bar_series::BarSeries;

arguments! {
    struct Arguments {
        /// Symbols, 1 to 20; an array of strings, or one string with commas.
        #[serde(alias = "symbol")]
        symbols: Texts,
        /// How many returns each rolling value covers: 2 to 1000.
        #[serde(default = "twenty")]
        #[schemars(range(min = 2, max = 1_000))]
        window: u64,
        /// How many bars make a year; by default 252 days of 6.5 hours, 260 days for currencies, 365 for crypto.
        #[serde(default)]
        periods_per_year: Option<f64>,
        /// At most this many points of a series: 1 to 5000. All series of an answer share 800.
        #[serde(default = "crate::tools::analytics::asked::points")]
        #[schemars(range(min = 1, max = 5_000))]
        max_points: u64,
    }
}

const fn twenty() -> u64 {
    20
}

/// How much a symbol swings: standard deviations of log returns, as fractions.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct Volatility {
    symbol: String,
    /// Of one bar, over all bars.
    per_bar: Shown,
    /// The same over a year.
    annualised: Shown,
    /// Over a year, of the newest window alone.
    latest: Shown,
    window: usize,
    /// How many bars were taken for a year.
    periods_per_year: Shown,
    /// Over a year, of each window.
    rolling: Points,
}

impl Analysis for Arguments {
    type Results = Vec<Volatility>;
    const NAME: &'static str = "get_volatility";
    const TITLE: &'static str = "Volatility";
    const DESCRIPTION: &'static str = "How much symbols swing: the deviation of their log returns, per bar, over a year, and rolling over a window. \
         Calculated here from the upstream's bars; it is realised volatility, not that of options.";

    fn wanted(&self) -> Result<Wanted, ToolFailure> {
        asked::window(self.window, 2)?;
        asked::max_points(self.max_points, 1)?;
        let symbols: Vec<&str> = self.symbols.0.iter().map(String::as_str).collect();
        let wanted = self.bars_of(&symbols)?;
        asked::per_year(self.periods_per_year, self.timespan, self.multiplier, &wanted.symbols[0])?;
        Ok(wanted)
    }

    fn results(&self, series: &[BarSeries]) -> Result<Vec<Volatility>, ToolFailure> {
        let most = asked::max_points(self.max_points, series.len())?;
        series.iter().map(|series| self.of(series, most)).collect()
    }
}

impl Arguments {
    fn of(&self, series: &BarSeries, most: usize) -> Result<Volatility, ToolFailure> {
        let (bars, window) = (&series.bars, asked::window(self.window, 2)?);
        let what = format!("a volatility over {window} returns");
        enough(bars.len(), window + 1).map_err(|error| asked::too_few(series, &what, error))?;
        let undefined = || ToolFailure::new("undefined", format!("the prices of {} are beyond all numbers", series.symbol));
        let per_year = asked::per_year(self.periods_per_year, self.timespan, self.multiplier, &series.symbol)?;
        let log: Vec<f64> = analytics::returns(bars, ReturnKind::Log).into_iter().flatten().collect();
        let rolling = analytics::rolling_volatility(&log, window, per_year);
        Ok(Volatility {
            symbol: series.symbol.to_string(),
            per_bar: Shown(analytics::deviation(&log).ok_or_else(undefined)?),
            annualised: Shown(analytics::volatility(&log, per_year).ok_or_else(undefined)?),
            latest: Shown(rolling.last().copied().flatten().ok_or_else(undefined)?),
            window,
            periods_per_year: Shown(per_year),
            rolling: points(&bars[1..], rolling, most),
        })
    }
}
