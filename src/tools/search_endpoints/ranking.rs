//! Which rows of the table fit a query best? BM25 over their words, where a word of the name weighs more than one of the
//! description.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::aliases::ALIASES;
use crate::tools::endpoint::Endpoint;
use crate::tools::endpoints::ENDPOINTS;
use crate::tools::toolset::{STANDARD, Toolset};

/// BM25's usual saturation of repeated words, and how much the length of a row matters.
const SATURATION: f64 = 1.2;
const LENGTH_WEIGHT: f64 = 0.4;
/// What a word weighs by where it stands in the row.
const NAME: f64 = 4.0;
const TITLE: f64 = 3.0;
const TOOLSET: f64 = 2.0;
const DESCRIPTION: f64 = 1.0;
const DETAIL: f64 = 0.3;
/// What a word weighs that an alias added to the query.
const ADDED: f64 = 0.8;
/// Rows of `standard` come first among equals.
const STANDARD_BONUS: f64 = 1.05;
/// Words that say nothing.
const EMPTY_WORDS: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "by", "do", "does", "for", "from", "get", "give", "how", "i", "in", "is", "it", "list",
    "me", "much", "my", "of", "on", "or", "show", "that", "the", "these", "this", "to", "us", "use", "was", "what", "when",
    "which", "with",
];

static INDEX: LazyLock<Index> = LazyLock::new(Index::new);

struct Index {
    rows: Vec<Row>,
    /// In how many rows a word stands.
    spread: HashMap<String, usize>,
    mean_length: f64,
}

struct Row {
    endpoint: &'static Endpoint,
    weights: HashMap<String, f64>,
    length: f64,
}

/// A row that fits, and how well.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) endpoint: &'static Endpoint,
    pub(super) score: f64,
}

/// Rows that fit a query, best first; of one toolset only, if it is given.
pub(super) fn search(query: &str, toolset: Option<Toolset>) -> Vec<Found> {
    let asked = asked(query);
    let wanted = |endpoint: &Endpoint| match toolset {
        None => true,
        Some(Toolset::Standard) => STANDARD.contains(&endpoint.name),
        Some(toolset) => endpoint.is_in(toolset),
    };
    let mut found: Vec<Found> = INDEX
        .rows
        .iter()
        .filter(|row| wanted(row.endpoint))
        .map(|row| Found { endpoint: row.endpoint, score: INDEX.score(row, &asked, query) })
        .filter(|found| found.score > 0.0)
        .collect();
    // Stable: equals stay in the order of the table.
    found.sort_by(|one, other| other.score.total_cmp(&one.score));
    found
}

impl Index {
    fn new() -> Self {
        let rows: Vec<Row> = ENDPOINTS.iter().map(Row::new).collect();
        let mut spread = HashMap::new();
        for word in rows.iter().flat_map(|row| row.weights.keys()) {
            *spread.entry(word.clone()).or_insert(0) += 1;
        }
        let mean_length = rows.iter().map(|row| row.length).sum::<f64>() / count(rows.len());
        Self { rows, spread, mean_length }
    }

    fn score(&self, row: &Row, asked: &HashMap<String, f64>, query: &str) -> f64 {
        let query = query.trim();
        if query.eq_ignore_ascii_case(row.endpoint.name) || query.eq_ignore_ascii_case(row.endpoint.title) {
            return f64::MAX;
        }
        let norm = SATURATION * (1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * row.length / self.mean_length);
        // In a fixed order, so that sums of floats are always the same.
        let mut parts: Vec<f64> = asked
            .iter()
            .filter_map(|(word, weight)| {
                let frequency = row.weights.get(word)?;
                let holders = count(self.spread.get(word).copied().unwrap_or_default());
                let rarity = ((count(self.rows.len()) - holders + 0.5) / (holders + 0.5)).ln_1p();
                Some(weight * rarity * frequency * (SATURATION + 1.0) / (frequency + norm))
            })
            .collect();
        parts.sort_by(f64::total_cmp);
        let bonus = if STANDARD.contains(&row.endpoint.name) { STANDARD_BONUS } else { 1.0 };
        parts.iter().sum::<f64>() * bonus
    }
}

impl Row {
    fn new(endpoint: &'static Endpoint) -> Self {
        let mut weights = HashMap::new();
        let mut add = |text: &str, weight: f64| words(text).for_each(|word| *weights.entry(word).or_insert(0.0) += weight);
        add(endpoint.name, NAME);
        add(endpoint.title, TITLE);
        add(endpoint.toolset.as_str(), TOOLSET);
        add(endpoint.description, DESCRIPTION);
        endpoint.also.iter().for_each(|toolset| add(toolset.as_str(), DETAIL));
        endpoint.parameters.iter().for_each(|parameter| add(parameter.name, DETAIL));
        for field in endpoint.fields {
            add(field.name, DETAIL);
            add(field.help, DETAIL);
        }
        Self { endpoint, length: weights.values().sum(), weights }
    }
}

/// The words of a query with their weights, and those that aliases add.
fn asked(query: &str) -> HashMap<String, f64> {
    let said: Vec<String> = words(query).collect();
    let mut asked: HashMap<String, f64> = HashMap::new();
    for (alias, added) in ALIASES {
        let alias: Vec<String> = words(alias).collect();
        if !alias.is_empty() && said.windows(alias.len()).any(|part| part == alias) {
            words(added).for_each(|word| _ = asked.insert(word, ADDED));
        }
    }
    asked.extend(said.into_iter().collect::<HashSet<_>>().into_iter().map(|word| (word, 1.0)));
    asked
}

/// The words of a text that say something, in one form. Single letters are names of columns, not words.
fn words(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 1);
    parts.map(str::to_lowercase).filter(|word| !EMPTY_WORDS.contains(&word.as_str())).map(singular)
}

/// `prices` is `price`, `companies` is `company`, `indices` is `index`; `status` stays.
fn singular(word: String) -> String {
    match word.as_str() {
        "indices" | "indexes" => return "index".to_owned(),
        "analyses" => return "analysis".to_owned(),
        _ => {}
    }
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 2) {
        return format!("{stem}y");
    }
    let keeps = ["ss", "us", "is"].iter().any(|end| word.ends_with(end));
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !keeps => stem.to_owned(),
        _ => word,
    }
}

fn count(length: usize) -> f64 {
    f64::from(u32::try_from(length).unwrap_or(u32::MAX))
}
