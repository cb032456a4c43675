//! What does `WWW-Authenticate` say (RFC 9110 §11.6.1, RFC 6750 §3)?

/// A challenge of the scheme `Bearer`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// Reads a header; `None` when its scheme is another.
    pub(super) fn read(header: &str) -> Option<Self> {
        let header = header.trim();
        let (scheme, mut rest) = header.split_once(' ').unwrap_or((header, ""));
        if !scheme.eq_ignore_ascii_case("Bearer") {
            return None;
        }
        let mut parameters = Vec::new();
        while let Some((name, after)) = rest.split_once('=') {
            let (value, left) = value_of(after);
            parameters.push((name.trim_matches([' ', ',', '\t']).to_ascii_lowercase(), value));
            rest = left;
        }
        Some(Self { parameters })
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// The value at the beginning, quoted or not, and what comes after it.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        return (text[..end].trim().to_owned(), text[end..].trim_start_matches(','));
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, letter) in quoted.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => {
                escaped = true;
                continue;
            }
            '"' => return (value, &quoted[at + 1..]),
            _ => {}
        }
        value.push(letter);
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_whether_its_values_are_quoted_or_not() {
        let challenge = Challenge::read(r#"Bearer error="invalid_token", error_description="say \"please\", x=y", scope=read"#);
        let challenge = challenge.unwrap();
        assert_eq!(challenge.get("error"), Some("invalid_token"));
        assert_eq!(challenge.get("error_description"), Some("say \"please\", x=y"));
        assert_eq!(challenge.get("scope"), Some("read"));
        assert_eq!(Challenge::read("Bearer").unwrap(), Challenge::default());
        assert_eq!(Challenge::read("Basic realm=\"x\""), None);
        for broken in ["Bearer =", "Bearer a=\"", "Bearer a=\"\\", "Bearer ,,,=,="] {
            assert!(Challenge::read(broken).is_some(), "{broken}");
        }
    }
}
