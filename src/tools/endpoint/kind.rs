//! What an argument may be: its check, its spelling upstream, its schema.

use serde_json::{Number, Value, json};
use tickgate_core::market::symbol::MAX_SYMBOL_BYTES;
use tickgate_core::market::{Market, Symbol};
use tickgate_core::rpc::excerpt;

use super::instant;
use crate::tools::outcome::ToolFailure;

/// Most entries of a list: what the upstream takes of symbols in one call.
pub(super) const MAX_ENTRIES: usize = 250;
/// Fields that results can be sorted by at once.
const MAX_SORT_FIELDS: usize = 5;
/// Longest `sort`, in bytes.
const MAX_SORT_BYTES: usize = 200;

/// How the upstream takes a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// RFC 3339.
    Text,
    /// Unix milliseconds.
    Millis,
    /// Unix nanoseconds.
    Nanos,
}

/// What a parameter may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A symbol of the strict grammar.
    Symbol,
    /// A symbol of one of these markets.
    SymbolOf(&'static [Market]),
    /// A currency or coin without prefix, `BTC`, `USD`.
    Currency,
    /// An id or code of at most so many bytes: ASCII letters and digits with `.`, `_`, `-` and `:` between them.
    Code(usize),
    /// Text of at most so many characters, none of them a control character.
    Text(usize),
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of these numbers.
    Choice(&'static [i64]),
    /// A whole number within these bounds.
    Integer(i64, i64),
    /// A number within these bounds.
    Number(f64, f64),
    /// True or false.
    Boolean,
    /// A day, `2026-03-10`.
    Date,
    /// A day, an RFC 3339 time, or a Unix time; sent in this unit.
    Time(Unit),
    /// Fields to sort by, `date.desc,ticker`.
    SortBy,
    /// A list of these, at most 250: an array, or one string with commas.
    List(&'static Self),
}

impl Kind {
    /// Checks a value and writes it as the upstream takes it.
    ///
    /// # Errors
    /// When it is not allowed, with what is.
    pub fn check(self, name: &str, value: &Value) -> Result<String, ToolFailure> {
        match self {
            Self::List(entry) => entry.check_list(name, value),
            _ => self.written(value).map_err(|problem| ToolFailure::argument(name, problem)),
        }
    }

    /// Checks a list of such values; what is said twice is sent once.
    ///
    /// # Errors
    /// The first entry that is not allowed, or that they are too many.
    pub fn check_list(self, name: &str, value: &Value) -> Result<String, ToolFailure> {
        let refuse = |problem: String| ToolFailure::argument(name, problem);
        let entries: Vec<Value> = match value {
            Value::Array(entries) => entries.iter().take(MAX_ENTRIES + 1).cloned().collect(),
            Value::String(text) => {
                let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
                entries.take(MAX_ENTRIES + 1).map(|entry| self.read_entry(entry)).collect()
            }
            _ => return Err(refuse("it must be an array of strings, or one string with commas".to_owned())),
        };
        if entries.is_empty() || entries.len() > MAX_ENTRIES {
            return Err(refuse(format!("it must have 1 to {MAX_ENTRIES} entries")));
        }
        let mut written: Vec<String> = Vec::with_capacity(entries.len());
        let mut seen = std::collections::HashSet::new();
        for (at, entry) in entries.iter().enumerate() {
            let text = self.written(entry).map_err(|problem| refuse(format!("entry {}: {problem}", at + 1)))?;
            if text.contains(',') {
                return Err(refuse(format!("entry {}: a comma separates entries and cannot stand in one", at + 1)));
            }
            if seen.insert(text.clone()) {
                written.push(text);
            }
        }
        Ok(written.join(","))
    }

    /// An entry of a list that is written as text: numbers are read as such.
    fn read_entry(self, text: &str) -> Value {
        match self {
            Self::Integer(..) | Self::Number(..) | Self::Choice(_) => {
                text.parse::<Number>().map_or_else(|_| text.into(), Value::Number)
            }
            _ => text.into(),
        }
    }

    fn written(self, value: &Value) -> Result<String, String> {
        match (self, value) {
            (Self::Boolean, Value::Bool(truth)) => Ok(truth.to_string()),
            (Self::Integer(least, most), Value::Number(number)) => match number.as_i64() {
                Some(value) if (least..=most).contains(&value) => Ok(value.to_string()),
                _ => Err(format!("{number} is not a whole number from {least} to {most}")),
            },
            (Self::Choice(choices), Value::Number(number)) if number.as_i64().is_some_and(|it| choices.contains(&it)) => {
                Ok(number.to_string())
            }
            (Self::Number(least, most), Value::Number(number)) => match number.as_f64() {
                Some(value) if (least..=most).contains(&value) => Ok(number.to_string()),
                _ => Err(format!("{number} is not a number from {least} to {most}")),
            },
            (Self::Time(unit), Value::Number(number)) => {
                number.as_u64().and_then(|number| instant::written(number, unit)).ok_or_else(|| self.expected())
            }
            (Self::Boolean | Self::Integer(..) | Self::Choice(_) | Self::Number(..), _) => Err(self.expected()),
            (_, Value::String(text)) => self.written_text(text),
            (Self::Word(_), _) => Err(self.expected()),
            _ => Err("it must be a string".to_owned()),
        }
    }

    fn written_text(self, text: &str) -> Result<String, String> {
        let good = match self {
            Self::Symbol => return symbol(text).map(|symbol| symbol.to_string()),
            Self::SymbolOf(markets) => {
                let symbol = symbol(text)?;
                if !markets.contains(&symbol.market()) {
                    return Err(format!("{symbol} is of {}; {}", symbol.market().as_str(), self.expected()));
                }
                return Ok(symbol.to_string());
            }
            Self::Time(unit) => return instant::write(text, unit).ok_or_else(|| self.expected()),
            Self::Currency => is_currency(text),
            Self::Code(most) => is_code(text, most),
            Self::Text(most) => !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control),
            Self::Word(words) => words.contains(&text),
            Self::Date => instant::is_day(text),
            Self::SortBy => is_sort(text),
            Self::Choice(_) | Self::Integer(..) | Self::Number(..) | Self::Boolean | Self::List(_) => false,
        };
        if good { Ok(text.to_owned()) } else { Err(format!("{:?} is not allowed: {}", excerpt(text), self.expected())) }
    }

    /// What is allowed, for people.
    fn expected(self) -> String {
        match self {
            Self::Symbol => "it must be a symbol such as AAPL, X:BTCUSD, C:EURUSD, I:SPX or O:AAPL260417C00240000".to_owned(),
            Self::SymbolOf(markets) => {
                let names: Vec<String> =
                    markets.iter().map(|market| format!("{} ({})", market.as_str(), sample(*market))).collect();
                format!("it must be a symbol of {}", names.join(" or "))
            }
            Self::Currency => "it must be a code such as BTC, USD or EUR (upper case, without prefix)".to_owned(),
            Self::Code(most) => {
                format!("it must be 1 to {most} ASCII letters and digits, with single . _ - : between them")
            }
            Self::Text(most) => format!("it must be 1 to {most} characters without control characters"),
            Self::Word(words) => format!("it must be one of {}", words.join(", ")),
            Self::Choice(choices) => {
                let choices: Vec<String> = choices.iter().map(ToString::to_string).collect();
                format!("it must be one of the numbers {}", choices.join(", "))
            }
            Self::Integer(least, most) => format!("it must be a whole number from {least} to {most}"),
            Self::Number(least, most) => format!("it must be a number from {least} to {most}"),
            Self::Boolean => "it must be true or false".to_owned(),
            Self::Date => "it must be a day such as 2026-03-10".to_owned(),
            Self::Time(_) => "it must be a day such as 2026-03-10, an RFC 3339 time, or a Unix time".to_owned(),
            Self::SortBy => format!("it must be at most {MAX_SORT_FIELDS} fields such as date.desc,ticker.asc"),
            Self::List(_) => format!("it must have 1 to {MAX_ENTRIES} entries"),
        }
    }

    /// JSON Schema, without description.
    pub(super) fn schema(self) -> Value {
        match self {
            Self::Symbol | Self::SymbolOf(_) => json!({"type": "string", "minLength": 1, "maxLength": MAX_SYMBOL_BYTES}),
            Self::Currency => json!({"type": "string", "pattern": "^[A-Z0-9]{2,10}$"}),
            Self::Code(most) | Self::Text(most) => json!({"type": "string", "minLength": 1, "maxLength": most}),
            Self::Word(words) => json!({"type": "string", "enum": words}),
            Self::Choice(choices) => json!({"type": "integer", "enum": choices}),
            Self::Integer(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
            Self::Number(least, most) => json!({"type": "number", "minimum": least, "maximum": most}),
            Self::Boolean => json!({"type": "boolean"}),
            Self::Date => json!({"type": "string", "format": "date"}),
            Self::Time(_) => json!({"type": ["string", "integer"], "minimum": 0}),
            Self::SortBy => json!({"type": "string", "minLength": 1, "maxLength": MAX_SORT_BYTES}),
            Self::List(entry) => entry.list_schema(),
        }
    }

    /// JSON Schema of a list of such values.
    pub(super) fn list_schema(self) -> Value {
        let array = json!({"type": "array", "items": self.schema(), "minItems": 1, "maxItems": MAX_ENTRIES});
        json!({"anyOf": [array, {"type": "string", "minLength": 1}]})
    }
}

fn symbol(text: &str) -> Result<Symbol, String> {
    text.parse::<Symbol>().map_err(|error| error.to_string())
}

const fn sample(market: Market) -> &'static str {
    match market {
        Market::Stocks => "AAPL",
        Market::Options => "O:AAPL260417C00240000",
        Market::Crypto => "X:BTCUSD",
        Market::Forex => "C:EURUSD",
        Market::Indices => "I:SPX",
    }
}

fn is_currency(text: &str) -> bool {
    (2..=10).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

fn is_code(text: &str, most: usize) -> bool {
    let mark = |c: u8| matches!(c, b'.' | b'_' | b'-' | b':');
    let bytes = text.as_bytes();
    (1..=most).contains(&bytes.len())
        && bytes.iter().all(|c| c.is_ascii_alphanumeric() || mark(*c))
        && !bytes.windows(2).any(|pair| mark(pair[0]) && mark(pair[1]))
        && !bytes.first().copied().is_some_and(mark)
        && !bytes.last().copied().is_some_and(mark)
}

fn is_sort(text: &str) -> bool {
    let field = |entry: &str| {
        let name = entry.strip_suffix(".asc").or_else(|| entry.strip_suffix(".desc")).unwrap_or(entry);
        !name.is_empty() && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
    };
    text.len() <= MAX_SORT_BYTES && text.split(',').count() <= MAX_SORT_FIELDS && text.split(',').all(field)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Kinds that go into a path somewhere.
    const OF_PATHS: [Kind; 7] = [
        Kind::Symbol,
        Kind::SymbolOf(&[Market::Options]),
        Kind::Currency,
        Kind::Code(32),
        Kind::Word(&["gainers", "losers"]),
        Kind::Date,
        Kind::Time(Unit::Millis),
    ];

    proptest! {
        #[test]
        fn whatever_is_accepted_for_a_path_is_one_clean_segment(text in "(\\PC{0,24}|[A-Z0-9./%?:_-]{0,24})") {
            for kind in OF_PATHS {
                if let Ok(written) = kind.check("x", &text.clone().into()) {
                    prop_assert!(written.bytes().all(|c| c.is_ascii_alphanumeric() || b".:_-".contains(&c)), "{:?}", written);
                    prop_assert!(!written.contains("..") && !written.is_empty());
                }
            }
        }

        #[test]
        fn a_refusal_is_short_and_names_the_argument(text in "\\PC{0,400}") {
            for kind in OF_PATHS {
                if let Err(error) = kind.check("ticker", &text.clone().into()) {
                    prop_assert!(error.to_string().contains("`ticker`") && error.to_string().len() < 1_000);
                }
            }
        }

        #[test]
        fn numbers_keep_their_digits(number in -1e6f64..1e6) {
            let written = Kind::Number(-1e6, 1e6).check("x", &number.into()).unwrap();
            prop_assert_eq!(written.parse::<f64>().unwrap(), number);
        }
    }

    #[test]
    fn codes_are_those_of_the_upstream() {
        for good in ["XNAS", "0000320193", "BBG000B9XRY4", "ESZ6", "ESZ6-ESH7", "1session", "642c6f7d8e"] {
            assert!(Kind::Code(32).check("x", &good.into()).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a..b", "-a", "a-", "a b", "a/b", "a%2fb", "é"] {
            assert!(Kind::Code(32).check("x", &bad.into()).is_err(), "{bad}");
        }
    }
}
