//! Analytics against numbers that were calculated elsewhere, and against the laws that they must obey.
//!
//! The numbers come from a script in plain Python (`statistics.stdev`, `statistics.pstdev`, `statistics.correlation`, and each
//! indicator written out from its textbook definition: the RSI as 100 − 100 / (1 + gain / loss), the ADX with Wilder's running sums)
//! over the same sixty bars as [`sample`].

use proptest::prelude::*;

use super::indicators::{Indicator, ema, sma};
use super::*;
use crate::market::Market;
use crate::time::Millis;

const DAY_MS: u64 = 86_400_000;

fn bar(at: u64, close: f64, up: f64, down: f64, volume: f64) -> Bar {
    Bar { at: Millis(at), open: close, high: close + up, low: close - down, close, volume, vwap: None }
}

fn closes_at(closes: &[f64]) -> Vec<Bar> {
    closes.iter().zip(0..).map(|(close, day)| bar(day * DAY_MS, *close, 0.0, 0.0, 1.0)).collect()
}

/// The sixty bars of the script.
fn sample() -> Vec<Bar> {
    let part = |value: u64| f64::from(u32::try_from(value).unwrap());
    (0..60)
        .map(|day| {
            let close = 100.0 + part(day * 37 % 23) * 0.5 - part(day * 11 % 7) * 0.25;
            let (up, down) = (1.0 + part(day % 3) * 0.5, 1.0 + part(day % 4) * 0.25);
            bar(day * DAY_MS, close, up, down, 1_000.0 + part(day * 53 % 17) * 100.0)
        })
        .collect()
}

fn all(series: Series) -> Vec<f64> {
    series.into_iter().flatten().collect()
}

#[track_caller]
fn near(found: impl Into<Option<f64>>, expected: f64) {
    let found = found.into().expect("a value");
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found} is not {expected}");
}

fn last(indicator: Indicator, line: usize) -> Option<f64> {
    let lines = indicator.lines(&sample(), indicator.default_window().unwrap_or(1)).unwrap();
    *lines[line].1.last().unwrap()
}

#[test]
fn returns_and_risk_are_those_of_the_script() {
    let bars = sample();
    near(total_return(&bars), 0.0925);
    let log = all(returns(&bars, ReturnKind::Log));
    near(deviation(&log), 0.053_688_122_836_094_21);
    near(volatility(&log, 252.0), 0.852_272_528_293_158_4);
    near(*rolling_volatility(&log, 20, 252.0).last().unwrap(), 0.846_073_903_500_138_7);
    near(sharpe(&all(returns(&bars, ReturnKind::Simple)), 0.03, 252.0), 0.821_127_248_546_212_8);
    near(max_drawdown(&bars).map(|fall| fall.depth), 0.099_547_511_312_217_19);
}

#[test]
fn the_correlation_of_two_is_that_of_the_script() {
    let bars = sample();
    let other: Vec<Bar> = bars
        .iter()
        .zip(0u32..)
        .map(|(one, day)| bar(one.at.0, 50.0 + f64::from(day * 29 % 19) * 0.25 + one.close * 0.1, 0.0, 0.0, 1.0))
        .collect();
    let found = correlations(&align(&[&bars, &other], Timespan::Day).log_returns());
    near(found[0][1], 0.272_091_856_717_876_83);
    assert_eq!((found[0][0], found[0][1]), (Some(1.0), found[1][0]));
}

#[test]
fn indicators_are_those_of_the_script() {
    near(last(Indicator::Sma, 0), 104.7625);
    near(last(Indicator::Ema, 0), 104.939_992_615_229_84);
    near(last(Indicator::Rsi, 0), 53.364_296_344_018_1);
    near(Indicator::Rsi.lines(&sample(), 14).unwrap()[0].1[14], 53.921_568_627_450_99);
    for (line, expected) in
        [0.275_989_335_443_284_74, -0.022_167_980_197_830_735, 0.298_157_315_641_115_5].into_iter().enumerate()
    {
        near(last(Indicator::Macd, line), expected);
    }
    for (line, expected) in [104.7625, 111.307_488_540_860_86, 98.217_511_459_139_15].into_iter().enumerate() {
        near(last(Indicator::Bollinger, line), expected);
    }
    near(last(Indicator::Atr, 0), 6.625_385_751_218_496);
    near(last(Indicator::Stochastic, 0), 84.905_660_377_358_49);
    near(last(Indicator::Stochastic, 1), 64.840_348_330_914_37);
    for (line, expected) in [41.349_280_749_779_29, 36.637_056_938_828_11, 3.918_843_264_218_692_6].into_iter().enumerate() {
        near(last(Indicator::Adx, line), expected);
    }
    near(last(Indicator::Cci, 0), 104.755_008_447_984_51);
    near(last(Indicator::Obv, 0), -19_600.0);
    near(last(Indicator::Vwap, 0), 104.828_395_061_728_39);
}

#[test]
fn an_indicator_has_its_first_value_exactly_when_it_says_so() {
    for indicator in Indicator::ALL {
        for window in [1, 2, 5, 14] {
            let needed = indicator.needs(window);
            let bars = sample();
            let lines = indicator.lines(&bars[..needed], window).unwrap();
            assert!(lines.iter().all(|(_, line)| line.len() == needed), "{indicator:?}");
            assert!(lines.iter().all(|(_, line)| line[needed - 1].is_some()), "{indicator:?} {window}");
            if needed > 1 {
                assert_eq!(
                    indicator.lines(&bars[..needed - 1], window),
                    Err(TooFew { needed, have: needed - 1 }),
                    "{indicator:?} {window}"
                );
            }
        }
    }
}

#[test]
fn levels_stand_where_the_price_turned_and_the_most_touched_come_first() {
    let mut closes = Vec::new();
    for _ in 0..3 {
        closes.extend([100.0, 104.0, 110.0, 104.0, 100.0, 96.0, 90.0, 96.0]);
    }
    closes.extend([100.0, 105.0, 120.0, 105.0, 100.0]);
    let terms = LevelTerms { swing: 2, tolerance: 0.01, most: 5 };
    let found = levels(&closes_at(&closes), terms).unwrap();
    let shown: Vec<_> = found.iter().map(|level| (level.price, level.kind, level.touches)).collect();
    assert_eq!(shown, [(90.0, LevelKind::Support, 3), (110.0, LevelKind::Resistance, 3), (120.0, LevelKind::Resistance, 1)]);
    assert_eq!((found[1].first_at, found[1].last_at), (Millis(2 * DAY_MS), Millis(18 * DAY_MS)));
    let fewer = levels(&closes_at(&closes), LevelTerms { most: 1, ..terms }).unwrap();
    assert_eq!(fewer.len(), 2, "one on either side");
    assert_eq!(levels(&closes_at(&closes[..4]), terms), Err(TooFew { needed: 5, have: 4 }));
}

#[test]
fn only_moments_that_all_have_are_compared() {
    let left: Vec<Bar> = [1, 2, 3, 5].map(|at| bar(at, 10.0 * f64::from(u32::try_from(at).unwrap()), 0.0, 0.0, 1.0)).into();
    let right: Vec<Bar> = [2, 3, 4, 5].map(|at| bar(at, f64::from(u32::try_from(at).unwrap()), 0.0, 0.0, 1.0)).into();
    let found = align(&[&left, &right], Timespan::Second);
    assert_eq!(found.moments, [Millis(2), Millis(3), Millis(5)]);
    assert_eq!(found.closes, [[20.0, 30.0, 50.0], [2.0, 3.0, 5.0]]);
    assert!(align(&[&left, &[]], Timespan::Second).moments.is_empty());
}

#[test]
fn a_day_of_new_york_and_one_of_crypto_are_the_same_day() {
    const HOUR_MS: u64 = 3_600_000;
    let stocks: Vec<Bar> = [4, 28, 53].map(|hour| bar(hour * HOUR_MS, 1.0, 0.0, 0.0, 1.0)).into();
    let crypto: Vec<Bar> = [0, 24, 48].map(|hour| bar(hour * HOUR_MS, 1.0, 0.0, 0.0, 1.0)).into();
    assert_eq!(align(&[&stocks, &crypto], Timespan::Day).moments, [0, 24, 48].map(|hour| Millis(hour * HOUR_MS)));
    assert!(align(&[&stocks, &crypto], Timespan::Hour).moments.is_empty());
}

#[test]
fn what_is_not_defined_is_none_and_never_a_number() {
    let flat = closes_at(&[5.0; 40]);
    let steps = all(returns(&flat, ReturnKind::Log));
    assert_eq!(sharpe(&steps, 0.0, 252.0), None);
    assert_eq!(correlation(&steps, &steps), None);
    assert_eq!((mean(&[]), deviation(&[1.0]), total_return(&[]), max_drawdown(&[])), (None, None, None, None));
    assert_eq!(annualised_return(0.1, 0, 252.0), None);
    for indicator in Indicator::ALL {
        for (name, line) in indicator.lines(&flat, 14).unwrap() {
            assert!(line.iter().flatten().all(|value| value.is_finite()), "{indicator:?} {name}");
        }
    }
    assert_eq!(Indicator::Rsi.lines(&flat, 14).unwrap()[0].1.last(), Some(&Some(50.0)));
}

#[test]
fn a_year_has_as_many_bars_as_the_market_trades() {
    near(Timespan::Day.per_year(Market::Stocks), 252.0);
    near(Timespan::Minute.per_year(Market::Stocks), 252.0 * 390.0);
    near(Timespan::Hour.per_year(Market::Crypto), 365.0 * 24.0);
}

fn prices() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.01..10_000.0f64, 2..120)
}

fn some_bars() -> impl Strategy<Value = Vec<Bar>> {
    prop::collection::vec((1.0..10_000.0f64, 0.0..0.5f64, 0.0..0.5f64, 0.0..1e9f64), 60..120).prop_map(|rows| {
        let row = |((close, up, down, volume), day): ((f64, f64, f64, f64), u64)| {
            bar(day * DAY_MS, close, up * close, down * close, volume)
        };
        rows.into_iter().zip(0..).map(row).collect()
    })
}

proptest! {
    #[test]
    fn simple_and_log_returns_compose_to_the_total(closes in prices()) {
        let bars = closes_at(&closes);
        let total = total_return(&bars).unwrap();
        let compounded = all(returns(&bars, ReturnKind::Simple)).iter().fold(1.0, |value, step| value * (1.0 + step)) - 1.0;
        let summed = all(returns(&bars, ReturnKind::Log)).iter().sum::<f64>().exp() - 1.0;
        let cumulative = returns(&bars, ReturnKind::Cumulative).last().unwrap().unwrap();
        for found in [compounded, summed, cumulative] {
            prop_assert!((found - total).abs() <= 1e-9 * (1.0 + total.abs()), "{} {}", found, total);
        }
    }

    #[test]
    fn a_correlation_is_symmetric_and_within_its_bounds(closes in prop::collection::vec((0.01..1e4f64, 0.01..1e4f64), 2..80)) {
        let (left, right): (Vec<f64>, Vec<f64>) = closes.into_iter().unzip();
        let found = correlations(&[left.clone(), right, left.iter().map(|value| -value).collect()]);
        for (row, values) in found.iter().enumerate() {
            for (column, value) in values.iter().enumerate() {
                prop_assert_eq!(*value, found[column][row]);
                prop_assert!(value.is_none_or(|value| (-1.0..=1.0).contains(&value)));
            }
        }
        if let Some(opposite) = found[0][2] {
            prop_assert!((opposite + 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_drawdown_is_a_fraction_and_its_trough_comes_after_its_peak(closes in prices()) {
        let fall = max_drawdown(&closes_at(&closes)).unwrap();
        prop_assert!((0.0..1.0).contains(&fall.depth));
        prop_assert!(fall.peak_at <= fall.trough_at);
    }

    #[test]
    fn averages_of_equal_values_are_that_value_and_others_lie_between_the_extremes(value in 0.01..1e6f64, closes in prices(), window in 1usize..30) {
        for average in [sma(&vec![value; 40], window), ema(&vec![value; 40], window)] {
            prop_assert_eq!(average.len(), 40);
            prop_assert!(average.iter().flatten().all(|found| (found - value).abs() <= 1e-12 * value));
        }
        let (low, high) = closes.iter().fold((f64::MAX, 0.0f64), |(low, high), close| (low.min(*close), high.max(*close)));
        for found in all(sma(&closes, window)).into_iter().chain(all(ema(&closes, window))) {
            prop_assert!(found >= low * (1.0 - 1e-12) && found <= high * (1.0 + 1e-12));
        }
    }

    #[test]
    fn oscillators_stay_within_their_bounds_and_no_value_is_infinite(bars in some_bars(), window in 1usize..20) {
        for indicator in Indicator::ALL {
            for (name, line) in indicator.lines(&bars, window).unwrap() {
                prop_assert_eq!(line.len(), bars.len());
                prop_assert!(line.iter().flatten().all(|value| value.is_finite()));
                let first = line.iter().position(Option::is_some).unwrap();
                prop_assert!(line[first..].iter().all(Option::is_some), "{} has a hole", name);
                if matches!(indicator, Indicator::Rsi | Indicator::Stochastic | Indicator::Adx) {
                    prop_assert!(line.iter().flatten().all(|value| (-1e-9..=100.0 + 1e-9).contains(value)), "{}", name);
                }
            }
        }
        for ((_, upper), (_, lower)) in [Indicator::Bollinger.lines(&bars, window).unwrap()].iter().map(|lines| (&lines[1], &lines[2])) {
            prop_assert!(upper.iter().flatten().zip(lower.iter().flatten()).all(|(upper, lower)| upper >= lower));
        }
    }

    #[test]
    fn every_level_is_a_price_that_was_traded_and_has_a_touch(bars in some_bars(), swing in 1usize..6) {
        let (low, high) = bars.iter().fold((f64::MAX, 0.0f64), |(low, high), bar| (low.min(bar.low), high.max(bar.high)));
        for level in levels(&bars, LevelTerms { swing, tolerance: 0.01, most: 5 }).unwrap() {
            prop_assert!(level.touches >= 1 && level.first_at <= level.last_at);
            prop_assert!(level.price >= low - 1e-9 && level.price <= high + 1e-9);
        }
    }
}
