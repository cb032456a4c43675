//! What people ask for is found.

use tickgate_core::access::Principal;

use super::*;

fn reader() -> Caller {
    Caller::trusted(Principal::new("user", "ada"), Scope::Read)
}

fn names(query: &str) -> Vec<&'static str> {
    ranking::search(query, None).into_iter().map(|found| found.endpoint.name).collect()
}

#[test]
fn what_people_call_a_thing_finds_how_the_table_calls_it() {
    let mut missed = Vec::new();
    for (query, expected) in [
        ("candle", "get_aggs"),
        ("candlestick chart of AAPL", "get_aggs"),
        ("cpi", "list_inflation"),
        ("dividend yield", "list_dividends"),
        ("greeks", "list_snapshot_options_chain"),
        ("implied volatility of an option", "list_snapshot_options_chain"),
        ("fx", "get_last_forex_quote"),
        ("convert euros to dollars", "get_real_time_currency_conversion"),
        ("bitcoin price", "get_last_crypto_trade"),
        ("order book", "get_snapshot_crypto_book"),
        ("yield curve", "list_treasury_yields"),
        ("who upgraded TSLA", "list_benzinga_ratings"),
        ("short squeeze", "list_short_interest"),
        ("competitors", "get_related_companies"),
        ("balance sheet", "list_stock_financials"),
        ("movers", "get_snapshot_direction"),
        ("overbought", "get_rsi"),
        ("upcoming IPOs", "list_ipos"),
        ("market cap", "get_ticker_details"),
        ("is the market open", "get_market_status"),
        ("headlines", "list_ticker_news"),
        ("oil futures contracts", "list_futures_contracts"),
        ("VIX", "get_snapshot_indices"),
        ("S&P 500", "get_snapshot_indices"),
        ("EUR USD", "get_last_forex_quote"),
        ("trading volume by minute", "get_aggs"),
        ("price of gold", "get_futures_snapshot"),
        ("earnings calendar", "list_benzinga_earnings"),
    ] {
        let found = names(query);
        if !found.iter().take(3).any(|name| *name == expected) {
            missed.push(format!("{query}: {expected} is not among {:?}", found.iter().take(6).collect::<Vec<_>>()));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn a_row_is_found_first_by_its_own_name_and_by_its_own_title() {
    for endpoint in crate::tools::ENDPOINTS {
        assert_eq!(names(endpoint.name)[0], endpoint.name);
        assert_eq!(names(endpoint.title)[0], endpoint.name);
    }
}

#[test]
fn the_order_is_always_the_same_and_a_toolset_narrows_it() {
    assert_eq!(names("price of options"), names("price of options"));
    let arguments = |toolset: Option<&str>| SearchArguments {
        query: "snapshot".to_owned(),
        limit: 25,
        toolset: toolset.map(ToOwned::to_owned),
    };
    assert!(run(&arguments(Some("crypto")), &reader()).is_ok());
    let crypto = ranking::search("snapshot", Some(Toolset::Crypto));
    assert!(crypto.iter().all(|found| found.endpoint.is_in(Toolset::Crypto)) && !crypto.is_empty());
    assert!(run(&arguments(Some("moon")), &reader()).unwrap_err().to_string().contains("`toolset`: it must be one of standard"));
    assert!(run(&arguments(Some("alerts")), &reader()).is_err(), "a group without endpoints");
}

#[test]
fn a_bad_query_is_refused_and_one_that_fits_nothing_says_what_to_do() {
    for (query, limit, problem) in [
        ("", 5, "`query`"),
        ("  ", 5, "`query`"),
        ("a\u{0}b", 5, "`query`"),
        (&"x".repeat(201), 5, "`query`"),
        ("x", 0, "`limit`"),
        ("x", 26, "`limit`"),
    ] {
        let arguments = SearchArguments { query: query.to_owned(), limit, toolset: None };
        assert!(run(&arguments, &reader()).unwrap_err().to_string().contains(problem), "{query:?} {limit}");
    }
    assert!(names("qqqqzzzz").is_empty());
    let arguments = SearchArguments { query: "qqqqzzzz".to_owned(), limit: 5, toolset: None };
    assert!(run(&arguments, &reader()).is_ok());
}

#[test]
fn an_answer_fits_its_schema_and_small_contexts() {
    let validator = jsonschema::validator_for(&output_schema()).unwrap();
    for query in ["benzinga", "snapshot of several symbols", "qqqqzzzz"] {
        let found = ranking::search(query, None);
        let rows: Vec<Value> = found.iter().take(5).map(|found| row(found.endpoint)).collect();
        let answer = json!({"count": rows.len(), "total": found.len(), "results": rows});
        assert!(validator.is_valid(&answer), "{query}");
        assert!(answer.to_string().len() < 20_000, "{query}: {}", answer.to_string().len());
    }
}

#[test]
fn every_alias_leads_somewhere() {
    for (alias, _) in aliases::ALIASES {
        assert!(!names(alias).is_empty(), "{alias}");
    }
}
