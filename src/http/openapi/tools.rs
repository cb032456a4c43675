//! Each tool as an operation of its own: `POST /tools/<name>`, its arguments the body, its structured answer the answer.

use serde_json::{Value, json};

use super::examples::arguments;
use super::refusal;
use super::schema::of_openapi;
use crate::registry::Registry;
use crate::tools::Tool;

/// Path and operation of every tool that is listed.
pub(super) fn paths(registry: &Registry) -> impl Iterator<Item = (String, Value)> {
    registry.tools().iter().map(|tool| (format!("/tools/{}", tool.name), operation(tool)))
}

fn operation(tool: &Tool) -> Value {
    let answer = tool.output_schema.as_ref().map_or_else(|| json!({"type": "object"}), of_openapi);
    let mut content = json!({"application/json": {"schema": answer}});
    if tool.input_schema["properties"]["format"]["enum"].as_array().is_some_and(|forms| forms.contains(&json!("csv"))) {
        content["text/csv"] = json!({"schema": {"type": "string", "description": "With format csv"}});
    }
    json!({
        "operationId": tool.name,
        "summary": tool.title,
        "description": tool.description,
        "tags": ["tools"],
        "parameters": [],
        "requestBody": {"content": {"application/json": {"schema": of_openapi(&tool.input_schema), "example": arguments(tool.name)}}},
        "responses": {"200": {"description": "The answer", "content": content}, "default": refusal()},
    })
}
