//! Protocol revisions. The stateful ones are negotiated by `initialize`; later ones speak per request.

use serde::{Deserialize, Serialize};

/// Revisions that carry their version in each request; not served yet.
pub const MODERN_REVISIONS: [&str; 1] = ["2026-07-28"];

/// A stateful revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Revision {
    /// The first.
    #[serde(rename = "2024-11-05")]
    V2024_11_05,
    /// Streamable HTTP, batches, annotations.
    #[serde(rename = "2025-03-26")]
    V2025_03_26,
    /// Structured output, the version header, no batches.
    #[serde(rename = "2025-06-18")]
    V2025_06_18,
    /// Priming events, icons, tool errors for bad arguments.
    #[serde(rename = "2025-11-25")]
    V2025_11_25,
}

impl Revision {
    /// Every revision, oldest first.
    pub const ALL: [Self; 4] = [Self::V2024_11_05, Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25];
    /// What a client gets that asks for one we do not know.
    pub const NEWEST: Self = Self::V2025_11_25;

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
        }
    }

    /// The revision of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|revision| revision.as_str() == name)
    }

    /// Whether streams begin with an event that has an id and no data; older clients choke on it (SEP-1699).
    #[must_use]
    pub fn has_priming_events(self) -> bool {
        self >= Self::V2025_11_25
    }
}
