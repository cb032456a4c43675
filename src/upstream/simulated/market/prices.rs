//! What did a symbol cost at a time? A pure function: the base price times `exp` of a few octaves of smooth noise, read
//! once a second (a tick). Everything else — bars, snapshots, trades — is read off the same ticks, so it agrees.

use super::super::noise::{lattice, mix, smooth};
use super::calendar::Calendar;
use super::universe::Instrument;

/// The time between two ticks of a symbol.
pub(crate) const TICK_MS: i64 = 1_000;

/// The slow octaves as (period, weight). Every period is a multiple of [`BLOCK_MS`], so inside a block each of them is
/// monotone and its extremes are the ends of the block.
const SLOW: [(i64, f64); 6] = [
    (64 * 86_400_000, 0.15),
    (8 * 86_400_000, 0.05),
    (86_400_000, 0.02),
    (3 * 3_600_000, 0.007),
    (1_800_000, 0.003),
    (BLOCK_MS, 0.001_5),
];

/// The fast octaves, and the weight of the jitter that gives each tick a price of its own.
const FAST: [(i64, f64); 2] = [(45_000, 0.000_5), (9_000, 0.000_3)];
const JITTER: f64 = 0.000_25;

/// How far the fast octaves and the jitter can move a price.
const FAST_REACH: f64 = FAST[0].1 + FAST[1].1 + JITTER;

/// The stretch whose extremes are bounded instead of walked tick by tick: a year has 31 million ticks.
const BLOCK_MS: i64 = 300_000;

/// A price fixed by a test, from a moment until the next pin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pin {
    pub(crate) at_ms: i64,
    pub(crate) price: f64,
}

/// How a price moved over a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) open: f64,
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
    pub(crate) mean: f64,
    /// The number of ticks behind the mean.
    pub(crate) ticks: f64,
}

impl Spread {
    /// Joins a later stretch to this one.
    pub(crate) fn then(self, later: Self) -> Self {
        let ticks = self.ticks + later.ticks;
        Self {
            open: self.open,
            high: self.high.max(later.high),
            low: self.low.min(later.low),
            close: later.close,
            mean: (self.mean * self.ticks + later.mean * later.ticks) / ticks,
            ticks,
        }
    }
}

/// The prices of one symbol.
#[derive(Clone, Copy)]
pub(crate) struct Series<'a> {
    pub(crate) instrument: &'a Instrument,
    pub(crate) calendar: &'a Calendar,
    /// In the order of their times.
    pub(crate) pins: &'a [Pin],
}

impl Series<'_> {
    /// Gives the time of the newest trade at a moment; outside trading hours that is the last one before them.
    pub(crate) fn trade_ms(&self, at_ms: i64) -> i64 {
        let tick = self.tick_at_or_before(at_ms);
        let day = self.calendar.last_day(self.instrument.market, tick);
        let tick = if tick < day.after_ms { tick } else { self.tick_at_or_before(day.after_ms - 1) };
        self.pin_at(at_ms).map_or(tick, |pin| tick.max(pin.at_ms))
    }

    /// Gives the time of the first trade after a moment.
    pub(crate) fn next_trade_ms(&self, after_ms: i64) -> i64 {
        let market = self.instrument.market;
        let tick = self.tick_at_or_before(after_ms) + TICK_MS;
        let day = self.calendar.last_day(market, tick);
        let tick = if tick < day.after_ms {
            tick
        } else {
            self.tick_at_or_before(self.calendar.day_after(market, day.date).pre_ms - 1) + TICK_MS
        };
        self.pins.iter().map(|pin| pin.at_ms).filter(|&at_ms| at_ms > after_ms).fold(tick, i64::min)
    }

    /// Gives the price of the newest trade at a moment.
    pub(crate) fn price_at(&self, at_ms: i64) -> f64 {
        match self.pin_at(at_ms) {
            Some(pin) => pin.price,
            None => self.natural(self.exponent(self.trade_ms(at_ms))),
        }
    }

    /// Says how the price moved from one moment up to, not including, another. The stretch must lie inside trading hours.
    /// Nothing if no tick falls into it.
    pub(crate) fn spread(&self, from_ms: i64, to_ms: i64) -> Option<Spread> {
        let first_pin_ms = self.pins.first().map_or(i64::MAX, |pin| pin.at_ms);
        let natural = self.natural_spread(from_ms, to_ms.min(first_pin_ms));
        let pinned = self.pins.iter().enumerate().filter_map(|(place, pin)| {
            let until_ms = self.pins.get(place + 1).map_or(i64::MAX, |next| next.at_ms).min(to_ms);
            let since_ms = pin.at_ms.max(from_ms);
            let ticks = (until_ms - since_ms) as f64 / TICK_MS as f64;
            let Pin { price, .. } = *pin;
            (ticks > 0.0).then_some(Spread { open: price, high: price, low: price, close: price, mean: price, ticks })
        });
        natural.into_iter().chain(pinned).reduce(Spread::then)
    }

    fn pin_at(&self, at_ms: i64) -> Option<&Pin> {
        self.pins.iter().rev().find(|pin| pin.at_ms <= at_ms)
    }

    fn natural_spread(&self, from_ms: i64, to_ms: i64) -> Option<Spread> {
        let first = self.tick_at_or_before(from_ms - 1) + TICK_MS;
        let last = self.tick_at_or_before(to_ms - 1);
        if first > last {
            return None;
        }
        let mut walk = Walk::default();
        let blocks_from = from_ms.div_euclid(BLOCK_MS) + i64::from(from_ms.rem_euclid(BLOCK_MS) != 0);
        let blocks_to = to_ms.div_euclid(BLOCK_MS);
        if blocks_from < blocks_to {
            self.walk_ticks(&mut walk, first, blocks_from * BLOCK_MS);
            self.bound_blocks(&mut walk, blocks_from, blocks_to);
            self.walk_ticks(&mut walk, self.tick_at_or_before(blocks_to * BLOCK_MS - 1) + TICK_MS, to_ms);
        } else {
            self.walk_ticks(&mut walk, first, to_ms);
        }
        Some(Spread {
            open: self.natural(self.exponent(first)),
            high: self.natural(walk.high),
            low: self.natural(walk.low),
            close: self.natural(self.exponent(last)),
            mean: self.unrounded(walk.sum / walk.ticks),
            ticks: walk.ticks,
        })
    }

    fn walk_ticks(&self, walk: &mut Walk, first_ms: i64, to_ms: i64) {
        let mut tick = first_ms;
        while tick < to_ms {
            let exponent = self.exponent(tick);
            walk.include(exponent, exponent, 1.0);
            tick += TICK_MS;
        }
    }

    fn bound_blocks(&self, walk: &mut Walk, from: i64, to: i64) {
        let mut left = self.slow(from * BLOCK_MS);
        for block in from + 1..=to {
            let right = self.slow(block * BLOCK_MS);
            let (mut low, mut high) = (-FAST_REACH, FAST_REACH);
            for (start, end) in left.iter().zip(right) {
                low += start.min(end);
                high += start.max(end);
            }
            walk.include(low, high, (BLOCK_MS / TICK_MS) as f64);
            left = right;
        }
    }

    fn tick_at_or_before(&self, at_ms: i64) -> i64 {
        // Symbols tick at different parts of the second, as trades do.
        let offset = (self.instrument.key % TICK_MS as u64) as i64;
        (at_ms - offset).div_euclid(TICK_MS) * TICK_MS + offset
    }

    fn slow(&self, at_ms: i64) -> [f64; SLOW.len()] {
        let key = self.instrument.key;
        let mut octave = 0;
        SLOW.map(|(period_ms, weight)| {
            octave += 1;
            weight * smooth(mix(&[key, octave]), at_ms, period_ms)
        })
    }

    fn exponent(&self, tick_ms: i64) -> f64 {
        let key = self.instrument.key;
        let fast =
            FAST.iter().zip(101..).map(|(&(period_ms, weight), octave)| weight * smooth(mix(&[key, octave]), tick_ms, period_ms));
        let jitter = JITTER * lattice(mix(&[key, 100]), tick_ms.div_euclid(TICK_MS));
        self.slow(tick_ms).into_iter().sum::<f64>() + fast.sum::<f64>() + jitter
    }

    fn natural(&self, exponent: f64) -> f64 {
        self.instrument.round(self.unrounded(exponent))
    }

    fn unrounded(&self, exponent: f64) -> f64 {
        self.instrument.base_price * (self.instrument.volatility * exponent).exp()
    }
}

/// The extremes and the sum of the exponents seen on a walk.
struct Walk {
    high: f64,
    low: f64,
    sum: f64,
    ticks: f64,
}

impl Default for Walk {
    fn default() -> Self {
        Self { high: f64::NEG_INFINITY, low: f64::INFINITY, sum: 0.0, ticks: 0.0 }
    }
}

impl Walk {
    fn include(&mut self, low: f64, high: f64, ticks: f64) {
        self.low = self.low.min(low);
        self.high = self.high.max(high);
        self.sum += (low + high) / 2.0 * ticks;
        self.ticks += ticks;
    }
}
