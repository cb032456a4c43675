//! What does a question cost that somebody else just asked? Nothing: all workers share the upstream's answers, for as long as
//! the kind of data and the market's session allow, and a question that is under way already is not asked again.
//!
//! | file | the question it answers |
//! |---|---|
//! | `store` | what is kept, for how long, in how much room |
//! | `flight` | who waits for which question that is under way |
//! | `metrics` | how often it helped |

mod flight;
mod metrics;
mod store;
#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_rt::time::timeout;
use jiff::tz::TimeZone;
use tickgate_actors::Clock;
use tickgate_core::budget::Payer;
use tickgate_core::market::cache_class::{class_of, rests_with_stocks, ttl};
use tickgate_core::market::{CacheClass, Session};
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};
use tickgate_core::time::Millis;

use super::polygon::{PageCall, PolygonClient, UpstreamAnswer, UpstreamCall};
use flight::{Boarded, Flight, Flights, Landing};
use store::{Kept, Outcome, Store};

pub use metrics::CacheMetrics;

/// How long somebody who could be shown an older answer waits for a new one, in ms; the question goes on without them.
const STALE_PATIENCE_MS: u64 = 3_000;

/// How much longer than the question everyone waits, in ms: what the client says of its own deadline tells more.
const GRACE_MS: u64 = 250;

/// Least time that one must have to try alone what somebody else had no time or budget for, in ms.
const LEAST_TRY_MS: u64 = 1_000;

/// How often one tries so: who joins again and again is refused like the others.
const MAX_TRIES: u8 = 2;

/// How an answer was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// It was at hand.
    Fresh,
    /// It was at hand, is older than it should be, and the upstream has no newer one just now.
    Stale,
    /// The upstream was asked.
    Miss,
}

impl Hit {
    /// Of what came together, how the oldest was come by.
    #[must_use]
    pub const fn older(self, other: Self) -> Self {
        match (self, other) {
            (Self::Stale, _) | (_, Self::Stale) => Self::Stale,
            (Self::Fresh, _) | (_, Self::Fresh) => Self::Fresh,
            (Self::Miss, Self::Miss) => Self::Miss,
        }
    }
}

/// An answer; the time of its fetch stays what it was.
#[derive(Clone, Debug)]
pub struct CachedAnswer {
    /// The answer, shared with everyone who asks the same.
    pub answer: Arc<UpstreamAnswer>,
    /// How it was come by.
    pub hit: Hit,
}

/// The upstream's answers, shared by all workers. Clones are the same cache.
#[derive(Clone)]
pub struct UpstreamCache {
    store: Store,
    flights: Flights,
    metrics: CacheMetrics,
    now: Now,
    new_york: TimeZone,
}

type Now = Arc<dyn Fn() -> Millis + Send + Sync>;

/// What is asked, beside of whom.
struct Question {
    /// Whose key asks, if it is a caller's own, then path and query, the query in order: what was got with an own key is never
    /// given to others. The upstream key itself is not in it.
    key: Arc<str>,
    owner: Option<u64>,
    class: CacheClass,
    session: Session,
    payer: Payer,
    deadline: Millis,
}

impl Question {
    /// The question as the owner of a key asks it.
    fn with_key_of(self, owner: Option<u64>) -> Self {
        match owner {
            None => self,
            // Every path begins with a slash, so that no owner's is another's or everybody's.
            Some(number) => Self { key: format!("{number}{}", self.key).into(), owner, ..self },
        }
    }

    /// Whether an older answer may stand in for this failure. That a caller's own key is refused is for the caller to know.
    fn is_bridged(&self, kind: UpstreamErrorKind) -> bool {
        let is_told = self.owner.is_some() && kind == UpstreamErrorKind::Auth;
        (kind.is_outage() || kind == UpstreamErrorKind::Budget) && !is_told
    }
}

impl UpstreamCache {
    /// A cache of at most `max_bytes` of answers; with 0 nothing is kept, and only what is asked at once is asked together.
    /// `new_york`: the zone `America/New_York`, in whose days the market counts.
    #[must_use]
    pub fn new(max_bytes: u64, new_york: TimeZone, clock: Clock, metrics: CacheMetrics) -> Self {
        Self::by(Arc::new(move || clock.now()), max_bytes, new_york, metrics)
    }

    fn by(now: Now, max_bytes: u64, new_york: TimeZone, metrics: CacheMetrics) -> Self {
        let store = Store::new(max_bytes, metrics.clone());
        Self { store, flights: Flights::default(), metrics, now, new_york }
    }

    /// Answers a question: from what is kept, with those who ask the same, or by asking. Whoever asks first pays for it, and
    /// the question goes on when they leave. `class`: what the endpoint gives; `session`: this moment of the stock market.
    ///
    /// # Errors
    /// As [`PolygonClient::get`]; while an older answer may stand in, only that there is no such thing or that it is refused.
    pub async fn get(
        &self,
        client: &Rc<PolygonClient>,
        call: UpstreamCall,
        class: CacheClass,
        session: &Session,
    ) -> Result<CachedAnswer, UpstreamError> {
        let mut query = call.query.clone();
        query.sort();
        let question = self.question(call.path.with_query(&query), class, session, (&call.payer, call.deadline));
        let question = question.with_key_of(client.owner());
        self.answer(&question, || {
            let (client, call) = (Rc::clone(client), call.clone());
            async move { client.get(call).await }
        })
        .await
    }

    /// The same for the next page of an answer.
    ///
    /// # Errors
    /// As [`UpstreamCache::get`].
    pub async fn get_page(
        &self,
        client: &Rc<PolygonClient>,
        call: PageCall,
        class: CacheClass,
        session: &Session,
    ) -> Result<CachedAnswer, UpstreamError> {
        let question = self.question(call.next.as_str().to_owned(), class, session, (&call.payer, call.deadline));
        let question = question.with_key_of(client.owner());
        self.answer(&question, || {
            let (client, call) = (Rc::clone(client), call.clone());
            async move { client.get_page(call).await }
        })
        .await
    }

    /// Frees what nobody may be shown any more; now and then.
    pub fn tidy(&self) {
        self.store.tidy();
    }

    fn question(&self, target: String, class: CacheClass, session: &Session, asker: (&Payer, Millis)) -> Question {
        let (payer, deadline) = (asker.0.clone(), asker.1);
        let class = class_of(class, &target, (self.now)(), &self.new_york);
        let session = if rests_with_stocks(&target) { *session } else { Session { phase: Session::OPEN.phase, ..*session } };
        Question { key: target.into(), owner: None, class, session, payer, deadline }
    }

    async fn answer<F>(&self, question: &Question, fetch: impl Fn() -> F) -> Result<CachedAnswer, UpstreamError>
    where
        F: Future<Output = Result<UpstreamAnswer, UpstreamError>> + 'static,
    {
        if question.class == CacheClass::None {
            self.metrics.miss.inc();
            return fetch().await.map(|answer| CachedAnswer { answer: Arc::new(answer), hit: Hit::Miss });
        }
        let mut tries = 0;
        loop {
            let kept = self.store.get(&question.key);
            if let Some(kept) = kept.as_ref().filter(|kept| kept.is_fresh((self.now)())) {
                self.metrics.fresh.inc();
                return kept.outcome.clone().map(|answer| CachedAnswer { answer, hit: Hit::Fresh });
            }
            let stale = kept.and_then(|kept| kept.stale((self.now)()));
            let (mut flight, joined) = match self.board(question) {
                Boarding::Kept(kept) => {
                    self.metrics.fresh.inc();
                    return kept.outcome.clone().map(|answer| CachedAnswer { answer, hit: Hit::Fresh });
                }
                Boarding::Flight(Boarded::Joined(flight)) => (flight, true),
                Boarding::Flight(Boarded::Started(flight, landing)) => {
                    self.take_off(question, landing, fetch());
                    (flight, false)
                }
            };
            let outcome = self.wait(question, &mut flight, stale.is_some()).await;
            if joined && tries < MAX_TRIES && self.could_do_better(question, &outcome, &flight) {
                tries += 1;
                continue;
            }
            return self.settle(question, outcome, stale, joined);
        }
    }

    /// Boards the flight of a question, unless it has landed since the store was looked at.
    fn board(&self, question: &Question) -> Boarding {
        let boarded = self.flights.board(&question.key, &question.payer, question.deadline);
        match (boarded, self.store.get(&question.key).filter(|kept| kept.is_fresh((self.now)()))) {
            (Boarded::Started(_, landing), Some(kept)) => {
                landing.land(kept.outcome.clone());
                Boarding::Kept(kept)
            }
            (boarded, _) => Boarding::Flight(boarded),
        }
    }

    /// Asks on this thread, whoever still waits.
    fn take_off(
        &self,
        question: &Question,
        landing: Landing,
        fetch: impl Future<Output = Result<UpstreamAnswer, UpstreamError>> + 'static,
    ) {
        let (store, now) = (self.store.clone(), Arc::clone(&self.now));
        let longest = self.until(question.deadline);
        let (class, session) = (question.class, question.session);
        actix_rt::spawn(async move {
            let fetched = timeout(longest, fetch).await;
            let outcome: Outcome = fetched.unwrap_or_else(|_| Err(late())).map(Arc::new);
            let now = now();
            store.keep(landing.key(), &outcome, ttl(class, &session, now), now);
            landing.land(outcome);
        });
    }

    async fn wait(&self, question: &Question, flight: &mut Flight, has_stale: bool) -> Outcome {
        let mut longest = self.until(question.deadline);
        if has_stale {
            longest = longest.min(Duration::from_millis(STALE_PATIENCE_MS));
        }
        timeout(longest, flight.landed()).await.unwrap_or_else(|_| Err(late()))
    }

    /// How long until a deadline, the grace included.
    fn until(&self, deadline: Millis) -> Duration {
        Duration::from_millis(deadline.plus(GRACE_MS).since((self.now)()))
    }

    /// Whether a failure says more of the one who asked than of the question: they had less time, or no budget left.
    fn could_do_better(&self, question: &Question, outcome: &Outcome, flight: &Flight) -> bool {
        let has_time = (self.now)().plus(LEAST_TRY_MS) <= question.deadline;
        match outcome.as_ref().map_err(|error| error.kind) {
            Err(UpstreamErrorKind::Budget) => has_time && flight.payer != question.payer,
            Err(UpstreamErrorKind::Timeout) => has_time && flight.deadline.plus(LEAST_TRY_MS) <= question.deadline,
            _ => false,
        }
    }

    fn settle(
        &self,
        question: &Question,
        outcome: Outcome,
        stale: Option<Arc<UpstreamAnswer>>,
        joined: bool,
    ) -> Result<CachedAnswer, UpstreamError> {
        match (outcome, stale) {
            (Err(error), Some(answer)) if question.is_bridged(error.kind) => {
                self.metrics.stale.inc();
                tracing::debug!(error.kind = error.kind.as_str(), "an older answer stands in for the upstream's");
                Ok(CachedAnswer { answer, hit: Hit::Stale })
            }
            (outcome, _) => {
                if joined {
                    self.metrics.joined.inc()
                } else {
                    self.metrics.miss.inc()
                }
                outcome.map(|answer| CachedAnswer { answer, hit: Hit::Miss })
            }
        }
    }
}

/// What one finds who wants to board.
enum Boarding {
    Kept(Arc<Kept>),
    Flight(Boarded),
}

fn late() -> UpstreamError {
    UpstreamError::new(UpstreamErrorKind::Timeout, "the upstream did not answer in time: try again later")
}
