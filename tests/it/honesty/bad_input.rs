//! What a hostile client writes where a symbol, a code or a text belongs: it is refused before the upstream is asked, or it arrives there
//! as a value and as nothing else.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde_json::{Value, json};
use tickgate_core::market::Symbol;

use super::schema_fuzz::{list_all, sample};
use crate::support::raw_upstream::json_answer;
use crate::support::{Dice, McpClient, RawUpstream, TestGateway, get};

/// Ways out of a value. None of them is a symbol, a code, a day or a number.
const HOSTILE: &[&str] = &[
    "../../v1/marketstatus/now",
    "AAPL/../../x",
    "..",
    ".",
    "%2e%2e%2f%2e%2e",
    "AAPL%2f..%2f",
    "%252e%252e",
    "..\\..\\x",
    "AAPL?apiKey=x",
    "AAPL&apiKey=x",
    "AAPL#x",
    "AAPL;x",
    "AAPL\r\nX-Evil: 1",
    "AAPL\n",
    "AAPL%0d%0aX: 1",
    "AAPL\0",
    "AAPL%00",
    "\u{feff}AAPL",
    "ＡＡＰＬ",
    "АAPL",
    "AAP\u{200b}L",
    "\u{202e}LPAA",
    "AAPL ",
    " ",
    "{ticker}",
    "http://127.0.0.1:1/",
    "//127.0.0.1:1/",
    "AAPL@127.0.0.1:1",
    "$(id)",
    "'; DROP TABLE x;--",
    "\u{1b}[31m",
];

/// A good symbol that something hostile was put into, or hostile texts one after another.
fn hostile(dice: &mut Dice) -> String {
    let one = HOSTILE[dice.below(HOSTILE.len() as u64) as usize];
    match dice.below(4) {
        0 => one.to_owned(),
        1 => format!("AAPL{one}"),
        2 => format!("{one}{}", HOSTILE[dice.below(HOSTILE.len() as u64) as usize]),
        _ => {
            let control = char::from_u32(dice.below(0x20) as u32).unwrap_or('\0');
            format!("AA{control}PL")
        }
    }
}

fn empty_upstream() -> RawUpstream {
    RawUpstream::of_data(|_, socket| socket.write_all(&json_answer(200, r#"{"status":"OK","results":[]}"#)))
}

/// The path of a target, and the names in its query.
fn parts(target: &str) -> (&str, Vec<String>) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    (path, url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned()).collect())
}

#[test]
fn no_text_in_any_argument_of_any_endpoint_leaves_its_place() {
    let upstream = empty_upstream();
    let gateway =
        TestGateway::asking(&upstream, "key", &[("TOOLSETS", "all"), ("UPSTREAM_RPM", "1000000"), ("CACHE_MAX_BYTES", "0")]);
    let mut client = McpClient::connect(gateway.address);
    let mut dice = Dice::seeded("no_text_in_any_argument_of_any_endpoint_leaves_its_place");
    let (mut calls, mut taken) = (0, 0);
    for tool in list_all(&mut client) {
        let name = tool["name"].as_str().unwrap();
        if !crate::honesty::schema_fuzz::is_endpoint(&tool) {
            continue;
        }
        let good = sample(&tool);
        let before = upstream.asked_for_data().len();
        client.call(name, good.clone());
        let usual: Option<String> = upstream.asked_for_data().get(before).map(|asked| parts(&asked.target).0.to_owned());
        for (argument, schema) in tool["inputSchema"]["properties"].as_object().unwrap() {
            let is_text = schema.to_string().contains("\"string\"");
            for _ in 0..if is_text { 5 } else { 1 } {
                let text = hostile(&mut dice);
                let mut arguments = good.clone();
                arguments[argument] = if dice.below(4) == 0 { json!([text]) } else { json!(text) };
                let before = upstream.asked_for_data().len();
                let result = client.call(name, arguments);
                calls += 1;
                let asked = upstream.asked_for_data().split_off(before);
                let told = result["content"][0]["text"].as_str().unwrap_or_default();
                // Which columns there are is known when the answer is there; they are not sent.
                if result["isError"] == true && told.starts_with("invalid_argument") && argument != "fields" {
                    assert!(asked.is_empty(), "{name} {argument} {text:?}: {asked:?}");
                    continue;
                }
                // A free text, such as what is searched for: a value of the query.
                taken += 1;
                for asked in &asked {
                    let (path, names) = parts(&asked.target);
                    assert_eq!(Some(path), usual.as_deref(), "{name} {argument} {text:?}: {asked:?}");
                    assert!(asked.target.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._~:/%,?=&".contains(&c)), "{asked:?}");
                    assert!(
                        names.iter().all(|name| name.bytes().all(|c| c.is_ascii_lowercase() || b"_.".contains(&c))),
                        "{names:?}"
                    );
                    assert_eq!(asked.head.to_ascii_lowercase().matches("authorization:").count(), 1);
                    assert!(!asked.head.contains("X-Evil"), "{asked:?}");
                }
            }
        }
    }
    println!("{calls} calls, {taken} taken as free text");
    assert!(calls > 500 && taken < calls / 3, "{taken} of {calls} were taken");
}

#[test]
fn hostile_symbols_are_refused_everywhere_before_the_upstream_is_asked() {
    let gateway = TestGateway::with(&[("TOOLSETS", "all")]);
    let simulator = gateway.simulator();
    let mut client = McpClient::connect(gateway.address);
    client.call("get_market_status", json!({}));
    let encoded = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let asked = || simulator.requests_to("/v2") + simulator.requests_to("/v3") + simulator.requests_to("/v1/indicators");
    let before = asked();
    let mut dice = Dice::seeded("hostile_symbols_are_refused_everywhere_before_the_upstream_is_asked");
    for n in 0..150 {
        let text = HOSTILE.get(n).map_or_else(|| hostile(&mut dice), |text| (*text).to_owned());
        for (tool, arguments) in [
            ("get_last_trade", json!({"ticker": text})),
            ("call_endpoint", json!({"name": "get_sma", "arguments": {"ticker": text}})),
            ("call_endpoint", json!({"name": text, "arguments": {}})),
            ("stream_stock_prices", json!({"symbols": [text]})),
            ("stream_crypto_prices", json!({"symbols": [text]})),
            ("stream_market_news", json!({"symbol": text})),
            ("read_tape", json!({"topics": [format!("prices:{}", text.replace(' ', "_"))]})),
            ("set_price_alert", json!({"symbol": text, "condition": "above", "target_price": 1})),
            ("watch_price", json!({"symbol": text, "condition": "above", "target_price": 1, "timeout": 1000})),
            ("get_returns", json!({"symbols": [text]})),
        ] {
            let result = client.call(tool, arguments);
            let told = result["content"][0]["text"].as_str().unwrap_or_default();
            assert_eq!(result["isError"], true, "{tool} {text:?}: {result}");
            assert!(told.starts_with("invalid_argument") && told.len() < 700, "{tool} {text:?}: {told}");
        }
        for topic in ["prices", "news", "bars", "alerts"] {
            // The space that ends a topic belongs to the list.
            let alone = text.trim_matches(' ');
            if alone.is_empty() || alone.parse::<Symbol>().is_ok() {
                continue;
            }
            let path = format!("/events?topics={topic}:{}", encoded(&text));
            let status = get(&path).send(gateway.address).status;
            assert!((400..500).contains(&status), "{path}: {status}");
        }
        for path in ["/api/quotes/", "/api/news/", "/api/bars/"] {
            let status = get(&format!("{path}{}", encoded(&text))).send(gateway.address).status;
            assert!((400..500).contains(&status), "{path} {text:?}: {status}");
        }
        for uri in ["quote/", "news/", "alerts/", "answers/"].map(|kind| format!("market://{kind}")) {
            for uri in [format!("{uri}{text}"), format!("{uri}{}", encoded(&text))] {
                let answer = client.ask("resources/read", json!({ "uri": uri })).json();
                assert!(answer["error"]["code"].is_i64(), "{uri:?}: {answer}");
            }
        }
    }
    assert_eq!(asked(), before, "the upstream was asked");
}

#[test]
fn a_megabyte_of_symbol_ten_thousand_symbols_unknown_parameters_and_wrong_types_reach_nobody() {
    let gateway = TestGateway::with(&[("TOOLSETS", "all")]);
    let mut client = McpClient::connect(gateway.address);
    client.call("get_market_status", json!({}));
    let asked = || gateway.simulator().requests_to("/v2") + gateway.simulator().requests_to("/v3");
    let before = asked();
    let huge = "A".repeat(1_000_000);
    let many: Vec<String> = (0..10_000).map(|n| format!("A{n}")).collect();
    let refused = |client: &mut McpClient, tool: &str, arguments: Value| {
        let shown: String = arguments.to_string().chars().take(80).collect();
        let result = client.call(tool, arguments);
        let told = result["content"][0]["text"].as_str().unwrap_or_default().to_owned();
        assert!(result["isError"] == true && told.starts_with("invalid_argument"), "{tool} {shown}: {told}");
        assert!(told.len() < 700, "{tool}: {} bytes are said back", told.len());
    };
    for wrong in
        [json!(huge), json!([huge]), json!(many), json!(many.join(",")), json!({"a": 1}), json!(7), json!(true), json!([[["A"]]])]
    {
        for (tool, argument) in [
            ("get_last_trade", "ticker"),
            ("stream_stock_prices", "symbols"),
            ("stream_market_news", "symbols"),
            ("read_tape", "topics"),
            ("get_returns", "symbols"),
            ("call_endpoint", "name"),
            ("list_universal_snapshots", "ticker_any_of"),
        ] {
            refused(&mut client, tool, json!({ argument: wrong }));
        }
        refused(&mut client, "call_endpoint", json!({"name": "get_last_trade", "arguments": {"ticker": wrong}}));
    }
    for name in ["apiKey", "apikey", "params", "__proto__", "ticker.gte", "ticker\r\n", &"x".repeat(10_000)] {
        refused(&mut client, "get_last_trade", json!({"ticker": "AAPL", name: "x"}));
        refused(&mut client, "call_endpoint", json!({"name": "get_last_trade", "arguments": {"ticker": "AAPL", name: "x"}}));
        refused(&mut client, "stream_stock_prices", json!({"symbols": ["AAPL"], name: "x"}));
    }
    // More than a body may have.
    let body = json!({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params":
        {"name": "get_last_trade", "arguments": {"ticker": "A".repeat(2 << 20)}}});
    assert_eq!(client.post(&body).status, 413);
    let long = format!("/events?topics=prices:{}", "A".repeat(20_000));
    let status = get(&long).send(gateway.address).status;
    assert!((400..500).contains(&status), "{status}");
    let topics: Vec<String> = many.iter().take(2_000).map(|symbol| format!("prices:{symbol}")).collect();
    assert_eq!(get(&format!("/events?topics={}", topics.join(","))).send(gateway.address).status, 400);
    for path in
        ["/api/quotes/AAPL?apiKey=x", "/api/bars/AAPL?limit=x", "/api/news/AAPL?limit=-1", "/events?topics=prices:AAPL&x=1"]
    {
        assert_eq!(get(path).send(gateway.address).status, 400, "{path}");
    }
    assert_eq!(asked(), before, "the upstream was asked");
}

#[test]
fn what_is_told_of_a_refusal_never_says_a_control_character_back() {
    let gateway = TestGateway::start();
    let mut client = McpClient::connect(gateway.address);
    let mut worst = BTreeMap::new();
    for text in HOSTILE {
        let result = client.call("get_last_trade", json!({ "ticker": text }));
        let told = result["content"][0]["text"].as_str().unwrap_or_default();
        let raw: Vec<char> =
            told.chars().filter(|c| c.is_control() || matches!(*c, '\u{202e}' | '\u{200b}' | '\u{feff}')).collect();
        if !raw.is_empty() {
            worst.insert(*text, raw);
        }
    }
    assert!(worst.is_empty(), "{worst:?}");
}
