//! The market is the same for the same seed, its numbers agree with each other, and it keeps its hours.

use std::collections::HashSet;

use serde_json::Value;

use super::super::market::SessionMode;
use super::super::market::bars::{Bar, BarRange, Hours, Timespan, bar, walk};
use super::super::market::prices::{Pin, Series};
use super::super::market::universe::Market;
use super::super::routes::aggregates::{RangePath, range_of};
use super::super::routes::{snapshots, trades};
use super::super::state::State;
use super::super::{Simulator, SimulatorSettings};
use super::tables::{NOON, ask, walk as walk_pages};
use super::{at, next_query, query, state};

fn with<R>(state: &State, ticker: &str, rule: impl FnOnce(Series<'_>) -> R) -> R {
    let exchange = &state.exchange;
    rule(Series { instrument: exchange.universe.find(ticker).unwrap(), calendar: &exchange.calendar, pins: &[] })
}

fn collect(state: &State, ticker: &str, timespan: Timespan, (from, to): (&str, &str), descending: bool) -> Vec<Bar> {
    let range = BarRange { timespan, multiplier: 1, from_ms: at(from), to_ms: at(to), descending };
    with(state, ticker, |series| walk(series, range, i64::MAX - 1).collect())
}

#[test]
fn the_same_seed_shows_the_same_market() {
    let view = |seed| {
        let state = State::new(SimulatorSettings { seed, ..SimulatorSettings::default() });
        snapshots::list_of(&state.view_at(at("2026-03-10T18:31:08Z")), Market::Stocks, &query("tickers=AAPL,F,GM")).unwrap()
    };
    assert_eq!(view(1), view(1));
    assert_ne!(view(1), view(2));
}

#[test]
fn prices_move_every_second_and_stay_plausible() {
    let state = state(SessionMode::Open);
    let start = at("2026-03-10T03:00:00Z");
    for ticker in ["AAPL", "F", "X:BTCUSD", "C:EURUSD", "C:USDJPY", "I:SPX"] {
        let prices: Vec<f64> =
            with(&state, ticker, |series| (0..600).map(|second| series.price_at(start + second * 1_000)).collect());
        let moves = prices.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(moves > 400, "{ticker} moved {moves} times in 600 s");
        let steepest = prices.windows(2).map(|pair| (pair[1] / pair[0] - 1.0).abs()).fold(0.0, f64::max);
        assert!(steepest < 0.002, "{ticker} jumped by {steepest}");
    }
}

#[test]
fn bars_agree_with_trades_and_with_shorter_bars() {
    let state = state(SessionMode::Open);
    let hour = ("2026-03-10T15:00:00Z", "2026-03-10T15:59:59Z");
    for ticker in ["TSLA", "X:ETHUSD"] {
        let hours = collect(&state, ticker, Timespan::Hour, hour, false);
        let minutes = collect(&state, ticker, Timespan::Minute, hour, false);
        let seconds = collect(&state, ticker, Timespan::Second, hour, false);
        assert_eq!((hours.len(), minutes.len(), seconds.len()), (1, 60, 3_600));
        let whole = hours[0];
        for parts in [&minutes, &seconds] {
            assert_eq!(whole.spread.open, parts[0].spread.open);
            assert_eq!(whole.spread.close, parts[parts.len() - 1].spread.close);
            assert!(parts.iter().all(|part| part.spread.high <= whole.spread.high && part.spread.low >= whole.spread.low));
            let volume: f64 = parts.iter().map(|part| part.turnover.volume).sum();
            assert!((volume - whole.turnover.volume).abs() < 1e-6, "{volume} is not {}", whole.turnover.volume);
        }
        for (minute, seconds) in minutes.iter().zip(seconds.chunks(60)) {
            let high = seconds.iter().map(|second| second.spread.high).fold(0.0, f64::max);
            assert_eq!(minute.spread.high, high, "minute bars are exact");
        }
        for bar in hours.iter().chain(&minutes).chain(&seconds) {
            assert!(
                bar.spread.low <= bar.spread.open.min(bar.spread.close)
                    && bar.spread.high >= bar.spread.open.max(bar.spread.close)
            );
            assert!(bar.average() >= bar.spread.low && bar.average() <= bar.spread.high);
        }
        let last_ms = seconds[3_599].start_ms + 999;
        assert_eq!(with(&state, ticker, |series| series.price_at(last_ms)), seconds[3_599].spread.close);
    }
}

#[test]
fn a_snapshot_agrees_with_the_bars_and_the_last_trade() {
    let state = state(SessionMode::Open);
    let mut volume = 0;
    for second in (0..7_200).step_by(97) {
        let now_ms = at("2026-03-10T18:31:08.250Z") + second * 1_000;
        let view = state.view_at(now_ms);
        let body = snapshots::one_of(&view, Market::Stocks, "NVDA").unwrap();
        let snap = &body["ticker"];
        let number = |group: &str, field: &str| snap[group][field].as_f64().unwrap();
        let price = number("lastTrade", "p");
        assert_eq!(price, trades::last_of(&view, "NVDA").unwrap()["results"]["p"].as_f64().unwrap());
        assert_eq!((price, price), (number("day", "c"), number("min", "c")));
        assert!(number("day", "h") >= number("min", "h") && number("day", "l") <= number("min", "l"));
        assert!(number("lastQuote", "p") < price && price < number("lastQuote", "P"));
        assert_eq!(snap["day"]["v"], snap["min"]["av"]);
        assert!((price - number("prevDay", "c") - snap["todaysChange"].as_f64().unwrap()).abs() < 1e-4);
        let traded_ms = snap["updated"].as_i64().unwrap() / 1_000_000;
        assert!(traded_ms <= now_ms && now_ms - traded_ms < 1_001);
        let traded = snap["day"]["v"].as_u64().unwrap();
        assert!(traded > volume, "the day's volume grows");
        volume = traded;
    }
}

#[test]
fn the_day_never_takes_back_its_extremes() {
    let state = state(SessionMode::Open);
    let start = state.exchange.calendar.midnight_ms(Market::Stocks, jiff::civil::date(2026, 3, 10));
    let mut before: Option<Bar> = None;
    for now_ms in (start + 1_000..start + 4_000_000).step_by(13_700) {
        let today = with(&state, "TSLA", |series| bar(series, start, start + 86_400_000, Hours::Regular, now_ms)).unwrap();
        if let Some(before) = before {
            assert!(today.spread.high >= before.spread.high && today.spread.low <= before.spread.low);
        }
        before = Some(today);
    }
}

#[test]
fn paging_through_bars_loses_nothing_in_either_direction() {
    let state = state(SessionMode::Clock);
    let view = state.view_at(at("2026-11-30T20:00:00Z"));
    for (timespan, multiplier, limit) in
        [("day", "1", 3), ("minute", "7", 700), ("hour", "12", 1_500), ("week", "1", 10), ("month", "2", 42)]
    {
        for sort in ["asc", "desc"] {
            let text = |text: &str| text.to_owned();
            let mut path = RangePath {
                ticker: text("AAPL"),
                multiplier: text(multiplier),
                timespan: text(timespan),
                from: text("2026-11-18"),
                to: text("2026-11-30"),
            };
            let whole = range_of(&view, &path, &query(&format!("sort={sort}&limit=50000"))).unwrap();
            let mut rows: Vec<Value> = Vec::new();
            let mut parameters = query(&format!("sort={sort}&limit={limit}"));
            loop {
                let body = range_of(&view, &path, &parameters).unwrap();
                rows.extend(body["results"].as_array().unwrap().iter().cloned());
                let Some(next) = next_query(&body) else { break };
                let url = body["next_url"].as_str().unwrap();
                let ends: Vec<&str> = url.split_once('?').unwrap().0.rsplit('/').take(2).collect();
                (path.to, path.from) = (text(ends[0]), text(ends[1]));
                parameters = next;
            }
            assert_eq!(Some(&rows), whole["results"].as_array(), "{multiplier} {timespan} {sort}");
        }
    }
}

#[test]
fn the_clock_keeps_new_york_hours() {
    let state = state(SessionMode::Clock);
    // Thanksgiving 2026 is on Thursday, November 26; the Friday ends at 13:00.
    let days = collect(&state, "AAPL", Timespan::Day, ("2026-11-20T12:00:00Z", "2026-11-30T23:00:00Z"), false);
    let starts: Vec<i64> = days.iter().map(|bar| bar.start_ms).collect();
    let expected = ["20", "23", "24", "25", "27", "30"].map(|day| at(&format!("2026-11-{day}T05:00:00Z")));
    assert_eq!(starts, expected);
    let minutes = collect(&state, "AAPL", Timespan::Minute, ("2026-11-26T00:00:00Z", "2026-11-28T12:00:00Z"), false);
    assert_eq!(minutes[0].start_ms, at("2026-11-26T00:00:00Z"), "Wednesday's last hour");
    assert_eq!(minutes[60].start_ms, at("2026-11-27T09:00:00Z"));
    assert_eq!(minutes[minutes.len() - 1].start_ms, at("2026-11-27T21:59:00Z"));
    let weekend =
        |ticker, hour: i64| with(&state, ticker, |series| series.price_at(at("2026-11-28T00:00:00Z") + hour * 3_600_000));
    assert_eq!(weekend("AAPL", 0), weekend("AAPL", 40));
    assert_ne!(weekend("X:BTCUSD", 0), weekend("X:BTCUSD", 40));
    assert_ne!(weekend("C:EURUSD", 0), weekend("C:EURUSD", 40));
    let early = snapshots::one_of(&state.view_at(at("2026-11-30T13:00:00Z")), Market::Stocks, "AAPL").unwrap();
    assert_eq!(early["ticker"]["day"]["v"], 0, "before the open the day is all zeros");
    assert!(early["ticker"]["min"]["av"].as_u64().unwrap() > 0);
}

#[test]
fn a_pinned_price_holds_from_its_moment_on() {
    let state = state(SessionMode::Open);
    let now_ms = at("2026-03-10T18:31:08Z");
    let free = snapshots::one_of(&state.view_at(now_ms + 30_000), Market::Stocks, "AAPL").unwrap();
    state.controls.pin("AAPL", Pin { at_ms: now_ms, price: 999.5 });
    let view = state.view_at(now_ms + 30_000);
    let pinned = snapshots::one_of(&view, Market::Stocks, "AAPL").unwrap();
    for (group, field) in [("lastTrade", "p"), ("day", "c"), ("day", "h"), ("min", "c")] {
        assert_eq!(pinned["ticker"][group][field], 999.5, "{group}.{field}");
    }
    assert_eq!(pinned["ticker"]["day"]["l"], free["ticker"]["day"]["l"]);
    assert_eq!(pinned["ticker"]["prevDay"], free["ticker"]["prevDay"]);
    state.controls.pin("AAPL", Pin { at_ms: now_ms + 60_000, price: 1.25 });
    let view = state.view_at(now_ms + 60_000);
    assert_eq!(trades::last_of(&view, "AAPL").unwrap()["results"]["p"], 1.25);
}

#[test]
fn symbols_are_unique_and_paging_walks_them_all() {
    let state = state(SessionMode::Open);
    let tickers = |text: &str| ask(&state, at(NOON), &format!("/v3/reference/tickers?{text}")).unwrap();
    let mut seen = HashSet::new();
    for row in walk_pages(&state, "/v3/reference/tickers?limit=70&order=desc&sort=name") {
        assert!(seen.insert(row["ticker"].as_str().unwrap().to_owned()));
    }
    assert_eq!(seen.len(), 507);
    let found = tickers("search=apple");
    assert_eq!((found["results"][0]["ticker"].as_str(), found["results"][1]["ticker"].as_str()), (Some("AAPL"), Some("APLE")));
    for (text, count) in [
        ("market=crypto", 3),
        ("market=fx", 3),
        ("market=indices", 1),
        ("market=otc", 0),
        ("ticker=BRK.B", 1),
        ("active=false", 0),
        ("ticker.gte=AAPL&ticker.lt=AAPM", 1),
    ] {
        assert_eq!(tickers(text)["count"], count, "{text}");
    }
}

#[test]
fn an_impossible_speed_is_refused() {
    for speed in [-1.0, f64::NAN, f64::INFINITY] {
        let settings = SimulatorSettings { speed, ..SimulatorSettings::default() };
        assert!(Simulator::start(settings, ([127, 0, 0, 1], 0).into()).is_err());
    }
}
