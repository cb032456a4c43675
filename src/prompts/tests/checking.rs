//! What is refused, how it is said, and that it is said all at once (M4, M5, M9).

use serde_json::json;

use super::*;

fn errors(prompt: &str, arguments: &Value) -> Vec<String> {
    get(prompt, arguments)
        .unwrap_err()
        .iter()
        .map(|error| format!("{error} [{}]", json!(error.code()).as_str().unwrap()))
        .collect()
}

#[test]
fn every_mistake_is_told_at_once_in_the_order_of_the_arguments_and_unknown_ones_last() {
    assert_eq!(
        errors("news_digest", &json!({"zone": "UTC", "hours": "500", "symbols": "AAPL, tsla, ../v2", "focus": "x"})),
        [
            "`symbols`: entry 2: \"tsla\" is not allowed: a symbol such as AAPL, BRK.B, X:BTCUSD, C:EURUSD or I:SPX; did you mean TSLA? [format]",
            "`symbols`: entry 3: \"../v2\" is not allowed: a symbol such as AAPL, BRK.B, X:BTCUSD, C:EURUSD or I:SPX [format]",
            "`hours`: 500 is not allowed: a whole number, 1 to 168 [out_of_bounds]",
            "`focus`: it is too short; at least 3 characters [too_short]",
            "`zone`: there is no such argument; news_digest takes symbols, hours, focus [unknown]",
        ]
    );
}

#[test]
fn every_kind_of_mistake_has_its_code_and_says_what_is_allowed() {
    for (prompt, arguments, expected) in [
        ("stock_brief", json!({}), "`symbol`: it is required: the symbol of a stock or ETF, such as AAPL or BRK.B [required]"),
        (
            "stock_brief",
            json!({"symbol": 5}),
            "`symbol`: it must be sent as a string: the symbol of a stock or ETF, such as AAPL or BRK.B [type]",
        ),
        (
            "stock_brief",
            json!({"symbol": "X:BTCUSD"}),
            "`symbol`: \"X:BTCUSD\" is not allowed: the symbol of a stock or ETF, such as AAPL or BRK.B [format]",
        ),
        (
            "stock_brief",
            json!({"symbol": "AAPL", "horizon": "decade"}),
            "`horizon`: \"decade\" is not allowed: one of day, week, month, quarter, year [enum]",
        ),
        (
            "earnings_preview",
            json!({"symbol": "NVDA", "quarter": "Q1"}),
            "`quarter`: \"Q1\" is not allowed: next, or a fiscal year and quarter such as 2026-Q1 [pattern]",
        ),
        (
            "news_digest",
            json!({"symbols": "AAPL", "hours": "two"}),
            "`hours`: \"two\" is not allowed: a whole number, 1 to 168 [type]",
        ),
        (
            "news_digest",
            json!({"symbols": "AAPL", "focus": "x".repeat(201)}),
            "`focus`: it has 201 characters; at most 200 [too_long]",
        ),
        (
            "news_digest",
            json!({"symbols": "AAPL", "focus": "x".repeat(2_001)}),
            "`focus`: it has 2001 characters; at most 2000 [too_long]",
        ),
        (
            "news_digest",
            json!({"symbols": "AAPL", "focus": "tariffs\u{202E}"}),
            "`focus`: it holds control, invisible or direction-changing characters; type it anew as plain text [characters]",
        ),
        (
            "news_digest",
            json!({"symbols": (b'A'..=b'U').map(|c| char::from(c).to_string()).collect::<Vec<_>>().join(",")}),
            "`symbols`: it has 21 entries; at most 20 [too_many]",
        ),
        (
            "market_open_checklist",
            json!({"timezone": "Mars/Olympus"}),
            "`timezone`: \"Mars/Olympus\" is not allowed: an IANA time zone such as America/New_York, Europe/Berlin or UTC [format]",
        ),
    ] {
        assert_eq!(errors(prompt, &arguments), [expected], "{arguments}");
    }
}

#[test]
fn arguments_that_are_no_object_are_refused_as_a_whole() {
    let prompt = STANDARD.find("market_open_checklist").unwrap();
    for text in ["[]", "\"AAPL\"", "5", "true"] {
        let errors = prompt.get(Some(&RawValue::from_string(text.to_owned()).unwrap())).unwrap_err();
        assert_eq!((errors.len(), errors[0].field(), errors[0].code()), (1, "arguments", FieldCode::Type), "{text}");
    }
    for absent in [None, Some(&*raw(&Value::Null)), Some(&*raw(&json!({})))] {
        assert!(prompt.get(absent).is_ok());
    }
}

#[test]
fn a_message_repeats_little_of_a_value_and_an_answer_does_not_grow_with_its_request() {
    let long = format!("{}{}", "é".repeat(70), "secret tail");
    let told = errors("stock_brief", &json!({"symbol": long, "horizon": long}));
    assert!(told.iter().all(|error| !error.contains("secret") && error.matches('é').count() <= 64), "{told:?}");
    let many: serde_json::Map<String, Value> = (0..500).map(|n| (format!("{n}{}", "x".repeat(500)), json!("v"))).collect();
    let answer = json!(refusal("stock_brief", &get("stock_brief", &many.into()).unwrap_err())).to_string();
    assert!(answer.len() < 16_000, "{}", answer.len());
}

#[test]
fn a_blank_counts_as_not_given_and_a_list_drops_what_is_there_twice() {
    let rendered = get("news_digest", &json!({"symbols": " AAPL,, TSLA ,AAPL,", "hours": "  ", "focus": ""})).unwrap();
    assert!(text(&rendered).contains("news about [\"AAPL\", \"TSLA\"] of the last 24 hours"));
    assert!(text(&rendered).contains("nothing else: \"what is most likely to move the price\"."));
    assert_eq!(get("news_digest", &json!({"symbols": " , "})).unwrap_err()[0].code(), FieldCode::Required);
}

#[test]
fn the_protocols_error_names_the_prompt_and_carries_every_mistake_for_programs() {
    let error = refusal("stock_brief", &get("stock_brief", &json!({"horizon": "decade"})).unwrap_err());
    assert_eq!(error.code.0, -32602);
    assert!(error.message.starts_with("the arguments of the prompt stock_brief do not fit: `symbol`: it is required"));
    let told = &error.data.unwrap()["errors"];
    assert_eq!(told[0]["field"], "symbol");
    assert_eq!(
        told[1],
        json!({
            "field": "horizon",
            "message": "\"decade\" is not allowed: one of day, week, month, quarter, year",
            "code": "enum",
        })
    );
}

#[test]
fn a_result_says_whether_it_is_valid_and_why_not() {
    let prompt = STANDARD.find("stock_brief").unwrap();
    let good = prompt.validate(Some(&raw(&json!({"symbol": "AAPL"}))));
    assert!(good.is_valid() && good.errors().is_empty());
    assert_eq!(json!(good), json!({"is_valid": true, "errors": []}));
    let bad = prompt.validate(None);
    assert!(!bad.is_valid());
    assert_eq!(json!(bad)["errors"][0]["code"], "required");
    assert_eq!(json!(bad)["is_valid"], false);
}

#[test]
fn every_code_is_written_as_one_word_and_has_a_meaning() {
    let mut words = std::collections::BTreeSet::new();
    for code in FieldCode::ALL {
        let word = json!(code).as_str().unwrap().to_owned();
        assert!(word.chars().all(|c| c.is_ascii_lowercase() || c == '_') && words.insert(word));
        assert!(code.meaning().ends_with('.'));
    }
}
