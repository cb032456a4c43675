//! The product's prompts: read from their files, which are part of the program.

use serde::Deserialize;

use super::argument::Argument;
use super::prompt::{Body, Message, Prompt, PromptError, PromptSpec};

/// The files, in the order of the list.
pub(super) const FILES: &[&str] = &[
    include_str!("library/stock_brief.toml"),
    include_str!("library/news_digest.toml"),
    include_str!("library/earnings_preview.toml"),
    include_str!("library/options_scan.toml"),
    include_str!("library/market_open_checklist.toml"),
];

/// Stands at the end of the last message of each: freshness, text from outside, no certainty.
const GROUND_RULES: &str = include_str!("library/ground_rules.md");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    title: String,
    description: String,
    #[serde(default)]
    arguments: Vec<Argument>,
    messages: Vec<Message>,
}

/// The product's prompts, in the order of the list.
///
/// # Panics
/// Never: the files are part of the program, and tests read them.
#[must_use]
pub fn library() -> Vec<Prompt> {
    FILES.iter().map(|file| read(file).expect("the files of the library are good")).collect()
}

/// Reads one file.
pub(super) fn read(text: &str) -> Result<Prompt, PromptError> {
    let mut file: File =
        toml::from_str(text).map_err(|error| PromptError { prompt: "of a file".to_owned(), problem: error.to_string() })?;
    if let Some(last) = file.messages.last_mut() {
        last.text = format!("{}\n\n{GROUND_RULES}", last.text.trim_end());
    }
    Prompt::new(PromptSpec {
        name: file.name,
        title: file.title,
        description: file.description,
        arguments: file.arguments,
        body: Body::Template(file.messages),
    })
}
