//! The upstream as all callers share it: every question goes through the cache, and says how fresh its answer is. Who has an own
//! upstream key asks with it; everybody else, and every stream, with the gateway's.

use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;
use tickgate_actors::stream::MarketState;
use tickgate_core::access::Principal;
use tickgate_core::budget::{BudgetView, Payer, WINDOW_MS};
use tickgate_core::market::CacheClass;
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};

use super::cache::{CachedAnswer, UpstreamCache};
use super::own::{OwnKey, OwnKeys};
use super::polygon::{FuturesApi, PageCall, Path, Plan, PolygonClient, UpstreamCall};

/// What a key is tried with: every plan has it.
const STATUS: &str = "/v1/marketstatus/now";
/// How long the upstream may take to say whether a key is good, in ms: two attempts, and somebody waits.
const TRY_MS: u64 = 10_000;

/// How the budget of an upstream key stands, as callers are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct KeyBudget {
    /// Whose key: `shared`, the gateway's, or `own`, the caller's.
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
    own: Option<OwnKeys>,
    futures: FuturesApi,
}

impl SharedUpstream {
    /// A client of this worker behind the cache of all workers; `market` says which session it is.
    #[must_use]
    pub const fn new(client: Rc<PolygonClient>, cache: UpstreamCache, market: MarketState) -> Self {
        Self { client, cache, market, own: None, futures: FuturesApi::Vx }
    }

    /// With callers who ask with keys of their own.
    #[must_use]
    pub fn with_own_keys(self, own: OwnKeys) -> Self {
        Self { own: Some(own), ..self }
    }

    /// With futures asked under this version of their API.
    #[must_use]
    pub fn with_futures_api(self, futures: FuturesApi) -> Self {
        Self { futures, ..self }
    }

    /// Under which version of their API futures are asked.
    #[must_use]
    pub const fn futures_api(&self) -> FuturesApi {
        self.futures
    }

    /// The callers' own keys; nothing where there is no upstream to ask with one, as with a recording.
    #[must_use]
    pub fn own_keys(&self) -> Option<&OwnKeys> {
        self.own.as_ref().filter(|_| !self.client.is_a_recording())
    }

    /// The plan of the gateway's key.
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.client.plan()
    }

    /// How the budget of the gateway's key stands; nothing when there is no upstream to ask.
    #[must_use]
    pub fn budget(&self) -> Option<KeyBudget> {
        self.client.budget().map(|view| KeyBudget { key: "shared", view })
    }

    /// How the budget of the key stands that a caller asks with.
    #[must_use]
    pub fn budget_of(&self, principal: &Principal) -> Option<KeyBudget> {
        match self.own_key(principal) {
            None => self.budget(),
            Some(key) => self.own.as_ref()?.quota(&key).map(|quota| KeyBudget { key: "own", view: quota.view() }),
        }
    }

    /// Asks whether a key is good, by the cheapest call and on its own budget.
    ///
    /// # Errors
    /// `Auth` and `NotEntitled` when the upstream refuses it, others when it could not be asked.
    pub async fn try_key(&self, key: &OwnKey, principal: &Principal, request_id: String) -> Result<(), UpstreamError> {
        let path = Path::new(STATUS, &[])?;
        let (payer, deadline) = (Payer::Caller(principal.clone()), self.client.now().plus(TRY_MS));
        let call = UpstreamCall { path, query: Vec::new(), payer, deadline, request_id: Some(request_id) };
        let tried = self.own_client(key)?.get(call).await;
        if let (Err(error), Some(own)) = (&tried, &self.own)
            && error.kind == UpstreamErrorKind::Auth
        {
            own.discard(key);
        }
        tried.map(drop)
    }

    /// Answers a question of a kind of data, asked with the payer's own key if it has one.
    ///
    /// # Errors
    /// As [`UpstreamCache::get`].
    pub async fn get(&self, call: UpstreamCall, class: CacheClass) -> Result<CachedAnswer, UpstreamError> {
        self.cache.get(&self.client_of(&call.payer)?, call, class, &self.market.session()).await
    }

    /// The next page of an answer.
    ///
    /// # Errors
    /// As [`UpstreamCache::get`].
    pub async fn get_page(&self, call: PageCall, class: CacheClass) -> Result<CachedAnswer, UpstreamError> {
        self.cache.get_page(&self.client_of(&call.payer)?, call, class, &self.market.session()).await
    }

    fn own_key(&self, principal: &Principal) -> Option<Arc<OwnKey>> {
        self.own_keys()?.find(principal)
    }

    /// The client that asks for a payer.
    fn client_of(&self, payer: &Payer) -> Result<Rc<PolygonClient>, UpstreamError> {
        let Payer::Caller(principal) = payer else { return Ok(Rc::clone(&self.client)) };
        self.own_key(principal).map_or_else(|| Ok(Rc::clone(&self.client)), |key| self.own_client(&key))
    }

    /// A client with an own key, made for the call: it shares all that is dear with the worker's, and a key that was changed or
    /// deleted is in no client that anybody kept.
    fn own_client(&self, key: &OwnKey) -> Result<Rc<PolygonClient>, UpstreamError> {
        let quota = self.own.as_ref().and_then(|own| own.quota(key)).ok_or_else(|| {
            let message = "too many callers ask with keys of their own at the moment: try again in a minute";
            UpstreamError::new(UpstreamErrorKind::Budget, message).retry_after(WINDOW_MS)
        })?;
        Ok(Rc::new(self.client.with_key(key.secret(), key.plan, key.owner(), quota)))
    }
}
