//! How much of a symbol was traded between two times? A day has a total, and a share of it is done by each moment: little
//! in the extended hours, most near the open and the close. Sums of parts are exact.

use super::super::noise::{mix, smooth, unit};
use super::calendar::{TradingDay, day_number};
use super::universe::Instrument;

/// What part of a day is traded before the open, and after the close.
const EXTENDED_SHARE: f64 = 0.05;

/// How far local bursts move trading to another second. At 15 s, with the fading below, the running total could fall.
const BURST_MS: f64 = 12_000.0;

/// The period of the bursts, and the time over which they fade at both ends of a day: its first second has trades too.
const BURST_PERIOD_MS: i64 = 60_000;

/// What was traded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Turnover {
    /// Shares or coins.
    pub(crate) volume: f64,
    /// The number of trades.
    pub(crate) trades: u64,
}

/// Tells what was traded in a part of a day.
pub(crate) fn between(instrument: &Instrument, day: &TradingDay, from_ms: i64, to_ms: i64) -> Turnover {
    let total = instrument.daily_volume * (0.7 + 0.6 * unit(mix(&[instrument.key, 7, day_number(day.date) as u64])));
    let lot = instrument.lot();
    let lots = |at_ms| (total * share_done(instrument.key, day, at_ms) / lot).floor();
    let lots_done = (lots(to_ms) - lots(from_ms)).max(0.0);
    // Dividing and rounding the sum, not the parts, keeps a decimal fraction free of binary noise.
    let volume = if lot < 1.0 { lots_done / (1.0 / lot).round() } else { lots_done };
    let trades = if lots_done > 0.0 { (volume / average_trade(instrument)).ceil() as u64 } else { 0 };
    Turnover { volume, trades: trades.max(u64::from(lots_done > 0.0)) }
}

fn average_trade(instrument: &Instrument) -> f64 {
    if instrument.lot() < 1.0 { instrument.daily_volume / 500_000.0 } else { 75.0 }
}

/// Gives the part of the day's volume that is done at a moment, from 0 to 1, never falling.
fn share_done(key: u64, day: &TradingDay, at_ms: i64) -> f64 {
    let edge_ms = (at_ms - day.pre_ms).min(day.after_ms - at_ms).clamp(0, BURST_PERIOD_MS);
    let fading = edge_ms as f64 / BURST_PERIOD_MS as f64;
    let at = at_ms as f64 + BURST_MS * fading * smooth(mix(&[key, 8]), at_ms, BURST_PERIOD_MS);
    let part = |from_ms: i64, to_ms: i64| {
        if to_ms > from_ms { ((at - from_ms as f64) / (to_ms - from_ms) as f64).clamp(0.0, 1.0) } else { 0.0 }
    };
    let pre_weight = if day.open_ms > day.pre_ms { EXTENDED_SHARE } else { 0.0 };
    let after_weight = if day.after_ms > day.close_ms { EXTENDED_SHARE } else { 0.0 };
    let regular = busy_ends(part(day.open_ms, day.close_ms));
    pre_weight * part(day.pre_ms, day.open_ms)
        + (1.0 - pre_weight - after_weight) * regular
        + after_weight * part(day.close_ms, day.after_ms)
}

/// Integrates a density that is three times as high at both ends as in the middle.
fn busy_ends(part: f64) -> f64 {
    let centred = 2.0 * part - 1.0;
    part + 1.2 * ((centred.powi(3) + 1.0) / 6.0 - part / 3.0)
}
