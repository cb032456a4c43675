//! Every tool against its own schema (M10): what the schema takes is answered, what it refuses is refused, and nothing of the latter gets
//! as far as the upstream.

use serde_json::{Map, Value, json};

use crate::support::{Dice, McpClient, TestGateway};

/// Arguments that the schema takes and arguments that it refuses, for each tool.
const GOOD: usize = 5;
const BROKEN: usize = 12;

/// Every tool there is.
pub(super) fn list_all(client: &mut McpClient) -> Vec<Value> {
    let (mut tools, mut params) = (Vec::new(), json!({}));
    loop {
        let page = client.ask("tools/list", params).json()["result"].clone();
        tools.extend(page["tools"].as_array().unwrap().iter().cloned());
        if page["nextCursor"].is_null() {
            return tools;
        }
        params = json!({"cursor": page["nextCursor"]});
    }
}

/// Whether it is a row of the endpoint table: all of them take `fields` and `format`.
pub(super) fn is_endpoint(tool: &Value) -> bool {
    let properties = &tool["inputSchema"]["properties"];
    properties.get("fields").is_some() && properties.get("format").is_some()
}

/// The examples of a schema: arguments with which a row of the table answers.
pub(super) fn sample(tool: &Value) -> Value {
    let properties = tool["inputSchema"]["properties"].as_object().into_iter().flatten();
    let examples = properties.filter(|(_, schema)| schema.get("examples").is_some());
    Value::Object(examples.map(|(name, schema)| (name.clone(), schema["examples"][0].clone())).collect())
}

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn number(schema: &Value, key: &str, default: f64) -> f64 {
    schema[key].as_f64().unwrap_or(default)
}

/// A value that the schema takes, as far as a schema says it.
fn good(schema: &Value, dice: &mut Dice) -> Value {
    let mut pick = |from: &[Value]| from[dice.below(from.len() as u64) as usize].clone();
    if let Some(words) = schema["enum"].as_array().filter(|words| !words.is_empty()) {
        return pick(words);
    }
    if let Some(examples) = schema["examples"].as_array().filter(|examples| !examples.is_empty()) {
        return pick(examples);
    }
    if let Some(ways) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
        let way = pick(ways);
        return good(&way, dice);
    }
    let types = types(schema);
    match types.first().copied().unwrap_or("string") {
        "boolean" => json!(dice.below(2) == 0),
        "integer" => {
            let (least, most) = (number(schema, "minimum", 0.0), number(schema, "maximum", 100.0));
            // The bounds themselves are the likeliest mistakes.
            match dice.below(3) {
                0 => json!(least as i64),
                1 => json!(most as i64),
                _ => json!(least as i64 + dice.below((most - least).min(1_000.0) as u64 + 1) as i64),
            }
        }
        "number" => json!(number(schema, "minimum", 1.0).max(number(schema, "exclusiveMinimum", 0.0) + 1.0)),
        "array" => json!([good(&schema["items"], dice)]),
        "object" => json!({}),
        _ if schema["format"] == "date" => json!("2026-03-10"),
        _ => json!("AAPL"),
    }
}

/// A value that no schema of the product takes in the place of this one.
fn broken(schema: &Value, dice: &mut Dice) -> Value {
    let ways = [
        json!({"a": {"b": [1, {"c": null}]}}),
        json!([[[["A"]]]]),
        json!(1e308),
        json!(-1),
        json!(""),
        json!("\u{0}"),
        json!(["A", 7, null]),
        json!(true),
        json!(i64::MIN),
        json!(0.5),
        json!("x".repeat(5_000)),
        json!(schema["maximum"].as_f64().unwrap_or(1e15) + 1.0),
        json!(schema["minimum"].as_f64().unwrap_or(-1e15) - 1.0),
    ];
    ways[dice.below(ways.len() as u64) as usize].clone()
}

/// Waits would make the test long, and streams answer in another way; both have tests of their own.
fn hasten(arguments: &mut Map<String, Value>) {
    for (name, least) in [("duration", 1_000), ("timeout", 1_000), ("wait_ms", 0)] {
        if arguments.get(name).is_some_and(Value::is_u64) {
            arguments.insert(name.to_owned(), json!(least));
        }
    }
    if arguments.get("stream") == Some(&json!(true)) {
        arguments.insert("stream".to_owned(), json!(false));
    }
}

/// Arguments out of the schema: what is required, and some of the rest.
fn arguments(schema: &Value, dice: &mut Dice) -> Map<String, Value> {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut arguments = Map::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        // A cursor and columns come out of an answer.
        let is_own = !["cursor", "fields"].contains(&name.as_str());
        if required.contains(&name.as_str()) || is_own && dice.below(3) == 0 {
            arguments.insert(name.clone(), good(property, dice));
        }
    }
    hasten(&mut arguments);
    arguments
}

/// Arguments of which one is wrong, or missing, or too many.
fn spoilt(schema: &Value, dice: &mut Dice) -> Value {
    let mut spoilt = arguments(schema, dice);
    let properties: Vec<(&String, &Value)> = schema["properties"].as_object().into_iter().flatten().collect();
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match dice.below(6) {
        0 => {
            spoilt.insert("no_such_argument".to_owned(), json!(1));
        }
        1 if !required.is_empty() => {
            spoilt.remove(required[dice.below(required.len() as u64) as usize]);
        }
        2 => return [json!([]), json!("x"), json!(7), json!([{"ticker": "AAPL"}])][dice.below(4) as usize].clone(),
        _ if properties.is_empty() => {
            spoilt.insert("x".repeat(300), Value::Null);
        }
        _ => {
            let (name, property) = properties[dice.below(properties.len() as u64) as usize];
            spoilt.insert(name.clone(), broken(property, dice));
        }
    }
    Value::Object(spoilt)
}

/// Requests for data: those about the market's status go on by themselves.
fn asked(gateway: &TestGateway) -> u64 {
    gateway.simulator().requests() - gateway.simulator().requests_to("/v1/marketstatus")
}

#[test]
fn every_tool_takes_what_its_schema_takes_and_refuses_what_it_refuses_without_asking_the_upstream() {
    let gateway = TestGateway::with(&[("TOOLSETS", "all"), ("UPSTREAM_RPM", "1000000"), ("POLL_LINGER_SECS", "0")]);
    let mut client = McpClient::connect(gateway.address);
    let mut dice = Dice::seeded("every_tool_takes_what_its_schema_takes");
    let (mut answered, mut taken, mut refused, mut failures) = (0, 0, 0, Vec::new());
    for tool in list_all(&mut client) {
        let name = tool["name"].as_str().unwrap();
        let input = jsonschema::validator_for(&tool["inputSchema"]).unwrap();
        let output = jsonschema::validator_for(&tool["outputSchema"]).unwrap();
        for _ in 0..GOOD {
            let given = Value::Object(arguments(&tool["inputSchema"], &mut dice));
            if !input.is_valid(&given) {
                continue;
            }
            taken += 1;
            let result = client.call(name, given.clone());
            let told = result["content"][0]["text"].as_str().unwrap_or_default();
            if result["isError"] == false {
                answered += 1;
                let content = &result["structuredContent"];
                failures.extend(
                    output.iter_errors(content).map(|error| format!("{name} {given}: the answer breaks its schema: {error}")),
                );
            } else if !told.split_once(": ").is_some_and(|(class, sentence)| is_class(class) && sentence.len() > 15) {
                failures.push(format!("{name} {given}: {result}"));
            }
        }
        // Alerts of the good calls look at prices.
        if name.contains("alert") || name == "watch_price" {
            continue;
        }
        for _ in 0..BROKEN {
            let given = spoilt(&tool["inputSchema"], &mut dice);
            if input.is_valid(&given) {
                continue;
            }
            refused += 1;
            let before = settled(&gateway);
            let answer = client.ask("tools/call", json!({"name": name, "arguments": given})).json();
            let told = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
            let is_refused = answer["result"]["isError"] == true && told.starts_with("invalid_argument: ")
                || answer["error"]["code"] == -32_602;
            let shown: String = given.to_string().chars().take(200).collect();
            if !is_refused {
                failures.push(format!("{name} {shown}: {answer}"));
            } else if told.len() > 1_000 {
                failures.push(format!("{name} {shown}: {} bytes are said back", told.len()));
            }
            if asked(&gateway) != before {
                failures.push(format!("{name} {shown}: the upstream was asked"));
            }
        }
    }
    println!("{taken} calls that the schemas take, {answered} of them answered; {refused} that they refuse");
    assert!(taken > 200 && answered * 2 > taken && refused > 300, "{taken} {answered} {refused}");
    assert!(failures.is_empty(), "{} failures: {:#?}", failures.len(), &failures[..failures.len().min(12)]);
}

/// The count of requests once what earlier calls watched is polled no more.
fn settled(gateway: &TestGateway) -> u64 {
    crate::support::until("polls to end", || gateway.metric("tickgate_topics_watched") <= 1);
    asked(gateway)
}

fn is_class(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_lowercase() || c == b'_')
}
