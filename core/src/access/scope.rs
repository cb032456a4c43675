//! Scopes: `read` < `write` < `admin`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a credential allows; each includes the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Market data, streams, prompts.
    Read,
    /// Also alerts, tasks, own keys.
    Write,
    /// Everything.
    Admin,
}

/// The text names no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a scope: use read, write or admin")]
pub struct ScopeError(String);

impl Scope {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// Whether this scope includes `needed`.
    #[must_use]
    pub fn allows(self, needed: Self) -> bool {
        self >= needed
    }

    /// The greatest scope in a space-separated list, as tokens carry it; unknown words are not ours and are skipped.
    #[must_use]
    pub fn greatest_of(list: &str) -> Option<Self> {
        list.split(' ').filter_map(|word| word.parse().ok()).max()
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        match text {
            "read" => Ok(Self::Read),
            "write" => Ok(Self::Write),
            "admin" => Ok(Self::Admin),
            other => Err(ScopeError(other.chars().take(32).collect())),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_includes_the_ones_before() {
        assert!(Scope::Admin.allows(Scope::Write) && Scope::Write.allows(Scope::Read) && Scope::Read.allows(Scope::Read));
        assert!(!Scope::Read.allows(Scope::Write) && !Scope::Write.allows(Scope::Admin));
        assert_eq!(Scope::greatest_of("openid read write"), Some(Scope::Write));
        assert_eq!(Scope::greatest_of("openid Admin"), None);
    }
}
