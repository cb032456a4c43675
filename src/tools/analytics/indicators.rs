//! `get_technical_indicators`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use tickgate_core::analytics::indicators::{Indicator, Line};
use tickgate_core::rpc::excerpt;

use super::Analysis;
use super::answer::{At, Shown, thinned};
use super::asked::{self, Wanted, arguments};
use crate::tools::ToolFailure;
use crate::tools::arguments::Texts;
use crate::tools::bar_series::BarSeries;

/// Indicators of one call.
const MAX_INDICATORS: usize = 20;

arguments! {
    struct Arguments {
        /// Symbol, case-sensitive, e.g. AAPL.
        symbol: String,
        /// Which: sma, ema, rsi, macd, bollinger, atr, stochastic, adx, cci, obv, vwap, each perhaps with its own window as
        /// in sma:50; an array of 1 to 20 strings, or one string with commas.
        indicators: Texts,
        /// Window in bars of those that have no own one: 1 to 1000; by default 20 (sma, ema, bollinger, cci) or 14 (rsi, atr,
        /// stochastic, adx). macd is 12, 26, 9; obv and vwap begin at the first bar.
        #[serde(default)]
        #[schemars(range(min = 1, max = 1_000))]
        window: Option<u64>,
        /// At most this many points of an indicator: 1 to 5000. All indicators of an answer share 400.
        #[serde(default = "crate::tools::analytics::asked::points")]
        #[schemars(range(min = 1, max = 5_000))]
        max_points: u64,
    }
}

/// Indicators of one symbol.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct Indicators {
    symbol: String,
    /// In the order asked for.
    indicators: Vec<Found>,
}

/// One indicator.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Found {
    indicator: Indicator,
    /// Its window in bars, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<usize>,
    /// The newest value of each of its lines.
    latest: BTreeMap<&'static str, Shown>,
    /// Oldest first; a line that has no value yet is left out.
    points: Vec<Values>,
    /// How many points are shown.
    shown: usize,
    /// How many there are: more than are shown when every so many was taken; ask for fewer series, or raise `max_points`.
    of: usize,
}

/// The lines at one bar.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Values {
    /// Start of the bar, RFC 3339.
    at: At,
    values: BTreeMap<&'static str, Shown>,
}

impl Arguments {
    /// What is asked for: each with its window, where it has one.
    fn chosen(&self) -> Result<Vec<(Indicator, Option<usize>)>, ToolFailure> {
        let names = &self.indicators.0;
        if !(1..=MAX_INDICATORS).contains(&names.len()) {
            return Err(ToolFailure::argument("indicators", format!("{} of them; name 1 to {MAX_INDICATORS}", names.len())));
        }
        names.iter().map(|name| self.choice(name)).collect()
    }

    fn choice(&self, text: &str) -> Result<(Indicator, Option<usize>), ToolFailure> {
        let (name, own) = text.split_once(':').map_or((text, None), |(name, own)| (name, Some(own)));
        let found = Indicator::ALL.into_iter().find(|indicator| indicator.as_str().eq_ignore_ascii_case(name.trim()));
        let Some(indicator) = found else {
            let all: Vec<&str> = Indicator::ALL.into_iter().map(Indicator::as_str).collect();
            let problem = format!("there is no {:?}; use {}, perhaps with a window as in sma:50", excerpt(name), all.join(", "));
            return Err(ToolFailure::argument("indicators", problem));
        };
        let own = match own {
            None => None,
            Some(own) => Some(own.trim().parse().map_err(|_| {
                ToolFailure::argument("indicators", format!("the window in {:?} is no whole number", excerpt(text)))
            })?),
        };
        match (indicator.default_window(), own) {
            (None, Some(_)) => Err(ToolFailure::argument("indicators", format!("{} has no window", indicator.as_str()))),
            (None, None) => Ok((indicator, None)),
            (Some(usual), own) => match own.or(self.window) {
                Some(said) => asked::window(said, 1).map(|window| (indicator, Some(window))),
                None => Ok((indicator, Some(usual))),
            },
        }
    }
}

impl Analysis for Arguments {
    type Results = Indicators;
    const NAME: &'static str = "get_technical_indicators";
    const TITLE: &'static str = "Technical indicators";
    const DESCRIPTION: &'static str = "Indicators of a symbol on any bars: SMA, EMA, RSI, MACD, Bollinger bands, ATR, Stochastic, ADX, CCI, OBV, VWAP, in \
                                       their classical definitions. Calculated here from the upstream's bars; the first value comes after a whole window.";

    fn wanted(&self) -> Result<Wanted, ToolFailure> {
        self.chosen()?;
        asked::max_points(self.max_points, 1)?;
        self.bars_of(&[&self.symbol])
    }

    fn results(&self, series: &[BarSeries]) -> Result<Indicators, ToolFailure> {
        let series = series.first().ok_or_else(|| ToolFailure::argument("symbol", "it is required"))?;
        let chosen = self.chosen()?;
        // An indicator has up to three lines, so that its points are about twice as long.
        let most = asked::max_points(self.max_points, chosen.len() * 2)?;
        let one = |(indicator, window): (Indicator, Option<usize>)| {
            let what = window.map_or_else(
                || indicator.as_str().to_owned(),
                |window| format!("{} with a window of {window}", indicator.as_str()),
            );
            let lines = indicator.lines(&series.bars, window.unwrap_or(1));
            let lines = lines.map_err(|error| asked::too_few(series, &what, error))?;
            Ok(found(indicator, window, series, &lines, most))
        };
        let indicators = chosen.into_iter().map(one).collect::<Result<_, ToolFailure>>()?;
        Ok(Indicators { symbol: series.symbol.to_string(), indicators })
    }
}

fn found(indicator: Indicator, window: Option<usize>, series: &BarSeries, lines: &[Line], most: usize) -> Found {
    let values = |place: usize| -> BTreeMap<&'static str, Shown> {
        lines.iter().filter_map(|(name, line)| line[place].map(|value| (*name, Shown(value)))).collect()
    };
    let all: Vec<usize> = (0..series.bars.len()).filter(|place| !values(*place).is_empty()).collect();
    let points: Vec<Values> =
        thinned(all.len(), most).map(|place| Values { at: At(series.bars[all[place]].at), values: values(all[place]) }).collect();
    let latest = all.last().map(|place| values(*place)).unwrap_or_default();
    Found { indicator, window, latest, shown: points.len(), of: all.len(), points }
}
