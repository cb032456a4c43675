//! The upstream as pollers see it.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;

use crate::market::{Article, Market, MarketStatus, Quote, Symbol};
use crate::time::Millis;

/// A future that stays on its thread.
pub type PortFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What a news poll asks for.
#[derive(Clone, Debug)]
pub struct NewsQuery {
    /// Articles that name this symbol; all when `None`.
    pub symbol: Option<Symbol>,
    /// Published at or after this moment, oldest first; the newest when `None`.
    pub from: Option<Millis>,
    /// At most this many, over as many pages as it takes.
    pub limit: usize,
}

/// What kind of failure the upstream's is (polygon.md §4.3): decides who may retry and what a caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UpstreamErrorKind {
    /// It refused a parameter.
    InvalidParams,
    /// It refused our key: the operator must act.
    Auth,
    /// The plan does not include this.
    NotEntitled,
    /// There is no such thing.
    NotFound,
    /// It said that it is too much.
    RateLimited,
    /// It failed or could not be reached.
    Unavailable,
    /// It did not answer in time.
    Timeout,
    /// Its answer makes no sense.
    InvalidResponse,
    /// Its answer is larger than we read.
    TooLarge,
    /// Our own budget for it is spent.
    Budget,
}

impl UpstreamErrorKind {
    /// A bounded label for metrics, logs and error data.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidParams => "invalid_params",
            Self::Auth => "upstream_auth",
            Self::NotEntitled => "not_entitled",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::InvalidResponse => "invalid_response",
            Self::TooLarge => "too_large",
            Self::Budget => "budget",
        }
    }

    /// Whether the upstream itself is ill, as against the request.
    #[must_use]
    pub const fn is_outage(self) -> bool {
        matches!(
            self,
            Self::Auth | Self::RateLimited | Self::Unavailable | Self::Timeout | Self::InvalidResponse | Self::TooLarge
        )
    }
}

/// A failure of the upstream, worded for the caller: no key, no URL, no body of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UpstreamError {
    /// What kind.
    pub kind: UpstreamErrorKind,
    /// What happened and what to do.
    pub message: Cow<'static, str>,
    /// When it may work again.
    pub retry_after_ms: Option<u64>,
}

impl UpstreamError {
    /// A failure.
    pub fn new(kind: UpstreamErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), retry_after_ms: None }
    }

    /// Says when it may work again.
    #[must_use]
    pub const fn retry_after(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }
}

/// The upstream. Implementations bound every call in time and size and spend the shared budget.
pub trait MarketData {
    /// The state of these symbols of one market, in one call (at most 100). Symbols that do not exist are left out.
    fn quotes<'a>(&'a self, market: Market, symbols: &'a [Symbol]) -> PortFuture<'a, Result<Vec<Quote>, UpstreamError>>;

    /// How many calls [`MarketData::quotes`] of this many symbols makes.
    fn quote_calls(&self, symbols: usize) -> u64;

    /// Articles.
    fn news(&self, query: NewsQuery) -> PortFuture<'_, Result<Vec<Article>, UpstreamError>>;

    /// The market session.
    fn market_status(&self) -> PortFuture<'_, Result<MarketStatus, UpstreamError>>;
}
