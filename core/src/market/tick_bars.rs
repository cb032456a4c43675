//! Bars made from ticks: `bars:<SYMBOL>:<n>s`. A bar is told once, when it is over; what is in the making is what `prices` says.

use std::fmt;

use serde::Serialize;

use super::freshness::Stamp;
use super::quote::{Quote, QuoteChange};
use super::status::MarketPhase;
use super::symbol::Symbol;
use crate::time::Millis;

const DAY_SECS: u32 = 86_400;
/// Longest bar, in seconds: longer ones are the upstream's own.
const MAX_SECS: u32 = 3_600;
/// A bar is held open for so long after its end, in ms: ticks come a little late, and polls once a second.
const GRACE_MS: u64 = 1_500;

/// How long a bar is, in whole seconds: 1 to 3600, and a day is made of a whole number of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BarLength(u32);

/// Why a text is no length of bars.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no length of bars: use 1s to 3600s of which a day has a whole number, e.g. 5s, 60s or 300s")]
pub struct BarLengthError(String);

impl BarLength {
    /// Milliseconds.
    #[must_use]
    pub const fn ms(self) -> u64 {
        self.0 as u64 * 1_000
    }
}

impl std::str::FromStr for BarLength {
    type Err = BarLengthError;

    fn from_str(text: &str) -> Result<Self, BarLengthError> {
        let wrong = || BarLengthError(text.chars().take(16).collect());
        let digits = text.strip_suffix('s').filter(|digits| !digits.starts_with(['0', '+'])).ok_or_else(wrong)?;
        let secs: u32 = digits.parse().map_err(|_| wrong())?;
        if secs <= MAX_SECS && DAY_SECS.is_multiple_of(secs) { Ok(Self(secs)) } else { Err(wrong()) }
    }
}

impl fmt::Display for BarLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}

/// A bar that is over, or in the making.
#[derive(Clone, Debug, PartialEq)]
pub struct TickBar {
    start: Millis,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    /// Ticks in it: one at least.
    ticks: u32,
    /// Volume of the day before its first tick.
    before: Option<f64>,
    last: Quote,
}

/// Makes bars of one symbol and length.
#[derive(Debug)]
pub struct BarMaker {
    length: BarLength,
    last: Option<Quote>,
    making: Option<TickBar>,
    /// Where the bars that have not been given begin.
    given_until: Millis,
    /// How far behind the last tick was, in ms: on a delayed plan a quarter of an hour.
    lag_ms: u64,
}

impl BarMaker {
    /// Nothing seen yet.
    #[must_use]
    pub const fn new(length: BarLength) -> Self {
        Self { length, last: None, making: None, given_until: Millis(0), lag_ms: 0 }
    }

    /// Takes what was seen at `now`; gives the bar that is over by it. A tick of a bar that was given already is dropped. A tick
    /// is a new price or a greater volume: that only bid or ask moved is none.
    pub fn observe(&mut self, quote: &Quote, now: Millis) -> Option<TickBar> {
        let change = QuoteChange::between(self.last.as_ref(), quote);
        // What was known before the first look is no tick of the bar that is being made.
        let traded = |last: &Quote| quote.price != last.price || quote.volume != last.volume;
        let is_tick = change == QuoteChange::Changed && self.last.as_ref().is_some_and(traded);
        let over = if is_tick { self.over_by(quote.as_of) } else { None }.or_else(|| self.pass(now));
        if is_tick {
            self.take(quote);
            self.lag_ms = now.since(quote.as_of);
        }
        if change != QuoteChange::Stale {
            self.last = Some(quote.clone());
        }
        over
    }

    /// When the bar in the making is over at the latest, if nothing more comes.
    #[must_use]
    pub fn due(&self) -> Option<Millis> {
        let bar = self.making.as_ref()?;
        Some(bar.start.plus(self.length.ms() + self.lag_ms + GRACE_MS))
    }

    /// Gives the bar that is over at `now` without another tick.
    pub fn pass(&mut self, now: Millis) -> Option<TickBar> {
        self.due().filter(|due| now >= *due)?;
        self.give()
    }

    /// The bar that a tick of this moment ends.
    fn over_by(&mut self, tick: Millis) -> Option<TickBar> {
        self.making.as_ref().filter(|bar| tick >= bar.start.plus(self.length.ms()))?;
        self.give()
    }

    fn give(&mut self) -> Option<TickBar> {
        let bar = self.making.take()?;
        self.given_until = bar.start.plus(self.length.ms());
        Some(bar)
    }

    fn take(&mut self, quote: &Quote) {
        let start = Millis(quote.as_of.0 - quote.as_of.0 % self.length.ms());
        match &mut self.making {
            Some(bar) => {
                bar.high = bar.high.max(quote.price);
                bar.low = bar.low.min(quote.price);
                bar.close = quote.price;
                bar.ticks += 1;
                bar.last = quote.clone();
            }
            None if start < self.given_until => {}
            None => {
                self.making = Some(TickBar {
                    start,
                    open: quote.price,
                    high: quote.price,
                    low: quote.price,
                    close: quote.price,
                    ticks: 1,
                    before: self.last.as_ref().map(|last| last.volume),
                    last: quote.clone(),
                });
            }
        }
    }
}

#[derive(Serialize)]
struct BarItem<'a> {
    symbol: &'a Symbol,
    seconds: u32,
    start: String,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume: Option<f64>,
    ticks: u32,
    #[serde(flatten)]
    stamp: Stamp,
}

impl TickBar {
    /// The time of its last tick.
    #[must_use]
    pub const fn as_of(&self) -> Millis {
        self.last.as_of
    }

    /// The event body without its position: a JSON object.
    #[must_use]
    pub fn to_item(&self, length: BarLength, phase: MarketPhase) -> Vec<u8> {
        let Quote { symbol, as_of, source, delayed, volume, .. } = &self.last;
        let item = BarItem {
            symbol,
            seconds: length.0,
            start: self.start.to_string(),
            open: self.open,
            high: self.high,
            low: self.low,
            close: self.close,
            // The day's volume begins anew: that bar's cannot be told.
            volume: self.before.map(|before| volume - before).filter(|volume| *volume >= 0.0),
            ticks: self.ticks,
            stamp: Stamp { as_of: *as_of, source: *source, delayed: *delayed, session: phase },
        };
        serde_json::to_vec(&item).expect("a bar holds only strings and finite or null numbers")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::freshness::Source;
    use super::*;

    fn quote(price: f64, volume: f64, as_of: u64) -> Quote {
        Quote {
            symbol: "AAPL".parse().unwrap(),
            price,
            size: None,
            bid: None,
            ask: None,
            change: 0.0,
            change_percent: 0.0,
            volume,
            as_of: Millis(as_of),
            source: Source::Poll,
            delayed: false,
        }
    }

    fn maker(length: &str) -> BarMaker {
        BarMaker::new(length.parse().unwrap())
    }

    fn item(bar: &TickBar) -> serde_json::Value {
        serde_json::from_slice(&bar.to_item("5s".parse().unwrap(), MarketPhase::Regular)).unwrap()
    }

    #[test]
    fn a_length_is_whole_seconds_that_fit_into_a_day() {
        for text in ["1s", "5s", "60s", "3600s"] {
            assert_eq!(text.parse::<BarLength>().unwrap().to_string(), text);
        }
        for text in ["", "s", "0s", "05s", "+5s", "7s", "7200s", "5", "5m", "-5s", "99999999999s"] {
            assert!(text.parse::<BarLength>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_bar_is_told_once_when_a_later_tick_comes() {
        let mut maker = maker("5s");
        assert_eq!(maker.observe(&quote(9.0, 100.0, 9_000), Millis(10_000)), None);
        for (price, volume, at) in [(10.0, 110.0, 10_000), (12.0, 130.0, 11_000), (8.0, 135.0, 14_999)] {
            assert_eq!(maker.observe(&quote(price, volume, at), Millis(at)), None);
        }
        let bar = maker.observe(&quote(9.5, 140.0, 15_000), Millis(15_000)).unwrap();
        assert_eq!(
            item(&bar),
            serde_json::json!({"symbol": "AAPL", "seconds": 5, "start": "1970-01-01T00:00:10.000Z", "open": 10.0, "high": 12.0,
                "low": 8.0, "close": 8.0, "volume": 35.0, "ticks": 3, "as_of": "1970-01-01T00:00:14.999Z", "source": "poll",
                "delayed": false, "session": "regular"})
        );
    }

    #[test]
    fn a_bar_is_told_by_time_when_nothing_more_comes_and_a_late_tick_makes_no_second_one() {
        let mut maker = maker("5s");
        maker.observe(&quote(1.0, 1.0, 9_000), Millis(9_000));
        maker.observe(&quote(2.0, 2.0, 10_000), Millis(10_000));
        let same = quote(2.0, 2.0, 10_000);
        assert_eq!(maker.observe(&same, Millis(16_499)), None);
        assert_eq!(maker.observe(&same, Millis(16_500)).unwrap().ticks, 1);
        assert_eq!(maker.observe(&quote(3.0, 3.0, 14_000), Millis(16_600)), None);
        assert!(maker.making.is_none());
        maker.observe(&quote(4.0, 4.0, 16_000), Millis(16_700));
        assert_eq!(maker.making.as_ref().unwrap().start, Millis(15_000));
    }

    #[test]
    fn trades_of_one_moment_are_ticks_each_and_a_quote_is_none() {
        let mut maker = maker("5s");
        maker.observe(&quote(1.0, 1.0, 9_000), Millis(9_000));
        for (price, volume, at) in [(2.0, 2.0, 10_000), (5.0, 3.0, 10_000), (2.5, 4.0, 10_000)] {
            assert_eq!(maker.observe(&quote(price, volume, at), Millis(at)), None);
        }
        let moved = Quote { ask: Some(3.0), ..quote(2.5, 4.0, 15_100) };
        assert_eq!(maker.observe(&moved, Millis(15_100)), None);
        assert_eq!(maker.due(), Some(Millis(16_500)));
        let bar = maker.pass(Millis(16_500)).unwrap();
        assert_eq!((bar.open, bar.high, bar.low, bar.close, bar.ticks), (2.0, 5.0, 2.0, 2.5, 3));
        assert_eq!((maker.due(), maker.pass(Millis(u64::MAX))), (None, None));
    }

    #[test]
    fn on_a_delayed_plan_bars_end_in_the_time_of_the_data() {
        let late = 900_000;
        let mut maker = maker("5s");
        maker.observe(&quote(1.0, 1.0, 9_000), Millis(9_000 + late));
        maker.observe(&quote(2.0, 2.0, 10_000), Millis(10_000 + late));
        assert_eq!(maker.observe(&quote(2.0, 2.0, 10_000), Millis(12_000 + late)), None);
        assert!(maker.observe(&quote(2.0, 2.0, 10_000), Millis(16_500 + late)).is_some());
    }

    #[test]
    fn a_day_that_begins_anew_has_no_volume_to_tell() {
        let mut maker = maker("5s");
        maker.observe(&quote(1.0, 900.0, 9_000), Millis(9_000));
        maker.observe(&quote(2.0, 5.0, 10_000), Millis(10_000));
        let bar = maker.observe(&quote(2.5, 6.0, 15_000), Millis(15_000)).unwrap();
        assert!(item(&bar).get("volume").is_none());
    }

    proptest! {
        #[test]
        fn each_bar_comes_once_in_order_and_holds_its_ticks(
            steps in prop::collection::vec((0_u64..4_000, 1_u32..500, any::<bool>()), 1..300),
        ) {
            let mut maker = maker("5s");
            let (mut at, mut seen, mut bars) = (10_000, Vec::new(), Vec::new());
            for (ms, price, ticks) in steps {
                at += ms;
                let quote = match (ticks, maker.last.clone()) {
                    (false, Some(last)) => last,
                    _ => quote(f64::from(price), 0.0, at),
                };
                seen.push((quote.as_of, quote.price));
                bars.extend(maker.observe(&quote, Millis(at)));
            }
            prop_assert!(bars.windows(2).all(|pair| pair[0].start < pair[1].start));
            for bar in bars {
                prop_assert_eq!(bar.start.0 % 5_000, 0);
                prop_assert!(bar.low <= bar.open.min(bar.close) && bar.high >= bar.open.max(bar.close));
                let inside = |moment: &Millis| (bar.start..bar.start.plus(5_000)).contains(moment);
                prop_assert!(inside(&bar.as_of()));
                prop_assert!(seen.iter().any(|(moment, price)| inside(moment) && *price == bar.high));
            }
        }
    }
}
