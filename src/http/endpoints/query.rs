//! Query parameters: every name is known, every value is checked, every error names the parameter.

use std::borrow::Cow;
use std::fmt::Display;

use actix_web::HttpRequest;

use crate::http::error::Problem;

/// The decoded pairs of the query.
pub(super) fn pairs(request: &HttpRequest) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    url::form_urlencoded::parse(request.query_string().as_bytes())
}

/// A query whose names are known.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query.
    pub(super) fn read(request: &HttpRequest, known: &[&str]) -> Result<Self, Problem> {
        let mut seen: Vec<(String, String)> = Vec::new();
        for (name, value) in pairs(request) {
            if !known.contains(&name.as_ref()) {
                let name: String = name.chars().take(64).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(Problem::bad_request("unknown_parameter", format!("`{name}`: unknown parameter; allowed: {known}")));
            }
            if seen.iter().any(|(other, _)| *other == name) {
                return Err(wrong(&name, "it is given twice"));
            }
            seen.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(seen))
    }

    /// The text of a parameter, if it is there and not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The value of a parameter.
    pub(super) fn parsed<T, E: Display>(&self, name: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<Option<T>, Problem> {
        self.text(name).map(parse).transpose().map_err(|error| wrong(name, error))
    }

    /// A number within bounds.
    pub(super) fn number(&self, name: &str, bounds: &std::ops::RangeInclusive<u64>) -> Result<Option<u64>, Problem> {
        self.parsed(name, |text| match text.parse() {
            Ok(value) if bounds.contains(&value) => Ok(value),
            _ => Err(format!("it must be a whole number from {} to {}", bounds.start(), bounds.end())),
        })
    }
}

/// A parameter that is not allowed.
pub(super) fn wrong(name: &str, problem: impl Display) -> Problem {
    Problem::bad_request("invalid_parameter", format!("`{name}`: {problem}"))
}
