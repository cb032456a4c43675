//! What the tools say of bars that are given, and what they refuse.

use serde_json::{Value, json, value::RawValue};
use tickgate_core::analytics::Bar;
use tickgate_core::market::{Freshness, MarketPhase, Source};
use tickgate_core::time::Millis;

use super::*;

const DAY_MS: u64 = 86_400_000;
const NOW: Millis = Millis(100 * DAY_MS);

fn series(symbol: &str, closes: impl IntoIterator<Item = f64>) -> BarSeries {
    let bar = |(close, day): (f64, u64)| Bar {
        at: Millis(day * DAY_MS),
        open: close,
        high: close * 1.01,
        low: close * 0.99,
        close,
        volume: 100.0,
        vwap: None,
    };
    BarSeries {
        symbol: symbol.parse().unwrap(),
        bars: closes.into_iter().zip(0..).map(bar).collect(),
        left_out: 0,
        as_of: NOW,
        delayed: false,
        hit: crate::upstream::cache::Hit::Miss,
        cut: false,
    }
}

/// A price that goes up and down on its way up.
fn moving(count: u32) -> impl Iterator<Item = f64> {
    (0..count).map(|day| 100.0 + f64::from(day * 37 % 23) * 0.5 + f64::from(day) * 0.1)
}

fn call<A: Analysis>(arguments: &Value, series: &[BarSeries]) -> Result<Value, String> {
    let text = RawValue::from_string(arguments.to_string()).unwrap();
    let read = || {
        let arguments: A = crate::tools::arguments::read(Some(&text))?;
        let wanted = arguments.wanted()?;
        let mut content = answer::content(&wanted, series, &arguments.results(series)?, NOW);
        content["_freshness"] = json!(Freshness {
            as_of: NOW,
            age_ms: 0,
            source: Source::Simulated,
            delayed: false,
            session: MarketPhase::Regular,
            stale: false,
            position: "1-0".to_owned(),
        });
        Ok(content)
    };
    let content = read().map_err(|failure: ToolFailure| failure.to_string())?;
    let schema = answer::schema::<A::Results>();
    let errors: Vec<String> = jsonschema::validator_for(&schema).unwrap().iter_errors(&content).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{}: {errors:?} in {content}", A::NAME);
    Ok(content)
}

#[test]
fn every_tool_has_its_schemas_and_only_reads() {
    for tool in tools() {
        assert_eq!(tool.toolset, Toolset::Analytics, "{}", tool.name);
        assert!(tool.hints.read_only_hint, "{}", tool.name);
        assert_eq!(tool.input_schema["additionalProperties"], false, "{}", tool.name);
        jsonschema::validator_for(&tool.input_schema).unwrap();
        jsonschema::validator_for(tool.output_schema.as_ref().unwrap()).unwrap();
    }
}

#[test]
fn returns_are_said_with_their_total_and_their_source() {
    let found = call::<returns::Arguments>(
        &json!({"symbols": "AAPL", "kind": "cumulative"}),
        &[series("AAPL", [100.0, 110.0, 99.0, 121.0])],
    )
    .unwrap();
    let one = &found["results"][0];
    assert_eq!(one["total_return"], 0.21);
    assert_eq!(one["max_drawdown"]["depth"], 0.1);
    assert_eq!(one["max_drawdown"]["trough_at"], "1970-01-03T00:00:00.000Z");
    assert_eq!(one["returns"]["points"][2], json!({"at": "1970-01-04T00:00:00.000Z", "value": 0.21}));
    assert_eq!(one["periods_per_year"], 252.0);
    assert_eq!(found["count"], 1);
    let source = &found["source"];
    assert_eq!(source["endpoint"], "/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}");
    assert_eq!((&source["adjusted"], &source["timespan"], &source["multiplier"]), (&json!(true), &json!("day"), &json!(1)));
    assert_eq!(
        source["series"][0],
        json!({"symbol": "AAPL", "bars": 4, "first": "1970-01-01T00:00:00.000Z", "last": "1970-01-04T00:00:00.000Z",
            "unfinished": false, "left_out": 0, "cut": false})
    );
}

#[test]
fn whatever_is_asked_the_answer_fits_into_what_a_model_reads() {
    let symbols: Vec<String> = (0..20).map(|n| format!("SYM{}", char::from(b'A' + n))).collect();
    let given: Vec<_> = symbols.iter().map(|symbol| series(symbol, moving(5_000))).collect();
    let all = json!({"symbols": symbols, "max_points": 5_000});
    let each = "sma,ema,rsi,macd,bollinger,atr,stochastic,adx,cci,obv,vwap,sma:5,sma:6,sma:7,macd,bollinger,stochastic,sma:8,sma:9,adx:30";
    let indicators = json!({"symbol": "SYMA", "indicators": each, "max_points": 5_000});
    let answers = [
        call::<returns::Arguments>(&all, &given).unwrap(),
        call::<volatility::Arguments>(&all, &given).unwrap(),
        call::<indicators::Arguments>(&indicators, &given[..1]).unwrap(),
    ];
    for answer in answers {
        let length = answer.to_string().len();
        assert!((20_000..65_536).contains(&length), "{length} bytes");
    }
    let few = call::<returns::Arguments>(&json!({"symbols": ["SYMA"], "max_points": 5_000}), &given[..1]).unwrap();
    assert_eq!((&few["results"][0]["returns"]["shown"], &few["results"][0]["returns"]["of"]), (&json!(800), &json!(4_999)));
}

#[test]
fn a_long_series_is_thinned_and_says_so_and_its_newest_point_stays() {
    let given = [series("AAPL", moving(300))];
    let found = call::<returns::Arguments>(&json!({"symbol": "AAPL", "max_points": 7}), &given).unwrap();
    let shown = &found["results"][0]["returns"];
    assert_eq!((&shown["shown"], &shown["of"]), (&json!(7), &json!(299)));
    assert_eq!(shown["points"].as_array().unwrap().len(), 7);
    assert_eq!(shown["points"][6]["at"], json!(Millis(299 * DAY_MS).to_string()));
    for (count, most, places) in [(5, 2, vec![2, 4]), (3, 5, vec![0, 1, 2]), (0, 5, vec![]), (10, 1, vec![9])] {
        assert_eq!(answer::thinned(count, most).collect::<Vec<_>>(), places, "{most} of {count}");
    }
}

#[test]
fn volatility_is_that_of_a_year_and_of_each_window() {
    let given = [series("AAPL", moving(60)), series("X:BTCUSD", moving(60))];
    let found = call::<volatility::Arguments>(&json!({"symbols": ["AAPL", "X:BTCUSD"], "window": 10}), &given).unwrap();
    let number = |place: usize, name: &str| found["results"][place][name].as_f64().unwrap();
    assert!((number(0, "annualised") / number(0, "per_bar") - 252f64.sqrt()).abs() < 1e-6);
    assert!((number(1, "annualised") / number(1, "per_bar") - 365f64.sqrt()).abs() < 1e-6);
    assert_eq!(found["results"][0]["rolling"]["of"], 50);
}

#[test]
fn correlation_takes_only_moments_that_all_have_and_says_how_many() {
    let mut other = series("MSFT", moving(40).map(|price| 500.0 - price));
    other.bars.remove(3);
    let given = [series("AAPL", moving(40)), other, series("NVDA", [7.0; 40])];
    let found = call::<correlation::Arguments>(&json!({"symbols": "AAPL,MSFT,NVDA"}), &given).unwrap();
    let results = &found["results"];
    assert_eq!(results["observations"], 38);
    assert_eq!(results["matrix"][0][0], 1.0);
    assert_eq!(results["matrix"][0][1], results["matrix"][1][0]);
    assert!(results["matrix"][0][1].as_f64().unwrap() < -0.9);
    assert_eq!(results["matrix"][2], json!([null, null, null]), "a price that does not move correlates with nothing");
    assert_eq!(results["pairs"].as_array().unwrap().len(), 1);
}

#[test]
fn levels_are_on_their_side_of_the_last_close() {
    let wave = (0..6).flat_map(|_| [100.0, 105.0, 110.0, 105.0, 100.0, 95.0, 90.0, 95.0]).chain([100.0]);
    let found = call::<levels::Arguments>(&json!({"symbol": "AAPL", "window": 2}), &[series("AAPL", wave)]).unwrap();
    let results = &found["results"];
    assert_eq!((&results["support"][0]["price"], &results["support"][0]["touches"]), (&json!(89.1), &json!(6)));
    assert_eq!((&results["resistance"][0]["price"], &results["resistance"][0]["touches"]), (&json!(111.1), &json!(6)));
    assert_eq!(results["resistance"][0]["distance_percent"], 11.1);
}

#[test]
fn indicators_come_in_the_order_asked_for_each_with_its_window() {
    let asked = json!({"symbol": "AAPL", "indicators": ["sma:5", "MACD", "bollinger", "vwap"], "window": 10, "max_points": 3});
    let found = call::<indicators::Arguments>(&asked, &[series("AAPL", moving(60))]).unwrap();
    let list = found["results"]["indicators"].as_array().unwrap();
    let shown: Vec<_> = list.iter().map(|one| (one["indicator"].as_str().unwrap(), one["window"].as_u64())).collect();
    assert_eq!(shown, [("sma", Some(5)), ("macd", None), ("bollinger", Some(10)), ("vwap", None)]);
    assert_eq!((&list[0]["of"], &list[0]["shown"]), (&json!(56), &json!(3)));
    assert_eq!(list[1]["of"], 35, "the slow average comes first, the signal 8 bars later");
    assert_eq!(list[1]["points"][2]["values"], list[1]["latest"]);
    assert_eq!(list[1]["latest"].as_object().unwrap().len(), 3);
    assert!(!found.to_string().contains("null"));
}

#[test]
fn too_few_bars_are_a_clear_error_that_says_how_many_are_needed() {
    let given = [series("AAPL", moving(7))];
    let error = call::<indicators::Arguments>(&json!({"symbol": "AAPL", "indicators": "rsi"}), &given).unwrap_err();
    assert!(error.starts_with("too_few_bars: rsi with a window of 14 of AAPL needs 15 bars and there are 7"), "{error}");
    let error = call::<volatility::Arguments>(&json!({"symbols": "AAPL"}), &given).unwrap_err();
    assert!(error.contains("needs 21 bars and there are 7"), "{error}");
    let error = call::<levels::Arguments>(&json!({"symbol": "AAPL"}), &given).unwrap_err();
    assert!(error.contains("needs 11 bars and there are 7"), "{error}");
    let both = [series("AAPL", moving(7)), series("MSFT", moving(7))];
    let error = call::<correlation::Arguments>(&json!({"symbols": "AAPL,MSFT"}), &both).unwrap_err();
    assert!(error.contains("needs 10 bars") && error.contains("there are 7"), "{error}");
    let error = call::<returns::Arguments>(&json!({"symbols": "AAPL"}), &[series("AAPL", [])]).unwrap_err();
    assert!(error.starts_with("not_found: there are no bars of AAPL"), "{error}");
}

#[test]
fn wrong_arguments_are_named_before_anything_is_asked() {
    let many: Vec<String> = (0..21u8).map(|n| format!("A{}", char::from(b'A' + n))).collect();
    let returns = |arguments: Value| call::<returns::Arguments>(&arguments, &[]).unwrap_err();
    let indicators = |arguments: Value| call::<indicators::Arguments>(&arguments, &[]).unwrap_err();
    for (error, names) in [
        (returns(json!({})), "symbols"),
        (returns(json!({"symbols": "a b"})), "`symbol`"),
        (returns(json!({"symbols": ["AAPL", "a b"]})), "`symbols`"),
        (returns(json!({"symbols": many})), "`symbols`: name 1 to 20"),
        (returns(json!({"symbols": "AAPL", "bars": 5_001})), "`bars`"),
        (returns(json!({"symbols": "AAPL", "multiplier": 0})), "`multiplier`"),
        (returns(json!({"symbols": "AAPL", "timespan": "fortnight"})), "`timespan`"),
        (returns(json!({"symbols": "AAPL", "from": "yesterday"})), "`from`"),
        (returns(json!({"symbols": "AAPL", "max_points": 0})), "`max_points`"),
        (returns(json!({"symbols": "AAPL", "periods_per_year": 0})), "`periods_per_year`"),
        (returns(json!({"symbols": "AAPL", "risk_free_rate": 99})), "`risk_free_rate`"),
        (returns(json!({"symbols": "AAPL", "nosuch": 1})), "nosuch"),
        (indicators(json!({"symbol": "AAPL", "indicators": "magic"})), "there is no \"magic\""),
        (indicators(json!({"symbol": "AAPL", "indicators": "sma:x"})), "no whole number"),
        (indicators(json!({"symbol": "AAPL", "indicators": "sma:0"})), "`window`"),
        (indicators(json!({"symbol": "AAPL", "indicators": "obv:3"})), "obv has no window"),
        (indicators(json!({"symbol": "AAPL", "indicators": []})), "`indicators`"),
        (call::<correlation::Arguments>(&json!({"symbols": "AAPL,AAPL"}), &[]).unwrap_err(), "at least two"),
        (call::<levels::Arguments>(&json!({"symbol": "AAPL", "tolerance_percent": 0}), &[]).unwrap_err(), "`tolerance_percent`"),
        (call::<volatility::Arguments>(&json!({"symbols": "AAPL", "window": 1}), &[]).unwrap_err(), "`window`"),
    ] {
        assert!(error.starts_with("invalid_argument") && error.contains(names), "{names}: {error}");
    }
}

#[test]
fn a_moment_may_be_a_day_a_time_or_a_number() {
    for (text, sent) in [
        ("2026-03-10", "2026-03-10"),
        ("2026-03-10T14:31:07Z", "1773153067000"),
        ("1773153067", "1773153067000"),
        ("1773153067000", "1773153067000"),
    ] {
        let arguments: returns::Arguments = serde_json::from_value(json!({"symbols": "AAPL", "from": text})).unwrap();
        let wanted = arguments.wanted().unwrap();
        assert_eq!(wanted.from.as_deref(), Some(sent));
        assert_eq!(wanted.most, 5_000, "a range is given whole where it fits");
    }
}
