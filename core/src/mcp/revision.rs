//! Protocol revisions. The stateful ones are negotiated by `initialize`; the stateless one is named in each request.

use serde::{Deserialize, Serialize};

/// A revision that we serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Revision {
    /// The first.
    #[serde(rename = "2024-11-05")]
    V2024_11_05,
    /// Streamable HTTP, batches, annotations.
    #[serde(rename = "2025-03-26")]
    V2025_03_26,
    /// Structured output, elicitation, the version header, no batches.
    #[serde(rename = "2025-06-18")]
    V2025_06_18,
    /// Priming events, icons, elicitation by URL, tool errors for bad arguments.
    #[serde(rename = "2025-11-25")]
    V2025_11_25,
    /// Stateless: no handshake, no sessions, every request carries its own version.
    #[serde(rename = "2026-07-28")]
    V2026_07_28,
}

impl Revision {
    /// The revisions with a handshake, oldest first.
    pub const STATEFUL: [Self; 4] = [Self::V2024_11_05, Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25];
    /// The revisions without one.
    pub const STATELESS: [Self; 1] = [Self::V2026_07_28];
    /// What a client gets that shakes hands for one we do not know.
    pub const NEWEST_STATEFUL: Self = Self::V2025_11_25;

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The revision of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::STATEFUL.into_iter().chain(Self::STATELESS).find(|revision| revision.as_str() == name)
    }

    /// The stateful revision of that name.
    #[must_use]
    pub fn stateful(name: &str) -> Option<Self> {
        Self::by_name(name).filter(|revision| !revision.is_stateless())
    }

    /// Whether each request stands alone.
    #[must_use]
    pub fn is_stateless(self) -> bool {
        self >= Self::V2026_07_28
    }

    /// Whether streams begin with an event that has an id and no data, and may be closed and resumed in between (SEP-1699).
    /// Older clients choke on it, newer ones have no ids.
    #[must_use]
    pub fn has_priming_events(self) -> bool {
        self == Self::V2025_11_25
    }

    /// Whether a POST may carry several messages.
    #[must_use]
    pub fn has_batches(self) -> bool {
        self <= Self::V2025_03_26
    }

    /// Whether content may be audio.
    #[must_use]
    pub fn has_audio(self) -> bool {
        self >= Self::V2025_03_26
    }

    /// Whether content may be a link to a resource.
    #[must_use]
    pub fn has_resource_links(self) -> bool {
        self >= Self::V2025_06_18
    }

    /// Whether the client may be asked to fill in a form.
    #[must_use]
    pub fn has_elicitation(self) -> bool {
        self >= Self::V2025_06_18
    }

    /// Whether the client may be asked to open a URL.
    #[must_use]
    pub fn has_url_elicitation(self) -> bool {
        self >= Self::V2025_11_25
    }
}
