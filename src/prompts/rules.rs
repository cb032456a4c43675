//! Do these arguments fit: the JSON Schema of a prompt, compiled once, and what its errors mean in words.

use std::fmt;

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::paths::LocationSegment;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::argument::{Argument, Arguments};
use super::format::{self, FORMATS};
use super::validation::{FieldCode, FieldError, shown};

/// Mistakes of one answer: enough for every argument, and no answer grows with a hostile request.
const MAX_ERRORS: usize = 32;

/// The compiled rules of one prompt.
pub(super) struct Rules {
    schema: Value,
    validator: Validator,
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.schema.fmt(f)
    }
}

impl Rules {
    /// Compiles the schemas of the arguments into one of an object.
    pub(super) fn new(arguments: &[Argument]) -> Result<Self, String> {
        let properties: Map<String, Value> =
            arguments.iter().map(|argument| (argument.name.clone(), argument.property())).collect();
        let required: Vec<&str> =
            arguments.iter().filter(|argument| argument.required).map(|argument| argument.name.as_str()).collect();
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        let options = jsonschema::options()
            // The linear engine: no pattern can be made slow by a value.
            .with_pattern_options(PatternOptions::regex())
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false);
        let options = FORMATS.iter().fold(options, |options, format| options.with_format(format.name, format.fits));
        let validator = options.build(&schema).map_err(|error| format!("its schema is wrong: {error}"))?;
        Ok(Self { schema, validator })
    }

    pub(super) const fn schema(&self) -> &Value {
        &self.schema
    }

    /// Reads and checks arguments; all mistakes at once, in the order of the arguments, unknown ones last.
    pub(super) fn check(
        &self,
        prompt: &str,
        arguments: &[Argument],
        sent: Option<&RawValue>,
    ) -> Result<Arguments, Vec<FieldError>> {
        let sent = sent_values(sent)?;
        let mut values = Map::new();
        let mut errors = Vec::new();
        for argument in arguments {
            match sent.get(&argument.name).map_or(Ok(None), |value| argument.read(value)) {
                Err(error) => errors.push(error),
                Ok(value) => {
                    if let Some(value) = value.or_else(|| argument.default().cloned()) {
                        values.insert(argument.name.clone(), value);
                    }
                }
            }
        }
        let unknown = sent.keys().filter(|name| !arguments.iter().any(|argument| &argument.name == *name));
        values.extend(unknown.map(|name| (name.clone(), Value::Null)));
        let values = Value::Object(values);
        let unread: Vec<String> = errors.iter().map(|error| error.field().to_owned()).collect();
        for broken in self.validator.iter_errors(&values) {
            let told = tell(prompt, arguments, &broken);
            // What could not be read is missing for the schema, but was said already.
            errors.extend(told.into_iter().filter(|error| !unread.iter().any(|field| field == error.field())));
        }
        let place = |error: &FieldError| arguments.iter().position(|argument| argument.name == error.field());
        errors.sort_by_key(|error| place(error).unwrap_or(usize::MAX));
        errors.truncate(MAX_ERRORS);
        match values {
            Value::Object(values) if errors.is_empty() => Ok(Arguments(values)),
            _ => Err(errors),
        }
    }
}

fn sent_values(sent: Option<&RawValue>) -> Result<Map<String, Value>, Vec<FieldError>> {
    let text = sent.map_or("null", RawValue::get);
    serde_json::from_str::<Option<Map<String, Value>>>(text).map(Option::unwrap_or_default).map_err(|_| {
        let problem = "they must be an object whose values are strings";
        vec![FieldError::new("arguments", FieldCode::Type, problem)]
    })
}

/// An error of the schema in our words: none of the validator's own, which speak of schemas.
fn tell(prompt: &str, arguments: &[Argument], broken: &ValidationError<'_>) -> Vec<FieldError> {
    let named = |name: &str| arguments.iter().find(|argument| argument.name == name);
    match broken.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let rule = named(name).map(Argument::rule).unwrap_or_default();
            vec![FieldError::new(name, FieldCode::Required, format!("it is required: {rule}"))]
        }
        Kind::AdditionalProperties { unexpected } => {
            let names: Vec<&str> = arguments.iter().map(|argument| argument.name.as_str()).collect();
            let takes = if names.is_empty() { "no arguments".to_owned() } else { names.join(", ") };
            let problem = format!("there is no such argument; {prompt} takes {takes}");
            unexpected.iter().map(|name| FieldError::new(name, FieldCode::Unknown, problem.as_str())).collect()
        }
        _ => {
            let mut path = broken.instance_path().segments();
            let Some(LocationSegment::Property(name)) = path.next() else { return Vec::new() };
            let Some(argument) = named(&name) else { return Vec::new() };
            let entry = path.find_map(|segment| match segment {
                LocationSegment::Index(at) => Some(at + 1),
                LocationSegment::Property(_) => None,
            });
            vec![tell_value(argument, entry, broken)]
        }
    }
}

/// What is wrong with a value, or with the entry of that number in a list.
fn tell_value(argument: &Argument, entry: Option<usize>, broken: &ValidationError<'_>) -> FieldError {
    let value = broken.instance().as_ref();
    let not_allowed = || not_allowed(argument, entry, value);
    let (code, problem) = match broken.kind() {
        Kind::Type { .. } => (FieldCode::Type, not_allowed()),
        Kind::Enum { .. } => (FieldCode::Enum, not_allowed()),
        Kind::Pattern { .. } => (FieldCode::Pattern, not_allowed()),
        Kind::Format { .. } => (FieldCode::Format, not_allowed()),
        Kind::MaxLength { limit } => (FieldCode::TooLong, format!("it has {} characters; at most {limit}", length(value))),
        Kind::MinLength { limit } => (FieldCode::TooShort, format!("it is too short; at least {limit} characters")),
        Kind::MaxItems { limit } => (FieldCode::TooMany, format!("it has {} entries; at most {limit}", length(value))),
        Kind::MinItems { limit } => (FieldCode::TooFew, format!("it has too few entries; at least {limit}")),
        Kind::Minimum { .. } | Kind::Maximum { .. } | Kind::ExclusiveMinimum { .. } | Kind::ExclusiveMaximum { .. } => {
            (FieldCode::OutOfBounds, not_allowed())
        }
        _ => (FieldCode::Invalid, not_allowed()),
    };
    let problem = match entry {
        Some(entry) => format!("entry {entry}: {problem}"),
        None => problem,
    };
    FieldError::new(&argument.name, code, problem)
}

fn not_allowed(argument: &Argument, entry: Option<usize>, value: &Value) -> String {
    let format = argument.format();
    let rule = format.filter(|_| entry.is_some()).map_or_else(|| argument.rule(), |format| format.rule.to_owned());
    let hint = format.zip(value.as_str()).and_then(|(format, text)| format::meant(format, text));
    let hint = hint.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
    format!("{} is not allowed: {rule}{hint}", shown(value))
}

fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(entries) => entries.len(),
        _ => 0,
    }
}
