//! How fast and how far does the price move?

use super::super::{Bar, Series, finite, number};
use super::averages::{ema, over_windows, sma, wilder};
use super::{Line, after_warming_up};

/// Lambert's constant: most values lie between −100 and 100.
const CCI_SCALE: f64 = 0.015;
/// The middle of 0 to 100: what is said when nothing moved.
const MIDDLE: f64 = 50.0;

pub(super) fn rsi(closes: &[f64], window: usize) -> Series {
    let steps = || closes.windows(2).map(|pair| pair[1] - pair[0]);
    let gains: Vec<f64> = steps().map(|step| step.max(0.0)).collect();
    let losses: Vec<f64> = steps().map(|step| (-step).max(0.0)).collect();
    let strength = |(gain, loss): (&Option<f64>, &Option<f64>)| {
        let (gain, loss) = ((*gain)?, (*loss)?);
        if gain + loss > 0.0 { finite((100.0 * gain / (gain + loss)).clamp(0.0, 100.0)) } else { Some(MIDDLE) }
    };
    let (gains, losses) = (wilder(&gains, window), wilder(&losses, window));
    std::iter::once(None).chain(gains.iter().zip(&losses).map(strength)).take(closes.len()).collect()
}

pub(super) fn macd(closes: &[f64], (fast, slow, signal): (usize, usize, usize)) -> Vec<Line> {
    let less = |left: &Series, right: &Series| -> Series {
        left.iter().zip(right).map(|(left, right)| finite((*left)? - (*right)?)).collect()
    };
    let line = less(&ema(closes, fast), &ema(closes, slow));
    let signal = after_warming_up(&line, |values| ema(values, signal));
    let histogram = less(&line, &signal);
    vec![("macd", line), ("signal", signal), ("histogram", histogram)]
}

pub(super) fn stochastic(bars: &[Bar], window: usize, smoothing: usize) -> Vec<Line> {
    let k = over_windows(bars, window, |window| {
        let low = window.iter().map(|bar| bar.low).fold(f64::INFINITY, f64::min);
        let high = window.iter().map(|bar| bar.high).fold(f64::NEG_INFINITY, f64::max);
        let close = window.last()?.close;
        if high > low { finite((100.0 * (close - low) / (high - low)).clamp(0.0, 100.0)) } else { Some(MIDDLE) }
    });
    let d = after_warming_up(&k, |values| sma(values, smoothing));
    vec![("k", k), ("d", d)]
}

pub(super) fn cci(bars: &[Bar], window: usize) -> Series {
    let typical: Vec<f64> = bars.iter().map(Bar::typical).collect();
    over_windows(&typical, window, |window| {
        let middle = window.iter().sum::<f64>() / number(window.len());
        let spread = window.iter().map(|value| (value - middle).abs()).sum::<f64>() / number(window.len());
        let last = window.last()? - middle;
        // The mean of equal prices may differ from them in the last digit: that is no movement.
        if spread > middle.abs() * 1e-14 { finite(last / (CCI_SCALE * spread)) } else { Some(0.0) }
    })
}
