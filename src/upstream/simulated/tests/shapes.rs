//! Every route answers with the keys, nesting and types of its fixture.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::market::SessionMode;
use super::super::market::universe::Market;
use super::super::routes::aggregates::{RangePath, previous_of, range_of};
use super::super::routes::{news, snapshots, status, tickers, trades};
use super::super::state::State;
use super::tables::ask;
use super::{at, query, state};

macro_rules! fixture {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!("../../../../tests/fixtures/polygon/", $name))).unwrap()
    };
}

/// Collects `path: type` of every value. Elements of an array share one path.
fn shape(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    let mut put = |kind: &str| found.insert(format!("{path}: {kind}"));
    match value {
        Value::Null => put("null"),
        Value::Bool(_) => put("flag"),
        Value::Number(number) if number.is_f64() => put("decimal"),
        Value::Number(_) => put("whole"),
        Value::String(_) => put("text"),
        Value::Array(items) => {
            items.iter().for_each(|item| shape(item, &format!("{path}[]"), found));
            true
        }
        Value::Object(fields) => {
            // The envelope's request id is put in when the answer is sent.
            let fields = fields.iter().filter(|(name, _)| *name != "request_id");
            fields.for_each(|(name, value)| shape(value, &format!("{path}.{name}"), found));
            true
        }
    };
}

fn shape_of(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    shape(value, "", &mut found);
    // Where decimals are shown, a whole number among them is a decimal too.
    let decimals: Vec<String> =
        found.iter().filter(|entry| entry.ends_with(": decimal")).map(|entry| entry.replace("decimal", "whole")).collect();
    for entry in decimals {
        found.remove(&entry);
    }
    found
}

fn assert_same_shape(ours: &Value, fixture: &Value) {
    assert_eq!(shape_of(ours), shape_of(fixture));
}

fn market() -> State {
    state(SessionMode::Open)
}

const NOON: &str = "2026-03-10T18:31:08.250Z";

fn range(ticker: &str, multiplier: &str, timespan: &str, from: &str, to: &str) -> RangePath {
    let owned = str::to_owned;
    RangePath {
        ticker: owned(ticker),
        multiplier: owned(multiplier),
        timespan: owned(timespan),
        from: owned(from),
        to: owned(to),
    }
}

#[test]
fn a_snapshot() {
    let state = market();
    // Conditions are null in some trades; take a moment in which they are not, as in the fixture.
    let bodies =
        (0..40).map(|second| snapshots::one_of(&state.view_at(at(NOON) + second * 1_000), Market::Stocks, "AAPL").unwrap());
    let body = bodies.into_iter().find(|body| body["ticker"]["lastTrade"]["c"].is_array()).unwrap();
    assert_same_shape(&body, &fixture!("v2_snapshot_us_stocks_tickers_AAPL.json"));
}

#[test]
fn movers() {
    let state = market();
    let body = snapshots::movers_of(&state.view_at(at(NOON)), Market::Stocks, true);
    let fixture = fixture!("v2_snapshot_us_stocks_gainers.json");
    assert_same_shape(&body, &fixture);
    let moved: Vec<f64> =
        body["tickers"].as_array().unwrap().iter().map(|row| row["todaysChangePerc"].as_f64().unwrap()).collect();
    assert!(moved.len() <= 20 && !moved.is_empty() && moved.is_sorted_by(|left, right| left >= right), "{moved:?}");
}

#[test]
fn a_list_of_snapshots_leaves_unknown_tickers_out() {
    let state = market();
    let view = state.view_at(at(NOON));
    let body = snapshots::list_of(&view, Market::Stocks, &query("tickers=AAPL,NOSUCH,TSLA,X:BTCUSD")).unwrap();
    let named: Vec<&str> = body["tickers"].as_array().unwrap().iter().map(|row| row["ticker"].as_str().unwrap()).collect();
    assert_eq!(named, ["AAPL", "TSLA"]);
    let all = snapshots::list_of(&view, Market::Stocks, &query("")).unwrap();
    assert_eq!(all["tickers"].as_array().unwrap().len(), 500);
    assert!(snapshots::one_of(&view, Market::Stocks, "NOSUCH").is_err());
}

#[test]
fn bars() {
    let state = market();
    let view = state.view_at(at(NOON));
    let path = range("AAPL", "1", "day", "2026-02-27", "2026-03-10");
    let body = range_of(&view, &path, &query("limit=5")).unwrap();
    assert_same_shape(&body, &fixture!("v2_aggs_ticker_AAPL_range_1_day__page1.json"));
    let body = range_of(&view, &path, &query("")).unwrap();
    assert_same_shape(&body, &fixture!("v2_aggs_ticker_AAPL_range_1_day__page2.json"));
    let body = previous_of(&view, "AAPL", &query("")).unwrap();
    assert_same_shape(&body, &fixture!("v2_aggs_ticker_AAPL_prev.json"));
    let unknown = range_of(&view, &range("NOSUCH", "1", "day", "2026-02-27", "2026-03-10"), &query("")).unwrap();
    assert_same_shape(&unknown, &fixture!("errors.json")["200_empty_aggs_without_results_key"]["body"]);
}

#[test]
fn the_last_trade() {
    let state = market();
    let bodies = (0..40).map(|second| trades::last_of(&state.view_at(at(NOON) + second * 1_000), "AAPL").unwrap());
    let body = bodies.into_iter().find(|body| body["results"].get("c").is_some()).unwrap();
    assert_same_shape(&body, &fixture!("v2_last_trade_AAPL.json"));
}

#[test]
fn reference_data() {
    let state = market();
    let view = state.view_at(at(NOON));
    let body = ask(&state, at(NOON), "/v3/reference/tickers?search=aap&limit=1").unwrap();
    assert_same_shape(&body, &fixture!("v3_reference_tickers__search_apple.json"));
    let body = tickers::details_of(&view, "AAPL").unwrap();
    assert_same_shape(&body, &fixture!("v3_reference_tickers_AAPL.json"));
    assert!(tickers::details_of(&view, "aapl").is_err(), "tickers are case-sensitive");
}

#[test]
fn articles() {
    let state = market();
    let body = news::list_of(&state.view_at(at(NOON)), &state.newsroom, &query("ticker=TSLA&limit=200")).unwrap();
    assert_same_shape(&body, &fixture!("v2_reference_news_TSLA__poll1.json"));
}

#[test]
fn the_market_status() {
    let fixture = fixture!("v1_marketstatus.json");
    let state = state(SessionMode::Clock);
    for (key, moment) in
        [("open", "2026-03-10T18:31:08Z"), ("extended", "2026-03-10T21:12:44Z"), ("closed", "2026-03-14T15:00:00Z")]
    {
        let ours = status::now_of(&state.view_at(at(moment)));
        let theirs = &fixture[format!("/v1/marketstatus/now#{key}")];
        assert_same_shape(&ours, theirs);
        for field in ["market", "earlyHours", "afterHours", "exchanges", "indicesGroups", "serverTime"] {
            assert_eq!(ours[field], theirs[field], "{field} when {key}");
        }
    }
    let upcoming = status::upcoming_of(&state.view_at(at("2026-11-25T15:00:00Z")));
    assert_same_shape(&upcoming, &fixture["/v1/marketstatus/upcoming"]);
    let row = upcoming.as_array().unwrap().iter().find(|row| row["status"] == "early-close").unwrap();
    assert_eq!(*row, fixture["/v1/marketstatus/upcoming"][6]);
}

#[test]
fn refusals_are_worded_as_upstream() {
    let fixture = fixture!("errors.json");
    let state = market();
    let view = state.view_at(at(NOON));
    let refused = ask(&state, at(NOON), "/v3/reference/tickers?limit=1001").unwrap_err();
    let expected = fixture["400_bad_parameter"]["body"]["error"].as_str().unwrap();
    assert_eq!(refused, super::super::answer::Refusal::BadParameter(expected.to_owned()));
    for (from, text) in
        [("yesterday", "limit=5"), ("2026-03-01", "limit=50001"), ("2026-03-01", "sort=up"), ("2027-01-01", "limit=1")]
    {
        assert!(range_of(&view, &range("AAPL", "1", "day", from, "2026-03-10"), &query(text)).is_err(), "{from} {text}");
    }
}
