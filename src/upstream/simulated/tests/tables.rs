//! The lists that are described by tables: filters, orders, limits, and walks over all pages that lose and double nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::super::answer::Refusal;
use super::super::market::SessionMode;
use super::super::parameters::Parameters;
use super::super::routes::{OBJECTS, TABLES};
use super::super::state::State;
use super::super::table::{Asked, Object, Table, page_of};
use super::{at, query, state};

pub(super) const NOON: &str = "2026-03-10T18:31:08.250Z";

pub(super) fn segments(path: &str, pattern: &str) -> Option<HashMap<String, String>> {
    let (path, pattern) = (path.split('/'), pattern.split('/'));
    if path.clone().count() != pattern.clone().count() {
        return None;
    }
    let mut found = HashMap::new();
    for (part, name) in path.zip(pattern) {
        match name.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => {
                let (name, allowed) = name.split_once(':').unwrap_or((name, part));
                if !allowed.split('|').any(|choice| choice == part) {
                    return None;
                }
                found.insert(name.to_owned(), part.to_owned());
            }
            None if part != name => return None,
            None => {}
        }
    }
    Some(found)
}

/// Asks an endpoint as it is at a moment, past HTTP.
pub(super) fn ask(state: &State, now_ms: i64, target: &str) -> Result<Value, Refusal> {
    let (path, text) = target.split_once('?').unwrap_or((target, ""));
    let asked = |segments| Asked { path: path.to_owned(), segments, parameters: query(text) };
    let table = TABLES.iter().copied().flatten().find_map(|table: &Table| Some((table, segments(path, table.path)?)));
    if let Some((table, segments)) = table {
        return page_of(state, now_ms, table, asked(segments));
    }
    let object = OBJECTS.iter().copied().flatten().find_map(|object: &Object| Some((object, segments(path, object.path)?)));
    let (object, segments) = object.unwrap_or_else(|| panic!("no route for {path}"));
    (object.body)(&asked(segments).call(state.view_at(now_ms)))
}

fn rows(body: &Value) -> Vec<Value> {
    let results = &body["results"];
    results.as_array().or_else(|| results["values"].as_array()).cloned().unwrap_or_default()
}

fn list(state: &State, target: &str) -> Vec<Value> {
    rows(&ask(state, at(NOON), target).unwrap())
}

/// Follows every `next_url`, a while later each time.
pub(super) fn walk(state: &State, target: &str) -> Vec<Value> {
    let (mut found, mut next, mut now_ms) = (Vec::new(), target.to_owned(), at(NOON));
    loop {
        let body = ask(state, now_ms, &next).unwrap();
        found.extend(rows(&body));
        let Some(url) = body.get("next_url").and_then(Value::as_str) else { return found };
        next = url.strip_prefix("https://api.massive.com").unwrap().to_owned();
        assert!(!next.to_lowercase().contains("apikey") && next.contains("?cursor="), "{next}");
        now_ms += 7_000;
    }
}

fn market() -> State {
    state(SessionMode::Open)
}

#[test]
fn a_walk_over_all_pages_is_the_whole_list() {
    let state = market();
    for (target, page, whole) in [
        ("/v3/reference/dividends?ticker.any_of=AAPL,MSFT,GM,F", 7, 1_000),
        ("/v3/reference/options/contracts?underlying_ticker=AAPL&order=desc", 97, 1_000),
        ("/v3/snapshot/options/AAPL?contract_type=call&strike_price.gte=240", 61, 250),
        ("/stocks/v1/short-interest?ticker.lt=AB&sort=settlement_date.desc", 13, 50_000),
        ("/fed/v1/treasury-yields?date.gte=2025-06-01&apiKey=secret", 31, 50_000),
        ("/benzinga/v1/ratings?ticker.any_of=AAPL,TSLA,MSFT", 5, 50_000),
        ("/benzinga/v1/news?tickers=AAPL", 3, 50_000),
        ("/futures/v1/contracts?sort=last_trade_date.desc,ticker.asc", 10, 1_000),
        ("/futures/vX/aggs/ESZ6?resolution=1hour&window_start.gte=2026-03-09", 5, 50_000),
        ("/vX/reference/financials?ticker=AAPL", 4, 100),
        ("/v3/snapshot?type=indices", 1, 250),
    ] {
        let all = list(&state, &format!("{target}&limit={whole}"));
        let walked = walk(&state, &format!("{target}&limit={page}"));
        assert!(all.len() >= page, "{target}: {} rows", all.len());
        assert!(all.len() < whole, "{target} has no last page");
        assert_eq!(walked, all, "{target}");
        let different: HashSet<String> = walked.iter().map(Value::to_string).collect();
        assert_eq!(different.len(), walked.len(), "{target}");
    }
}

#[test]
fn ticks_are_walked_without_loss_in_either_direction() {
    let state = state(SessionMode::Clock);
    // Over the end of one day and the beginning of the next, with a pinned price in the night between.
    state.controls.pin("AAPL", super::super::market::prices::Pin { at_ms: at("2026-03-10T03:00:00.123Z"), price: 240.5 });
    let range = "timestamp.gte=2026-03-09T23:59:30Z&timestamp.lt=2026-03-10T08:00:30Z";
    for path in ["/v3/trades/AAPL", "/v3/quotes/AAPL"] {
        let ascending = list(&state, &format!("{path}?{range}&order=asc&limit=50000"));
        let mut descending = list(&state, &format!("{path}?{range}&order=desc&limit=50000"));
        descending.reverse();
        assert_eq!(ascending, descending);
        assert_eq!(walk(&state, &format!("{path}?{range}&order=asc&limit=7")), ascending);
        let times: Vec<i64> = ascending.iter().map(|row| row["sip_timestamp"].as_i64().unwrap()).collect();
        assert!(times.is_sorted_by(|left, right| left < right) && times.iter().all(|&time| time > 1 << 53), "{times:?}");
        assert!((58..=62).contains(&times.len()), "{}", times.len());
        let whole_ms = list(&state, &format!("{path}?timestamp={}&limit=5", times[3]));
        assert_eq!(whole_ms, [ascending[3].clone()]);
        let after = list(&state, &format!("{path}?timestamp.gt={}&order=asc&limit=1", times[3]));
        assert_eq!(after, [ascending[4].clone()]);
    }
    let pinned = list(&state, &format!("/v3/trades/AAPL?{range}&order=asc&limit=50000"));
    assert!(pinned.iter().any(|row| row["price"] == 240.5));
    let futures = walk(&state, "/futures/v1/trades/ESZ6?timestamp.gte=2026-03-10T18:31:00Z&limit=3");
    let sessions = list(&state, "/futures/v1/trades/ESZ6?session_end_date.lt=2026-03-10&limit=2");
    assert!(all_are(&sessions, "session_end_date", |date| date == "2026-03-09"));
    assert!(futures.len() >= 8 && futures.iter().all(|row| row["timestamp"].as_i64().unwrap() > 1 << 53));
}

#[test]
fn the_newest_trade_is_the_last_trade_and_the_newest_quote_is_around_it() {
    let state = market();
    let trades = list(&state, "/v3/trades/AAPL?limit=1");
    let view = state.view_at(at(NOON));
    let last = super::super::routes::trades::last_of(&view, "AAPL").unwrap();
    assert_eq!(
        (&trades[0]["price"], &trades[0]["sip_timestamp"], &trades[0]["id"]),
        (&last["results"]["p"], &last["results"]["t"], &last["results"]["i"])
    );
    let quote = ask(&state, at(NOON), "/v2/last/nbbo/AAPL").unwrap();
    let quoted = list(&state, "/v3/quotes/AAPL?limit=1");
    assert_eq!((&quote["results"]["p"], &quote["results"]["P"]), (&quoted[0]["bid_price"], &quoted[0]["ask_price"]));
    let (bid, price, ask) = (quoted[0]["bid_price"].as_f64(), trades[0]["price"].as_f64(), quoted[0]["ask_price"].as_f64());
    assert!(bid < price && price < ask);
}

fn all_are(rows: &[Value], field: &str, test: impl Fn(&Value) -> bool) -> bool {
    let at = |row: &Value| field.split('.').fold(row.clone(), |value, name| value[name].clone());
    !rows.is_empty() && rows.iter().all(|row| test(&at(row)))
}

#[test]
fn filters_read_the_rows_own_fields() {
    let state = market();
    let found =
        list(&state, "/v3/reference/dividends?ticker=AAPL&ex_dividend_date.gte=2025-01-01&ex_dividend_date.lt=2026-01-01");
    assert!(all_are(&found, "ex_dividend_date", |date| date.as_str().unwrap().starts_with("2025")));
    let found = list(&state, "/v3/snapshot/options/AAPL?strike_price.gte=230&strike_price.lte=250&contract_type=put&limit=250");
    assert!(all_are(&found, "details.strike_price", |strike| (230.0..=250.0).contains(&strike.as_f64().unwrap())));
    assert!(all_are(&found, "details.contract_type", |kind| kind == "put"));
    let found = list(&state, "/benzinga/v1/news?tickers.all_of=AAPL,TSLA&limit=500");
    assert!(found.iter().all(|row| row["tickers"].as_array().unwrap().len() == 2));
    let found = list(&state, "/benzinga/v1/news?channels.any_of=Movers,Options&published.gte=2026-03-10T12:00:00Z");
    assert!(all_are(&found, "published", |time| time.as_str().unwrap() >= "2026-03-10T12:00:00Z"));
    let found = list(&state, "/vX/reference/financials?company_name.search=apple%20inc&timeframe=annual");
    assert!(
        all_are(&found, "company_name", |name| name == "Apple Inc.") && all_are(&found, "fiscal_period", |name| name == "FY")
    );
    let found = list(&state, "/futures/v1/products?name.search=GOLD");
    assert_eq!(found.len(), 1);
    let found = list(&state, "/v3/reference/splits?reverse_split=true&limit=1000");
    assert!(all_are(&found, "split_to", |to| to == 1));
    let found = list(&state, "/v3/reference/conditions?sip=OPRA");
    assert!(all_are(&found, "asset_class", |class| class == "options"));
    let found = list(&state, "/benzinga/v1/earnings?ticker.any_of=AAPL,MSFT&fiscal_year=2025&eps_surprise_percent.gt=0");
    assert!(all_are(&found, "eps_surprise_percent", |percent| percent.as_f64().unwrap() > 0.0));
    let found = list(&state, "/stocks/v1/short-volume?ticker.gte=AA&ticker.lt=AB&date=2026-03-09");
    assert!(all_are(&found, "date", |date| date == "2026-03-09") && all_are(&found, "ticker", |name| name.as_str() < Some("AB")));
    assert!(list(&state, "/futures/v1/contracts?active=false").is_empty());
}

#[test]
fn orders_are_read_in_both_spellings() {
    let state = market();
    let dates = |target: &str| -> Vec<String> {
        list(&state, target).iter().map(|row| row["ex_dividend_date"].as_str().unwrap().to_owned()).collect()
    };
    let newest = dates("/v3/reference/dividends?ticker=AAPL");
    assert!(newest.is_sorted_by(|left, right| left >= right));
    let oldest = dates("/v3/reference/dividends?ticker=AAPL&sort=ex_dividend_date&order=asc");
    assert!(oldest.is_sorted() && oldest != newest);
    assert_eq!(dates("/v3/reference/dividends?ticker=AAPL&sort=ex_dividend_date.asc"), oldest);
    let rows = list(&state, "/stocks/v1/short-interest?sort=days_to_cover.desc,ticker.asc&limit=1000");
    let keys: Vec<(f64, &str)> =
        rows.iter().map(|row| (-row["days_to_cover"].as_f64().unwrap(), row["ticker"].as_str().unwrap())).collect();
    assert!(keys.is_sorted_by(|left, right| left <= right));
}

#[test]
fn wrong_parameters_are_refused_in_words() {
    let state = market();
    for (target, named) in [
        ("/v3/reference/dividends?limit=1001", "limit must be between 1 and 1000"),
        ("/vX/reference/financials?limit=101", "limit must be between 1 and 100"),
        ("/v3/snapshot/options/AAPL?limit=251", "limit must be between 1 and 250"),
        ("/v3/trades/AAPL?limit=50001", "limit must be between 1 and 50000"),
        ("/v1/indicators/sma/AAPL?limit=5001", "limit must be between 1 and 5000"),
        ("/v3/reference/dividends?sort=colour", "sort must be one of"),
        ("/v3/reference/dividends?order=up", "order must be asc or desc"),
        ("/v3/reference/dividends?ex_dividend_date.gt=soon", "ex_dividend_date.gt must be a date"),
        ("/v3/snapshot/options/AAPL?strike_price.gte=high", "strike_price.gte must be a number"),
        ("/v3/trades/AAPL?timestamp.gte=soon", "timestamp.gte must be"),
        ("/v3/trades/AAPL?timestamp.any_of=1,2", "timestamp.any_of must be"),
        ("/futures/v1/contracts?active=maybe", "active must be true or false"),
        ("/futures/v1/aggs/ESZ6?resolution=1fortnight", "resolution must be"),
        ("/v1/conversion/EUR/USD?precision=5", "precision must be between 0 and 4"),
        ("/v1/conversion/EUR/USD?amount=much", "amount must be a number"),
        ("/v1/indicators/macd/AAPL?short_window=30", "short_window must be less than long_window"),
        ("/v1/indicators/rsi/AAPL?series_type=middle", "series_type must be one of"),
        ("/v1/open-close/AAPL/yesterday", "date must be a date"),
        ("/v2/aggs/grouped/locale/None/market/None/2026-03-10", "locale and market must be"),
        ("/v3/snapshot?type=bonds", "type must be one of"),
        ("/v1/summaries", "ticker.any_of must name"),
        ("/fed/v1/inflation?cursor=%25", "cursor is not valid"),
    ] {
        match ask(&state, at(NOON), target) {
            Err(Refusal::BadParameter(text)) => assert!(text.starts_with(named), "{target}: {text}"),
            other => panic!("{target}: {other:?}"),
        }
    }
    let many = vec!["AAPL"; 251].join(",");
    assert!(matches!(ask(&state, at(NOON), &format!("/v3/snapshot?ticker.any_of={many}")), Err(Refusal::BadParameter(_))));
}

#[test]
fn a_cursor_repeats_everything_but_the_key() {
    let pairs = BTreeMap::from([("apiKey", "k"), ("APIKEY", "k"), ("cursor", "c"), ("limit", "3")]);
    let parameters =
        Parameters::from(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>());
    assert_eq!(parameters.shareable().keys().collect::<Vec<_>>(), ["limit"]);
}

#[test]
fn the_same_seed_has_the_same_tables_and_another_has_others() {
    let other = State::new(super::SimulatorSettings { seed: 2, ..super::SimulatorSettings::default() });
    for target in ["/fed/v1/treasury-yields?date.gte=2026-01-01", "/benzinga/v1/ratings?ticker=AAPL", "/futures/v1/snapshot"] {
        let ours = list(&market(), target);
        assert_eq!(ours, list(&market(), target));
        assert_ne!(ours, list(&other, target), "{target}");
    }
}
