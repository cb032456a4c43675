//! The table has what it promises, and refuses what it must before anything is asked of the upstream.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value, json};

use super::*;
use crate::tools::endpoint::{Compare, Fallback, Place, Request};
use crate::tools::outcome::ToolFailure;
use crate::tools::toolset::{STANDARD, Toolset};
use crate::upstream::polygon::Path;

/// The 53 tools of the classic server with their arguments (polygon.md §1). `{R}`: `_lt _lte _gt _gte`; `{A}`: `_any_of`; `{L}`: `_all_of`.
const CLASSIC: &str = "
get_aggs ticker multiplier timespan from_ to adjusted sort limit
list_aggs ticker multiplier timespan from_ to adjusted sort limit
get_grouped_daily_aggs date adjusted include_otc locale market_type
get_daily_open_close_agg ticker date adjusted
get_previous_close_agg ticker adjusted
list_trades ticker timestamp{R} limit sort order
get_last_trade ticker
get_last_crypto_trade from_ to
list_quotes ticker timestamp{R} limit sort order
get_last_quote ticker
get_last_forex_quote from_ to
get_real_time_currency_conversion from_ to amount precision
list_universal_snapshots type ticker_any_of order limit sort
get_snapshot_all market_type tickers include_otc
get_snapshot_direction market_type direction include_otc
get_snapshot_ticker market_type ticker
get_snapshot_option underlying_asset option_contract
get_snapshot_crypto_book ticker
get_market_holidays
get_market_status
list_tickers ticker type market exchange cusip cik date search active sort order limit
get_ticker_details ticker date
list_ticker_news ticker published_utc limit sort order
get_ticker_types asset_class locale
list_splits ticker execution_date reverse_split limit
list_dividends ticker ex_dividend_date frequency dividend_type limit
list_conditions asset_class data_type id sip
get_exchanges asset_class locale
list_stock_financials ticker cik company_name company_name_search sic filing_date{R} period_of_report_date{R} timeframe include_sources limit sort order
list_ipos ticker listing_date{R} ipo_status limit sort order
list_short_interest ticker settlement_date{R} limit sort order
list_short_volume ticker date{R} limit sort order
list_treasury_yields date{R}{A} limit sort order
list_inflation date{R}{A} limit sort
list_benzinga_analyst_insights date{R}{A} ticker{R}{A} last_updated{R}{A} firm{R}{A} rating_action{R}{A} benzinga_firm_id{R}{A} benzinga_rating_id{R}{A} limit sort
list_benzinga_analysts benzinga_id{R}{A} benzinga_firm_id{R}{A} firm_name{R}{A} full_name{R}{A} limit sort
list_benzinga_consensus_ratings ticker date{R} limit
list_benzinga_earnings date{R}{A} ticker{R}{A} importance{R}{A} last_updated{R}{A} date_status{R}{A} eps_surprise_percent{R}{A} revenue_surprise_percent{R}{A} fiscal_year{R}{A} fiscal_period{R}{A} limit sort
list_benzinga_firms benzinga_id{R}{A} limit sort
list_benzinga_guidance date{R}{A} ticker{R}{A} positioning{R}{A} importance{R}{A} last_updated{R}{A} fiscal_year{R}{A} fiscal_period{R}{A} limit sort
list_benzinga_news published{R}{A} last_updated{R}{A} tickers{A}{L} channels{A}{L} tags{A}{L} author{R}{A} limit sort
list_benzinga_ratings date{R}{A} ticker{R}{A} importance{R}{A} last_updated{R}{A} rating_action{R}{A} price_target_action{R}{A} benzinga_id{R}{A} benzinga_analyst_id{R}{A} benzinga_firm_id{R}{A} limit sort
list_futures_aggregates ticker resolution window_start{R} limit sort
list_futures_contracts product_code first_trade_date last_trade_date as_of active type limit sort
get_futures_contract_details ticker as_of
list_futures_products name name_search as_of trading_venue sector sub_sector asset_class asset_sub_class type limit sort
get_futures_product_details product_code type as_of
list_futures_quotes ticker timestamp{R} session_end_date{R} limit sort
list_futures_trades ticker timestamp{R} session_end_date{R} limit sort
list_futures_schedules session_end_date trading_venue limit sort
list_futures_schedules_by_product_code product_code session_end_date{R} limit sort
list_futures_market_statuses product_code_any_of product_code limit sort
get_futures_snapshot ticker{R}{A} product_code{R}{A} limit sort
";

/// What the classic server lacked (polygon.md §1.1). Of indicators the values are given, so `expand_underlying` would say nothing.
const ADDED: &str = "
get_sma ticker timestamp{R} timespan window series_type adjusted order limit
get_ema ticker timestamp{R} timespan window series_type adjusted order limit
get_rsi ticker timestamp{R} timespan window series_type adjusted order limit
get_macd ticker timestamp{R} timespan short_window long_window signal_window series_type adjusted order limit
list_snapshot_options_chain underlying_asset strike_price{R} expiration_date{R} contract_type order limit sort
list_options_contracts underlying_ticker{R} contract_type expiration_date{R} strike_price{R} as_of expired order limit sort
get_options_contract ticker as_of
get_related_companies ticker
get_ticker_events ticker types
get_snapshot_indices ticker_any_of
get_summaries ticker_any_of
";

/// Arguments beyond those: what the upstream has and a model needs.
const MORE: &[(&str, &str)] = &[
    ("list_ticker_news", "published_utc{R}"),
    ("list_splits", "execution_date{R}"),
    ("list_dividends", "ex_dividend_date{R}"),
    ("list_conditions", "limit"),
    ("get_snapshot_indices", "limit"),
];

fn expanded(spec: &str) -> Vec<String> {
    let name = spec.split('{').next().unwrap();
    let mut names = vec![name.to_owned()];
    for (mark, endings) in [("{R}", &["lt", "lte", "gt", "gte"][..]), ("{A}", &["any_of"]), ("{L}", &["all_of"])] {
        if spec.contains(mark) {
            names.extend(endings.iter().map(|ending| format!("{name}_{ending}")));
        }
    }
    names
}

fn promised() -> Vec<(&'static str, BTreeSet<String>)> {
    let lines = CLASSIC.lines().chain(ADDED.lines()).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let mut parts = line.split(' ');
            let name = parts.next().unwrap();
            let more = MORE.iter().filter(|(of, _)| *of == name).map(|(_, spec)| *spec);
            (name, parts.chain(more).flat_map(expanded).collect())
        })
        .collect()
}

fn arguments_of(endpoint: &Endpoint) -> BTreeSet<String> {
    endpoint.input_schema()["properties"].as_object().unwrap().keys().cloned().collect()
}

fn request(endpoint: &Endpoint, arguments: &Value) -> Result<Request, ToolFailure> {
    endpoint.request(arguments.as_object().unwrap())
}

fn with(endpoint: &Endpoint, name: &str, value: Value) -> Value {
    let mut arguments = endpoint.sample();
    arguments[name] = value;
    arguments
}

#[test]
fn every_classic_tool_and_every_addition_is_there_with_its_arguments() {
    assert_eq!(CLASSIC.lines().filter(|line| !line.is_empty()).count(), 53);
    for (name, arguments) in promised() {
        let endpoint = find(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(arguments_of(endpoint), arguments, "{name}");
    }
    assert_eq!(ENDPOINTS.len(), promised().len());
}

#[test]
fn names_are_unique_and_every_row_tells_a_model_when_to_use_it() {
    let names: HashSet<&str> = ENDPOINTS.iter().map(|endpoint| endpoint.name).collect();
    assert_eq!(names.len(), ENDPOINTS.len());
    let titles: HashSet<&str> = ENDPOINTS.iter().map(|endpoint| endpoint.title).collect();
    assert_eq!(titles.len(), ENDPOINTS.len());
    for endpoint in ENDPOINTS {
        assert!(endpoint.description.len() > 50 && endpoint.description.ends_with('.'), "{}", endpoint.name);
        assert!(!endpoint.description.contains("  "), "{}: {}", endpoint.name, endpoint.description);
        assert!(!endpoint.fields.is_empty(), "{} has no fields", endpoint.name);
        assert!(
            endpoint.untrusted.iter().all(|name| endpoint.fields.iter().any(|field| field.name == *name)),
            "{}",
            endpoint.name
        );
    }
}

#[test]
fn a_sample_of_each_row_is_taken_and_fills_its_path() {
    for endpoint in ENDPOINTS {
        let sample = endpoint.sample();
        let asked = request(endpoint, &sample).unwrap_or_else(|error| panic!("{}: {error}", endpoint.name));
        let values: Vec<(&str, &str)> = asked.path.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert!(Path::new(endpoint.path, &values).is_ok(), "{}: {values:?}", endpoint.name);
        for (placeholder, _) in values {
            assert!(endpoint.path.contains(&format!("{{{placeholder}}}")), "{}: {placeholder} goes nowhere", endpoint.name);
        }
        let keys: HashSet<&str> = asked.query.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys.len(), asked.query.len(), "{}", endpoint.name);
    }
}

#[test]
fn every_schema_is_sound_and_its_examples_and_defaults_fit() {
    for endpoint in ENDPOINTS {
        let (input, output) = (endpoint.input_schema(), endpoint.output_schema());
        for schema in [&input, &output] {
            assert!(jsonschema::draft202012::meta::is_valid(schema), "{}", endpoint.name);
        }
        let validator = jsonschema::draft202012::new(&input).unwrap();
        assert!(validator.is_valid(&endpoint.sample()), "{}: {}", endpoint.name, endpoint.sample());
        for (name, schema) in input["properties"].as_object().unwrap() {
            let validator = jsonschema::draft202012::new(schema).unwrap();
            let examples = schema.get("examples").and_then(Value::as_array).into_iter().flatten();
            for value in examples.chain(schema.get("default")) {
                assert!(validator.is_valid(value), "{} {name}: {value}", endpoint.name);
                assert!(request(endpoint, &with(endpoint, name, value.clone())).is_ok(), "{} {name}", endpoint.name);
            }
            assert!(!schema["description"].as_str().unwrap().is_empty(), "{} {name}", endpoint.name);
        }
        for required in endpoint.required() {
            assert!(endpoint.sample().get(required).is_some(), "{}: {required} has no example", endpoint.name);
        }
    }
}

/// Values that a kind must refuse.
fn bad(kind: Kind) -> Vec<Value> {
    let mut bad = vec![json!({"$gt": ""}), json!([[]])];
    let texts = [
        "",
        "../../v1/marketstatus",
        "A%2e%2e",
        "AAPL?apiKey=x",
        "AAPL\r\nHost: x",
        "AAPL\u{0}",
        "АAPL",
        "AAPL/prev",
        "AAPL#x",
        "A A",
    ];
    let long = "A".repeat(100_000);
    match kind {
        Kind::Text(most) => {
            let long = "x".repeat(most + 1);
            bad.extend(["", "  ", "a\r\nb", "a\u{0}b", "a\u{7f}", &long].map(Value::from));
            bad.extend([json!(7), json!(true), json!([])]);
        }
        Kind::Integer(least, most) => {
            bad.extend([json!(least - 1), json!(most + 1), json!(1.5), json!("1e3"), json!(true), json!(1e300), json!(u64::MAX)]);
        }
        Kind::Number(least, most) => bad.extend([json!(least - 1.0), json!(most * 2.0), json!("x"), json!(true), json!(1e300)]),
        Kind::Choice(_) => bad.extend([json!(3), json!(-1), json!("x"), json!(1.5), json!(true)]),
        Kind::Boolean => bad.extend([json!("true"), json!(1), json!([])]),
        Kind::Date | Kind::Time(_) => {
            bad.extend(texts.map(Value::from));
            bad.extend(["yesterday", "2026-13-01", "2026-02-30", "2026-03-10T25:00:00Z", "-5", "+5", &long].map(Value::from));
            bad.extend([json!(-1), json!(1.5), json!(true)]);
        }
        Kind::List(entry) => {
            bad.extend(bad_entries(*entry));
            bad.extend([
                json!([]),
                json!({}),
                json!(7),
                json!(true),
                json!(vec!["AAPL"; 10_000]),
                json!(vec!["AAPL"; 10_000].join(",")),
            ]);
        }
        Kind::Symbol | Kind::SymbolOf(_) | Kind::Currency | Kind::Code(_) | Kind::Word(_) | Kind::SortBy => {
            bad.extend(texts.map(Value::from));
            bad.extend([json!(long), json!(7), json!(true), json!([]), json!("..")]);
            match kind {
                Kind::Symbol | Kind::Currency => bad.push(json!("aapl")),
                Kind::SymbolOf(markets) if !markets.contains(&tickgate_core::market::Market::Forex) => {
                    bad.push(json!("C:EURUSD"))
                }
                Kind::Word(_) => bad.extend([json!("moon"), json!("STOCKS")]),
                Kind::SortBy => bad.extend(["date desc", "date.up", ".desc", "a,b,c,d,e,f", "Date"].map(Value::from)),
                _ => {}
            }
        }
    }
    bad
}

/// Lists of which one entry is bad.
fn bad_entries(kind: Kind) -> Vec<Value> {
    bad(kind).into_iter().map(|value| json!([value])).collect()
}

#[test]
fn every_bad_value_of_every_argument_of_every_row_is_refused_by_name() {
    let mut tried = 0;
    for endpoint in ENDPOINTS {
        for parameter in endpoint.parameters {
            let own = (parameter.name, bad(parameter.kind));
            let variants = parameter.variants.iter().map(|variant| {
                let list = matches!(variant.compare, Compare::AnyOf | Compare::AllOf);
                let many = json!(vec!["AAPL"; 10_000]);
                (
                    variant.name,
                    if list {
                        [bad_entries(parameter.kind), vec![many, json!([]), json!({})]].concat()
                    } else {
                        bad(parameter.kind)
                    },
                )
            });
            for (name, values) in std::iter::once(own).chain(variants) {
                for value in values {
                    let shown: String = value.to_string().chars().take(60).collect();
                    let error = match request(endpoint, &with(endpoint, name, value)) {
                        Err(error) => error.to_string(),
                        Ok(asked) => panic!("{} takes {name}={shown} as {asked:?}", endpoint.name),
                    };
                    assert!(error.contains(&format!("`{name}`")), "{} {name}={shown}: {error}", endpoint.name);
                    assert!(error.len() < 1_000, "{} {name}={shown}: {} bytes", endpoint.name, error.len());
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 5_000, "{tried}");
}

#[test]
fn what_is_missing_unknown_or_raw_is_said_with_what_there_is() {
    for endpoint in ENDPOINTS {
        for name in endpoint.required() {
            let mut arguments = endpoint.sample();
            arguments.as_object_mut().unwrap().remove(name);
            let error = request(endpoint, &arguments).unwrap_err().to_string();
            assert!(error.contains(&format!("`{name}`: it is required")), "{}: {error}", endpoint.name);
            assert_eq!(request(endpoint, &with(endpoint, name, Value::Null)).unwrap_err().to_string(), error);
        }
        let raw = request(endpoint, &with(endpoint, "params", json!({"apiKey": "x"}))).unwrap_err().to_string();
        assert!(raw.contains("`params`: raw parameters are not passed on; use the typed arguments"), "{raw}");
        assert!(endpoint.parameters.iter().all(|parameter| raw.contains(parameter.name)), "{raw}");
        let unknown = request(endpoint, &with(endpoint, "apiKey", json!("x"))).unwrap_err().to_string();
        assert!(unknown.contains("`apiKey`: unknown argument") && !unknown.contains("\"x\""), "{unknown}");
    }
}

#[test]
fn a_whole_market_needs_nothing_but_a_day_and_never_asks_for_none() {
    let grouped = find("get_grouped_daily_aggs").unwrap();
    for (arguments, locale, market) in [
        (json!({"date": "2026-03-10"}), "us", "stocks"),
        (json!({"date": "2026-03-10", "market_type": "crypto"}), "global", "crypto"),
        (json!({"date": "2026-03-10", "market_type": null, "locale": null}), "us", "stocks"),
        (json!({"date": "2026-03-10", "market_type": "fx", "locale": "global"}), "global", "fx"),
    ] {
        let asked = request(grouped, &arguments).unwrap();
        for expected in [("locale", locale), ("market_type", market)] {
            assert!(asked.path.contains(&(expected.0, expected.1.to_owned())), "{arguments}: {asked:?}");
        }
    }
}

#[test]
fn a_symbol_of_another_market_than_the_one_named_is_refused() {
    let snapshot = find("get_snapshot_ticker").unwrap();
    let error = request(snapshot, &json!({"market_type": "stocks", "ticker": "X:BTCUSD"})).unwrap_err().to_string();
    assert!(error.contains("`ticker`") && error.contains("symbol of crypto, but `market_type` says stocks"), "{error}");
    assert!(request(snapshot, &json!({"market_type": "crypto", "ticker": "X:BTCUSD"})).is_ok());
}

#[test]
fn lists_may_be_arrays_or_texts_and_say_each_entry_once() {
    let snapshots = find("list_universal_snapshots").unwrap();
    for symbols in [json!(["AAPL", "TSLA", "AAPL"]), json!("AAPL, TSLA,,AAPL")] {
        let asked = request(snapshots, &json!({"type": "stocks", "ticker_any_of": symbols})).unwrap();
        assert!(asked.query.contains(&("ticker.any_of", "AAPL,TSLA".to_owned())), "{asked:?}");
    }
    let earnings = find("list_benzinga_earnings").unwrap();
    for years in [json!([2025, 2026]), json!("2025,2026")] {
        let asked = request(earnings, &json!({"fiscal_year_any_of": years})).unwrap();
        assert!(asked.query.contains(&("fiscal_year.any_of", "2025,2026".to_owned())), "{asked:?}");
    }
}

#[test]
fn variants_and_defaults_go_out_as_the_upstream_spells_them() {
    let chain = find("list_snapshot_options_chain").unwrap();
    let asked =
        request(chain, &json!({"underlying_asset": "AAPL", "strike_price_gte": 240.5, "expiration_date_lt": "2026-04-18"}))
            .unwrap();
    let query: Map<String, Value> = asked.query.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    assert_eq!(Value::Object(query), json!({"strike_price.gte": "240.5", "expiration_date.lt": "2026-04-18", "limit": "10"}));
    let aggs = find("get_aggs").unwrap();
    let mut arguments = aggs.sample();
    arguments["from_"] = json!("2026-03-10T14:30:00Z");
    let asked = request(aggs, &arguments).unwrap();
    assert!(asked.path.contains(&("from", "1773153000000".to_owned())) && asked.query.is_empty(), "{asked:?}");
}

#[test]
fn every_limit_has_a_bound_and_a_default() {
    for endpoint in ENDPOINTS {
        let Some(limit) = endpoint.parameter("limit") else { continue };
        let Kind::Integer(1, most) = limit.kind else { panic!("{}", endpoint.name) };
        let default = match limit.default {
            Fallback::Ours(Literal::Integer(default)) | Fallback::Theirs(Literal::Integer(default)) => default,
            _ => panic!("{} has no default limit", endpoint.name),
        };
        assert!(default <= most && most <= 50_000 && limit.place == Place::Query("limit"), "{}", endpoint.name);
    }
}

#[test]
fn every_toolset_has_tools_and_standard_is_what_it_names() {
    let tools = crate::tools::all();
    for toolset in Toolset::ALL {
        let names: Vec<&str> = tools.iter().filter(|tool| toolset.has(tool)).map(|tool| tool.name).collect();
        assert!(!names.is_empty(), "{} is empty", toolset.as_str());
        assert_eq!(Toolset::find(toolset.as_str()), Some(toolset));
    }
    assert!(STANDARD.iter().all(|name| find(name).is_some()), "standard names rows of the table");
    let standard: Vec<&str> = tools.iter().filter(|tool| Toolset::Standard.has(tool)).map(|tool| tool.name).collect();
    for name in STANDARD.iter().chain(&["search_endpoints", "call_endpoint", "read_tape", "set_price_alert", "summarize_news"]) {
        assert!(standard.contains(name), "{name}");
    }
    assert!((30..50).contains(&standard.len()), "one page: {}", standard.len());
    assert!(tools.iter().all(|tool| Toolset::ALL.iter().any(|toolset| toolset.has(tool))));
    assert!(Toolset::Crypto.has(tools.iter().find(|tool| tool.name == "get_aggs").unwrap()), "bars belong to every asset class");
}

#[test]
fn tools_of_the_product_have_one_name_each_and_schemas_that_are_sound() {
    let tools = crate::tools::all();
    let names: HashSet<&str> = tools.iter().map(|tool| tool.name).collect();
    assert_eq!(names.len(), tools.len());
    for tool in &tools {
        for schema in std::iter::once(&tool.input_schema).chain(&tool.output_schema) {
            assert!(jsonschema::draft202012::meta::is_valid(schema), "{}", tool.name);
        }
        if let Some(endpoint) = find(tool.name) {
            let added = ["fields", "format", "cursor", "max_points"];
            assert!(added.iter().all(|name| endpoint.parameter(name).is_none()), "{} has an argument of every row's", tool.name);
            assert_eq!((tool.scope, tool.toolset), (endpoint.scope, endpoint.toolset));
        }
    }
}
