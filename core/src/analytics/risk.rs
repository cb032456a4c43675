//! How much a price swings, what the swing was paid with, and whether two swing together. Deviations are those of a sample
//! (divided by n − 1); the statistics are statrs'.

use statrs::statistics::Statistics;

use super::{Series, finite};

/// The mean; `None` without values.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    finite(Statistics::mean(values))
}

/// The standard deviation of the sample; `None` with fewer than two values.
#[must_use]
pub fn deviation(values: &[f64]) -> Option<f64> {
    finite(values.std_dev())
}

/// The deviation of returns over a year that has `per_year` of them; `None` with fewer than two.
#[must_use]
pub fn volatility(returns: &[f64], per_year: f64) -> Option<f64> {
    deviation(returns).and_then(|deviation| finite(deviation * per_year.sqrt()))
}

/// The volatility of each `window` returns up to each one, over a year; `None` for the first `window − 1`.
#[must_use]
pub fn rolling_volatility(returns: &[f64], window: usize, per_year: f64) -> Series {
    (1..=returns.len()).map(|end| volatility(returns.get(end.checked_sub(window)?..end)?, per_year)).collect()
}

/// What a year at the pace of the whole span would gain: geometric. `bars` steps lead to `total_return`; `None` with none.
#[must_use]
pub fn annualised_return(total_return: f64, steps: usize, per_year: f64) -> Option<f64> {
    if steps == 0 {
        return None;
    }
    finite((1.0 + total_return).powf(per_year / super::number(steps)) - 1.0)
}

/// The Sharpe ratio over a year: mean of the simple returns above the risk-free rate (a year's, spread evenly) over their
/// deviation. `None` with fewer than two returns, or when they do not differ.
#[must_use]
pub fn sharpe(simple_returns: &[f64], risk_free_rate: f64, per_year: f64) -> Option<f64> {
    let deviation = deviation(simple_returns).filter(|deviation| *deviation > 0.0)?;
    finite((mean(simple_returns)? - risk_free_rate / per_year) / deviation * per_year.sqrt())
}

/// Pearson's correlation, −1 to 1. `None` when the lengths differ, with fewer than two values, or when one does not move.
#[must_use]
pub fn correlation(left: &[f64], right: &[f64]) -> Option<f64> {
    if left.len() != right.len() {
        return None;
    }
    let swing = deviation(left).zip(deviation(right)).map(|(left, right)| left * right).filter(|swing| *swing > 0.0)?;
    finite(left.covariance(right) / swing).map(|found| found.clamp(-1.0, 1.0))
}

/// The correlation of each with each: symmetric, and 1 on the diagonal unless that one does not move.
#[must_use]
pub fn correlations(series: &[Vec<f64>]) -> Vec<Series> {
    let count = series.len();
    let mut matrix = vec![vec![None; count]; count];
    for row in 0..count {
        for column in row..count {
            let found = correlation(&series[row], &series[column]);
            let found = if row == column { found.map(|_| 1.0) } else { found };
            matrix[row][column] = found;
            matrix[column][row] = found;
        }
    }
    matrix
}
