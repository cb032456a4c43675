//! Text that comes from outside (titles, descriptions) is data: it is cleaned before it is shown to a person or a model.

/// Longest cleaned text kept, in characters: a headline or teaser, never a whole article.
pub const MAX_UNTRUSTED_CHARS: usize = 4_000;

/// Replaces line breaks and tabs by blanks, and strips control and bidirectional-override characters, with which text
/// can hide or reorder what a reader sees (Unicode TR36; peers.md §3 row 14).
#[must_use]
pub fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len().min(MAX_UNTRUSTED_CHARS * 4));
    for c in text.chars().take(MAX_UNTRUSTED_CHARS) {
        match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => cleaned.push(' '),
            c if c.is_control() || is_invisible(c) => {}
            c => cleaned.push(c),
        }
    }
    cleaned
}

const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_could_hide_or_reorder_text_is_taken_out() {
        assert_eq!(clean("a\u{202E}b\u{200B}c\r\nd\u{0}e\u{2028}f"), "abc  de f");
        assert_eq!(clean("Tesla – „größer“ 日本 🚀"), "Tesla – „größer“ 日本 🚀");
    }

    proptest! {
        #[test]
        fn cleaned_text_has_no_control_characters_and_is_stable(text in "\\PC*|.*") {
            let once = clean(&text);
            prop_assert!(!once.chars().any(char::is_control));
            prop_assert_eq!(clean(&once), once);
        }
    }
}
