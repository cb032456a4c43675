//! Which scopes were asked for, and which may be given?

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::access::Scope;

const ALL: [Scope; 3] = [Scope::Read, Scope::Write, Scope::Admin];

/// A set of scopes, written as words with blanks between, in rising order. Words that are not ours are dropped when it is read:
/// clients add `offline_access`, `openid` and others unasked (protocol.md §6.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet {
    has: [bool; 3],
}

impl ScopeSet {
    /// Reads a `scope` parameter.
    #[must_use]
    pub fn read(text: &str) -> Self {
        text.split(' ').filter_map(|word| word.parse().ok()).fold(Self::default(), Self::with)
    }

    /// One scope.
    #[must_use]
    pub fn of(scope: Scope) -> Self {
        Self::default().with(scope)
    }

    /// Every scope.
    #[must_use]
    pub const fn all() -> Self {
        Self { has: [true; 3] }
    }

    /// This set and one more.
    #[must_use]
    pub fn with(mut self, scope: Scope) -> Self {
        for (has, known) in self.has.iter_mut().zip(ALL) {
            *has |= known == scope;
        }
        self
    }

    /// The scopes, rising.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        ALL.into_iter().zip(self.has).filter_map(|(scope, has)| has.then_some(scope))
    }

    /// The greatest one, which includes the others; `None` when there is none.
    #[must_use]
    pub fn greatest(self) -> Option<Scope> {
        self.iter().last()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.greatest().is_none()
    }

    /// What of it somebody may have who may do `most`.
    #[must_use]
    pub fn within(self, most: Scope) -> Self {
        self.iter().filter(|scope| most.allows(*scope)).fold(Self::default(), Self::with)
    }

    /// Whether all of it may be done with `granted`, by the order of scopes: `write` includes `read`.
    #[must_use]
    pub fn is_covered_by(self, granted: Self) -> bool {
        self.greatest().is_none_or(|wanted| granted.greatest().is_some_and(|has| has.allows(wanted)))
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Scope::as_str).collect();
        f.write_str(&words.join(" "))
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer).map(|text| Self::read(&text))
    }
}
