//! Completions: what is found, in which order, and that nothing typed does harm.

use proptest::prelude::*;
use tickgate_core::market::{Market, Symbol};

use super::*;

fn complete_list(source: &Source, typed: &str, toolsets: &[&str]) -> Completion {
    complete_list_where(source, typed, toolsets, |_| true)
}

fn symbols(typed: &str) -> Vec<String> {
    complete(&Source::Symbols, typed, &[]).values
}

#[test]
fn every_symbol_of_the_file_is_one_and_stands_there_once() {
    let mut seen = std::collections::BTreeSet::new();
    let lines = include_str!("symbols.tsv").lines().count();
    assert_eq!(listings().len(), lines, "every line has a symbol, a tab and a name");
    assert!(lines >= 240, "{lines}");
    let mut markets = std::collections::BTreeMap::<_, usize>::new();
    for listing in listings() {
        let symbol: Symbol = listing.symbol.parse().unwrap();
        assert!(seen.insert(listing.symbol), "{symbol} twice");
        assert!(!listing.name.trim().is_empty() && listing.name.trim() == listing.name, "{symbol}");
        *markets.entry(symbol.market()).or_default() += 1;
    }
    for market in [Market::Stocks, Market::Crypto, Market::Forex, Market::Indices] {
        assert!(markets[&market] >= 9, "{market:?}: {markets:?}");
    }
}

#[test]
fn a_symbol_is_found_by_its_beginning_in_any_case() {
    assert_eq!(symbols("aap")[0], "AAPL");
    assert_eq!(symbols("F")[0], "F");
    assert_eq!(symbols("brk.b"), ["BRK.B"]);
    assert_eq!(symbols("x:btcu"), ["X:BTCUSD"]);
}

#[test]
fn a_symbol_is_found_without_the_prefix_of_its_market_and_by_a_word_of_its_name() {
    assert_eq!(symbols("btcusd"), ["X:BTCUSD"]);
    assert_eq!(symbols("appl")[0], "AAPL");
    assert_eq!(symbols("bank of am"), ["BAC"]);
    assert!(symbols("depot").contains(&"HD".to_owned()));
    assert!(symbols("pple").is_empty(), "a word is found by its beginning only");
}

#[test]
fn symbols_come_before_names_and_each_in_order() {
    let values = symbols("co");
    let first_by_name = values.iter().position(|symbol| !symbol.starts_with("CO")).unwrap();
    assert!(first_by_name >= 2 && values[..first_by_name].is_sorted(), "{values:?}");
    assert!(values[first_by_name..].iter().all(|symbol| !symbol.starts_with("CO")), "{values:?}");
    assert_eq!(values, symbols("co"));
}

#[test]
fn an_answer_has_at_most_a_hundred_values_and_says_how_many_there_are() {
    let all = complete(&Source::Symbols, "", &[]);
    assert_eq!((all.values.len(), all.total, all.has_more), (MAX_VALUES, listings().len(), true));
    let one = complete(&Source::Symbols, "AAPL", &[]);
    assert_eq!((one.values.len(), one.total, one.has_more), (1, 1, false));
    assert_eq!(serde_json::to_value(one).unwrap(), serde_json::json!({"values": ["AAPL"], "total": 1, "hasMore": false}));
}

#[test]
fn words_are_found_by_their_beginning_and_keep_their_order() {
    assert_eq!(complete(&Source::Timespans, "m", &[]).values, ["minute", "month"]);
    assert_eq!(complete(&Source::Timespans, "", &[]).values, TIMESPANS);
    assert_eq!(complete(&Source::Toolsets, "S", &["market", "streaming"]).values, ["streaming"]);
    assert_eq!(complete(&Source::words(&["long", "low", "high"]), "lo", &[]).values, ["long", "low"]);
}

#[test]
fn the_last_entry_of_a_list_is_completed_and_what_is_listed_is_not_offered_again() {
    assert_eq!(complete_list(&Source::Symbols, "TSLA, aapl", &[]).values, ["TSLA,AAPL"]);
    assert_eq!(complete_list(&Source::Symbols, "aapl", &[]).values, ["AAPL"]);
    let values = complete_list(&Source::words(&["a", "b", "c"]), "b,", &[]).values;
    assert_eq!(values, ["b,a", "b,c"]);
}

#[test]
fn only_what_fits_is_offered_and_counted() {
    let completion = complete_where(&Source::Symbols, "btc", &[], |symbol| !symbol.contains(':'));
    assert_eq!(completion, Completion::default());
    let all = complete_where(&Source::Symbols, "", &[], |symbol| symbol.starts_with("C:"));
    assert!(all.total < 20 && !all.has_more && all.values.iter().all(|symbol| symbol.starts_with("C:")));
}

#[test]
fn nothing_is_found_for_hostile_input() {
    for typed in ["A".repeat(10_000), "AAPL\0".to_owned(), "AA\r\nPL".to_owned(), "\u{1b}[31m".to_owned(), "../v2".to_owned()] {
        assert_eq!(complete(&Source::Symbols, &typed, &[]), Completion::default());
        assert_eq!(complete_list(&Source::Symbols, &typed, &[]), Completion::default());
    }
}

proptest! {
    #[test]
    fn whatever_is_typed_the_values_are_ours(typed in "\\PC{0,40}|[A-Za-z:. ]{0,6}") {
        let completion = complete(&Source::Symbols, &typed, &[]);
        prop_assert!(completion.values.len() <= MAX_VALUES && completion.total >= completion.values.len());
        prop_assert_eq!(completion.has_more, completion.total > completion.values.len());
        prop_assert!(completion.values.iter().all(|value| listings().iter().any(|listing| listing.symbol == value)));
    }
}
