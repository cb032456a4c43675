//! Where did the volume go?

use super::super::{Bar, Series, finite};

pub(super) fn obv(bars: &[Bar]) -> Series {
    let mut sum = 0.0;
    let mut before = bars.first().map_or(0.0, |bar| bar.close);
    let step = |bar: &Bar| {
        if bar.close > before {
            sum += bar.volume;
        } else if bar.close < before {
            sum -= bar.volume;
        }
        before = bar.close;
        finite(sum)
    };
    bars.iter().map(step).collect()
}

/// Of each bar the upstream's own average price counts, or else the typical one; `None` until something was traded.
pub(super) fn vwap(bars: &[Bar]) -> Series {
    let (mut paid, mut volume) = (0.0, 0.0);
    let step = |bar: &Bar| {
        paid += bar.vwap.unwrap_or_else(|| bar.typical()) * bar.volume;
        volume += bar.volume;
        if volume > 0.0 { finite(paid / volume) } else { None }
    };
    bars.iter().map(step).collect()
}
