//! A row of an answer: its members in the upstream's order, and each value with the digits that it came with.

use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use tickgate_core::market::text::clean;

/// Digits of a time in nanoseconds since 1970, from 2001 to 2286.
const NANOSECOND_DIGITS: usize = 19;

/// The members of an object.
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(map.size_hint().unwrap_or(16));
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(InOrder).map(Self)
    }
}

impl<'a> Members<'a> {
    /// Reads an object; `None` when it is none.
    pub(super) fn of(row: &'a RawValue) -> Option<Self> {
        serde_json::from_str(row.get()).ok()
    }

    /// The value at a path such as `day.c`.
    fn at(&self, path: &str) -> Option<&'a RawValue> {
        // A name may itself have a dot.
        if let Some((_, value)) = self.0.iter().find(|(name, _)| name == path) {
            return Some(value);
        }
        let (name, rest) = path.split_once('.')?;
        let (_, inner) = self.0.iter().find(|(each, _)| each == name)?;
        Members::of(inner)?.at(rest)
    }
}

/// How rows are written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Writing<'a> {
    /// Only these, in this order; all when empty.
    pub(super) fields: &'a [String],
    /// Members of a row that carry text from outside.
    pub(super) untrusted: &'a [&'static str],
}

impl Writing<'_> {
    /// Writes a row: times in nanoseconds also as text, text from outside cleaned and named as such.
    pub(super) fn row(&self, row: &RawValue, out: &mut String) {
        let Some(members) = Members::of(row) else { return value(row, false, out) };
        let chosen: Vec<(&str, &RawValue)> = if self.fields.is_empty() {
            members.0.iter().map(|(name, value)| (name.as_str(), *value)).collect()
        } else {
            self.fields.iter().filter_map(|path| Some((path.as_str(), members.at(path)?))).collect()
        };
        out.push('{');
        for (name, raw) in &chosen {
            member(name, raw, self.is_outside(name), out);
        }
        let marked: Vec<&str> = chosen.iter().map(|(name, _)| *name).filter(|name| self.is_outside(name)).collect();
        if !marked.is_empty() {
            key("untrusted", out);
            out.push_str(&serde_json::to_string(&marked).expect("names are text"));
        }
        out.push('}');
    }

    /// Whether what stands at a path comes from outside.
    fn is_outside(&self, path: &str) -> bool {
        self.untrusted.iter().any(|name| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    }
}

/// Whether some row has what stands at this path.
pub(super) fn any_has(rows: &[&RawValue], path: &str) -> bool {
    rows.iter().any(|row| Members::of(row).is_some_and(|members| members.at(path).is_some()))
}

/// A value with what is nested in it. `outside`: its texts are cleaned.
fn value(raw: &RawValue, outside: bool, out: &mut String) {
    let text = raw.get();
    if outside && let Ok(text) = serde_json::from_str::<String>(text) {
        out.push_str(&json_text(&clean(&text)));
    } else if text.starts_with('{')
        && let Some(members) = Members::of(raw)
    {
        out.push('{');
        for (name, raw) in &members.0 {
            member(name, raw, outside, out);
        }
        out.push('}');
    } else if text.starts_with('[')
        && (outside || text.contains('{'))
        && let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(text)
    {
        out.push('[');
        for (at, element) in elements.into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            value(element, outside, out);
        }
        out.push(']');
    } else {
        out.push_str(text);
    }
}

fn member(name: &str, raw: &RawValue, outside: bool, out: &mut String) {
    key(name, out);
    value(raw, outside, out);
    if let Some(moment) = nanoseconds(raw.get()) {
        key(&format!("{name}_utc"), out);
        out.push_str(&json_text(&moment.to_string()));
    }
}

fn key(name: &str, out: &mut String) {
    if !out.ends_with('{') {
        out.push(',');
    }
    out.push_str(&json_text(name));
    out.push(':');
}

/// A number that can only be a time in nanoseconds: JSON readers without 64-bit integers lose its last digits.
fn nanoseconds(text: &str) -> Option<Timestamp> {
    if text.len() != NANOSECOND_DIGITS || !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    Timestamp::from_nanosecond(text.parse().ok()?).ok()
}

pub(super) fn json_text(text: &str) -> String {
    serde_json::to_string(text).expect("text is always JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(row: &str, fields: &[&str], untrusted: &[&'static str]) -> String {
        let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
        let mut out = String::new();
        Writing { fields: &fields, untrusted }.row(&RawValue::from_string(row.to_owned()).unwrap(), &mut out);
        serde_json::from_str::<serde_json::Value>(&out).unwrap();
        out
    }

    #[test]
    fn a_row_keeps_its_order_and_its_digits() {
        let row = r#"{"z":0.10,"a":12345678901234567890.123,"m":{"y":1e3,"b":[1.50,{"c":2.00}]},"n":null}"#;
        assert_eq!(written(row, &[], &[]), row);
        assert_eq!(written("7", &[], &[]), "7");
    }

    #[test]
    fn a_time_in_nanoseconds_is_also_said_as_text_wherever_it_stands() {
        assert_eq!(
            written(r#"{"t":1773167467294080343,"last":[{"y":1773167467293668110}],"v":177316746729408034}"#, &[], &[]),
            r#"{"t":1773167467294080343,"t_utc":"2026-03-10T18:31:07.294080343Z","last":[{"y":1773167467293668110,"y_utc":"2026-03-10T18:31:07.29366811Z"}],"v":177316746729408034}"#
        );
    }

    #[test]
    fn columns_are_chosen_by_path_in_the_order_asked_for() {
        let row = r#"{"ticker":"A","day":{"c":1.0,"o":2},"x.y":3}"#;
        assert_eq!(written(row, &["day.c", "ticker", "x.y", "none"], &[]), r#"{"day.c":1.0,"ticker":"A","x.y":3}"#);
        let row = RawValue::from_string(row.into()).unwrap();
        assert!(any_has(&[&row], "day.o") && !any_has(&[&row], "day.h"));
    }

    #[test]
    fn text_from_outside_is_cleaned_and_named() {
        let row = r#"{"title":"a\u202eb\nc","id":"x"}"#;
        assert_eq!(written(row, &[], &["title", "author"]), r#"{"title":"ab c","id":"x","untrusted":["title"]}"#);
        assert_eq!(written(row, &["id"], &["title"]), r#"{"id":"x"}"#);
    }
}
