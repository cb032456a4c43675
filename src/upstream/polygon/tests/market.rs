//! Quotes and the market's session, as pollers get them.

use actix_web::HttpResponse;
use tickgate_core::market::{Market, MarketPhase, Quote, Source, Symbol};
use tickgate_core::ports::{MarketData as _, UpstreamErrorKind};
use tickgate_core::time::Millis;

use super::harness::{Scripted, Wanted, json, simulator};
use crate::upstream::polygon::Plan;
use crate::upstream::polygon::market_data::{Reading, read_snapshot};

const SNAPSHOT: &str = include_str!("../../../../tests/fixtures/polygon/v2_snapshot_us_stocks_tickers_AAPL.json");
const MOVERS: &str = include_str!("../../../../tests/fixtures/polygon/v2_snapshot_us_stocks_gainers.json");
const PREVIOUS: &str = include_str!("../../../../tests/fixtures/polygon/v2_aggs_ticker_AAPL_prev.json");
const FETCHED: Millis = Millis(1_773_167_468_000);

fn symbols(texts: &[&str]) -> Vec<Symbol> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn read(body: &str, wanted: &[&str]) -> Vec<Quote> {
    let symbols = symbols(wanted);
    read_snapshot(body.as_bytes(), Reading { symbols: &symbols, source: Source::Poll, delayed: false, fetched: FETCHED }).unwrap()
}

/// The fixture's row without some of its parts.
fn row_without(parts: &[&str]) -> Vec<Quote> {
    let fixture: serde_json::Value = serde_json::from_str(SNAPSHOT).unwrap();
    let mut row = fixture["ticker"].clone();
    for part in parts {
        row.as_object_mut().unwrap().remove(*part);
    }
    read(&serde_json::json!({"status": "OK", "tickers": [row]}).to_string(), &["AAPL"])
}

#[test]
fn the_fixture_snapshot_is_read() {
    let quotes = row_without(&[]);
    let quote = &quotes[0];
    assert_eq!((quote.symbol.as_str(), quote.price, quote.size), ("AAPL", 239.85, Some(40.0)));
    assert_eq!((quote.bid, quote.ask, quote.volume), (Some(239.84), Some(239.86), 41_220_118.0));
    assert!((quote.change - 0.52).abs() < 1e-9 && (quote.change_percent - 0.2173).abs() < 1e-4);
    assert_eq!((quote.as_of, quote.source, quote.delayed), (Millis(1_773_167_467_294), Source::Poll, false));
    let movers = read(MOVERS, &["ZVZT", "QRBX", "MNDL"]);
    assert_eq!(movers.iter().map(|quote| quote.price).collect::<Vec<_>>(), [1.79, 6.42, 0.4507]);
}

#[test]
fn every_part_of_a_snapshot_may_be_missing() {
    let price_and_time = |parts: &[&str]| row_without(parts).first().map(|quote| (quote.price, quote.as_of));
    assert_eq!(price_and_time(&["lastTrade", "updated"]), Some((239.85, Millis(1_773_167_460_000))));
    assert_eq!(price_and_time(&["lastTrade", "min"]), Some((239.85, Millis(1_773_167_467_294))));
    assert_eq!(price_and_time(&["lastTrade", "min", "updated", "day"]), Some((239.33, FETCHED)));
    assert_eq!(price_and_time(&["lastTrade", "min", "day", "prevDay"]), None);
    let quote = row_without(&["lastQuote", "lastTrade", "prevDay", "day"]).remove(0);
    assert_eq!((quote.bid, quote.ask, quote.size, quote.change), (None, None, None, 0.52));
    assert_eq!(quote.volume, 41_220_118.0);
}

#[test]
fn before_the_open_a_day_of_zeros_is_no_price() {
    let body = serde_json::json!({"status": "OK", "tickers": [{"ticker": "AAPL", "updated": 0, "todaysChange": 0,
        "day": {"o": 0, "h": 0, "l": 0, "c": 0, "v": 0}, "min": {"c": 0, "av": 0, "t": 0}, "lastTrade": null,
        "prevDay": {"c": 239.33, "v": 1}}]});
    let quote = read(&body.to_string(), &["AAPL"]).remove(0);
    assert_eq!((quote.price, quote.change, quote.volume, quote.as_of), (239.33, 0.0, 0.0, FETCHED));
}

#[test]
fn a_malformed_row_and_one_that_nobody_asked_for_cost_no_other() {
    let body = r#"{"status":"OK","tickers":[{"ticker":"AAPL","lastTrade":"x"},7,{"ticker":"TSLA","lastTrade":{"p":2}},
        {"ticker":"MSFT","lastTrade":{"p":3,"s":1,"t":1773167467294080343},"lastQuote":{"b":2.9,"a":3.1}}]}"#;
    let quotes = read(body, &["AAPL", "MSFT"]);
    assert_eq!(quotes.len(), 1);
    assert_eq!((quotes[0].symbol.as_str(), quotes[0].bid, quotes[0].ask), ("MSFT", Some(2.9), Some(3.1)));
}

#[actix_rt::test]
async fn all_symbols_of_a_market_come_in_one_call_without_those_that_do_not_exist() {
    let simulator = simulator("");
    simulator.set_price("AAPL", 123.45);
    let bench = Wanted::at(&simulator.base_url()).make();
    let quotes = bench.client.quotes(Market::Stocks, &symbols(&["AAPL", "MSFT", "ZZZZZZ"])).await.unwrap();
    assert_eq!(quotes.iter().map(|quote| quote.symbol.as_str()).collect::<Vec<_>>(), ["AAPL", "MSFT"]);
    assert_eq!((quotes[0].price, quotes[0].source, quotes[0].delayed), (123.45, Source::Simulated, false));
    assert!(quotes[0].as_of > Millis(1_700_000_000_000));
    assert_eq!((simulator.requests_to("/v2/snapshot/"), bench.client.quote_calls(100), bench.client.quote_calls(101)), (1, 1, 2));
    let coins = bench.client.quotes(Market::Crypto, &symbols(&["X:BTCUSD"])).await.unwrap();
    let pairs = bench.client.quotes(Market::Forex, &symbols(&["C:EURUSD"])).await.unwrap();
    assert!(coins[0].price > 0.0 && pairs[0].bid < pairs[0].ask);
    assert_eq!(bench.client.quotes(Market::Stocks, &[]).await, Ok(vec![]));
    assert_eq!(simulator.requests_to("/v2/snapshot"), 3);
}

#[actix_rt::test]
async fn a_plan_that_turns_out_to_have_no_snapshots_shows_previous_closes() {
    let simulator = simulator("");
    let bench = Wanted { key: "free-key", plan: Plan::Starter, ..Wanted::at(&simulator.base_url()) }.make();
    assert_eq!(bench.client.quote_calls(3), 1);
    let asked = symbols(&["AAPL", "ZZZZZZ", "MSFT"]);
    let quotes = bench.client.quotes(Market::Stocks, &asked).await.unwrap();
    assert_eq!(quotes.iter().map(|quote| quote.symbol.as_str()).collect::<Vec<_>>(), ["AAPL", "MSFT"]);
    assert!(quotes.iter().all(|quote| quote.delayed && quote.change == 0.0 && quote.price > 0.0));
    assert_eq!((bench.client.quote_calls(3), simulator.requests_to("/v2/snapshot/")), (3, 1));
    assert_eq!(bench.client.quotes(Market::Stocks, &asked).await.unwrap(), quotes);
    assert_eq!(simulator.requests_to("/v2/snapshot/"), 1, "it was not asked again");
}

#[actix_rt::test]
async fn the_free_plan_never_asks_for_a_snapshot_and_goes_on_where_it_failed() {
    let upstream = Scripted::start(|number, _| if number == 1 { HttpResponse::Unauthorized().finish() } else { json(PREVIOUS) });
    let bench = Wanted { plan: Plan::Free, ..Wanted::at(&upstream.base) }.make();
    let asked = symbols(&["AAPL", "X:BTCUSD"]);
    let error = bench.client.quotes(Market::Stocks, &asked).await.unwrap_err();
    assert_eq!(error.kind, UpstreamErrorKind::Auth);
    let quotes = bench.client.quotes(Market::Stocks, &asked).await.unwrap();
    assert_eq!((quotes.len(), quotes[0].price, quotes[0].as_of), (2, 239.33, Millis(1_773_086_400_000)));
    assert_eq!((quotes[0].volume, quotes[0].delayed, bench.client.quote_calls(2)), (69_778_058.0, true, 2));
    let targets = upstream.targets();
    assert_eq!(targets, ["/v2/aggs/ticker/AAPL/prev", "/v2/aggs/ticker/X:BTCUSD/prev", "/v2/aggs/ticker/X:BTCUSD/prev"]);
}

#[actix_rt::test]
async fn a_stock_that_has_not_traded_since_the_night_has_its_previous_close_and_is_not_taken_for_unknown() {
    let upstream = Scripted::start(|_, target| match target {
        target if target.starts_with("/v2/snapshot") => json(r#"{"status":"OK","tickers":[{"ticker":"MSFT","day":{"c":5}}]}"#),
        "/v2/aggs/ticker/AAPL/prev" => json(PREVIOUS),
        _ => json(r#"{"status":"OK","resultsCount":0}"#),
    });
    let bench = Wanted::at(&upstream.base).make();
    let asked = symbols(&["AAPL", "MSFT", "NOSUCH"]);
    for _ in 0..2 {
        let mut quotes = bench.client.quotes(Market::Stocks, &asked).await.unwrap();
        quotes.sort_by(|a, b| a.symbol.as_str().cmp(b.symbol.as_str()));
        let told: Vec<_> = quotes.iter().map(|quote| (quote.symbol.as_str(), quote.price, quote.delayed)).collect();
        assert_eq!(told, [("AAPL", 239.33, true), ("MSFT", 5.0, false)]);
    }
    let targets = upstream.targets();
    let closes: Vec<&str> = targets.iter().map(String::as_str).filter(|target| target.ends_with("/prev")).collect();
    assert_eq!(closes, ["/v2/aggs/ticker/AAPL/prev", "/v2/aggs/ticker/NOSUCH/prev"], "each is asked for once");
}

#[actix_rt::test]
async fn indices_and_options_come_from_the_universal_snapshot() {
    let upstream = Scripted::start(|_, _| {
        json(r#"{"status":"OK","results":[{"ticker":"I:SPX","value":5800.5},{"ticker":"I:NOSUCH","error":"NOT_FOUND"}]}"#)
    });
    let bench = Wanted::at(&upstream.base).make();
    let quotes = bench.client.quotes(Market::Indices, &symbols(&["I:SPX", "I:NOSUCH"])).await.unwrap();
    assert_eq!((quotes.len(), quotes[0].price), (1, 5_800.5));
    assert_eq!(upstream.targets(), ["/v3/snapshot?ticker.any_of=I:SPX,I:NOSUCH&limit=250"]);
}

#[actix_rt::test]
async fn answers_of_another_shape_are_failures_and_not_empty() {
    for fault in ["noresults", "wrongtype"] {
        let simulator = simulator(&format!("{fault}:1"));
        let bench = Wanted::at(&simulator.base_url()).make();
        let error = bench.client.quotes(Market::Stocks, &symbols(&["AAPL"])).await.unwrap_err();
        assert_eq!(error.kind, UpstreamErrorKind::InvalidResponse, "{fault}");
    }
}

#[actix_rt::test]
async fn the_session_is_read_from_the_simulated_upstream() {
    let simulator = simulator("");
    let bench = Wanted::at(&simulator.base_url()).make();
    let status = bench.client.market_status().await.unwrap();
    assert_eq!((status.market.as_str(), status.phase), ("open", MarketPhase::Regular));
    assert!(bench.clock.now().since(status.server_time) < 60_000);
}

#[actix_rt::test]
async fn a_symbol_that_the_snapshot_leaves_out_is_not_unknown_before_its_previous_close_is() {
    // Snapshots are cleared at 03:30 and fill as symbols begin to trade.
    let upstream = Scripted::start(|_, target| match target {
        "/v2/aggs/ticker/AAPL/prev" => json(PREVIOUS),
        target if target.starts_with("/v2/aggs") => json(r#"{"status":"OK","resultsCount":0}"#),
        _ => json(r#"{"status":"OK","tickers":[{"ticker":"MSFT","lastTrade":{"p":3,"t":1773167467294080343}}]}"#),
    });
    let bench = Wanted::at(&upstream.base).make();
    let asked = symbols(&["AAPL", "MSFT", "NOSUCH"]);
    let quotes = bench.client.quotes(Market::Stocks, &asked).await.unwrap();
    let shown: Vec<_> = quotes.iter().map(|quote| (quote.symbol.as_str(), quote.price, quote.delayed)).collect();
    assert_eq!(shown, [("MSFT", 3.0, false), ("AAPL", 239.33, true)]);
    bench.client.quotes(Market::Stocks, &asked[..2]).await.unwrap();
    assert_eq!(upstream.targets().iter().filter(|target| target.ends_with("/AAPL/prev")).count(), 1, "a close is remembered");
}

#[actix_rt::test]
async fn a_snapshot_that_leaves_a_symbol_out_stands_though_its_close_cannot_be_had() {
    let upstream = Scripted::start(|_, target| {
        if target.starts_with("/v2/aggs") {
            return HttpResponse::Forbidden().finish();
        }
        json(r#"{"status":"OK","tickers":[{"ticker":"MSFT","lastTrade":{"p":3,"t":1773167467294080343}}]}"#)
    });
    let bench = Wanted::at(&upstream.base).make();
    assert_eq!(bench.client.quotes(Market::Stocks, &symbols(&["AAPL", "MSFT"])).await.unwrap().len(), 1);
}

#[actix_rt::test]
async fn a_small_plan_learns_the_closures_to_come_too() {
    let upstream = Scripted::start(|_, target| {
        json(match target {
            "/v1/marketstatus/upcoming" => r#"[{"date":"2026-11-26","exchange":"NYSE","status":"closed"}]"#,
            _ => r#"{"market":"open"}"#,
        })
    });
    // Polls of 28 calls a minute are three seconds apart, those of the free plan a quarter of a minute.
    let bench = Wanted { plan: Plan::Free, per_minute: 28, ..Wanted::at(&upstream.base) }.make();
    let first = bench.client.market_status().await.unwrap();
    assert_eq!(first.special_days, None, "at a start every topic waits for its first poll");
    let second = bench.client.market_status().await.unwrap();
    assert_eq!(second.special_days.map(|days| days.len()), Some(1));
}
