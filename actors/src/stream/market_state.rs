//! Session and upstream health, for every answer to name: one writer, the status stream.

use std::sync::{Arc, PoisonError, RwLock};

use tickgate_core::market::{MarketPhase, Source};
use tickgate_core::ports::UpstreamErrorKind;

/// How the upstream does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing has been asked yet.
    Unknown,
    /// The last polls were answered.
    Ok,
    /// The last poll of some kind failed.
    Degraded(UpstreamErrorKind),
}

impl Health {
    /// A bounded label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Degraded(_) => "degraded",
        }
    }
}

/// The state of the market as last seen. Clones share it.
#[derive(Clone, Debug)]
pub struct MarketState {
    seen: Arc<RwLock<(MarketPhase, Health)>>,
    source: Source,
    delayed: bool,
}

impl MarketState {
    /// Before anything was seen: `phase` by the clock. `source` and `delayed` describe the upstream and its plan.
    #[must_use]
    pub fn new(phase: MarketPhase, source: Source, delayed: bool) -> Self {
        Self { seen: Arc::new(RwLock::new((phase, Health::Unknown))), source, delayed }
    }

    /// The market session.
    #[must_use]
    pub fn phase(&self) -> MarketPhase {
        self.seen.read().unwrap_or_else(PoisonError::into_inner).0
    }

    /// How the upstream does.
    #[must_use]
    pub fn health(&self) -> Health {
        self.seen.read().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Where numbers come from that were polled just now.
    #[must_use]
    pub const fn source(&self) -> Source {
        self.source
    }

    /// Whether the plan delays them.
    #[must_use]
    pub const fn delayed(&self) -> bool {
        self.delayed
    }

    pub(super) fn update(&self, phase: Option<MarketPhase>, failing: Option<UpstreamErrorKind>) {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        seen.0 = phase.unwrap_or(seen.0);
        seen.1 = failing.map_or(Health::Ok, Health::Degraded);
    }
}
