//! What each prompt says for its sample arguments, as committed files: a change of words is seen in review (M7).
//! `UPDATE_GOLDEN=1 cargo test -p tickgate --lib prompts` writes them anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::*;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn compare(path: &Path, now: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, now).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == now, "{} is not what the prompts say now; UPDATE_GOLDEN=1 writes it anew", path.display());
}

fn golden_of(prompt: &str) -> PathBuf {
    root().join("src/prompts/golden").join(prompt).with_extension("md")
}

#[test]
fn every_prompt_says_what_its_golden_file_holds() {
    for prompt in STANDARD.prompts() {
        let examples: Map<String, Value> =
            prompt.arguments().iter().map(|argument| (argument.name.clone(), argument.example.as_str().into())).collect();
        let rendered = prompt.get(Some(&raw(&examples.into()))).unwrap();
        let mut now = String::new();
        for message in &rendered.messages {
            let (role, text) = (message["role"].as_str().unwrap(), message["content"]["text"].as_str().unwrap());
            let _ = write!(now, "> {role}\n\n{text}");
        }
        compare(&golden_of(prompt.name()), &now);
    }
}

#[test]
fn there_is_no_golden_file_without_its_prompt() {
    for file in std::fs::read_dir(root().join("src/prompts/golden")).unwrap() {
        let path = file.unwrap().path();
        assert!(STANDARD.find(path.file_stem().unwrap().to_str().unwrap()).is_some(), "{}", path.display());
    }
}

#[test]
fn the_documentation_is_written_from_the_prompts() {
    let document = reference();
    for prompt in STANDARD.prompts() {
        assert!(document.contains(&format!("## {}\n", prompt.name())));
        for argument in prompt.arguments() {
            assert!(document.contains(&format!("| `{}` |", argument.name)), "{}", argument.name);
        }
    }
    compare(&root().join("docs/PROMPTS.md"), &document);
}
