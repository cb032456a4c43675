//! Rows have every key of the vendor's samples, in the same JSON type; what is optional upstream is sometimes absent here.

use serde_json::Value;

use super::super::market::SessionMode;
use super::super::state::State;
use super::tables::{NOON, ask};
use super::{at, state};

macro_rules! fixture {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!("../../../../tests/fixtures/polygon/", $name))).unwrap()
    };
}

fn market() -> State {
    state(SessionMode::Clock)
}

fn body(target: &str) -> Value {
    ask(&market(), at(NOON), target).unwrap()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "flag",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// Fails unless every key of the sample is there with its type; of lists the first elements are compared.
fn assert_covers(ours: &Value, sample: &Value, path: &str, optional: &[&str]) {
    assert_eq!(kind(ours), kind(sample), "{path}: {ours} instead of {sample}");
    match (ours, sample) {
        (Value::Object(fields), Value::Object(wanted)) => {
            for (name, value) in wanted.iter().filter(|(name, _)| !optional.contains(&name.as_str()) && *name != "request_id") {
                let ours = fields.get(name).unwrap_or_else(|| panic!("{path}.{name} is missing in {fields:?}"));
                assert_covers(ours, value, &format!("{path}.{name}"), optional);
            }
        }
        (Value::Array(ours), Value::Array(wanted)) => {
            if let (Some(ours), Some(wanted)) = (ours.first(), wanted.first()) {
                assert_covers(ours, wanted, &format!("{path}[]"), optional);
            }
            assert!(wanted.is_empty() || !ours.is_empty(), "{path} is empty");
        }
        (Value::Number(ours), Value::Number(wanted)) => {
            // What is a whole number beyond a double upstream must be one here.
            assert!(wanted.as_i64().is_none_or(|number| number <= 1 << 53) || ours.as_i64().is_some(), "{path}: {ours}");
        }
        _ => {}
    }
}

#[test]
fn one_day() {
    let sample = fixture!("v2_aggs_grouped_locale_us_market_stocks_2026-03-10.json");
    assert_covers(&body("/v2/aggs/grouped/locale/us/market/stocks/2026-03-09"), &sample, "", &[]);
    let sample = fixture!("v1_open-close_AAPL_2026-03-10.json");
    assert_covers(&body("/v1/open-close/AAPL/2026-03-09"), &sample, "", &[]);
    let today = body("/v1/open-close/AAPL/2026-03-10");
    assert!(today.get("afterHours").is_none(), "the day is not over");
}

#[test]
fn a_day_of_the_market_agrees_with_the_bars() {
    let state = market();
    let grouped = ask(&state, at(NOON), "/v2/aggs/grouped/locale/us/market/stocks/2026-03-09").unwrap();
    let row = grouped["results"].as_array().unwrap().iter().find(|row| row["T"] == "AAPL").unwrap();
    let before = super::super::routes::aggregates::previous_of(&state.view_at(at(NOON)), "AAPL", &super::query("")).unwrap();
    assert_eq!(*row, before["results"][0]);
    let day = ask(&state, at(NOON), "/v1/open-close/AAPL/2026-03-09").unwrap();
    assert_eq!((&day["open"], &day["close"], &day["volume"]), (&row["o"], &row["c"], &row["v"]));
}

#[test]
fn trades_and_quotes() {
    let sample = fixture!("v3_trades_AAPL.json");
    assert_covers(&body("/v3/trades/AAPL?limit=4"), &sample, "", &["conditions"]);
    let many = body("/v3/trades/AAPL?limit=2000");
    let rows = many["results"].as_array().unwrap();
    for field in ["conditions", "trf_id", "trf_timestamp", "correction", "decimal_size"] {
        assert!(rows.iter().any(|row| row.get(field).is_some()), "{field}");
    }
    assert!(rows.iter().any(|row| row.get("conditions").is_none()) && rows.iter().any(|row| row.get("trf_id").is_none()));
    assert_covers(&body("/v2/last/nbbo/AAPL"), &fixture!("v2_last_nbbo_AAPL.json"), "", &[]);
}

#[test]
fn currencies_and_coins() {
    let samples = fixture!("fx_crypto.json");
    for (target, sample) in samples.as_object().unwrap() {
        assert_covers(&body(target), sample, target, &[]);
    }
    let there = body("/v1/conversion/EUR/USD?amount=100&precision=4")["converted"].as_f64().unwrap();
    let back = body(&format!("/v1/conversion/USD/EUR?amount={there}"))["converted"].as_f64().unwrap();
    assert!((back - 100.0).abs() < 0.05, "{back}");
    let book = body("/v2/snapshot/locale/global/markets/crypto/tickers/X:BTCUSD/book");
    let best = |side: &str| book["data"][side][0]["p"].as_f64().unwrap();
    assert!(best("bids") < best("asks"));
}

#[test]
fn dividends_and_splits() {
    for (target, sample) in fixture!("v3_reference_dividends_splits.json").as_object().unwrap() {
        let target = target.replace("dividends?ticker=AAPL", "dividends?ticker=AAPL&limit=3");
        assert_covers(&body(&target), sample, &target, &[]);
    }
}

#[test]
fn indicators() {
    for (target, sample) in fixture!("v1_indicators_AAPL.json").as_object().unwrap() {
        let join = if target.contains('?') { '&' } else { '?' };
        assert_covers(&body(&format!("{target}{join}limit=3")), sample, target, &[]);
    }
}

#[test]
fn indicators_follow_from_the_bars() {
    let closes: Vec<f64> = {
        let state = market();
        let view = state.view_at(at(NOON));
        let path = super::super::routes::aggregates::RangePath {
            ticker: "AAPL".to_owned(),
            multiplier: "1".to_owned(),
            timespan: "day".to_owned(),
            from: "2026-01-02".to_owned(),
            to: "2026-03-10".to_owned(),
        };
        let bars = super::super::routes::aggregates::range_of(&view, &path, &super::query("")).unwrap();
        bars["results"].as_array().unwrap().iter().map(|bar| bar["c"].as_f64().unwrap()).collect()
    };
    let mean = closes.iter().rev().take(20).sum::<f64>() / 20.0;
    let average = body("/v1/indicators/sma/AAPL?window=20&limit=1");
    assert!((average["results"]["values"][0]["value"].as_f64().unwrap() - mean).abs() < 1e-9);
    let values = |target: &str| -> Vec<(i64, f64)> {
        let body = body(target);
        let values = body["results"]["values"].as_array().unwrap();
        values.iter().map(|row| (row["timestamp"].as_i64().unwrap(), row["value"].as_f64().unwrap())).collect()
    };
    // However a value is asked for, it is the same.
    for path in ["/v1/indicators/ema/AAPL?window=10", "/v1/indicators/rsi/AAPL?window=5", "/v1/indicators/macd/AAPL?"] {
        let newest = values(&format!("{path}&limit=8"));
        let range = format!("timestamp.gte={}&order=asc&limit=8", newest[7].0);
        let mut oldest = values(&format!("{path}&{range}"));
        oldest.reverse();
        assert_eq!(newest.len(), oldest.len());
        assert!(newest.iter().zip(&oldest).all(|(left, right)| left.0 == right.0 && (left.1 - right.1).abs() < 1e-6), "{path}");
    }
    let strength = values("/v1/indicators/rsi/AAPL?limit=50");
    assert!(strength.iter().all(|(_, value)| (0.0..=100.0).contains(value)));
    let expanded = body("/v1/indicators/sma/AAPL?window=5&limit=2&expand_underlying=true");
    assert!(expanded["results"]["underlying"]["aggregates"][0]["c"].is_number());
    let unknown = body("/v1/indicators/sma/NOSUCH");
    assert!(unknown["results"].get("values").is_none() && unknown["results"]["underlying"]["url"].is_string());
}

#[test]
fn options() {
    let sample = fixture!("v3_snapshot_options_AAPL.json");
    let chain = body("/v3/snapshot/options/AAPL?expiration_date=2026-04-17&limit=250");
    let rows = chain["results"].as_array().unwrap();
    let whole = |row: &&Value| row.get("last_trade").is_some() && row.get("implied_volatility").is_some();
    assert_covers(rows.iter().find(whole).unwrap(), &sample["results"][0], "", &[]);
    for row in rows {
        assert_covers(row, &sample["results"][0], "", &["last_trade", "implied_volatility", "delta", "gamma", "theta", "vega"]);
    }
    let without_greeks = rows.iter().filter(|row| row["greeks"] == serde_json::json!({})).count();
    assert!(without_greeks > 0 && without_greeks < rows.len(), "{without_greeks} of {}", rows.len());
    let one = body("/v3/snapshot/options/AAPL/O:AAPL260417C00240000");
    assert_eq!(one["results"], *rows.iter().find(|row| row["details"]["ticker"] == "O:AAPL260417C00240000").unwrap());
    let delta = one["results"]["greeks"]["delta"].as_f64().unwrap();
    assert!((0.01..0.99).contains(&delta), "{delta}");
    let expired = body("/v3/reference/options/contracts?underlying_ticker=AAPL&expired=true&limit=5");
    assert!(expired["results"][0]["expiration_date"].as_str().unwrap() < "2026-03-10");
}

#[test]
fn universal_snapshots_fail_item_by_item() {
    let sample = &fixture!("errors.json")["200_per_item_error"]["body"];
    let ours = body("/v3/snapshot?ticker.any_of=AAPL,NOSUCH,I:NDX,O:AAPL260417C00240000,I:SPX,C:EURUSD");
    let row = |ticker: &str| ours["results"].as_array().unwrap().iter().find(|row| row["ticker"] == ticker).unwrap().clone();
    assert_covers(&row("AAPL"), &sample["results"][0], "", &["conditions"]);
    assert_eq!(row("NOSUCH"), sample["results"][1]);
    assert_eq!((row("I:NDX")["error"].as_str(), row("I:NDX").get("session")), (Some("NOT_ENTITLED"), None));
    assert!(row("I:SPX")["value"].is_number() && row("I:SPX")["market_status"] == "regular_trading");
    assert_eq!((&row("O:AAPL260417C00240000")["type"], row("C:EURUSD").get("last_trade")), (&"options".into(), None));
    let summaries = body("/v1/summaries?ticker.any_of=AAPL,O:AAPL260417C00240000,NOSUCH");
    let rows = summaries["results"].as_array().unwrap();
    assert!(rows[0]["price"].is_number() && rows[0]["branding"]["icon_url"].is_string() && rows[0].get("last_trade").is_none());
    assert!(rows[1]["error"] == "NOT_FOUND" && rows[2]["options"]["strike_price"] == 240, "{rows:?}");
    let indices = body("/v3/snapshot/indices?ticker.any_of=I:SPX,AAPL");
    assert_eq!(indices["results"][0]["error"], "NOT_FOUND", "a stock is no index");
}

#[test]
fn statements_add_up() {
    let reports = body("/vX/reference/financials?ticker=AAPL&timeframe=annual");
    let financials = &reports["results"][0]["financials"];
    let value = |statement: &str, field: &str| financials[statement][field]["value"].as_f64().unwrap();
    let sheet = |field| value("balance_sheet", field);
    assert_eq!(sheet("assets"), sheet("liabilities") + sheet("equity"));
    let income = |field| value("income_statement", field);
    assert_eq!(income("revenues") - income("cost_of_revenue"), income("gross_profit"));
    let quarters = body("/vX/reference/financials?ticker=AAPL&timeframe=quarterly&period_of_report_date.lte=2025-12-31&limit=4");
    let sum: f64 = quarters["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["financials"]["income_statement"]["revenues"]["value"].as_f64().unwrap())
        .sum();
    assert_eq!(reports["results"][0]["end_date"], "2025-12-31");
    assert_eq!(sum, income("revenues"));
}
