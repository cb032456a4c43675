//! How the feed of a market does, in a word.

/// What operators and readers are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FeedState {
    /// Nobody wants anything of it.
    Idle,
    /// It is being connected for the first time.
    Connecting,
    /// It is connected, and the key was accepted.
    Live,
    /// It was lost or could not be reached; prices are polled until it is back.
    Lost,
    /// Another connection of the account has its place; prices are polled meanwhile.
    Crowded,
    /// The key was refused; prices are polled meanwhile. Somebody must act.
    AuthFailed,
}

impl FeedState {
    /// A bounded label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Lost => "lost",
            Self::Crowded => "max_connections",
            Self::AuthFailed => "upstream_auth",
        }
    }
}
