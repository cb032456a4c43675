//! Where is the middle of the last values?

use super::super::{Series, finite, number};

/// The mean of each `window` values; `None` for the first `window − 1`.
#[must_use]
pub fn sma(values: &[f64], window: usize) -> Series {
    over_windows(values, window, |window| finite(window.iter().sum::<f64>() / number(window.len())))
}

/// The exponential average with alpha 2 / (window + 1), seeded with the mean of the first `window`.
#[must_use]
pub fn ema(values: &[f64], window: usize) -> Series {
    recurrence(values, window, 2.0 / (number(window) + 1.0))
}

/// Wilder's average: exponential with alpha 1 / window, seeded alike.
pub(super) fn wilder(values: &[f64], window: usize) -> Series {
    recurrence(values, window, 1.0 / number(window))
}

/// A value of each `window` values, at the last of them.
pub(super) fn over_windows<T>(values: &[T], window: usize, of: impl Fn(&[T]) -> Option<f64>) -> Series {
    let window = window.max(1);
    (1..=values.len()).map(|end| of(&values[end.checked_sub(window)?..end])).collect()
}

fn recurrence(values: &[f64], window: usize, alpha: f64) -> Series {
    let window = window.max(1);
    let mut series = vec![None; values.len()];
    if values.len() < window {
        return series;
    }
    let mut average = values[..window].iter().sum::<f64>() / number(window);
    series[window - 1] = finite(average);
    for (at, value) in values.iter().enumerate().skip(window) {
        // In this form the average of equal values is exactly that value.
        average += alpha * (value - average);
        series[at] = finite(average);
    }
    series
}
