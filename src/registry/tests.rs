//! Lists in pages: together they are the list, and a cursor leads nowhere but on in its own list, for its own reader.

use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};
use tickgate_core::access::Principal;
use tickgate_core::mcp::FeatureError;

use super::*;
use crate::sealing::{Purpose, Sealer};

fn sealer() -> Sealer {
    Sealer::new(&[SecretString::from("5a".repeat(32))]).unwrap()
}

fn ada() -> Principal {
    Principal::new("user", "ada")
}

fn numbers(member: &'static str, length: usize) -> Pages {
    Pages::new(member, (0..length).map(|number| json!({ "name": format!("t{number}") })).collect())
}

/// The entries of a page, and the cursor of the next.
fn read(
    pages: &Pages,
    cursor: Option<&str>,
    reader: &Principal,
    sealer: &Sealer,
) -> Result<(Vec<Value>, Option<String>), FeatureError> {
    let page = pages.page(cursor, reader, sealer)?;
    let mut body: Value = serde_json::from_slice(page.body()).unwrap();
    let next = body.get("nextCursor").and_then(Value::as_str).map(ToOwned::to_owned);
    let members = body.as_object_mut().unwrap();
    assert!(members.keys().all(|member| member == "tools" || member == "nextCursor"), "{members:?}");
    Ok((serde_json::from_value(members["tools"].take()).unwrap(), next))
}

fn is_refused(pages: &Pages, cursor: &str, reader: &Principal, sealer: &Sealer) -> bool {
    match pages.page(Some(cursor), reader, sealer) {
        Ok(_) => false,
        Err(error) => {
            assert!(matches!(error, FeatureError::InvalidParams { .. }));
            true
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_pages_together_are_the_list(length in 0usize..260) {
        let (pages, sealer) = (numbers("tools", length), sealer());
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let (entries, next) = read(&pages, cursor.as_deref(), &ada(), &sealer).unwrap();
            prop_assert!(entries.len() <= 50 && (!entries.is_empty() || length == 0));
            seen.extend(entries);
            cursor = next;
            if cursor.is_none() { break; }
        }
        prop_assert_eq!(seen, (0..length).map(|number| json!({ "name": format!("t{number}") })).collect::<Vec<_>>());
    }

    #[test]
    fn no_text_is_a_cursor_that_we_did_not_make(text in "\\PC{0,80}", at in any::<prop::sample::Index>(), with in any::<char>()) {
        let (pages, sealer) = (numbers("tools", 120), sealer());
        prop_assert!(is_refused(&pages, &text, &ada(), &sealer));
        let (_, next) = read(&pages, None, &ada(), &sealer).unwrap();
        let good = next.unwrap();
        let mut changed: Vec<char> = good.chars().collect();
        let at = at.index(changed.len());
        changed[at] = with;
        let changed: String = changed.into_iter().collect();
        prop_assert_eq!(is_refused(&pages, &changed, &ada(), &sealer), changed != good);
    }
}

#[test]
fn a_cursor_is_good_for_its_reader_and_its_list_as_it_is_and_for_nothing_else() {
    let (pages, sealer) = (numbers("tools", 120), sealer());
    let (_, next) = read(&pages, None, &ada(), &sealer).unwrap();
    let cursor = next.unwrap();
    assert!(!is_refused(&pages, &cursor, &ada(), &sealer));
    assert!(is_refused(&pages, &cursor, &Principal::new("user", "eve"), &sealer), "another reader");
    assert!(is_refused(&numbers("prompts", 120), &cursor, &ada(), &sealer), "another list");
    assert!(is_refused(&numbers("tools", 121), &cursor, &ada(), &sealer), "the list has changed");
    let other = Sealer::new(&[SecretString::from("6b".repeat(32))]).unwrap();
    assert!(is_refused(&pages, &cursor, &ada(), &other), "another gateway");
    let state = sealer.seal(Purpose::RequestState, &[], b"\0\0\0\x01");
    assert!(is_refused(&pages, &state, &ada(), &sealer), "sealed for something else");
}

#[test]
fn one_entry_more_than_a_page_makes_another_page() {
    let sealer = sealer();
    for (length, more) in [(0, false), (49, false), (50, false), (51, true)] {
        let (entries, next) = read(&numbers("tools", length), None, &ada(), &sealer).unwrap();
        assert_eq!((entries.len(), next.is_some()), (length.min(50), more));
    }
}

#[test]
fn the_tools_of_admins_are_listed_to_admins_only_and_the_order_is_always_the_same() {
    let sealer = sealer();
    let (one, two) = (Registry::standard(), Registry::standard());
    let names = |pages: &Pages| {
        let (mut names, mut cursor) = (Vec::new(), None);
        loop {
            let (entries, next) = read(pages, cursor.as_deref(), &ada(), &sealer).unwrap();
            names.extend(entries.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()));
            cursor = next;
            if cursor.is_none() {
                return names;
            }
        }
    };
    let everybody = names(&one.lists.tools);
    assert_eq!(everybody, names(&two.lists.tools));
    let hidden: Vec<&str> = one.tools().iter().filter(|tool| tool.scope == Scope::Admin).map(|tool| tool.name).collect();
    assert!(everybody.iter().all(|name| !hidden.contains(&name.as_str())));
    assert_eq!(names(&one.lists.tools_for_admins).len(), everybody.len() + hidden.len());
}
