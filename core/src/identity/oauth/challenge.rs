//! What does `WWW-Authenticate` say (RFC 6750 §3, RFC 9728 §5.1, protocol.md §6.1)?

use std::fmt;

use super::scopes::ScopeSet;

/// What is wrong with the credential; nothing when there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeError {
    /// It is malformed, unknown, expired or revoked: 401.
    InvalidToken,
    /// It may not do this: 403.
    InsufficientScope,
}

/// One challenge, with every value quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// The address of the protected resource metadata; `None` where there is no authorization server to find by it.
    pub resource_metadata: Option<&'a str>,
    /// Every scope that the operation needs.
    pub scopes: ScopeSet,
    /// What is wrong, and a sentence for developers.
    pub error: Option<(ChallengeError, &'a str)>,
}

impl fmt::Display for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "Bearer ";
        let mut field = |f: &mut fmt::Formatter<'_>, name: &str, value: &str| {
            write!(f, "{between}{name}={}", Quoted(value))?;
            between = ", ";
            Ok(())
        };
        if let Some((error, description)) = self.error {
            let word = match error {
                ChallengeError::InvalidToken => "invalid_token",
                ChallengeError::InsufficientScope => "insufficient_scope",
            };
            field(f, "error", word)?;
            field(f, "error_description", description)?;
        }
        if let Some(address) = self.resource_metadata {
            field(f, "resource_metadata", address)?;
        }
        if self.scopes.is_empty() { Ok(()) } else { field(f, "scope", &self.scopes.to_string()) }
    }
}

/// A quoted string (RFC 9110 §5.6.4): what could end it is escaped, what no header may have is left out.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                ' '..='~' => write!(f, "{c}")?,
                _ => {}
            }
        }
        f.write_str("\"")
    }
}
