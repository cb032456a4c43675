//! What it gained from bar to bar and in all, and how deep it fell on the way.

use super::{Bar, Series, finite};
use crate::time::Millis;

/// Which returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum ReturnKind {
    /// Close over the close before, less 1.
    #[default]
    Simple,
    /// The natural logarithm of close over the close before: these add up.
    Log,
    /// Close over the first close, less 1.
    Cumulative,
}

/// One return per bar after the first: one fewer than bars.
#[must_use]
pub fn returns(bars: &[Bar], kind: ReturnKind) -> Series {
    let Some(first) = bars.first() else { return Series::new() };
    let step = |pair: &[Bar]| match kind {
        ReturnKind::Simple => finite(pair[1].close / pair[0].close - 1.0),
        ReturnKind::Log => finite((pair[1].close / pair[0].close).ln()),
        ReturnKind::Cumulative => finite(pair[1].close / first.close - 1.0),
    };
    bars.windows(2).map(step).collect()
}

/// The gain from the first close to the last one, as a fraction; `None` without bars.
#[must_use]
pub fn total_return(bars: &[Bar]) -> Option<f64> {
    finite(bars.last()?.close / bars.first()?.close - 1.0)
}

/// The deepest fall of the close below an earlier one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawdown {
    /// How deep, as a fraction of the peak: 0 (never fell) to 1 (all lost).
    pub depth: f64,
    /// The bar with the peak.
    pub peak_at: Millis,
    /// The bar with the trough.
    pub trough_at: Millis,
}

/// The deepest fall; the first of equal ones. `None` without bars.
#[must_use]
pub fn max_drawdown(bars: &[Bar]) -> Option<Drawdown> {
    let mut peak = bars.first()?;
    let mut deepest = Drawdown { depth: 0.0, peak_at: peak.at, trough_at: peak.at };
    for bar in bars {
        if bar.close > peak.close {
            peak = bar;
        }
        let depth = 1.0 - bar.close / peak.close;
        if depth > deepest.depth {
            deepest = Drawdown { depth, peak_at: peak.at, trough_at: bar.at };
        }
    }
    Some(deepest)
}
