//! Headers that repeat parts of a stateless request's body, so that gateways can route without reading it (2026-07-28 §headers).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// How a header was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum HeaderValue<'a> {
    /// Not at all.
    #[default]
    Absent,
    /// Once, with this text.
    Once(&'a str),
    /// More than once, or not as text.
    Unusable,
}

impl<'a> HeaderValue<'a> {
    /// From all values of one name; `None` stands for a value that is no text.
    pub fn of(mut values: impl Iterator<Item = Option<&'a str>>) -> Self {
        match (values.next(), values.next()) {
            (None, _) => Self::Absent,
            (Some(Some(text)), None) => Self::Once(trim(text)),
            _ => Self::Unusable,
        }
    }

    /// Its text, if it was sent once.
    #[must_use]
    pub const fn text(self) -> Option<&'a str> {
        match self {
            Self::Once(text) => Some(text),
            _ => None,
        }
    }
}

/// Optional whitespace of RFC 9110 §5.6.3, and no other.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// The headers of one request.
#[derive(Clone, Debug, Default)]
pub struct RoutingHeaders<'a> {
    /// `MCP-Protocol-Version`.
    pub version: HeaderValue<'a>,
    /// `Mcp-Method`.
    pub method: HeaderValue<'a>,
    /// `Mcp-Name`.
    pub name: HeaderValue<'a>,
}

const PREFIX: &str = "=?base64?";
const SUFFIX: &str = "?=";

/// The text that a value of `Mcp-Name` or `Mcp-Param-*` stands for: itself, or what is wrapped in `=?base64?…?=`. `None` when the
/// wrapping holds no canonical base64 of UTF-8.
#[must_use]
pub fn decode_sentinel(value: &str) -> Option<std::borrow::Cow<'_, str>> {
    let Some(wrapped) = value.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX)) else {
        return Some(value.into());
    };
    let bytes = STANDARD.decode(wrapped).ok()?;
    String::from_utf8(bytes).ok().map(Into::into)
}

/// What an annotated parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamType {
    /// Compared as it stands.
    Text,
    /// Compared as a number: `42.0` is `42`.
    Integer,
    /// `true` or `false`.
    Boolean,
}

/// A tool's parameter that clients repeat in a header of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderParam {
    /// The names on the way from the arguments' root to the parameter.
    pub path: Vec<String>,
    /// `Mcp-Param-<suffix>`, lower case.
    pub header: String,
    /// What it may be.
    pub kind: ParamType,
}

/// The parameters that a tool's input schema marks with `x-mcp-header`.
///
/// # Errors
/// When a mark breaks the rules; clients drop such a tool.
pub fn header_params(schema: &Value) -> Result<Vec<HeaderParam>, String> {
    let mut found = Vec::new();
    collect(schema, &mut Vec::new(), &mut found)?;
    let mut names: Vec<&str> = found.iter().map(|param: &HeaderParam| param.header.as_str()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err("x-mcp-header: two parameters have one header".to_owned());
    }
    Ok(found)
}

/// Only what `properties` leads to can be marked.
fn collect(schema: &Value, path: &mut Vec<String>, found: &mut Vec<HeaderParam>) -> Result<(), String> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Ok(()) };
    for (name, property) in properties {
        path.push(name.clone());
        if let Some(mark) = property.get("x-mcp-header") {
            let suffix = mark.as_str().filter(|suffix| is_token(suffix));
            let suffix = suffix.ok_or_else(|| format!("x-mcp-header of {name} is no header name"))?;
            let kind = match property.get("type").and_then(Value::as_str) {
                Some("string") => ParamType::Text,
                Some("integer") => ParamType::Integer,
                Some("boolean") => ParamType::Boolean,
                _ => return Err(format!("x-mcp-header of {name}: only strings, integers and booleans can have one")),
            };
            found.push(HeaderParam { path: path.clone(), header: format!("mcp-param-{}", suffix.to_ascii_lowercase()), kind });
        }
        collect(property, path, found)?;
        path.pop();
    }
    Ok(())
}

/// A token of RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c))
}

impl HeaderParam {
    /// Whether the header says what the arguments say.
    ///
    /// # Errors
    /// What is wrong, for the client.
    pub fn check(&self, arguments: &Map<String, Value>, sent: HeaderValue<'_>) -> Result<(), String> {
        let argument = self.path.split_first().and_then(|(first, rest)| {
            rest.iter().try_fold(arguments.get(first)?, |value, name| value.get(name)).filter(|value| !value.is_null())
        });
        let (argument, sent) = match (argument, sent) {
            (_, HeaderValue::Unusable) => return Err(format!("{} was sent more than once or is not readable", self.header)),
            (None, HeaderValue::Absent) => return Ok(()),
            (None, HeaderValue::Once(_)) => return Err(format!("{} has no argument to match", self.header)),
            (Some(_), HeaderValue::Absent) => {
                return Err(format!("{} is missing: send it with the argument's value", self.header));
            }
            (Some(argument), HeaderValue::Once(sent)) => (argument, sent),
        };
        let sent = decode_sentinel(sent).ok_or_else(|| format!("{} is no canonical base64 of UTF-8", self.header))?;
        let same = match (self.kind, argument) {
            (ParamType::Text, Value::String(text)) => *text == sent,
            (ParamType::Boolean, Value::Bool(truth)) => sent == if *truth { "true" } else { "false" },
            (ParamType::Integer, Value::Number(number)) => same_number(number, &sent),
            // An argument of another type is the tool's to refuse.
            _ => return Ok(()),
        };
        if same { Ok(()) } else { Err(format!("{} does not match the argument {}", self.header, self.path.join("."))) }
    }
}

fn same_number(number: &serde_json::Number, sent: &str) -> bool {
    let plain = sent.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'-' | b'.'));
    match (number.as_i64(), sent.parse::<i64>()) {
        (Some(number), Ok(sent)) => number == sent,
        _ => plain && sent.parse::<f64>().is_ok_and(|sent| number.as_f64() == Some(sent)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn arguments(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_sentinel_is_decoded_strictly_and_half_of_one_is_a_literal() {
        assert_eq!(decode_sentinel("quote").as_deref(), Some("quote"));
        assert_eq!(decode_sentinel("=?base64?SGVsbG8=?=").as_deref(), Some("Hello"));
        assert_eq!(decode_sentinel("=?base64??=").as_deref(), Some(""));
        for literal in ["=?base64?SGVsbG8=", "SGVsbG8=?=", "=?BASE64?SGVsbG8=?=", "=?base64?="] {
            assert_eq!(decode_sentinel(literal).as_deref(), Some(literal));
        }
        for bad in
            ["=?base64?SGVsbG8?=", "=?base64?SGVs!!!bG8=?=", "=?base64?SGVsbG9=?=", "=?base64?/w==?=", "=?base64? SGVsbG8=?="]
        {
            assert_eq!(decode_sentinel(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_header_repeated_or_unreadable_is_told_apart_from_none() {
        assert_eq!(HeaderValue::of([].into_iter()), HeaderValue::Absent);
        assert_eq!(HeaderValue::of([Some("  tool\t ")].into_iter()), HeaderValue::Once("tool"));
        assert_eq!(HeaderValue::of([None].into_iter()), HeaderValue::Unusable);
        assert_eq!(HeaderValue::of([Some("a"), Some("a")].into_iter()), HeaderValue::Unusable);
    }

    #[test]
    fn marks_are_found_along_properties_only_and_their_rules_hold() {
        let schema = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "deep": {"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "N"}}},
            "list": {"type": "array", "items": {"type": "string", "x-mcp-header": "Item"}},
        }});
        let params = header_params(&schema).unwrap();
        let names: Vec<(String, String)> = params.into_iter().map(|param| (param.path.join("."), param.header)).collect();
        assert_eq!(names, [("deep.n".into(), "mcp-param-n".into()), ("region".into(), "mcp-param-region".into())]);
        for marks in [
            json!({"a": {"type": "string", "x-mcp-header": ""}}),
            json!({"a": {"type": "string", "x-mcp-header": "a b"}}),
            json!({"a": {"type": "string", "x-mcp-header": 7}}),
            json!({"a": {"type": "number", "x-mcp-header": "A"}}),
            json!({"a": {"type": "string", "x-mcp-header": "A"}, "b": {"type": "string", "x-mcp-header": "a"}}),
        ] {
            assert!(header_params(&json!({"type": "object", "properties": marks})).is_err(), "{marks}");
        }
    }

    #[test]
    fn a_marked_argument_must_stand_in_its_header() {
        let param = |kind| HeaderParam { path: vec!["x".into()], header: "mcp-param-x".into(), kind };
        let checked = |kind, argument: Value, sent| param(kind).check(&arguments(json!({ "x": argument })), sent).is_ok();
        assert!(checked(ParamType::Text, json!("EU"), HeaderValue::Once("EU")));
        assert!(checked(ParamType::Text, json!("Hello"), HeaderValue::Once("=?base64?SGVsbG8=?=")));
        assert!(!checked(ParamType::Text, json!("Hello"), HeaderValue::Once("=?base64?SGVsbG8?=")));
        assert!(!checked(ParamType::Text, json!("EU"), HeaderValue::Once("eu")));
        assert!(!checked(ParamType::Text, json!("EU"), HeaderValue::Absent));
        assert!(!checked(ParamType::Text, json!("EU"), HeaderValue::Unusable));
        assert!(checked(ParamType::Text, Value::Null, HeaderValue::Absent));
        assert!(!checked(ParamType::Text, Value::Null, HeaderValue::Once("EU")));
        assert!(checked(ParamType::Integer, json!(42), HeaderValue::Once("42.0")));
        assert!(!checked(ParamType::Integer, json!(42), HeaderValue::Once("inf")));
        assert!(checked(ParamType::Boolean, json!(true), HeaderValue::Once("true")));
        assert!(!checked(ParamType::Boolean, json!(true), HeaderValue::Once("True")));
    }

    proptest! {
        #[test]
        fn what_is_wrapped_is_what_comes_out(text in "\\PC{0,40}") {
            let wrapped = format!("{PREFIX}{}{SUFFIX}", STANDARD.encode(&text));
            let decoded = decode_sentinel(&wrapped);
            prop_assert_eq!(decoded.as_deref(), Some(text.as_str()));
        }

        #[test]
        fn no_value_makes_the_decoder_panic(text in "\\PC{0,60}") {
            let _ = decode_sentinel(&text);
        }
    }
}
