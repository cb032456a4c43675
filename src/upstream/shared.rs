//! The upstream as all callers share it: every question goes through the cache, and says how fresh its answer is.

use std::rc::Rc;

use serde::Serialize;
use tickgate_actors::stream::MarketState;
use tickgate_core::budget::BudgetView;
use tickgate_core::market::CacheClass;
use tickgate_core::ports::UpstreamError;

use super::cache::{CachedAnswer, UpstreamCache};
use super::polygon::{PageCall, PolygonClient, UpstreamCall};

/// How the budget of an upstream key stands, as callers are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct KeyBudget {
    /// Whose key: `shared`, the gateway's.
    pub key: &'static str,
    /// How it stands.
    #[serde(flatten)]
    pub view: BudgetView,
}

/// The upstream, on one worker.
pub struct SharedUpstream {
    client: Rc<PolygonClient>,
    cache: UpstreamCache,
    market: MarketState,
}

impl SharedUpstream {
    /// A client of this worker behind the cache of all workers; `market` says which session it is.
    #[must_use]
    pub const fn new(client: Rc<PolygonClient>, cache: UpstreamCache, market: MarketState) -> Self {
        Self { client, cache, market }
    }

    /// How the budget of the gateway's key stands; nothing when there is no upstream to ask, as with a recording.
    #[must_use]
    pub fn budget(&self) -> Option<KeyBudget> {
        self.client.budget().map(|view| KeyBudget { key: "shared", view })
    }

    /// Answers a question of a kind of data.
    ///
    /// # Errors
    /// As [`UpstreamCache::get`].
    pub async fn get(&self, call: UpstreamCall, class: CacheClass) -> Result<CachedAnswer, UpstreamError> {
        self.cache.get(&self.client, call, class, &self.market.session()).await
    }

    /// The next page of an answer.
    ///
    /// # Errors
    /// As [`UpstreamCache::get`].
    pub async fn get_page(&self, call: PageCall, class: CacheClass) -> Result<CachedAnswer, UpstreamError> {
        self.cache.get_page(&self.client, call, class, &self.market.session()).await
    }
}
