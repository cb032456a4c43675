//! What do averages and oscillators make of a row of prices? Each gives one value for each price from the first that has
//! enough prices before it.

/// Averages each window of prices.
pub(crate) fn simple_average(prices: &[f64], window: usize) -> Vec<f64> {
    prices.windows(window).map(|part| part.iter().sum::<f64>() / window as f64).collect()
}

/// Averages exponentially, beginning with the plain average of the first window.
pub(crate) fn exponential_average(prices: &[f64], window: usize) -> Vec<f64> {
    let Some((first, rest)) = prices.split_at_checked(window) else { return Vec::new() };
    let share = 2.0 / (window as f64 + 1.0);
    let mut average = first.iter().sum::<f64>() / window as f64;
    let later = rest.iter().map(|price| {
        average += share * (price - average);
        average
    });
    let later: Vec<f64> = later.collect();
    std::iter::once(first.iter().sum::<f64>() / window as f64).chain(later).collect()
}

/// Weighs gains against losses, smoothed as Wilder does: from 0, all lost, to 100, all gained.
pub(crate) fn relative_strength(prices: &[f64], window: usize) -> Vec<f64> {
    let moves: Vec<f64> = prices.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let Some((first, rest)) = moves.split_at_checked(window) else { return Vec::new() };
    let count = window as f64;
    let sum = |moves: &[f64], sign: f64| moves.iter().map(|change| (change * sign).max(0.0)).sum::<f64>() / count;
    let (mut gain, mut loss) = (sum(first, 1.0), sum(first, -1.0));
    let strength = |gain: f64, loss: f64| if gain + loss == 0.0 { 50.0 } else { 100.0 * gain / (gain + loss) };
    let mut found = vec![strength(gain, loss)];
    for change in rest {
        gain += (change.max(0.0) - gain) / count;
        loss += ((-change).max(0.0) - loss) / count;
        found.push(strength(gain, loss));
    }
    found
}

/// One value of the convergence and divergence of two averages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Divergence {
    pub(crate) value: f64,
    pub(crate) signal: f64,
}

/// Takes the slow average from the fast one, and averages that difference.
pub(crate) fn divergence(prices: &[f64], fast: usize, slow: usize, signal: usize) -> Vec<Divergence> {
    let (quick, steady) = (exponential_average(prices, fast), exponential_average(prices, slow));
    let ahead = quick.len().saturating_sub(steady.len());
    let lines: Vec<f64> = quick.iter().skip(ahead).zip(&steady).map(|(quick, steady)| quick - steady).collect();
    let signals = exponential_average(&lines, signal);
    let behind = lines.len().saturating_sub(signals.len());
    lines.into_iter().skip(behind).zip(signals).map(|(value, signal)| Divergence { value, signal }).collect()
}
