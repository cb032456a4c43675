//! What do bars say? Returns, risk, how symbols move together, levels, indicators: pure functions of bars, oldest first.
//!
//! | file | the question it answers |
//! |---|---|
//! | `bar` | what is a bar, how many of a span make a year |
//! | `returns` | what did it gain, how deep did it fall |
//! | `risk` | how much does it swing, what was the swing paid with, do two swing together |
//! | `aligned` | which bars of several symbols belong to the same moment |
//! | `levels` | where did the price turn, and how often |
//! | `indicators` | what do the indicators of technical analysis say |
//!
//! No result is ever NaN or infinite: a value that is not defined yet, or not at all, is `None`.

mod aligned;
mod bar;
pub mod indicators;
mod levels;
mod returns;
mod risk;
#[cfg(test)]
mod tests;

pub use aligned::{Aligned, align};
pub use bar::{Bar, Timespan};
pub use levels::{Level, LevelKind, LevelTerms, levels};
pub use returns::{Drawdown, ReturnKind, max_drawdown, returns, total_return};
pub use risk::{annualised_return, correlation, correlations, deviation, mean, rolling_volatility, sharpe, volatility};

/// A value for each bar, or for each step between two; `None` until there are bars enough, or where it is not defined.
pub type Series = Vec<Option<f64>>;

/// There are not enough bars for what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{needed} bars are needed and there are {have}")]
pub struct TooFew {
    /// How many it takes.
    pub needed: usize,
    /// How many there are.
    pub have: usize,
}

/// Checks that there are bars enough.
///
/// # Errors
/// [`TooFew`] when there are not.
pub const fn enough(have: usize, needed: usize) -> Result<(), TooFew> {
    if have < needed { Err(TooFew { needed, have }) } else { Ok(()) }
}

/// A number that can be shown.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// A count as a number: bars are far fewer than 2^52.
#[expect(clippy::cast_precision_loss, reason = "counts of bars are far below 2^52")]
const fn number(count: usize) -> f64 {
    count as f64
}
