//! Which rows does a query ask for? Conditions are read from `field`, `field.gt`, `.gte`, `.lt`, `.lte`, `.any_of`,
//! `.all_of` and `.search`, and compared with the row's field as its kind says.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use super::super::answer::Refusal;
use super::super::parameters::Parameters;

/// How many values upstream takes in one list.
const MAX_VALUES: usize = 250;

const NANOS_PER_DAY: i128 = 86_400_000_000_000;

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Flag,
    /// A date such as `2026-03-10`.
    Date,
    /// A time that rows write as RFC 3339.
    Time,
    /// A time that rows write as nanoseconds of the epoch.
    Nanos,
}

/// A field that a query may filter by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filter {
    /// How the query names it.
    name: &'static str,
    /// Where it stands in a row; a dot leads into an object.
    field: &'static str,
    kind: Kind,
}

impl Filter {
    /// Says where the field stands, if not where its name says.
    pub(crate) const fn at(self, field: &'static str) -> Self {
        Self { field, ..self }
    }
}

pub(crate) const fn text(name: &'static str) -> Filter {
    Filter { name, field: name, kind: Kind::Text }
}

pub(crate) const fn number(name: &'static str) -> Filter {
    Filter { name, field: name, kind: Kind::Number }
}

pub(crate) const fn flag(name: &'static str) -> Filter {
    Filter { name, field: name, kind: Kind::Flag }
}

pub(crate) const fn date(name: &'static str) -> Filter {
    Filter { name, field: name, kind: Kind::Date }
}

pub(crate) const fn time(name: &'static str) -> Filter {
    Filter { name, field: name, kind: Kind::Time }
}

pub(crate) const fn nanos(name: &'static str) -> Filter {
    Filter { name, field: name, kind: Kind::Nanos }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Equal,
    Above,
    AtLeast,
    Below,
    AtMost,
    AnyOf,
    AllOf,
    Search,
}

const TESTS: [(&str, Test); 8] = [
    ("", Test::Equal),
    (".gt", Test::Above),
    (".gte", Test::AtLeast),
    (".lt", Test::Below),
    (".lte", Test::AtMost),
    (".any_of", Test::AnyOf),
    (".all_of", Test::AllOf),
    (".search", Test::Search),
];

/// A value to compare with. Times are a stretch: a date alone means all of its day.
#[derive(Debug, Clone, PartialEq)]
enum Scalar {
    Text(String),
    Number(f64),
    Flag(bool),
    Span { from: i128, to: i128 },
}

#[derive(Debug, Clone)]
struct Condition {
    field: &'static str,
    kind: Kind,
    test: Test,
    values: Vec<Scalar>,
}

/// The conditions of a query.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted(Vec<Condition>);

impl Wanted {
    /// Reads the conditions on the fields that may be filtered by; other parameters are ignored, as upstream does.
    pub(crate) fn of(parameters: &Parameters, filters: &[Filter]) -> Result<Self, Refusal> {
        let mut conditions = Vec::new();
        for filter in filters {
            for (suffix, test) in TESTS {
                let name = format!("{}{suffix}", filter.name);
                if let Some(text) = parameters.text(&name) {
                    let values = values(filter.kind, test, text).map_err(|allowed| refusal(&name, allowed))?;
                    conditions.push(Condition { field: filter.field, kind: filter.kind, test, values });
                }
            }
        }
        Ok(Self(conditions))
    }

    /// Says whether a row meets every condition. One on a field that the row lacks is not met.
    pub(crate) fn admits_row(&self, row: &Value) -> bool {
        self.0.iter().all(|condition| lookup(row, condition.field).is_some_and(|value| condition.admits(value)))
    }

    /// Says whether a value of one field meets every condition on that field.
    pub(crate) fn admits(&self, field: &str, value: &Value) -> bool {
        self.0.iter().filter(|condition| condition.field == field).all(|condition| condition.admits(value))
    }

    /// Says whether there is any condition on a field.
    pub(crate) fn restricts(&self, field: &str) -> bool {
        self.0.iter().any(|condition| condition.field == field)
    }

    /// Gives the stretch of nanoseconds that the conditions on a field of times leave; its end lies before its start if
    /// they leave none. Where a condition leaves several stretches it is the one around all of them.
    pub(crate) fn span(&self, field: &str) -> (i128, i128) {
        let whole = (i128::MIN, i128::MAX);
        self.0.iter().filter(|condition| condition.field == field).fold(whole, |(from, to), condition| {
            let spans = condition.values.iter().filter_map(|value| match value {
                Scalar::Span { from, to } => Some((*from, *to)),
                _ => None,
            });
            let (least, most) = spans.fold((i128::MAX, i128::MIN), |(least, most), (from, to)| (least.min(from), most.max(to)));
            match condition.test {
                Test::Above => (from.max(most + 1), to),
                Test::AtLeast => (from.max(least), to),
                Test::Below => (from, to.min(least - 1)),
                Test::AtMost => (from, to.min(most)),
                Test::Equal | Test::AnyOf | Test::AllOf => (from.max(least), to.min(most)),
                Test::Search => (from, to),
            }
        })
    }
}

/// Finds a field of a row; a dot leads into an object.
pub(super) fn lookup<'a>(row: &'a Value, field: &str) -> Option<&'a Value> {
    field.split('.').try_fold(row, |value, name| value.get(name))
}

fn refusal(name: &str, allowed: &str) -> Refusal {
    Refusal::BadParameter(format!("{name} must be {allowed}"))
}

fn values(kind: Kind, test: Test, text: &str) -> Result<Vec<Scalar>, &'static str> {
    // Rows of ticks are walked between two ends, which a list or a search does not have.
    if kind == Kind::Nanos && matches!(test, Test::Search | Test::AnyOf | Test::AllOf) {
        return Err("compared with .gt, .gte, .lt or .lte");
    }
    if test == Test::Search {
        return Ok(vec![Scalar::Text(text.to_lowercase())]);
    }
    if !matches!(test, Test::AnyOf | Test::AllOf) {
        return Ok(vec![scalar(kind, text)?]);
    }
    let values: Result<Vec<Scalar>, _> = text.split(',').map(|part| scalar(kind, part.trim())).collect();
    values.and_then(|values| if values.len() > MAX_VALUES { Err("a list of at most 250 values") } else { Ok(values) })
}

fn scalar(kind: Kind, text: &str) -> Result<Scalar, &'static str> {
    match kind {
        Kind::Text => Ok(Scalar::Text(text.to_owned())),
        Kind::Number => {
            let number = text.parse().ok().filter(|number: &f64| number.is_finite());
            number.map(Scalar::Number).ok_or("a number")
        }
        Kind::Flag => text.parse().map(Scalar::Flag).map_err(|_| "true or false"),
        Kind::Date => {
            let date = text.get(..10).unwrap_or(text).parse::<Date>();
            date.map(|date| Scalar::Text(date.to_string())).map_err(|_| "a date such as 2026-03-10")
        }
        Kind::Time | Kind::Nanos => span(text).ok_or("a date, an RFC 3339 time or nanoseconds"),
    }
}

/// Reads a time: nanoseconds of the epoch (shorter numbers are milliseconds), RFC 3339, or a date for all of its day.
fn span(text: &str) -> Option<Scalar> {
    if let Ok(number) = text.parse::<i64>() {
        // By magnitude, as upstream: nothing before 2001 has that few nanoseconds.
        let nanos =
            if number.unsigned_abs() < 100_000_000_000_000_000 { i128::from(number) * 1_000_000 } else { i128::from(number) };
        return Some(Scalar::Span { from: nanos, to: nanos });
    }
    if let Ok(date) = text.parse::<Date>()
        && text.len() == 10
    {
        let from = i128::from(super::super::market::calendar::day_number(date)) * NANOS_PER_DAY;
        return Some(Scalar::Span { from, to: from + NANOS_PER_DAY - 1 });
    }
    let nanos = text.parse::<Timestamp>().ok()?.as_nanosecond();
    Some(Scalar::Span { from: nanos, to: nanos })
}

impl Condition {
    fn admits(&self, value: &Value) -> bool {
        let met = |wanted: &Scalar| match value {
            // A list of tags has a tag, or has it not; above and below mean nothing there.
            Value::Array(items) => items.iter().any(|item| self.meets(item, wanted)),
            _ => self.meets(value, wanted),
        };
        match self.test {
            Test::AllOf => self.values.iter().all(met),
            _ => self.values.iter().any(met),
        }
    }

    fn meets(&self, value: &Value, wanted: &Scalar) -> bool {
        if self.test == Test::Search {
            let Scalar::Text(part) = wanted else { return false };
            return value.as_str().is_some_and(|text| text.to_lowercase().contains(part.as_str()));
        }
        self.order(value, wanted).is_some_and(|order| match self.test {
            Test::Equal | Test::AnyOf | Test::AllOf => order == Ordering::Equal,
            Test::Above => order == Ordering::Greater,
            Test::AtLeast => order != Ordering::Less,
            Test::Below => order == Ordering::Less,
            Test::AtMost => order != Ordering::Greater,
            Test::Search => false,
        })
    }

    /// Compares what the row has with what is wanted; a time inside a wanted day equals it.
    fn order(&self, value: &Value, wanted: &Scalar) -> Option<Ordering> {
        match wanted {
            Scalar::Text(wanted) => value.as_str().map(|text| text.cmp(wanted.as_str())),
            Scalar::Number(wanted) => value.as_f64().and_then(|number| number.partial_cmp(wanted)),
            Scalar::Flag(wanted) => value.as_bool().map(|flag| flag.cmp(wanted)),
            Scalar::Span { from, to } => {
                let nanos = match self.kind {
                    Kind::Nanos => i128::from(value.as_i64()?),
                    _ => value.as_str()?.parse::<Timestamp>().ok()?.as_nanosecond(),
                };
                Some(if nanos < *from {
                    Ordering::Less
                } else if nanos > *to {
                    Ordering::Greater
                } else {
                    Ordering::Equal
                })
            }
        }
    }
}
