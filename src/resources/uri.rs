//! Which template a URI fits (RFC 6570 level 1: `{name}` stands for one segment).

use std::collections::HashMap;

use percent_encoding::percent_decode_str;

/// What stands in the variables of a template, decoded.
pub type Variables = HashMap<String, String>;

/// The variables, if the URI fits. A segment that hides a separator or a control character fits nothing.
pub(super) fn matches(template: &str, uri: &str) -> Option<Variables> {
    let (wanted, sent): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), uri.split('/').collect());
    if wanted.len() != sent.len() {
        return None;
    }
    let mut variables = Variables::new();
    for (wanted, sent) in wanted.into_iter().zip(sent) {
        match wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            None if wanted == sent => {}
            None => return None,
            Some(name) => {
                let decoded = percent_decode_str(sent).decode_utf8().ok()?;
                if decoded.is_empty() || decoded.contains(['/', '?', '#', '%', '\\']) || decoded.chars().any(char::is_control) {
                    return None;
                }
                variables.insert(name.to_owned(), decoded.into_owned());
            }
        }
    }
    Some(variables)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BARS: &str = "market://bars/{symbol}/{timespan}";

    #[test]
    fn a_template_takes_one_segment_for_each_variable() {
        let variables = matches(BARS, "market://bars/X%3ABTCUSD/day").unwrap();
        assert_eq!((&*variables["symbol"], &*variables["timespan"]), ("X:BTCUSD", "day"));
        assert_eq!(matches("market://status", "market://status"), Some(Variables::new()));
    }

    #[test]
    fn what_hides_a_path_fits_nothing() {
        for uri in [
            "market://bars/AAPL",
            "market://bars/AAPL/day/more",
            "market://bars//day",
            "market://bars/a%2Fb/day",
            "market://bars/%2e%2e%2f/day",
            "market://bars/a%00/day",
            "market://bars/a%ff/day",
            "market://bars/a%2541/day",
            "MARKET://bars/AAPL/day",
            "market://bars/a?b/day",
            "",
        ] {
            assert_eq!(matches(BARS, uri), None, "{uri}");
        }
    }

    proptest! {
        #[test]
        fn no_uri_makes_the_matcher_panic(uri in "\\PC{0,80}") {
            let _ = matches(BARS, &uri);
        }
    }
}
