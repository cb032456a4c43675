//! `docs/PROMPTS.md`, written from the prompts themselves (M8): a test holds the committed file to it.

use std::fmt::Write as _;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::argument::Argument;
use super::prompt::Prompt;
use super::registry::PromptRegistry;
use super::validation::{FieldCode, refusal};

const HEAD: &str = "\
# Prompts

Generated from `src/prompts/library`; `UPDATE_GOLDEN=1 cargo test -p tickgate --lib prompts` writes it anew.

A prompt is a request that a person picks from a menu of the client, with a few arguments. The gateway checks the arguments and fills them
into a text for the model, which says which tools to call in which order and how to say how fresh the numbers are.

## For clients

- `prompts/list` lists them. The description of an argument says what is allowed; the JSON Schemas below say it exactly.
- `prompts/get` takes `name` and `arguments`, an object whose values are strings, numbers too (`\"24\"`). A list is one string with
  commas (`\"AAPL,TSLA\"`); entries that come twice count once. A blank counts as not given. Letters count: symbols are upper case.
- `completion/complete` with `ref` `{\"type\":\"ref/prompt\",\"name\":…}` completes every argument but free text; of a list, its last entry.
- Values are data. They stand quoted in the text and are never read as part of it. Line breaks become blanks; control, invisible and
  direction-changing characters are refused; no value may be longer than 2000 characters.

Arguments that do not fit are answered with error −32602. `data.errors` has every mistake at once, in the order of the arguments:
";

/// Arguments with which the example of an error is made.
const WRONG: &str = r#"{"horizon":"decade","colour":"red"}"#;

/// The whole document.
///
/// # Panics
/// Never: the examples are ours, and tests read them.
#[must_use]
pub fn reference() -> String {
    let registry = PromptRegistry::standard();
    let mut document = String::from(HEAD);
    let first = &registry.prompts()[0];
    let wrong = RawValue::from_string(WRONG.to_owned()).expect("the example is JSON");
    let errors = first.get(Some(&wrong)).err().unwrap_or_default();
    let _ = write!(document, "\n{}\n| code | meaning |\n|---|---|\n", block(&json!(refusal(first.name(), &errors))));
    for code in FieldCode::ALL {
        let _ = writeln!(document, "| `{}` | {} |", json!(code).as_str().unwrap_or_default(), code.meaning());
    }
    for prompt in registry.prompts() {
        document.push_str(&section(prompt));
    }
    document
}

fn section(prompt: &Prompt) -> String {
    let mut text = format!("\n## {}\n\n**{}.** {}\n\n", prompt.name(), prompt.title(), prompt.description());
    text.push_str("| argument | type | default | allowed | meaning | example |\n|---|---|---|---|---|---|\n");
    for argument in prompt.arguments() {
        let default = argument.default_text().map_or_else(
            || if argument.required { "required".to_owned() } else { "–".to_owned() },
            |default| format!("`{default}`"),
        );
        let Argument { name, description, example, .. } = argument;
        let (kind, rule) = (kind(argument), argument.rule());
        let _ = writeln!(text, "| `{name}` | {kind} | {default} | {rule} | {description} | `{example}` |");
    }
    let examples: Map<String, Value> =
        prompt.arguments().iter().map(|argument| (argument.name.clone(), argument.example.as_str().into())).collect();
    let call = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "prompts/get",
        "params": {"name": prompt.name(), "arguments": examples},
    });
    let golden = format!("../src/prompts/golden/{}.md", prompt.name());
    let _ = write!(text, "\nA call, and [what it gives]({golden}):\n\n{}", block(&call));
    let _ = write!(text, "\nJSON Schema of the arguments, read as values:\n\n{}", block(prompt.schema()));
    text
}

fn kind(argument: &Argument) -> &'static str {
    match argument.kind() {
        "integer" => "whole number",
        "array" => "list",
        _ => "text",
    }
}

fn block(value: &Value) -> String {
    format!("```json\n{value:#}\n```\n")
}
