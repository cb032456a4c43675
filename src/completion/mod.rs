//! What could stand in an argument that is being typed (`completion/complete`): symbols, timespans, toolsets, fixed words.
//!
//! The candidates are the same for every caller, so that an answer tells nothing of anybody's plan.

mod symbols;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use symbols::{Listing, listings};

/// Most values of one answer: the bound that MCP sets.
pub const MAX_VALUES: usize = 100;
/// Longest value that is looked up, in bytes: nothing that we offer is longer, nor is a typed list of symbols.
pub const MAX_TYPED_BYTES: usize = 512;

/// Units of a bar's length, shortest first.
pub const TIMESPANS: &[&str] = &["second", "minute", "hour", "day", "week", "month", "quarter", "year"];

/// Where candidates come from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Well-known symbols, found by symbol or by name.
    Symbols,
    /// Units of a bar's length.
    Timespans,
    /// Names of toolsets, which the caller of [`complete`] passes.
    Toolsets,
    /// These words, in this order.
    Words(Vec<String>),
}

impl Source {
    /// A source of fixed words.
    #[must_use]
    pub fn words(words: &[&str]) -> Self {
        Self::Words(words.iter().map(|word| (*word).to_owned()).collect())
    }
}

/// The `completion` member of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Completion {
    /// At most [`MAX_VALUES`], best first.
    pub values: Vec<String>,
    /// How many there are in all.
    pub total: usize,
    /// Whether there are more than `values`.
    pub has_more: bool,
}

impl Completion {
    fn of(mut values: Vec<String>) -> Self {
        let total = values.len();
        values.truncate(MAX_VALUES);
        Self { has_more: total > values.len(), values, total }
    }
}

/// The candidates for a value that has been typed so far, in a fixed order. Nothing is found for what is too long or holds
/// control characters.
#[must_use]
pub fn complete(source: &Source, typed: &str, toolsets: &[&str]) -> Completion {
    complete_where(source, typed, toolsets, |_| true)
}

/// The same, of candidates that fit.
#[must_use]
pub fn complete_where(source: &Source, typed: &str, toolsets: &[&str], fits: impl Fn(&str) -> bool) -> Completion {
    if is_hostile(typed) {
        return Completion::default();
    }
    let mut found = candidates(source, typed.trim(), toolsets);
    found.retain(|candidate| fits(candidate));
    Completion::of(found)
}

/// The same for a list with commas: the last entry is completed, those before it stay and are not offered again.
#[must_use]
pub fn complete_list_where(source: &Source, typed: &str, toolsets: &[&str], fits: impl Fn(&str) -> bool) -> Completion {
    if is_hostile(typed) {
        return Completion::default();
    }
    let (head, last) = typed.rsplit_once(',').unwrap_or(("", typed));
    let before: Vec<&str> = head.split(',').map(str::trim).filter(|entry| !entry.is_empty()).collect();
    let mut found = candidates(source, last.trim(), toolsets);
    found.retain(|candidate| fits(candidate) && !before.contains(&candidate.as_str()));
    Completion::of(found.into_iter().map(|candidate| [&before[..], &[&candidate]].concat().join(",")).collect())
}

fn is_hostile(typed: &str) -> bool {
    typed.len() > MAX_TYPED_BYTES || typed.chars().any(char::is_control)
}

fn candidates(source: &Source, typed: &str, toolsets: &[&str]) -> Vec<String> {
    match source {
        Source::Symbols => symbols::matching(typed),
        Source::Timespans => starting(TIMESPANS.iter().copied(), typed),
        Source::Toolsets => starting(toolsets.iter().copied(), typed),
        Source::Words(words) => starting(words.iter().map(String::as_str), typed),
    }
}

/// The words that begin with what was typed, whatever its case.
fn starting<'a>(words: impl Iterator<Item = &'a str>, typed: &str) -> Vec<String> {
    let typed = typed.to_lowercase();
    words.filter(|word| word.to_lowercase().starts_with(&typed)).map(ToOwned::to_owned).collect()
}
