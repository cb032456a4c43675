//! `docs/ACCESS.md` says what the code does, row by row: whoever opens a door writes it there, where a reviewer sees it.

use tickgate::http::access;
use tickgate::registry::Registry;

/// The rows of the table under a heading.
fn table(heading: &str) -> Vec<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ACCESS.md");
    let document = std::fs::read_to_string(path).unwrap();
    let section = document.split("\n## ").find(|section| section.starts_with(heading)).expect(heading).to_owned();
    section.lines().filter(|line| line.starts_with("| `")).map(ToOwned::to_owned).collect()
}

#[test]
fn the_documented_doors_of_routes_are_those_of_the_code() {
    let rows: Vec<String> = access().iter().map(tickgate::http::RouteAccess::row).collect();
    assert_eq!(table("Routes"), rows, "docs/ACCESS.md should have:\n{}", rows.join("\n"));
}

#[test]
fn the_documented_scopes_of_tools_are_those_of_the_code() {
    let row = |tool: &tickgate::tools::Tool| format!("| `{}` | {} | `{}` |", tool.name, tool.toolset.as_str(), tool.scope);
    let rows: Vec<String> = Registry::standard().tools().iter().map(row).collect();
    assert_eq!(table("Tools"), rows, "docs/ACCESS.md should have:\n{}", rows.join("\n"));
}
