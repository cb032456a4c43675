//! Bars (OHLCV) made coarser, so that a long series fits where a short one is wanted.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::digits::beside;

/// A bar as the upstream writes it. Prices are not touched: they keep the digits that they came with.
#[derive(Deserialize)]
struct Bar<'a> {
    #[serde(borrow)]
    o: &'a RawValue,
    #[serde(borrow)]
    h: &'a RawValue,
    #[serde(borrow)]
    l: &'a RawValue,
    #[serde(borrow)]
    c: &'a RawValue,
    /// Start, Unix ms.
    t: u64,
    #[serde(borrow)]
    v: Option<&'a RawValue>,
    vw: Option<f64>,
    n: Option<u64>,
}

/// Merges consecutive bars so that at most `most` are left (2 at least), each of as many as the others but the last. The order of
/// time, ascending or descending, stays. Returns how many bars one is made of, and the bars; `None` when there are few enough
/// already, or some are no bars.
#[must_use]
pub fn coarser(rows: &[&RawValue], most: usize) -> Option<(usize, Vec<Box<RawValue>>)> {
    let per_bar = rows.len().div_ceil(most.max(2));
    if per_bar < 2 {
        return None;
    }
    let bars: Vec<Bar<'_>> = rows.iter().map(|row| serde_json::from_str(row.get()).ok()).collect::<Option<_>>()?;
    let descending = bars.first()?.t > bars.last()?.t;
    let merged = bars.chunks(per_bar).map(|chunk| merge(chunk, descending)).collect::<Option<_>>()?;
    Some((per_bar, merged))
}

fn merge(bars: &[Bar<'_>], descending: bool) -> Option<Box<RawValue>> {
    let (mut first, mut last) = (bars.first()?, bars.last()?);
    if descending {
        (first, last) = (last, first);
    }
    let price = |raw: &RawValue| raw.get().parse::<f64>().ok();
    let mut high = (price(first.h)?, first.h);
    let mut low = (price(first.l)?, first.l);
    for bar in bars {
        let (h, l) = (price(bar.h)?, price(bar.l)?);
        if h > high.0 {
            high = (h, bar.h);
        }
        if l < low.0 {
            low = (l, bar.l);
        }
    }
    let mut text = format!("{{\"o\":{},\"h\":{},\"l\":{},\"c\":{}", first.o.get(), high.1.get(), low.1.get(), last.c.get());
    if let Some(volume) = volume(bars) {
        text.push_str(&format!(",\"v\":{volume}"));
    }
    if let Some(average) = average(bars) {
        text.push_str(&format!(",\"vw\":{average}"));
    }
    if let Some(trades) = bars.iter().map(|bar| bar.n).sum::<Option<u64>>() {
        text.push_str(&format!(",\"n\":{trades}"));
    }
    text.push_str(&format!(",\"t\":{}}}", first.t));
    RawValue::from_string(text).ok()
}

/// The sum, without a fraction as long as no volume has one.
fn volume(bars: &[Bar<'_>]) -> Option<String> {
    let whole = bars.iter().map(|bar| bar.v?.get().parse::<u64>().ok().map(u128::from)).sum::<Option<u128>>();
    whole.map(|sum| sum.to_string()).or_else(|| {
        let sum = bars.iter().map(|bar| bar.v?.get().parse::<f64>().ok()).sum::<Option<f64>>()?;
        serde_json::Number::from_f64(sum).map(|sum| sum.to_string())
    })
}

/// The price that was paid on the average, to the digits that a price has.
fn average(bars: &[Bar<'_>]) -> Option<String> {
    let (mut paid, mut volume) = (0.0, 0.0);
    for bar in bars {
        let traded: f64 = bar.v?.get().parse().ok()?;
        paid = bar.vw?.mul_add(traded, paid);
        volume += traded;
    }
    let average = paid / volume;
    serde_json::Number::from_f64(beside(average, average)).map(|average| average.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raw(texts: &[String]) -> Vec<Box<RawValue>> {
        texts.iter().map(|text| RawValue::from_string(text.clone()).unwrap()).collect()
    }

    fn coarse(texts: &[String], most: usize) -> Option<(usize, Vec<String>)> {
        let rows = raw(texts);
        let rows: Vec<&RawValue> = rows.iter().map(|row| &**row).collect();
        coarser(&rows, most).map(|(per_bar, bars)| (per_bar, bars.iter().map(|bar| bar.get().to_owned()).collect()))
    }

    fn bar(o: &str, h: &str, l: &str, c: &str, v: &str, t: u64) -> String {
        format!("{{\"o\":{o},\"h\":{h},\"l\":{l},\"c\":{c},\"v\":{v},\"vw\":{c},\"n\":2,\"t\":{t}}}")
    }

    #[test]
    fn a_coarser_bar_has_the_ends_the_extremes_and_the_sums_and_no_digit_is_lost() {
        let bars = [
            bar("10.10", "10.50", "10.00", "10.20", "100", 1),
            bar("10.20", "11.123456789012345678", "10.10", "10.90", "300", 2),
            bar("10.90", "10.95", "9.50", "9.60", "5.5", 3),
        ];
        let (per_bar, merged) = coarse(&bars, 2).unwrap();
        assert_eq!(per_bar, 2);
        assert_eq!(merged[0], r#"{"o":10.10,"h":11.123456789012345678,"l":10.00,"c":10.90,"v":400,"vw":10.725,"n":4,"t":1}"#);
        assert_eq!(merged[1], r#"{"o":10.90,"h":10.95,"l":9.50,"c":9.60,"v":5.5,"vw":9.6,"n":2,"t":3}"#);
        let reversed: Vec<String> = bars[..2].iter().rev().cloned().chain([bars[0].clone()]).collect();
        let newest_first = coarse(&reversed, 2).unwrap().1;
        assert!(newest_first[0].starts_with(r#"{"o":10.10,"#) && newest_first[0].contains(r#""c":10.90"#), "{}", newest_first[0]);
    }

    #[test]
    fn the_average_price_of_a_cheap_coin_is_not_rounded_away() {
        let cheap = |vw: &str, t| format!("{{\"o\":1,\"h\":1,\"l\":1,\"c\":1,\"v\":100,\"vw\":{vw},\"t\":{t}}}");
        let merged = coarse(&[cheap("0.00001234", 1), cheap("0.00001236", 2), cheap("0.00001238", 3)], 2).unwrap().1;
        assert!(merged[0].contains("\"vw\":0.00001235"), "{}", merged[0]);
    }

    #[test]
    fn few_bars_and_what_is_no_bar_stay_as_they_are() {
        let bars = [bar("1", "1", "1", "1", "1", 1), bar("1", "1", "1", "1", "1", 2)];
        assert!(coarse(&bars, 2).is_none());
        assert!(coarse(&[bars[0].clone(), bars[1].clone(), r#"{"x":1}"#.into()], 2).is_none());
    }

    proptest! {
        #[test]
        fn no_volume_is_lost_and_there_are_never_more_than_wanted(
            closes in prop::collection::vec((1_u32..1_000, 1_u32..1_000_000), 1..200), most in 2_usize..50,
        ) {
            let bars: Vec<String> = closes.iter().enumerate()
                .map(|(at, (c, v))| bar(&c.to_string(), &c.to_string(), &c.to_string(), &c.to_string(), &v.to_string(), at as u64))
                .collect();
            let Some((_, merged)) = coarse(&bars, most) else {
                prop_assert!(bars.len() <= most);
                return Ok(());
            };
            prop_assert!(merged.len() <= most);
            let read: Vec<serde_json::Value> = merged.iter().map(|bar| serde_json::from_str(bar).unwrap()).collect();
            let all: u64 = closes.iter().map(|(_, v)| u64::from(*v)).sum();
            prop_assert_eq!(read.iter().map(|bar| bar["v"].as_u64().unwrap()).sum::<u64>(), all);
            let high = closes.iter().map(|(c, _)| u64::from(*c)).max();
            prop_assert_eq!(read.iter().map(|bar| bar["h"].as_u64().unwrap()).max(), high);
        }
    }
}
