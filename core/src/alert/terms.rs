//! What an alert waits for, checked before there is one.

use std::fmt;
use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stored;
use crate::market::{Symbol, text};

/// Targets accepted, in the symbol's quote currency: from the smallest crypto prices to far above any; what lies outside is a slip.
pub const TARGET_BOUNDS: RangeInclusive<f64> = 1e-9..=1e12;
/// Longest note, in characters: a reminder, not a document.
pub const MAX_NOTE_CHARS: usize = 200;

/// On which edge an alert fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Condition {
    /// The price reaches the target from below, or is there already when the alert is set.
    Above,
    /// The price reaches the target from above, or is there already when the alert is set.
    Below,
    /// The price changes sides, in either direction.
    Crosses,
}

impl Condition {
    /// The name in arguments and items.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
            Self::Crosses => "crosses",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an alert waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// Whose price.
    pub symbol: Symbol,
    /// Which edge.
    pub condition: Condition,
    /// At which price, within [`TARGET_BOUNDS`].
    #[serde(deserialize_with = "stored::exact")]
    pub target: f64,
    /// What its owner wrote to it, cleaned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Why there can be no such alert.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TermsError {
    /// The target is no price.
    #[error(
        "target_price must be a price greater than 0, from {least} to {most}; {0} is not",
        least = TARGET_BOUNDS.start(),
        most = TARGET_BOUNDS.end()
    )]
    Target(f64),
    /// The note is too long.
    #[error("a note has at most {MAX_NOTE_CHARS} characters; this one has {0}")]
    Note(usize),
}

impl Terms {
    /// Checks what was asked for. A note of nothing but blanks is none.
    ///
    /// # Errors
    /// When the target is not a number within [`TARGET_BOUNDS`], or the note has over [`MAX_NOTE_CHARS`] characters.
    pub fn new(symbol: Symbol, condition: Condition, target: f64, note: Option<&str>) -> Result<Self, TermsError> {
        let chars = note.map_or(0, |note| note.chars().count());
        if chars > MAX_NOTE_CHARS {
            return Err(TermsError::Note(chars));
        }
        let note = note.map(text::clean).map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
        let terms = Self { symbol, condition, target, note };
        if terms.is_sound() { Ok(terms) } else { Err(TermsError::Target(target)) }
    }

    pub(super) fn is_sound(&self) -> bool {
        // Not a number is within no bounds.
        TARGET_BOUNDS.contains(&self.target)
    }
}
