//! The eight defects of the classic server (polygon.md §0, item 2) and items 8 to 10: ours has none of them.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::raw_upstream::{fixture, fixture_answer, json_answer};
use crate::support::{McpClient, RawUpstream, Stateless, TestGateway};

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_default()
}

/// Any endpoint, whatever is listed, as csv or json.
fn endpoint(client: &mut McpClient, name: &str, arguments: Value) -> Value {
    client.call("call_endpoint", json!({"name": name, "arguments": arguments}))
}

#[test]
fn an_answer_whose_results_are_an_object_is_no_error_in_any_format() {
    let gateway = TestGateway::start();
    let mut client = McpClient::connect(gateway.address);
    let chain = json!({"underlying_asset": "AAPL", "limit": 1});
    let chain = endpoint(&mut client, "list_snapshot_options_chain", chain);
    let contract = chain["structuredContent"]["results"][0]["details"]["ticker"].as_str().unwrap().to_owned();
    for (name, arguments) in [
        ("get_last_trade", json!({"ticker": "AAPL"})),
        ("get_last_quote", json!({"ticker": "AAPL"})),
        ("get_ticker_details", json!({"ticker": "AAPL"})),
        ("get_snapshot_option", json!({"underlying_asset": "AAPL", "option_contract": contract})),
    ] {
        for format in ["json", "csv"] {
            let mut asked = arguments.clone();
            asked["format"] = json!(format);
            let result = endpoint(&mut client, name, asked);
            assert_eq!(result["isError"], false, "{name} {format}: {result}");
            assert!(result["structuredContent"]["results"].is_object(), "{name} {format}");
            assert!(text(&result).len() > 20, "{name} {format}: {}", text(&result));
        }
    }
}

#[test]
fn a_snapshot_of_many_tickers_is_a_row_for_each_and_no_stringified_list() {
    let gateway = TestGateway::start();
    let mut client = McpClient::connect(gateway.address);
    for (name, arguments) in [
        ("get_snapshot_all", json!({"market_type": "stocks", "tickers": ["AAPL", "MSFT", "TSLA"], "format": "csv"})),
        ("get_snapshot_direction", json!({"market_type": "stocks", "direction": "gainers", "format": "csv"})),
    ] {
        let result = endpoint(&mut client, name, arguments);
        let rows = result["structuredContent"]["results"].as_array().unwrap_or_else(|| panic!("{name}: {result}"));
        assert!(rows.len() >= 3 && rows.iter().all(|row| row["ticker"].is_string()), "{name}: {result}");
        let mut table = csv::Reader::from_reader(text(&result).as_bytes());
        assert!(table.headers().unwrap().iter().any(|column| column == "ticker"), "{name}: {}", text(&result));
        assert_eq!(table.records().map(Result::unwrap).count(), rows.len(), "{name}");
    }
}

#[test]
fn a_grouped_day_is_asked_of_the_us_stock_market_and_never_of_none() {
    let body = fixture("v2_aggs_grouped_locale_us_market_stocks_2026-03-10.json");
    let upstream = RawUpstream::of_data(move |_, socket| socket.write_all(&json_answer(200, &body)));
    let gateway = TestGateway::asking(&upstream, "key", &[]);
    let mut client = McpClient::connect(gateway.address);
    let result = endpoint(&mut client, "get_grouped_daily_aggs", json!({"date": "2026-03-10"}));
    assert_eq!(result["isError"], false, "{result}");
    let asked = upstream.asked_for_data();
    assert!(asked[0].target.starts_with("/v2/aggs/grouped/locale/us/market/stocks/2026-03-10"), "{asked:?}");
    assert!(asked.iter().all(|asked| !asked.target.contains("None") && !asked.target.contains("null")), "{asked:?}");
}

#[test]
fn a_failure_says_that_it_is_one_with_a_class_and_what_to_do() {
    let upstream = RawUpstream::of_data(|_, socket| socket.write_all(&fixture_answer("errors.json", "404_not_found")));
    let gateway = TestGateway::asking(&upstream, "key", &[]);
    let result = McpClient::connect(gateway.address).call("get_last_trade", json!({"ticker": "AAPL"}));
    assert_eq!(result["isError"], true);
    assert!(text(&result).starts_with("not_found: ") && text(&result).contains("check the symbol"), "{result}");
}

#[test]
fn a_slow_call_stalls_nobody_else_and_a_429_is_not_tried_again_in_silence() {
    let upstream = RawUpstream::of_data(|target, socket| {
        if target.contains("TSLA") {
            std::thread::park_timeout(Duration::from_secs(3));
        }
        match target {
            "/v2/last/trade/MSFT" => socket.write_all(&fixture_answer("errors.json", "429_rate_limited")),
            _ => socket.write_all(&json_answer(200, &fixture("v2_last_trade_AAPL.json"))),
        }
    });
    // One worker: nothing but asynchronous waiting keeps the others going.
    let gateway = TestGateway::asking(&upstream, "key", &[("WORKERS", "1")]);
    let address = gateway.address;
    let slow = std::thread::spawn(move || McpClient::connect(address).call("get_last_trade", json!({"ticker": "TSLA"})));
    crate::support::until("the slow question to be out", || upstream.asked_for_data().len() == 1);
    let mut client = McpClient::connect(gateway.address);
    let begun = Instant::now();
    assert_eq!(client.call("get_last_trade", json!({"ticker": "AAPL"}))["isError"], false);
    assert!(begun.elapsed() < Duration::from_secs(2), "it waited {:?} for another's call", begun.elapsed());
    assert!(!slow.is_finished(), "the slow call is still under way");
    assert_eq!(slow.join().unwrap()["isError"], false);
    let limited = client.call("get_last_trade", json!({"ticker": "MSFT"}));
    assert!(limited["isError"] == true && text(&limited).starts_with("rate_limited"), "{limited}");
    assert!(text(&limited).contains("retry after"), "{limited}");
    assert_eq!(upstream.asked_for_data().iter().filter(|asked| asked.target.contains("MSFT")).count(), 1, "asked once");
}

#[test]
fn data_beyond_the_limit_is_reached_by_a_cursor_whose_host_is_never_followed_and_whose_key_is_taken_out() {
    let elsewhere = RawUpstream::start(|_, socket| socket.write_all(&json_answer(200, r#"{"status":"OK","results":[]}"#)));
    let host = elsewhere.base();
    let upstream = RawUpstream::of_data(move |target, socket| {
        let file = if target.contains("cursor=") { "page2" } else { "page1" };
        let mut page: Value = serde_json::from_str(&fixture(&format!("v2_aggs_ticker_AAPL_range_1_day__{file}.json"))).unwrap();
        if file == "page1" {
            let next = format!("{host}/v2/aggs/ticker/AAPL/range/1/day/1/2?apiKey=stolen&cursor=bGlt");
            page["next_url"] = json!(next);
        }
        socket.write_all(&json_answer(200, &page.to_string()))
    });
    let gateway = TestGateway::asking(&upstream, "key", &[]);
    let mut client = McpClient::connect(gateway.address);
    let range = json!({"ticker": "AAPL", "multiplier": 1, "timespan": "day", "from_": "2026-03-01", "to": "2026-03-10"});
    let first = client.call("get_aggs", range.clone())["structuredContent"].clone();
    let mut on = range;
    on["cursor"] = first["next"].clone();
    assert!(on["cursor"].is_string() && !on["cursor"].as_str().unwrap().contains("http"), "{first}");
    let second = client.call("get_aggs", on)["structuredContent"].clone();
    assert!(second["results"][0]["t"].is_u64() && second["results"] != first["results"], "{second}");
    assert!(second.get("next").is_none(), "{second}");
    let asked = upstream.asked_for_data();
    assert_eq!(asked[1].target, "/v2/aggs/ticker/AAPL/range/1/day/1/2?cursor=bGlt");
    assert!(asked.iter().all(|asked| !asked.head.contains("stolen")), "{asked:?}");
    assert!(elsewhere.asked().is_empty(), "its host was followed");
}

#[test]
fn arguments_are_checked_described_and_closed_to_raw_query_pairs_and_every_tool_has_an_output_schema() {
    let gateway = TestGateway::with(&[("TOOLSETS", "all")]);
    let mut client = McpClient::connect(gateway.address);
    let mut tools = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let params = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
        let page = client.ask("tools/list", params).json()["result"].clone();
        tools.extend(page["tools"].as_array().unwrap().clone());
        cursor = page["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert!(tools.len() >= 64 + 10, "{}", tools.len());
    for tool in &tools {
        let name = tool["name"].as_str().unwrap();
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{name} lets any argument through");
        assert!(tool["inputSchema"]["properties"].get("params").is_none(), "{name}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
        assert!(tool["description"].as_str().unwrap().len() > 40, "{name}");
    }
    let before = gateway.simulator().requests_to("/v2/last");
    let raw = client.call("get_last_trade", json!({"ticker": "AAPL", "params": {"apiKey": "x"}}));
    assert!(raw["isError"] == true && text(&raw).contains("`params`"), "{raw}");
    assert_eq!(gateway.simulator().requests_to("/v2/last"), before);
}

#[test]
fn indicators_option_chains_related_companies_ticker_events_index_snapshots_and_summaries_are_there() {
    let gateway = TestGateway::start();
    let mut client = McpClient::connect(gateway.address);
    for (name, arguments) in [
        ("get_sma", json!({"ticker": "AAPL"})),
        ("get_ema", json!({"ticker": "AAPL"})),
        ("get_rsi", json!({"ticker": "AAPL"})),
        ("get_macd", json!({"ticker": "AAPL"})),
        ("list_snapshot_options_chain", json!({"underlying_asset": "AAPL"})),
        ("list_options_contracts", json!({"underlying_ticker": "AAPL"})),
        ("get_related_companies", json!({"ticker": "AAPL"})),
        ("get_ticker_events", json!({"ticker": "AAPL"})),
        ("get_snapshot_indices", json!({"ticker_any_of": ["I:SPX"]})),
        ("get_summaries", json!({"ticker_any_of": ["AAPL"]})),
    ] {
        let result = endpoint(&mut client, name, arguments);
        assert_eq!(result["isError"], false, "{name}: {result}");
        assert_ne!(result["structuredContent"]["results"], json!([]), "{name}");
    }
}

#[test]
fn nanoseconds_beyond_two_to_the_53_come_through_to_the_last_digit() {
    let upstream = RawUpstream::of_data(|target, socket| {
        let file = match target {
            "/v2/last/trade/AAPL" => "v2_last_trade_AAPL.json",
            "/v2/last/nbbo/AAPL" => "v2_last_nbbo_AAPL.json",
            "/v2/snapshot/locale/us/markets/stocks/tickers/AAPL" => "v2_snapshot_us_stocks_tickers_AAPL.json",
            _ => "v3_trades_AAPL.json",
        };
        socket.write_all(&json_answer(200, &fixture(file)))
    });
    let gateway = TestGateway::asking(&upstream, "key", &[]);
    let modern = Stateless::new(gateway.address);
    for (name, arguments, file) in [
        ("get_last_trade", json!({"ticker": "AAPL"}), "v2_last_trade_AAPL.json"),
        ("get_last_quote", json!({"ticker": "AAPL"}), "v2_last_nbbo_AAPL.json"),
        ("list_trades", json!({"ticker": "AAPL"}), "v3_trades_AAPL.json"),
        ("get_snapshot_ticker", json!({"market_type": "stocks", "ticker": "AAPL"}), "v2_snapshot_us_stocks_tickers_AAPL.json"),
    ] {
        // The text of the answer, because a reader that makes floats of numbers would hide what it is to show.
        let params = json!({"name": "call_endpoint", "arguments": {"name": name, "arguments": arguments}});
        let answer = modern.ask("tools/call", params).text();
        let digits = |text: &str| -> Vec<String> {
            let runs = text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == 19 && run.starts_with("17731"));
            runs.map(ToOwned::to_owned).collect()
        };
        let wanted = digits(&fixture(file));
        assert!(wanted.iter().any(|text| !text.ends_with("000000")), "{file} has nanoseconds: {wanted:?}");
        let got = digits(&answer);
        assert!(wanted.iter().all(|text| got.contains(text)), "{name}: {wanted:?} in {answer}");
        assert!(!answer.contains("e18") && !answer.contains("e+18"), "{name} {answer}");
    }
}

#[test]
fn an_error_text_is_read_from_error_and_from_message_and_quoted_for_the_caller() {
    for (name, said) in [("400_bad_parameter", "limit must be between 1 and 1000"), ("404_not_found", "Ticker not found.")] {
        let upstream = RawUpstream::of_data(move |_, socket| socket.write_all(&fixture_answer("errors.json", name)));
        let gateway = TestGateway::asking(&upstream, "key", &[]);
        let result = McpClient::connect(gateway.address).call("get_last_trade", json!({"ticker": "AAPL"}));
        assert!(text(&result).contains(said), "{name}: {result}");
    }
}

#[test]
fn errors_of_single_items_stay_with_their_items_and_spoil_no_other() {
    let upstream = RawUpstream::of_data(|_, socket| socket.write_all(&fixture_answer("errors.json", "200_per_item_error")));
    let gateway = TestGateway::asking(&upstream, "key", &[]);
    let mut client = McpClient::connect(gateway.address);
    let asked = json!({"type": "stocks", "ticker_any_of": ["AAPL", "NOSUCH"]});
    let result = client.call("list_universal_snapshots", asked);
    let rows = result["structuredContent"]["results"].as_array().unwrap_or_else(|| panic!("{result}"));
    assert_eq!(result["isError"], false);
    assert_eq!((rows.len(), &rows[0]["session"]["close"]), (3, &json!(239.85)));
    assert_eq!((&rows[1]["error"], &rows[2]["error"]), (&json!("NOT_FOUND"), &json!("NOT_ENTITLED")));
}

#[test]
fn a_good_answer_without_results_is_an_empty_list_and_not_a_failure() {
    let upstream =
        RawUpstream::of_data(|_, socket| socket.write_all(&fixture_answer("errors.json", "200_empty_aggs_without_results_key")));
    let gateway = TestGateway::asking(&upstream, "key", &[]);
    let range = json!({"ticker": "NOSUCH", "multiplier": 1, "timespan": "day", "from_": "2026-03-01", "to": "2026-03-10"});
    let result = McpClient::connect(gateway.address).call("get_aggs", range);
    assert_eq!(result["isError"], false, "{result}");
    assert_eq!((&result["structuredContent"]["results"], &result["structuredContent"]["count"]), (&json!([]), &json!(0)));
}

#[test]
fn an_answer_of_a_delayed_plan_says_that_it_is_delayed() {
    let upstream = RawUpstream::of_data(|_, socket| socket.write_all(&fixture_answer("errors.json", "200_delayed_status")));
    let gateway = TestGateway::asking(&upstream, "key", &[]);
    let range = json!({"ticker": "AAPL", "multiplier": 1, "timespan": "day", "from_": "2026-03-01", "to": "2026-03-10"});
    let result = McpClient::connect(gateway.address).call("get_aggs", range);
    assert_eq!(result["structuredContent"]["_freshness"]["delayed"], true, "{result}");
}

#[test]
fn futures_answer_the_same_whichever_version_of_their_api_the_plan_has() {
    let calls = [
        ("get_futures_contract_details", json!({"ticker": "ESZ7"})),
        ("get_futures_product_details", json!({"product_code": "ES"})),
        ("list_futures_schedules_by_product_code", json!({"product_code": "ES", "limit": 3})),
        ("list_futures_aggregates", json!({"ticker": "ESZ7", "resolution": "1session", "limit": 3})),
        ("list_futures_contracts", json!({"product_code": "ES", "limit": 3})),
    ];
    let results = |api: &str| {
        let gateway = TestGateway::with(&[("FUTURES_API", api), ("TOOLSETS", "futures")]);
        let client = Stateless::new(gateway.address);
        let answers: Vec<_> = calls.iter().map(|(tool, arguments)| client.call(tool, arguments.clone())).collect();
        assert!(answers.iter().all(|answer| answer["isError"] != true), "{api}: {answers:?}");
        let asked = |version: &str| gateway.simulator().requests_to(&format!("/futures/{version}/"));
        assert_eq!((asked(api) > 0, asked(if api == "v1" { "vX" } else { "v1" })), (true, 0));
        let missing = client.call("get_futures_contract_details", json!({"ticker": "NOSUCH9"}));
        assert_eq!(missing["_meta"]["tickgate/error"]["class"], "not_found", "{api}: {missing}");
        let results = |answer: &Value| answer["structuredContent"]["results"].clone();
        answers.iter().map(results).collect::<Vec<_>>()
    };
    let (old, new) = (results("vX"), results("v1"));
    for ((tool, _), (old, new)) in calls.iter().zip(old.iter().zip(&new)) {
        assert_eq!(old.is_array(), new.is_array(), "{tool}");
        let code = |value: &Value| value["product_code"].as_str().or(value[0]["product_code"].as_str()).map(ToOwned::to_owned);
        assert_eq!(code(old), code(new), "{tool}");
    }
}
