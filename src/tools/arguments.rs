//! Arguments of tools written by hand: read by type, every error names the argument.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tickgate_core::market::cadence::INTERVAL_BOUNDS_MS;
use tickgate_core::rpc::excerpt;

use super::outcome::ToolFailure;

/// Bounds of `duration`, in ms.
pub(super) const DURATION_BOUNDS_MS: std::ops::RangeInclusive<u64> = 1_000..=300_000;

/// Reads arguments; absent ones count as `{}`.
pub(super) fn read<T: DeserializeOwned>(arguments: Option<&RawValue>) -> Result<T, ToolFailure> {
    let text = arguments.map_or("{}", RawValue::get);
    // serde would read a list by the order of the fields.
    if !text.starts_with('{') {
        return Err(ToolFailure::argument("arguments", "they must be an object"));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = excerpt(&error.path().to_string());
        // The line and column are those of the arguments alone, which the caller never saw as such.
        let problem = error.inner().to_string();
        let problem = excerpt(problem.split(" at line ").next().unwrap_or_default());
        ToolFailure::argument(if path == "." { "arguments" } else { &path }, problem)
    })
}

/// Checks a number against its bounds.
pub(super) fn within(name: &str, value: u64, bounds: &std::ops::RangeInclusive<u64>) -> Result<u64, ToolFailure> {
    if bounds.contains(&value) {
        return Ok(value);
    }
    Err(ToolFailure::argument(name, format!("{value} is out of bounds: {} to {}", bounds.start(), bounds.end())))
}

pub(super) fn interval(value: u64, floor_ms: u64) -> Result<u64, ToolFailure> {
    within("interval", value, &INTERVAL_BOUNDS_MS).map(|value| value.max(floor_ms))
}

/// A list of texts, or one text with commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Texts(pub(super) Vec<String>);

impl JsonSchema for Texts {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Texts".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]})
    }

    fn inline_schema() -> bool {
        true
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextsVisitor;

        impl<'de> Visitor<'de> for TextsVisitor {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of strings, or one string with commas")
            }

            fn visit_str<E>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts(text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(ToOwned::to_owned).collect()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = entries.next_element::<String>()? {
                    texts.push(text);
                }
                Ok(Texts(texts))
            }
        }

        deserializer.deserialize_any(TextsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its reading is tested")]
    struct Sample {
        #[serde(default)]
        symbols: Texts,
        #[serde(default)]
        limit: u64,
    }

    fn sample(text: &str) -> Result<Sample, ToolFailure> {
        read(Some(&RawValue::from_string(text.to_owned()).unwrap()))
    }

    #[test]
    fn a_list_may_be_an_array_or_one_text_with_commas() {
        assert_eq!(sample(r#"{"symbols":["A","B"]}"#).unwrap().symbols.0, ["A", "B"]);
        assert_eq!(sample(r#"{"symbols":"A, B,"}"#).unwrap().symbols.0, ["A", "B"]);
    }

    #[test]
    fn a_huge_wrong_argument_is_not_said_back_whole() {
        let huge = "x".repeat(1_000_000);
        for text in
            [format!(r#"{{"{huge}":1}}"#), format!(r#"{{"limit":"{huge}"}}"#), format!(r#"{{"symbols":["a",{{"{huge}":1}}]}}"#)]
        {
            assert!(sample(&text).unwrap_err().to_string().len() < 1_000);
        }
    }

    #[test]
    fn a_wrong_argument_is_named() {
        for (text, name) in [
            (r#"{"limit":"x"}"#, "`limit`"),
            (r#"{"symbols":[1]}"#, "`symbols[0]`"),
            (r#"{"nosuch":1}"#, "nosuch"),
            ("[]", "`arguments`"),
        ] {
            let error = sample(text).unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains("line"), "{text}: {error}");
        }
    }
}
