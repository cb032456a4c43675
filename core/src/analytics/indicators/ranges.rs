//! How wide does the price range, and which way?

use statrs::statistics::Statistics;

use super::super::{Bar, Series, finite};
use super::averages::{over_windows, sma, wilder};
use super::{Line, after_warming_up};

pub(super) fn bollinger(closes: &[f64], window: usize, width: f64) -> Vec<Line> {
    let middle = sma(closes, window);
    let deviation = over_windows(closes, window, |window| {
        // The deviation of one value is 0, of which statrs says that it is not defined.
        if window.len() == 1 { Some(0.0) } else { finite(window.population_std_dev()) }
    });
    let band = |sign: f64| -> Series {
        middle.iter().zip(&deviation).map(|(middle, deviation)| finite((*middle)? + sign * width * (*deviation)?)).collect()
    };
    let (upper, lower) = (band(1.0), band(-1.0));
    vec![("middle", middle), ("upper", upper), ("lower", lower)]
}

/// How far the price went in a bar, the way from the close before included; none for the first bar.
fn true_ranges(bars: &[Bar]) -> Vec<f64> {
    bars.windows(2).map(|pair| pair[1].high.max(pair[0].close) - pair[1].low.min(pair[0].close)).collect()
}

/// A series of steps as one of bars: the first bar has no step.
fn by_bar(series: Series) -> Series {
    std::iter::once(None).chain(series).collect()
}

pub(super) fn atr(bars: &[Bar], window: usize) -> Series {
    by_bar(wilder(&true_ranges(bars), window))
}

pub(super) fn adx(bars: &[Bar], window: usize) -> Vec<Line> {
    let moves: Vec<(f64, f64)> = bars.windows(2).map(|pair| directional_move(&pair[0], &pair[1])).collect();
    let smooth = |values: Vec<f64>| wilder(&values, window);
    let range = smooth(true_ranges(bars));
    let share = |moves: Series| -> Series {
        let share = |(moved, range): (&Option<f64>, &Option<f64>)| {
            let (moved, range) = ((*moved)?, (*range)?);
            if range > 0.0 { finite((100.0 * moved / range).clamp(0.0, 100.0)) } else { Some(0.0) }
        };
        moves.iter().zip(&range).map(share).collect()
    };
    let plus = share(smooth(moves.iter().map(|(up, _)| *up).collect()));
    let minus = share(smooth(moves.iter().map(|(_, down)| *down).collect()));
    let index = |(plus, minus): (&Option<f64>, &Option<f64>)| {
        let (plus, minus) = ((*plus)?, (*minus)?);
        if plus + minus > 0.0 { finite(100.0 * (plus - minus).abs() / (plus + minus)) } else { Some(0.0) }
    };
    let index: Series = plus.iter().zip(&minus).map(index).collect();
    let average = after_warming_up(&index, |values| wilder(values, window));
    vec![("plus_di", by_bar(plus)), ("minus_di", by_bar(minus)), ("adx", by_bar(average))]
}

/// How far the range moved up or down: only the greater of the two counts.
fn directional_move(before: &Bar, bar: &Bar) -> (f64, f64) {
    let (up, down) = (bar.high - before.high, before.low - bar.low);
    (if up > down && up > 0.0 { up } else { 0.0 }, if down > up && down > 0.0 { down } else { 0.0 })
}
