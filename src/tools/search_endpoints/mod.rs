//! `search_endpoints`: finds market tools by what they are for, whatever `TOOLSETS` lists.

mod aliases;
mod ranking;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tickgate_core::access::{Caller, Scope};
use tickgate_core::mcp::ToolOutput;

use super::arguments;
use super::endpoint::{Endpoint, Parameter};
use super::outcome::{ToolFailure, ToolOutcome, structured};
use super::tool::{Asks, Tool, ToolRun, reads};
use super::toolset::Toolset;
use ranking::Found;

/// Bounds of `limit`: more would be a catalogue, not an answer.
const LIMIT_BOUNDS: std::ops::RangeInclusive<u64> = 1..=25;
const DEFAULT_LIMIT: u64 = 5;
/// Longest `query`, in characters.
const MAX_QUERY_CHARS: usize = 200;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchArguments {
    query: String,
    #[serde(default = "default_limit")]
    limit: u64,
    #[serde(default)]
    toolset: Option<String>,
}

const fn default_limit() -> u64 {
    DEFAULT_LIMIT
}

pub(super) fn tool() -> Tool {
    Tool {
        name: "search_endpoints",
        title: "Find market data",
        description: "Finds the endpoint that has the data you need, among all of them: also those that are not listed as tools. \
                      Describe the data in a few words (\"yield curve\", \"option greeks\", \"who upgraded TSLA\"). Then call what you found \
                      with call_endpoint."
            .to_owned(),
        input_schema: input_schema(),
        output_schema: Some(output_schema()),
        scope: Scope::Read,
        toolset: Toolset::Standard,
        streaming: false,
        hints: reads(false),
        asks: Asks::Nothing,
        icons: Vec::new(),
        run: Arc::new(|call| {
            let arguments = arguments::read(call.arguments.as_deref());
            ToolRun::Done(arguments.and_then(|arguments| run(&arguments, &call.caller)))
        }),
    }
}

/// Groups that have rows of the table.
fn toolsets() -> Vec<&'static str> {
    let has_rows = |toolset: &Toolset| !matches!(toolset, Toolset::Streaming | Toolset::Alerts | Toolset::Assist);
    Toolset::ALL.into_iter().filter(has_rows).map(Toolset::as_str).collect()
}

fn input_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "query": {"type": "string", "minLength": 1, "maxLength": MAX_QUERY_CHARS, "description": "What you need, in a few words", "examples": ["dividend yield"]},
            "limit": {"type": "integer", "minimum": LIMIT_BOUNDS.start(), "maximum": LIMIT_BOUNDS.end(), "default": DEFAULT_LIMIT, "description": "Most endpoints"},
            "toolset": {"type": "string", "enum": toolsets(), "description": "Only endpoints of this group"},
        },
        "required": ["query"],
        "additionalProperties": false,
    })
}

fn output_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "results": {"type": "array", "description": "Best first", "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "description": "What call_endpoint takes as `name`"},
                    "title": {"type": "string"},
                    "description": {"type": "string"},
                    "toolset": {"type": "string"},
                    "parameters": {"type": "object", "description": "JSON Schema of each argument; `variants` are endings of further arguments of the same kind", "additionalProperties": {"type": "object"}},
                    "required": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["name", "title", "description", "toolset", "parameters", "required"],
            }},
            "count": {"type": "integer", "minimum": 0, "description": "Endpoints shown"},
            "total": {"type": "integer", "minimum": 0, "description": "Endpoints that fit at all"},
            "hint": {"type": "string", "description": "What to do, where nothing fits"},
        },
        "required": ["results", "count", "total"],
    })
}

fn run(arguments: &SearchArguments, caller: &Caller) -> ToolOutcome {
    let query = arguments.query.trim();
    if query.is_empty() || query.chars().count() > MAX_QUERY_CHARS || query.chars().any(char::is_control) {
        let allowed = format!("it must be 1 to {MAX_QUERY_CHARS} characters without control characters");
        return Err(ToolFailure::argument("query", allowed));
    }
    let limit = usize::try_from(arguments::within("limit", arguments.limit, &LIMIT_BOUNDS)?).unwrap_or(usize::MAX);
    let toolset = match &arguments.toolset {
        None => None,
        Some(name) => {
            let known = toolsets().contains(&name.as_str()).then(|| Toolset::find(name)).flatten();
            let refuse = || ToolFailure::argument("toolset", format!("it must be one of {}", toolsets().join(", ")));
            Some(known.ok_or_else(refuse)?)
        }
    };
    let mut found = ranking::search(query, toolset);
    found.retain(|found| caller.scope.allows(found.endpoint.scope));
    Ok(answer(&found, limit))
}

fn answer(found: &[Found], limit: usize) -> ToolOutput {
    let rows: Vec<Value> = found.iter().take(limit).map(|found| row(found.endpoint)).collect();
    let mut answer = json!({"count": rows.len(), "total": found.len(), "results": rows});
    if found.is_empty() {
        answer["hint"] = "nothing fits: use fewer and plainer words, or leave out `toolset`".into();
    }
    structured(answer.to_string().as_bytes())
}

fn row(endpoint: &Endpoint) -> Value {
    let parameters: Map<String, Value> =
        endpoint.parameters.iter().map(|parameter| (parameter.name.to_owned(), short(parameter))).collect();
    json!({
        "name": endpoint.name,
        "title": endpoint.title,
        "description": endpoint.description,
        "toolset": endpoint.toolset.as_str(),
        "parameters": parameters,
        "required": endpoint.required(),
    })
}

/// A parameter's schema, with the endings of its variants instead of each of them whole.
fn short(parameter: &Parameter) -> Value {
    let mut schema = parameter.schema();
    let endings: Vec<&str> = parameter.variants.iter().map(|variant| &variant.name[parameter.name.len()..]).collect();
    if !endings.is_empty() {
        schema["variants"] = json!(endings);
    }
    schema
}

/// Names of the rows that fit best, for one who named none.
pub(super) fn nearest(name: &str, count: usize) -> Vec<&'static str> {
    ranking::search(name, None).into_iter().take(count).map(|found| found.endpoint.name).collect()
}
