//! The OpenAPI 3.0 document: written once at the start, from this table and the registry, through paperclip's models.
//!
//! paperclip knows Swagger 2 and converts it; what that cannot say (event streams, bearer tokens) is added afterwards.

mod account_operations;
mod admin;
mod examples;
mod keys;
mod oauth_operations;
mod operations;
mod schema;
mod tools;

use bytes::Bytes;
use paperclip::v2::models::DefaultApiRaw;
use serde_json::{Map, Value, json};
use tickgate_core::market::symbol::MAX_SYMBOL_BYTES;

use self::account_operations::ACCOUNT_OPERATIONS;
use self::admin::ADMIN_OPERATIONS;
use self::examples::{arguments, example};
use self::keys::{KEY_OPERATIONS, LINK_OPERATIONS};
use self::oauth_operations::OAUTH_OPERATIONS;
use self::operations::{AnswerKind, MCP_NAME, OPERATIONS, Operation, STREAM_TICKET, UPSTREAM_KEY};
use crate::prompts::Prompt;
use crate::registry::Registry;

/// The document.
///
/// # Panics
/// When the table above is no Swagger document: a mistake in the program, found by its test.
#[must_use]
pub fn document(public_url: &str, registry: &Registry) -> Bytes {
    let swagger: DefaultApiRaw = serde_json::from_value(swagger()).expect("the table is a Swagger document");
    let converted = paperclip_core::v3::openapiv2_to_v3(swagger);
    let mut document = serde_json::to_value(converted).expect("an OpenAPI document is JSON");
    document["servers"] = json!([{ "url": public_url }]);
    document["components"]["securitySchemes"] = json!({
        "bearer": {"type": "http", "scheme": "bearer", "description": "An access token or an API key"},
        "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    });
    document["security"] = json!([{}, {"bearer": []}, {"api_key": []}]);
    for operation in operations() {
        patch(&mut document["paths"][operation.path][operation.method], operation);
    }
    let calls = example_calls(registry);
    document["paths"]["/messages"]["post"]["requestBody"] = request_body(&calls);
    keys::patch_bodies(&mut document);
    admin::patch_bodies(&mut document);
    document["paths"][UPSTREAM_KEY]["put"]["requestBody"] = upstream_key_body();
    document["paths"][STREAM_TICKET]["post"]["requestBody"] = stream_ticket_body();
    patch_mcp(&mut document["paths"]["/mcp"]["post"], calls);
    for (path, operation) in tools::paths(registry) {
        document["paths"][path] = json!({ "post": operation });
    }
    document["x-mcp-tools"] = described(registry);
    document["x-mcp-prompts"] = prompts(registry);
    document["x-mcp-resources"] = resources(registry);
    document.to_string().into()
}

/// Every operation but those of the tools.
fn operations() -> impl Iterator<Item = &'static Operation> {
    let account = ACCOUNT_OPERATIONS.iter().chain(KEY_OPERATIONS).chain(LINK_OPERATIONS);
    OPERATIONS.iter().chain(account).chain(ADMIN_OPERATIONS).chain(OAUTH_OPERATIONS)
}

fn swagger() -> Value {
    let mut paths = Map::new();
    for operation in operations() {
        let parameters: Vec<Value> = operation
            .parameters
            .iter()
            .map(|parameter| {
                json!({"name": parameter.name, "in": parameter.place, "required": parameter.required, "type": parameter.kind, "description": parameter.help})
            })
            .collect();
        let entry = paths.entry(operation.path).or_insert_with(|| json!({}));
        entry[operation.method] = json!({
            "operationId": operation.id,
            "summary": operation.summary,
            "tags": [operation.tag],
            "parameters": parameters,
            "responses": {"200": {"description": "as described"}},
        });
    }
    json!({
        "swagger": "2.0",
        "info": {
            "title": "tickgate",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Streaming gateway for market data. Every event and answer has a position; a stream opened after it misses nothing.",
        },
        "paths": paths,
        "definitions": {},
    })
}

/// What Swagger 2 cannot say.
fn patch(entry: &mut Value, operation: &Operation) {
    let (status, description, content) = match operation.answer {
        AnswerKind::Json => {
            ("200", "The answer", json!({"application/json": {"schema": {"type": "object"}, "example": example(operation.id)}}))
        }
        AnswerKind::Created => {
            ("201", "Made", json!({"application/json": {"schema": {"type": "object"}, "example": example(operation.id)}}))
        }
        AnswerKind::Events => (
            "200",
            "An event stream",
            json!({"text/event-stream": {"schema": {"type": "string"}, "example": example(operation.id)}}),
        ),
        AnswerKind::Text => {
            ("200", "The exposition", json!({"text/plain": {"schema": {"type": "string"}, "example": example(operation.id)}}))
        }
        AnswerKind::Nothing => ("204", "Done", Value::Null),
        AnswerKind::Accepted => ("202", "Taken", Value::Null),
        AnswerKind::Redirect => ("303", "On to another page", Value::Null),
    };
    let mut answer = json!({ "description": description });
    if !content.is_null() {
        answer["content"] = content;
    }
    entry["responses"] = json!({ status: answer, "default": refusal() });
    for (at, parameter) in operation.parameters.iter().enumerate() {
        if !parameter.example.is_empty() {
            let number = parameter.example.parse::<u64>().ok();
            entry["parameters"][at]["example"] = number.map_or_else(|| json!(parameter.example), |number| json!(number));
        }
        if parameter.name == "symbol" && parameter.place == "path" {
            entry["parameters"][at]["schema"]["maxLength"] = json!(MAX_SYMBOL_BYTES);
        }
    }
}

/// What any operation may answer instead.
fn refusal() -> Value {
    let problem = json!({"schema": {"type": "object", "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}, "request_id": {"type": "string"},
    }}});
    json!({"description": "A refusal", "content": {"application/problem+json": problem}})
}

/// What `/mcp` has beyond the others: calls of the stateless revision, which need no session, and messages that have no answer.
fn patch_mcp(entry: &mut Value, mut calls: Vec<Call>) {
    let content = &mut entry["responses"]["200"]["content"];
    content["text/event-stream"] = json!({"schema": {"type": "string"}, "example": example("mcp_post_stream")});
    // A caller must accept both forms. The page sends the first name here as Accept, and this one says so.
    content["*/*"] = content["application/json"].clone();
    entry["responses"]["202"] = json!({"description": "Taken: a notification, or the answer to a question of ours"});
    for call in &mut calls {
        call.params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
    }
    entry["requestBody"] = request_body(&calls);
    let names: Map<String, Value> =
        calls.iter().enumerate().map(|(at, call)| (key(at, call), json!({ "value": call.params["name"] }))).collect();
    let parameters = entry["parameters"].as_array_mut().into_iter().flatten();
    for parameter in parameters.filter(|parameter| parameter["name"] == MCP_NAME) {
        parameter["examples"] = json!(names);
    }
}

/// An example call.
struct Call {
    summary: String,
    method: &'static str,
    params: Value,
}

/// A call of each tool and each prompt, with arguments that fit: the interactive docs offer them to try.
fn example_calls(registry: &Registry) -> Vec<Call> {
    let tools = registry.tools().iter().map(|tool| Call {
        summary: tool.title.to_owned(),
        method: "tools/call",
        params: json!({"name": tool.name, "arguments": arguments(tool.name)}),
    });
    let prompts = registry.prompts().prompts().iter().map(|prompt| Call {
        summary: format!("Prompt: {}", prompt.title()),
        method: "prompts/get",
        params: json!({"name": prompt.name(), "arguments": sample_arguments(prompt)}),
    });
    tools.chain(prompts).collect()
}

/// Members are sorted by name, so the name begins with the place: the first one is what the page offers first.
fn key(at: usize, call: &Call) -> String {
    format!("{at:02}-{}", call.params["name"].as_str().unwrap_or_default())
}

fn request_body(calls: &[Call]) -> Value {
    let examples: Map<String, Value> = calls
        .iter()
        .enumerate()
        .map(|(at, call)| {
            let message = json!({"jsonrpc": "2.0", "id": 1, "method": call.method, "params": call.params});
            (key(at, call), json!({"summary": call.summary, "value": message}))
        })
        .collect();
    json!({"required": true, "content": {"application/json": {"schema": {"type": "object", "required": ["jsonrpc", "method"]}, "examples": examples}}})
}

/// What sets a caller's own upstream key.
fn stream_ticket_body() -> Value {
    let schema = json!({"type": "object", "additionalProperties": false, "required": ["path"], "properties": {
        "path": {"type": "string", "enum": ["/events", "/api/mcp/stream-news", "/api/mcp/stream-prices", "/api/mcp/stream-alerts"]},
    }});
    json!({"required": false, "content": {"application/json": {"schema": schema, "example": {"path": "/events"}}}})
}

fn upstream_key_body() -> Value {
    let schema = json!({"type": "object", "required": ["key"], "additionalProperties": false, "properties": {
        "key": {"type": "string", "format": "password", "minLength": 8, "maxLength": 256, "description": "Your key; it is never shown again"},
        "plan": {"type": "string", "enum": ["free", "starter", "developer", "advanced"], "description": "What the key allows; as the gateway's key by default"},
    }});
    json!({"required": true, "content": {"application/json": {"schema": schema, "example": {"key": "YOUR_UPSTREAM_KEY", "plan": "free"}}}})
}

fn sample_arguments(prompt: &Prompt) -> Map<String, Value> {
    prompt.arguments().iter().map(|argument| (argument.name.clone(), json!(argument.example))).collect()
}

/// Every prompt, with the rules of its arguments.
fn prompts(registry: &Registry) -> Value {
    let entry = |prompt: &Prompt| {
        let mut entry = prompt.descriptor();
        entry["argumentsSchema"] = prompt.schema().clone();
        entry["example"] = json!(sample_arguments(prompt));
        entry
    };
    registry.prompts().prompts().iter().map(entry).collect()
}

/// Every resource and template.
fn resources(registry: &Registry) -> Value {
    registry.resources().iter().filter_map(|resource| resource.descriptor().or_else(|| resource.template())).collect()
}

/// Every tool, as the registry has it.
fn described(registry: &Registry) -> Value {
    registry
        .tools()
        .iter()
        .map(|tool| {
            json!({"name": tool.name, "title": tool.title, "description": tool.description, "scope": tool.scope, "streaming": tool.streaming,
                "inputSchema": tool.input_schema, "outputSchema": tool.output_schema})
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::route::{Kind, RouteSpec};
    use crate::http::routes::ROUTES;

    #[test]
    fn every_route_is_in_the_document_and_every_operation_has_an_example() {
        let document: Value = serde_json::from_slice(&document("http://127.0.0.1:8080", &Registry::standard())).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.0"));
        let told = |spec: &&RouteSpec| spec.kind != Kind::Page && !spec.methods.is_empty();
        for spec in ROUTES.iter().filter(told) {
            // Each tool has an operation of its own.
            let path = spec.path.replace("{name}", "get_aggs");
            for (verb, _) in spec.methods {
                let method = verb.method().as_str().to_lowercase();
                assert!(document["paths"][&path].get(&method).is_some(), "{method} {path} is missing in the document");
            }
        }
        for operation in operations() {
            let entry = &document["paths"][operation.path][operation.method];
            assert_eq!(entry["operationId"], operation.id);
            assert_eq!(entry["parameters"].as_array().map_or(0, Vec::len), operation.parameters.len(), "{}", operation.id);
            assert!(
                ["200", "201"].iter().any(|status| entry["responses"][status]["content"].is_object())
                    || matches!(operation.answer, AnswerKind::Nothing | AnswerKind::Accepted | AnswerKind::Redirect),
                "{}",
                operation.id
            );
        }
        assert_eq!(document["x-mcp-tools"].as_array().unwrap().len(), Registry::standard().tools().len());
    }

    #[test]
    fn every_prompt_is_in_the_document_with_an_example_that_it_takes() {
        let registry = Registry::standard();
        let document: Value = serde_json::from_slice(&document("http://127.0.0.1:8080", &registry)).unwrap();
        let listed: Vec<&str> =
            document["x-mcp-prompts"].as_array().unwrap().iter().filter_map(|prompt| prompt["name"].as_str()).collect();
        assert_eq!(listed, registry.prompts().prompts().iter().map(Prompt::name).collect::<Vec<_>>());
        for prompt in registry.prompts().prompts() {
            let call = calls(&document, "/mcp").into_iter().find(|call| call["params"]["name"] == prompt.name()).unwrap();
            let arguments = serde_json::value::to_raw_value(&call["params"]["arguments"]).unwrap();
            assert!(prompt.get(Some(&arguments)).is_ok(), "{}", prompt.name());
        }
        assert_eq!(document["x-mcp-resources"].as_array().unwrap().len(), registry.resources().len());
    }

    fn calls(document: &Value, path: &str) -> Vec<Value> {
        let examples = &document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"];
        examples.as_object().unwrap().values().map(|example| example["value"].clone()).collect()
    }

    #[test]
    fn every_tool_has_an_example_call_with_all_that_it_requires() {
        let registry = Registry::standard();
        let document: Value = serde_json::from_slice(&document("http://127.0.0.1:8080", &registry)).unwrap();
        for path in ["/mcp", "/messages"] {
            let calls = calls(&document, path);
            for tool in registry.tools() {
                let call = calls.iter().find(|call| call["params"]["name"] == tool.name).expect(tool.name);
                let arguments = call["params"]["arguments"].as_object().unwrap();
                let schema = &tool.input_schema;
                for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    assert!(arguments.contains_key(name), "{name} is missing in the example of {}", tool.name);
                }
                for name in arguments.keys() {
                    assert!(schema["properties"].get(name).is_some(), "{name} is no argument of {}", tool.name);
                }
            }
        }
    }

    #[test]
    fn the_first_call_that_the_page_offers_for_mcp_can_be_sent_as_it_is() {
        let document: Value = serde_json::from_slice(&document("http://127.0.0.1:8080", &Registry::standard())).unwrap();
        let post = &document["paths"]["/mcp"]["post"];
        let header =
            |name: &str| post["parameters"].as_array().unwrap().iter().find(|parameter| parameter["name"] == name).unwrap();
        let call = &calls(&document, "/mcp")[0];
        let claimed = &call["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"];
        assert_eq!(claimed, &header("MCP-Protocol-Version")["example"]);
        assert_eq!(call["method"], header("Mcp-Method")["example"]);
        let names = header("Mcp-Name")["examples"].as_object().unwrap();
        assert_eq!(names.values().next().unwrap()["value"], call["params"]["name"]);
        let forms = post["responses"]["200"]["content"].as_object().unwrap();
        assert_eq!(forms.keys().collect::<Vec<_>>(), ["*/*", "application/json", "text/event-stream"]);
        assert!(header("Mcp-Session-Id").get("example").is_none());
        assert!(
            calls(&document, "/messages").iter().all(|call| call["params"].get("_meta").is_none()),
            "a session has no claims"
        );
    }
}
