//! `get_support_resistance`.

use schemars::JsonSchema;
use serde::Serialize;
use tickgate_core::analytics::{LevelKind, LevelTerms, TooFew, levels};

use super::Analysis;
use super::answer::{At, Shown};
use super::asked::{self, Wanted, arguments};
use crate::tools::bar_series::BarSeries;
use crate::tools::{ToolFailure, arguments as checks};

/// Bounds of `max_levels`.
const LEVEL_BOUNDS: std::ops::RangeInclusive<u64> = 1..=50;

arguments! {
    struct Arguments {
        /// Symbol, case-sensitive, e.g. AAPL.
        symbol: String,
        /// A turning point is the extreme of this many bars on either side: 1 to 1000.
        #[serde(default = "five")]
        #[schemars(range(min = 1, max = 1_000))]
        window: u64,
        /// Turning points within this many percent are one level: greater than 0, at most 20.
        #[serde(default = "one_percent")]
        tolerance_percent: f64,
        /// At most this many levels on either side of the last close: 1 to 50.
        #[serde(default = "five")]
        #[schemars(range(min = 1, max = 50))]
        max_levels: u64,
    }
}

const fn five() -> u64 {
    5
}

const fn one_percent() -> f64 {
    1.0
}

/// Prices at which the market has turned.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct Levels {
    symbol: String,
    last_close: Shown,
    /// At or below the last close, those with the most touches first.
    support: Vec<Level>,
    /// Above it, the same.
    resistance: Vec<Level>,
    window: usize,
    tolerance_percent: Shown,
}

/// One of them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Level {
    /// Mean of its turning points.
    price: Shown,
    /// How many turning points.
    touches: usize,
    /// Price less the last close, in percent of that.
    distance_percent: Shown,
    first_touch: At,
    last_touch: At,
}

impl Arguments {
    fn terms(&self) -> Result<LevelTerms, ToolFailure> {
        if !(self.tolerance_percent > 0.0 && self.tolerance_percent <= 20.0) {
            let problem = format!("{} is not greater than 0 and at most 20", self.tolerance_percent);
            return Err(ToolFailure::argument("tolerance_percent", problem));
        }
        let most = checks::within("max_levels", self.max_levels, &LEVEL_BOUNDS)?;
        Ok(LevelTerms {
            swing: asked::window(self.window, 1)?,
            tolerance: self.tolerance_percent / 100.0,
            most: usize::try_from(most).unwrap_or(usize::MAX),
        })
    }
}

impl Analysis for Arguments {
    type Results = Levels;
    const NAME: &'static str = "get_support_resistance";
    const TITLE: &'static str = "Support and resistance";
    const DESCRIPTION: &'static str = "Prices at which a symbol has turned, and how often: support at or below the last close, resistance above it. \
                                       Calculated here from the upstream's bars; it says what was, not what will be.";

    fn wanted(&self) -> Result<Wanted, ToolFailure> {
        self.terms()?;
        self.bars_of(&[&self.symbol])
    }

    fn results(&self, series: &[BarSeries]) -> Result<Levels, ToolFailure> {
        let terms = self.terms()?;
        let series = series.first().ok_or_else(|| ToolFailure::argument("symbol", "it is required"))?;
        let too_few = |error| asked::too_few(series, &format!("a turning point of {} bars on either side", terms.swing), error);
        let last = series.bars.last().ok_or_else(|| too_few(TooFew { needed: 1, have: 0 }))?;
        let found = levels(&series.bars, terms).map_err(too_few)?;
        let of = |kind: LevelKind| {
            let shown = |level: &tickgate_core::analytics::Level| Level {
                price: Shown(level.price),
                touches: level.touches,
                distance_percent: Shown((level.price / last.close - 1.0) * 100.0),
                first_touch: At(level.first_at),
                last_touch: At(level.last_at),
            };
            found.iter().filter(|level| level.kind == kind).map(shown).collect()
        };
        Ok(Levels {
            symbol: series.symbol.to_string(),
            last_close: Shown(last.close),
            support: of(LevelKind::Support),
            resistance: of(LevelKind::Resistance),
            window: terms.swing,
            tolerance_percent: Shown(self.tolerance_percent),
        })
    }
}
