//! What is a prompt, and what does a client get for it.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tickgate_actors::call::CallLink;
use tickgate_core::mcp::FeatureError;

use super::argument::{Argument, Arguments};
use super::rules::Rules;
use super::template::Template;
use super::validation::{FieldError, ValidationResult};

/// Who is made to say a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One message of a template.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// Text with `{{argument}}` where values go.
    pub text: String,
}

/// Makes messages from checked arguments: `{role, content}` as MCP writes them.
pub type Maker = Arc<dyn Fn(&Arguments) -> Vec<Value> + Send + Sync>;

/// Makes messages with the help of the client: what it asks comes back with the client's next request.
pub type Asker = Arc<dyn Fn(Arguments, CallLink) -> LocalBoxFuture<'static, Result<Vec<Value>, FeatureError>> + Send + Sync>;

/// Where a prompt's messages come from.
#[derive(Clone)]
pub enum Body {
    /// Text with placeholders.
    Template(Vec<Message>),
    /// A function, for messages that are more than text. It has to keep values apart from text by itself.
    Made(Maker),
    /// A function that may ask the client first.
    Asking(Asker),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Template(messages) => messages.fmt(f),
            Self::Made(_) => f.write_str("made"),
            Self::Asking(_) => f.write_str("asking"),
        }
    }
}

/// A prompt as it is written down.
#[derive(Clone, Debug)]
pub struct PromptSpec {
    /// Unique; a letter, then letters, digits, `_`.
    pub name: String,
    /// For people.
    pub title: String,
    /// For people and models; never empty.
    pub description: String,
    /// In the order in which they are listed.
    pub arguments: Vec<Argument>,
    /// Where the messages come from.
    pub body: Body,
}

/// A prompt that is written wrong: a mistake in the program or its files, never of a caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("prompt {prompt}: {problem}")]
pub struct PromptError {
    pub(super) prompt: String,
    pub(super) problem: String,
}

/// What a client gets: the result of `prompts/get`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rendered {
    /// The prompt's description.
    pub description: String,
    /// `{role, content}`, in order.
    pub messages: Vec<Value>,
}

/// A prompt with its rules and templates compiled.
#[derive(Debug)]
pub struct Prompt {
    spec: PromptSpec,
    rules: Rules,
    templates: Vec<(Role, Template)>,
}

impl Prompt {
    /// Compiles a prompt.
    ///
    /// # Errors
    /// When a name is malformed or used twice, the description is empty, a schema is wrong, a placeholder names no argument,
    /// or a template leaves out an argument.
    pub fn new(spec: PromptSpec) -> Result<Self, PromptError> {
        match Self::compile(&spec) {
            Ok((rules, templates)) => Ok(Self { spec, rules, templates }),
            Err(problem) => Err(PromptError { prompt: spec.name, problem }),
        }
    }

    fn compile(spec: &PromptSpec) -> Result<(Rules, Vec<(Role, Template)>), String> {
        let mut names = HashSet::new();
        if !is_name(&spec.name) {
            return Err("its name is malformed".to_owned());
        }
        if spec.description.trim().is_empty() {
            return Err("it has no description".to_owned());
        }
        if let Some(argument) = spec.arguments.iter().find(|argument| !is_name(&argument.name) || !names.insert(&*argument.name))
        {
            return Err(format!("the argument {} is malformed or there twice", argument.name));
        }
        let rules = Rules::new(&spec.arguments)?;
        let Body::Template(messages) = &spec.body else { return Ok((rules, Vec::new())) };
        let mut templates = Vec::with_capacity(messages.len());
        for message in messages {
            templates.push((message.role, Template::parse(&message.text)?));
        }
        let used: HashSet<&str> = templates.iter().flat_map(|(_, template)| template.names()).collect();
        if let Some(name) = used.symmetric_difference(&names).min() {
            return Err(format!("{name} is an argument without a placeholder, or a placeholder without an argument"));
        }
        Ok((rules, templates))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// Its title, for people.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.spec.title
    }

    /// What it is for.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.spec.description
    }

    /// Its arguments, in order.
    #[must_use]
    pub fn arguments(&self) -> &[Argument] {
        &self.spec.arguments
    }

    /// The argument of that name.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<&Argument> {
        self.spec.arguments.iter().find(|argument| argument.name == name)
    }

    /// JSON Schema of its arguments, as values: lists are arrays there and numbers numbers.
    #[must_use]
    pub const fn schema(&self) -> &Value {
        self.rules.schema()
    }

    #[cfg(test)]
    pub(super) fn templates(&self) -> &[(Role, Template)] {
        &self.templates
    }

    /// Its entry in `prompts/list`.
    #[must_use]
    pub fn descriptor(&self) -> Value {
        let arguments: Vec<Value> = self.spec.arguments.iter().map(describe).collect();
        json!({
            "name": self.spec.name,
            "title": self.spec.title,
            "description": self.spec.description,
            "arguments": arguments,
        })
    }

    /// Checks arguments without filling anything in.
    #[must_use]
    pub fn validate(&self, arguments: Option<&RawValue>) -> ValidationResult {
        self.rules.check(&self.spec.name, &self.spec.arguments, arguments).into()
    }

    /// Checks arguments and fills them in, without a client; absent ones count as `{}`.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn get(&self, arguments: Option<&RawValue>) -> Result<Rendered, Vec<FieldError>> {
        let arguments = self.rules.check(&self.spec.name, &self.spec.arguments, arguments)?;
        Ok(self.rendered(match &self.spec.body {
            Body::Made(make) => make(&arguments),
            Body::Template(_) => self
                .templates
                .iter()
                .map(|(role, template)| json!({"role": role, "content": {"type": "text", "text": template.fill(&arguments)}}))
                .collect(),
            // Without a client there is nobody to ask.
            Body::Asking(_) => Vec::new(),
        }))
    }

    /// Uses the prompt: fills it in at once, or asks its client first.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn start(&self, arguments: Option<&RawValue>, link: CallLink) -> Result<Begun, Vec<FieldError>> {
        let Body::Asking(asker) = &self.spec.body else { return self.get(arguments).map(Begun::Done) };
        let arguments = self.rules.check(&self.spec.name, &self.spec.arguments, arguments)?;
        let (messages, rendered) = (asker(arguments, link), self.rendered(Vec::new()));
        Ok(Begun::Asking(Box::pin(async move { Ok(Rendered { messages: messages.await?, ..rendered }) })))
    }

    fn rendered(&self, messages: Vec<Value>) -> Rendered {
        Rendered { description: self.spec.description.clone(), messages }
    }
}

/// A prompt in use.
pub enum Begun {
    /// It needed nobody.
    Done(Rendered),
    /// It asks its client, which may take long. A stateless client answers with its next request: this one is dropped then.
    Asking(LocalBoxFuture<'static, Result<Rendered, FeatureError>>),
}

/// An argument in `prompts/list`, which has no place for a schema: its rule is said in the description.
fn describe(argument: &Argument) -> Value {
    let default = argument.default_text().map_or_else(String::new, |default| format!(" Default: {default}."));
    json!({
        "name": argument.name,
        "title": argument.title,
        "description": format!("{} Allowed: {}.{default}", argument.description, argument.rule()),
        "required": argument.required,
    })
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
