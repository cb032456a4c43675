//! Reads settings one by one and remembers every error, so that all are told at once.

use std::fmt::Display;

use super::sources::{Sources, key_of};
use super::specs::{SPECS, Spec};

/// A setting that cannot be used: its name, its value unless secret, and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingError(String);

impl SettingError {
    pub(super) fn file(name: &str, problem: &str) -> Self {
        Self(format!("{name}: {problem}"))
    }

    /// A problem with settings taken together.
    pub(super) fn together(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }

    fn value(spec: &Spec, text: &str, problem: &str) -> Self {
        let shown = if spec.secret { "its value (not shown)".to_owned() } else { format!("{text:?}") };
        Self(format!(
            "{} (--{}): {shown} is not allowed: {problem}; allowed: {}",
            spec.name,
            key_of(spec.name).replace('_', "-"),
            spec.allowed
        ))
    }
}

pub(super) struct Reader<'a> {
    sources: &'a Sources,
    pub(super) errors: Vec<SettingError>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(sources: &'a Sources) -> Self {
        Self { sources, errors: Vec::new() }
    }

    /// Whether somebody said it.
    pub(super) fn is_said(&self, name: &str) -> bool {
        self.sources.text(spec_of(name)).is_ok_and(|text| text.is_some())
    }

    /// The value, or its default; after an error some value, which is never used.
    pub(super) fn read<T, E: Display>(&mut self, name: &'static str, parse: impl Fn(&str) -> Result<T, E>) -> T {
        let default = spec_of(name).default.expect("read is for settings with a default");
        self.optional(name, &parse).unwrap_or_else(|| match parse(default) {
            Ok(value) => value,
            Err(error) => panic!("the default of {name} must be allowed: {error}"),
        })
    }

    /// The value, if somebody said it and it is allowed.
    pub(super) fn optional<T, E: Display>(&mut self, name: &'static str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let spec = spec_of(name);
        let text = self.sources.text(spec).unwrap_or_else(|error| {
            self.errors.push(error);
            None
        })?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                let problem = if spec.secret { "it does not have the right form".to_owned() } else { error.to_string() };
                self.errors.push(SettingError::value(spec, &text, &problem));
                None
            }
        }
    }
}

fn spec_of(name: &str) -> &'static Spec {
    SPECS.iter().find(|spec| spec.name == name).expect("every setting is in the list")
}
