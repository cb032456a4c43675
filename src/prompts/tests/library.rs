//! The product's prompts: complete, consistent, and about tools that there are.

use std::collections::BTreeSet;

use serde_json::json;
use tickgate_core::market::Symbol;

use super::*;

/// Tools of the vendor's table and of our own that the prompts name and the registry does not have yet.
const ANNOUNCED: &[&str] = &[
    "call_endpoint",
    "get_snapshot_direction",
    "get_snapshot_indices",
    "get_snapshot_option",
    "list_benzinga_consensus_ratings",
    "list_benzinga_earnings",
    "list_benzinga_guidance",
    "list_dividends",
    "list_options_contracts",
    "list_snapshot_options_chain",
    "list_stock_financials",
    "list_treasury_yields",
    "search_endpoints",
    "set_price_alert",
    "summarize_news",
];

#[test]
fn the_list_is_stable_and_complete() {
    let names: Vec<String> = STANDARD.prompts().iter().map(|prompt| prompt.name().to_owned()).collect();
    assert_eq!(names, ["stock_brief", "news_digest", "earnings_preview", "options_scan", "market_open_checklist"]);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/prompts/library");
    let files = std::fs::read_dir(folder).unwrap().filter(|file| {
        let path = file.as_ref().unwrap().path();
        path.extension().is_some_and(|extension| extension == "toml")
    });
    assert_eq!(files.count(), names.len(), "every file of the library is in its list");
}

#[test]
fn a_descriptor_has_what_a_menu_needs_in_the_order_of_the_file() {
    let brief = STANDARD.find("stock_brief").unwrap().descriptor();
    assert_eq!(
        brief["arguments"],
        json!([
            {
                "name": "symbol",
                "title": "Symbol",
                "description": "The stock or ETF. Allowed: the symbol of a stock or ETF, such as AAPL or BRK.B.",
                "required": true,
            },
            {
                "name": "horizon",
                "title": "Horizon",
                "description": "How far to look back. Allowed: one of day, week, month, quarter, year. Default: month.",
                "required": false,
            },
        ])
    );
    for prompt in STANDARD.prompts() {
        let descriptor = prompt.descriptor();
        assert!(descriptor["description"].as_str().unwrap().len() > 40, "{descriptor}");
        assert!(!descriptor["title"].as_str().unwrap().is_empty());
        for argument in descriptor["arguments"].as_array().unwrap() {
            assert!(argument["description"].as_str().unwrap().len() > 20 && !argument["title"].as_str().unwrap().is_empty());
        }
    }
}

#[test]
fn every_argument_has_a_good_example_and_a_good_default_unless_it_is_required() {
    for prompt in STANDARD.prompts() {
        let required = prompt
            .arguments()
            .iter()
            .filter(|argument| argument.required)
            .map(|argument| (argument.name.clone(), argument.example.as_str().into()));
        let rendered = prompt.get(Some(&raw(&Value::Object(required.collect())))).unwrap();
        assert!(!text(&rendered).contains("(not given)"), "{}", prompt.name());
        for argument in prompt.arguments() {
            assert_ne!(argument.required, argument.default().is_some(), "{}: {}", prompt.name(), argument.name);
        }
    }
}

#[test]
fn every_argument_but_free_text_can_be_completed_and_what_is_offered_fits() {
    for prompt in STANDARD.prompts() {
        let examples: serde_json::Map<String, Value> =
            prompt.arguments().iter().map(|argument| (argument.name.clone(), argument.example.as_str().into())).collect();
        for argument in prompt.arguments() {
            let offered = argument.complete("", &[]).values;
            assert_ne!(offered.is_empty(), argument.name != "focus", "{}: {}", prompt.name(), argument.name);
            for value in offered {
                let mut arguments = examples.clone();
                arguments.insert(argument.name.clone(), value.as_str().into());
                let result = prompt.validate(Some(&raw(&arguments.into())));
                assert!(result.is_valid(), "{}: {value}: {result:?}", prompt.name());
            }
        }
    }
}

#[test]
fn only_tools_that_exist_are_named() {
    let registry = crate::registry::Registry::standard();
    let known: BTreeSet<&str> = registry.tools().iter().map(|tool| tool.name).chain(ANNOUNCED.iter().copied()).collect();
    for prompt in STANDARD.prompts() {
        for (_, template) in prompt.templates() {
            let text: String = template.texts().collect();
            let named: BTreeSet<&str> = text.split('`').skip(1).step_by(2).filter(|word| is_tool(word)).collect();
            assert!(named.len() >= 5, "{} names tools", prompt.name());
            let unknown: Vec<&&str> = named.difference(&known).collect();
            assert!(unknown.is_empty(), "{} names {unknown:?}", prompt.name());
        }
    }
}

fn is_tool(word: &str) -> bool {
    ["get_", "list_", "stream_", "read_", "set_", "search_", "call_", "summarize_"].iter().any(|start| word.starts_with(start))
        && word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

#[test]
fn every_prompt_ends_with_the_ground_rules() {
    for prompt in STANDARD.prompts() {
        let (_, template) = prompt.templates().last().unwrap();
        let text: String = template.texts().collect();
        let rules = text.split("## Ground rules").nth(1).unwrap();
        for word in
            ["`_freshness`", "`as_of`", "`delayed`", "`session`", "`simulated`", "`untrusted`", "no personal investment advice"]
        {
            assert!(rules.contains(word), "{word}");
        }
    }
}

#[test]
fn a_symbol_means_what_it_means_everywhere() {
    for format in super::super::format::FORMATS.iter().filter(|format| format.name.ends_with("symbol")) {
        for text in ["AAPL", "BRK.B", "aapl", "I:SPX", "X:BTCUSD", "../v2", "AAPL ", "ＡＡＰＬ", ""] {
            assert!(!(format.fits)(text) || text.parse::<Symbol>().is_ok(), "{}: {text:?}", format.name);
        }
    }
}
