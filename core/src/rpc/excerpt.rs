//! What of another side's words an answer or a log says back.

/// Characters that an excerpt has of its text's beginning, and the same of its end.
const SIDE_CHARS: usize = 160;

/// The text without control characters; of a long one its beginning and its end, because the end of an error of a parser says
/// what was expected.
#[must_use]
pub fn excerpt(text: &str) -> String {
    let shown = |c: &char| !c.is_control();
    if text.chars().filter(shown).nth(2 * SIDE_CHARS).is_none() {
        return text.chars().filter(shown).collect();
    }
    let head: String = text.chars().filter(shown).take(SIDE_CHARS).collect();
    let tail: Vec<char> = text.chars().rev().filter(shown).take(SIDE_CHARS).collect();
    head + "…" + &tail.into_iter().rev().collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_shown_whole_and_a_long_one_by_its_ends() {
        assert_eq!(excerpt("as it\n is"), "as it is");
        let all = "é".repeat(2 * SIDE_CHARS);
        assert_eq!(excerpt(&all), all);
        let shown = excerpt(&format!("unknown field `{}`, expected `symbol`", "x".repeat(1_000_000)));
        assert!(shown.starts_with("unknown field `xx") && shown.ends_with("xx`, expected `symbol`"), "{shown}");
        assert_eq!(shown.chars().count(), 2 * SIDE_CHARS + 1);
    }
}
