//! Prompts: what they say, what they refuse, and that values stay data.

mod checking;
mod golden;
mod injection;
mod library;
mod made;

use std::sync::LazyLock;

use serde_json::Value;
use serde_json::value::RawValue;

use super::*;

static STANDARD: LazyLock<PromptRegistry> = LazyLock::new(PromptRegistry::standard);

fn raw(arguments: &Value) -> Box<RawValue> {
    RawValue::from_string(arguments.to_string()).unwrap()
}

fn get(prompt: &str, arguments: &Value) -> Result<Rendered, Vec<FieldError>> {
    STANDARD.find(prompt).unwrap().get(Some(&raw(arguments)))
}

/// The text of the only message.
fn text(rendered: &Rendered) -> &str {
    let [message] = &rendered.messages[..] else { panic!("one message") };
    message["content"]["text"].as_str().unwrap()
}
