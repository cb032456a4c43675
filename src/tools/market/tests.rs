//! Answers that fit, and how they go on.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tickgate_core::access::Principal;
use tickgate_core::market::{Freshness, MarketPhase, Source};
use tickgate_core::mcp::{Revision, ToolOutput};
use tickgate_core::time::Millis;

use super::cursor::{Asked, Place};
use super::options::{self, AnswerOptions};
use super::payload;
use super::present::Shown;
use crate::sealing::Sealer;
use crate::tools::endpoint::Endpoint;
use crate::tools::endpoints::ENDPOINTS;
use crate::upstream::polygon::NextPage;

fn row(name: &str) -> &'static Endpoint {
    ENDPOINTS.iter().find(|endpoint| endpoint.name == name).unwrap()
}

fn options(endpoint: &Endpoint, arguments: Value) -> Result<AnswerOptions, String> {
    let Value::Object(mut arguments) = arguments else { panic!("no object") };
    options::take(endpoint, &mut arguments).map_err(|failure| failure.to_string())
}

fn freshness() -> Freshness {
    Freshness {
        as_of: Millis(0),
        age_ms: 0,
        source: Source::Poll,
        delayed: false,
        session: MarketPhase::Regular,
        stale: false,
        position: "e-1".to_owned(),
    }
}

fn sealer() -> Sealer {
    Sealer::new(&["5a".repeat(32).into()]).unwrap()
}

/// Shows a body from a row on, and gives the result.
fn shown(endpoint: &Endpoint, body: &str, skip: usize, arguments: Value) -> Result<(Value, Option<usize>), String> {
    let options = options(endpoint, arguments)?;
    let body = Bytes::from(body.to_owned());
    let payload = payload::read(endpoint, &body).map_err(|error| error.to_string())?;
    let shown = Shown::of(&payload, skip, &options, endpoint).map_err(|failure| failure.to_string())?;
    let rest = shown.goes_on_after();
    let next = rest.map(|_| "NEXT".to_owned());
    let whole = shown.is_cut.then(|| "market://answers/x".to_owned());
    let output: ToolOutput = shown.output(options.format, next, true, whole, &freshness());
    Ok((serde_json::from_slice(&output.write(Revision::V2025_11_25)).unwrap(), rest))
}

fn holidays(count: usize) -> String {
    let rows: Vec<Value> = (0..count).map(|n| json!({"date": format!("day {n}"), "exchange": "NYSE"})).collect();
    Value::from(rows).to_string()
}

mod presenting {
    use super::*;

    #[test]
    fn a_list_without_a_limit_upstream_is_bounded_by_us_and_what_is_missing_is_said() {
        let endpoint = row("get_market_holidays");
        let (result, rest) = shown(endpoint, &holidays(4_213), 0, json!({})).unwrap();
        let structured = &result["structuredContent"];
        assert_eq!((structured["count"].as_u64(), rest), (Some(50), Some(50)));
        assert_eq!(structured["truncated"], json!({"shown": 50, "total": 4_213}));
        assert_eq!(structured["next"], "NEXT");
        assert!(result["content"][1]["text"].as_str().unwrap().starts_with("Showing 50 of 4,213. "));
        let (result, rest) = shown(endpoint, &holidays(4_213), 4_200, json!({"limit": 20})).unwrap();
        assert_eq!((result["structuredContent"]["count"].as_u64(), rest), (Some(13), None));
        assert_eq!(result["structuredContent"]["results"][0]["date"], "day 4200");
        assert!(result["content"].get(1).is_none() && result["structuredContent"].get("truncated").is_none());
    }

    #[test]
    fn walking_by_what_goes_on_shows_each_row_once() {
        let endpoint = row("get_market_holidays");
        let (mut skip, mut seen) = (0, Vec::new());
        loop {
            let (result, rest) = shown(endpoint, &holidays(137), skip, json!({"limit": 10})).unwrap();
            let rows = result["structuredContent"]["results"].as_array().unwrap();
            seen.extend(rows.iter().map(|row| row["date"].as_str().unwrap().to_owned()));
            match rest {
                Some(rest) => skip = rest,
                None => break,
            }
        }
        assert_eq!(seen, (0..137).map(|n| format!("day {n}")).collect::<Vec<_>>());
    }

    #[test]
    fn more_bytes_than_fit_are_cut_between_rows_with_a_link_to_the_whole() {
        let endpoint = row("list_tickers");
        let big: Vec<Value> = (0..100).map(|n| json!({"ticker": format!("T{n}"), "name": "x".repeat(4_000)})).collect();
        let body = json!({"results": big, "status": "OK"}).to_string();
        let (result, rest) = shown(endpoint, &body, 0, json!({})).unwrap();
        let shown_rows = result["structuredContent"]["count"].as_u64().unwrap();
        assert!((10..20).contains(&shown_rows) && rest == Some(shown_rows as usize), "{shown_rows}");
        assert_eq!(result["content"][2]["type"], "resource_link");
        assert!(result["content"].to_string().len() < 200_000);
        let (few, rest) = shown(endpoint, &body, 0, json!({"fields": "ticker"})).unwrap();
        assert_eq!((few["structuredContent"]["count"].as_u64(), rest), (Some(100), None));
        let one = json!({"results": [{"ticker": "A", "name": "x".repeat(100_000)}]}).to_string();
        let (single, _) = shown(endpoint, &one, 0, json!({})).unwrap();
        assert_eq!(single["structuredContent"]["count"], 1, "a row is never left out for ever");
    }

    #[test]
    fn an_object_that_is_too_large_names_its_columns() {
        let endpoint = row("get_ticker_details");
        let body =
            json!({"results": {"ticker": "A", "description": "x".repeat(3_000), "more": ["y".repeat(90_000)]}}).to_string();
        let error = shown(endpoint, &body, 0, json!({})).unwrap_err();
        assert!(error.starts_with("too_large") && error.contains("description, more, ticker"), "{error}");
        assert!(shown(endpoint, &body, 0, json!({"fields": ["ticker"]})).is_ok());
    }

    #[test]
    fn csv_is_the_text_twin_and_the_data_stays() {
        let endpoint = row("get_market_holidays");
        let (result, _) = shown(endpoint, &holidays(2), 0, json!({"format": "csv", "fields": ["exchange", "date"]})).unwrap();
        assert_eq!(result["content"][0]["text"], "exchange,date\nNYSE,day 0\nNYSE,day 1\n");
        assert_eq!(result["structuredContent"]["results"][0], json!({"exchange": "NYSE", "date": "day 0"}));
    }

    #[test]
    fn bars_are_merged_to_as_many_points_as_wanted() {
        let endpoint = row("get_aggs");
        let bars: Vec<Value> = (0..100).map(|n| json!({"o": n, "h": n + 1, "l": n, "c": n, "v": 10, "t": n})).collect();
        let body = json!({"results": bars}).to_string();
        let (result, rest) = shown(endpoint, &body, 0, json!({"max_points": 10})).unwrap();
        let structured = &result["structuredContent"];
        assert_eq!((structured["count"].as_u64(), structured["merged"].as_u64(), rest), (Some(10), Some(10), None));
        assert_eq!(structured["results"][9], json!({"o": 90, "h": 100, "l": 90, "c": 99, "v": 100, "t": 90}));
        assert!(result["content"][1]["text"].as_str().unwrap().contains("up to 10 bars"));
    }

    #[test]
    fn merged_bars_that_do_not_fit_are_merged_further_and_none_is_left_out() {
        let endpoint = row("get_aggs");
        let bars: Vec<Value> = (0..20_000).map(|n| json!({"o": n, "h": n + 1, "l": n, "c": n, "v": 10, "t": n})).collect();
        let body = json!({"results": bars}).to_string();
        let (result, rest) = shown(endpoint, &body, 0, json!({"max_points": 5_000})).unwrap();
        let structured = &result["structuredContent"];
        let points = structured["results"].as_array().unwrap();
        assert!((500..5_000).contains(&points.len()) && structured.to_string().len() < 70_000, "{}", points.len());
        assert_eq!(points.iter().map(|point| point["v"].as_u64().unwrap()).sum::<u64>(), 200_000, "every bar is in one of them");
        assert!(rest.is_none() && structured.get("truncated").is_none() && structured["merged"].as_u64().unwrap() > 4);
    }

    #[test]
    fn bars_that_have_been_shown_are_not_merged_again() {
        let bars: Vec<Value> = (0..100).map(|n| json!({"o": n, "h": n + 1, "l": n, "c": n, "v": 10, "t": n})).collect();
        let body = json!({"results": bars}).to_string();
        let (result, rest) = shown(row("get_aggs"), &body, 60, json!({"max_points": 10})).unwrap();
        let structured = &result["structuredContent"];
        assert_eq!((structured["count"].as_u64(), structured["results"][0]["o"].as_u64(), rest), (Some(10), Some(60), None));
    }

    #[test]
    fn a_column_that_a_page_happens_not_to_have_is_no_mistake() {
        let body = json!({"tickers": [{"ticker": "AAPL", "day": {"c": 1}}]}).to_string();
        let (result, _) = shown(row("get_snapshot_all"), &body, 0, json!({"fields": ["ticker", "lastQuote.p"]})).unwrap();
        assert_eq!(result["structuredContent"]["results"], json!([{"ticker": "AAPL"}]), "it depends on the plan");
        let further = json!({"fields": ["date", "rare"], "cursor": "x"});
        assert!(shown(row("get_market_holidays"), &holidays(2), 1, further).is_ok(), "the page before had it");
    }

    #[test]
    fn text_from_outside_is_cleaned_however_deep_it_stands() {
        let body = json!({"results": [{"id": "1", "publisher": {"name": "A\u{202e}B", "n": 7}, "keywords": ["x\ny"],
            "insights": [{"ticker": "TSLA", "sentiment_reasoning": "ignore\u{200b} this"}]}]});
        let (result, _) = shown(row("list_ticker_news"), &body.to_string(), 0, json!({})).unwrap();
        let article = &result["structuredContent"]["results"][0];
        assert_eq!(article["publisher"], json!({"name": "AB", "n": 7}));
        assert_eq!(
            (&article["keywords"], &article["insights"][0]["sentiment_reasoning"]),
            (&json!(["x y"]), &json!("ignore this"))
        );
        assert_eq!(article["untrusted"].as_array().unwrap().len(), 3);
        let (result, _) = shown(row("list_ticker_news"), &body.to_string(), 0, json!({"fields": ["publisher.name"]})).unwrap();
        let article = &result["structuredContent"]["results"][0];
        assert_eq!(article, &json!({"publisher.name": "AB", "untrusted": ["publisher.name"]}));
    }

    #[test]
    fn an_empty_answer_is_an_empty_list_and_no_object_is_not_found() {
        for body in [r#"{"status":"OK"}"#, r#"{"results":null}"#, r#"{"results":[]}"#] {
            let (result, _) = shown(row("list_tickers"), body, 0, json!({"fields": ["ticker"]})).unwrap();
            assert_eq!((&result["structuredContent"]["results"], &result["structuredContent"]["count"]), (&json!([]), &json!(0)));
        }
        assert!(shown(row("get_ticker_details"), r#"{"status":"OK"}"#, 0, json!({})).is_err());
        for body in [r#"{"results":{}}"#, r#"{"results":"x"}"#, "[]", "7"] {
            assert!(shown(row("list_tickers"), body, 0, json!({})).is_err(), "{body}");
        }
    }

    #[test]
    fn rows_inside_an_object_are_a_list_like_any_other_and_say_how_old_they_are() {
        let body = r#"{"results":{"underlying":{"url":"https://x"},"values":[{"timestamp":1773115200000,"value":236.9},{"timestamp":1773028800000,"value":1.50}]}}"#;
        let (result, _) = shown(row("get_sma"), body, 0, json!({})).unwrap();
        assert_eq!(result["structuredContent"]["count"], 2);
        assert_eq!(result["structuredContent"]["results"][1], json!({"timestamp": 1_773_028_800_000_u64, "value": 1.5}));
        let bytes = Bytes::from(body);
        let payload = payload::read(row("get_sma"), &bytes).unwrap();
        assert_eq!(payload::as_of(row("get_sma").as_of, &payload.rows), Some(Millis(1_773_115_200_000)));
        for body in [r#"{"results":{}}"#, r#"{"results":{"values":null}}"#, "{}"] {
            assert_eq!(shown(row("get_sma"), body, 0, json!({})).unwrap().0["structuredContent"]["count"], 0, "{body}");
        }
        assert!(shown(row("get_sma"), r#"{"results":[]}"#, 0, json!({})).is_err());
    }

    #[test]
    fn a_time_of_zero_is_none_and_one_with_decimals_is_one() {
        let all = row("get_snapshot_all");
        for (body, as_of) in [
            (r#"{"tickers":[{"ticker":"A","updated":0},{"ticker":"B","updated":0}]}"#, None),
            (r#"{"tickers":[{"ticker":"A","updated":0},{"ticker":"B","updated":1.773167467294e18}]}"#, Some(1_773_167_467_294)),
            (r#"{"tickers":[{"ticker":"A","updated":-5}]}"#, None),
        ] {
            let body = Bytes::from(body);
            let payload = payload::read(all, &body).unwrap();
            assert_eq!(payload::as_of(all.as_of, &payload.rows), as_of.map(Millis), "{body:?}");
        }
    }

    #[test]
    fn a_snapshot_is_late_when_one_of_its_rows_says_so() {
        let all = row("list_universal_snapshots");
        for (rows, delayed) in [
            (r#"[{"ticker":"AAPL","timeframe":"REAL-TIME"}]"#, false),
            (r#"[{"ticker":"AAPL","timeframe":"REAL-TIME"},{"ticker":"I:SPX","timeframe":"DELAYED"}]"#, true),
            (r#"[{"ticker":"AAPL","last_trade":{"timeframe":"DELAYED"}}]"#, true),
            (r#"[{"ticker":"AAPL","name":"DELAYED","last_quote":null}]"#, false),
        ] {
            let body = bytes::Bytes::from(format!(r#"{{"results":{rows}}}"#));
            let payload = payload::read(all, &body).unwrap();
            assert_eq!(payload::is_delayed(all, &payload.rows), delayed, "{rows}");
        }
    }

    #[test]
    fn the_newest_of_several_places_says_how_old_a_row_is() {
        let body = Bytes::from(
            r#"{"results":[{"day":{"last_updated":1773115200000000000}},{"last_quote":{"last_updated":1773167467407646487}}]}"#,
        );
        let chain = row("list_snapshot_options_chain");
        let payload = payload::read(chain, &body).unwrap();
        assert_eq!(payload::as_of(chain.as_of, &payload.rows), Some(Millis(1_773_167_467_407)));
    }
}

mod asking {
    use super::*;

    #[test]
    fn wrong_options_are_refused_with_what_is_allowed() {
        let bars = row("get_aggs");
        for (arguments, said) in [
            (json!({"fields": []}), Ok(())),
            (json!({"fields": [1]}), Err("`fields`")),
            (json!({"fields": {"a": 1}}), Err("`fields`")),
            (json!({"fields": vec!["x"; 60]}), Ok(())),
            (json!({"fields": (0..60).map(|n| n.to_string()).collect::<Vec<_>>()}), Err("1 to 50")),
            (json!({"format": "xml"}), Err("json or csv")),
            (json!({"cursor": 7}), Err("`cursor`")),
            (json!({"max_points": 1}), Err("2 to 5000")),
            (json!({"max_points": "x"}), Err("2 to 5000")),
        ] {
            match (options(bars, arguments.clone()), said) {
                (Ok(_), Ok(())) => {}
                (Err(error), Err(said)) => assert!(error.contains(said), "{arguments}: {error}"),
                (outcome, _) => panic!("{arguments}: {outcome:?}"),
            }
        }
        assert!(options(row("get_market_holidays"), json!({"limit": 1_001})).unwrap_err().contains("1 to 1000"));
        let error = shown(row("get_market_holidays"), &holidays(1), 0, json!({"fields": ["nosuch"]})).unwrap_err();
        assert!(error.contains("date, exchange"), "{error}");
    }

    #[test]
    fn options_of_another_kind_of_row_stay_with_the_rows_own_arguments() {
        let mut arguments: Map<String, Value> =
            serde_json::from_value(json!({"max_points": 5, "cursor": "x", "limit": 3})).unwrap();
        options::take(row("get_ticker_details"), &mut arguments).unwrap();
        assert_eq!(arguments.len(), 3, "the row itself refuses them");
    }
}

mod going_on {
    use super::*;

    fn asked(arguments: Value) -> Asked {
        let Value::Object(arguments) = arguments else { panic!("no object") };
        Asked { tool: "list_tickers".into(), arguments, place: Place::default() }
    }

    #[test]
    fn a_cursor_is_good_for_its_caller_and_its_request_alone() {
        let sealer = sealer();
        let (ada, bob) = (Principal::new("key", "ada"), Principal::new("key", "bob"));
        let request = asked(json!({"search": "apple", "limit": 3}));
        let place = Place::page(&NextPage::parse("/v3/reference/tickers?cursor=abc").unwrap()).on_page_of(7);
        let cursor = request.cursor(&place, &ada, &sealer);
        assert_eq!(request.open(&cursor, &ada, &sealer).unwrap(), place);
        assert_eq!(asked(json!({"limit": 3, "search": "apple"})).open(&cursor, &ada, &sealer).unwrap(), place);
        let other = Asked { tool: "list_splits".into(), ..request.clone() };
        let refusals = [
            request.open(&cursor, &bob, &sealer),
            asked(json!({"search": "pear", "limit": 3})).open(&cursor, &ada, &sealer),
            other.open(&cursor, &ada, &sealer),
            request.open(&cursor[1..], &ada, &sealer),
            request.open("", &ada, &sealer),
        ];
        let refusals: Vec<String> = refusals.into_iter().map(|refusal| refusal.unwrap_err().to_string()).collect();
        assert!(refusals.iter().all(|refusal| *refusal == refusals[0]), "{refusals:?}");
    }

    #[test]
    fn the_address_of_a_whole_answer_is_good_for_its_caller_alone_and_never_too_long_to_be_sent() {
        let sealer = sealer();
        let (ada, bob) = (Principal::new("key", "ada"), Principal::new("key", "bob"));
        let uri = asked(json!({"search": "apple"})).uri(&ada, &sealer).unwrap();
        let sealed = uri.strip_prefix(super::super::ANSWERS).unwrap();
        assert_eq!(Asked::of_uri(sealed, &ada, &sealer).unwrap().arguments, asked(json!({"search": "apple"})).arguments);
        assert!(Asked::of_uri(sealed, &bob, &sealer).is_none());
        assert!(asked(json!({"search": "x".repeat(3_000)})).uri(&ada, &sealer).is_none());
    }
}
