//! `call_endpoint`: runs any market row by its name, whatever `TOOLSETS` lists.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tickgate_core::access::{Caller, Scope};
use tickgate_core::mcp::FeatureError;
use tickgate_core::rpc::excerpt;

use super::arguments;
use super::endpoint::Endpoint;
use super::endpoints;
use super::market;
use super::outcome::ToolFailure;
use super::schema;
use super::search_endpoints::nearest;
use super::tool::{Asks, Tool, ToolRun, reads};
use super::toolset::Toolset;

/// Names that are proposed instead of an unknown one.
const PROPOSALS: usize = 3;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallArguments {
    name: String,
    #[serde(default)]
    arguments: Option<Map<String, Value>>,
}

pub(super) fn tool() -> Tool {
    Tool {
        name: "call_endpoint",
        title: "Call a market data endpoint",
        description:
            "Calls any market data endpoint by its name, also one that is not listed as a tool. search_endpoints finds names and \
                      arguments. Every endpoint also takes `fields` (columns), `format` (json or csv) and, for a list, `cursor`. The answer is that of the \
                      endpoint's own tool."
                .to_owned(),
        input_schema: json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": 64, "description": "Name of the endpoint", "examples": ["list_dividends"]},
                "arguments": {"type": "object", "description": "Its arguments, as search_endpoints says", "examples": [{"ticker": "AAPL", "limit": 3}]},
            },
            "required": ["name"],
            "additionalProperties": false,
        }),
        output_schema: Some(schema::answer(&json!({"type": ["array", "object"], "description": "As the endpoint gives it"}))),
        scope: Scope::Read,
        toolset: Toolset::Standard,
        streaming: false,
        hints: reads(true),
        asks: Asks::Callers,
        icons: Vec::new(),
        run: Arc::new(|call| {
            let asked = arguments::read::<CallArguments>(call.arguments.as_deref());
            match asked.and_then(|asked| Ok((find(&asked.name, &call.caller)?, asked.arguments.unwrap_or_default()))) {
                Err(failure) => ToolRun::Done(Err(failure)),
                Ok((endpoint, arguments)) => market::run(endpoint, arguments, call),
            }
        }),
    }
}

/// The row of that name, if the caller may call it.
fn find(name: &str, caller: &Caller) -> Result<&'static Endpoint, ToolFailure> {
    let Some(endpoint) = endpoints::find(name) else {
        let near = nearest(&excerpt(name), PROPOSALS);
        let near = if near.is_empty() { String::new() } else { format!("; near it: {}", near.join(", ")) };
        let problem = format!("there is no endpoint {:?}{near}; search_endpoints finds them", excerpt(name));
        return Err(ToolFailure::argument("name", problem));
    };
    if !caller.scope.allows(endpoint.scope) {
        let error = FeatureError::InsufficientScope { what: endpoint.name.into(), needed: endpoint.scope };
        return Err(ToolFailure::protocol(error));
    }
    Ok(endpoint)
}

#[cfg(test)]
mod tests {
    use tickgate_core::access::Principal;

    use super::*;

    #[test]
    fn every_row_is_found_by_its_name_and_nothing_else_is() {
        let caller = Caller::trusted(Principal::new("user", "ada"), Scope::Read);
        for endpoint in endpoints::ENDPOINTS {
            assert_eq!(find(endpoint.name, &caller).unwrap().name, endpoint.name);
        }
        for name in ["", "call_endpoint", "set_price_alert", "../v1", "get_aggs ", "GET_AGGS", &"x".repeat(100_000)] {
            let error = find(name, &caller).unwrap_err().to_string();
            assert!(error.contains("`name`: there is no endpoint") && error.len() < 1_000, "{error}");
        }
        assert!(find("list_dividend", &caller).unwrap_err().to_string().contains("near it: list_dividends"));
    }

    #[test]
    fn a_misspelt_argument_is_named() {
        for text in [
            r#"{"nme":"get_aggs"}"#,
            r#"{"name":7}"#,
            r#"{"name":"get_aggs","arguments":"{}"}"#,
            r#"{"name":"get_aggs","arguments":[]}"#,
        ] {
            let raw = serde_json::value::RawValue::from_string(text.to_owned()).unwrap();
            assert!(arguments::read::<CallArguments>(Some(&raw)).is_err(), "{text}");
        }
    }
}
