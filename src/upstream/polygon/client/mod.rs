//! How is the upstream asked? Every attempt has its turn in the shared budget and tells it what came of it; attempts are bounded in time and size, and
//! repeated as `retry` says; no answer is believed further than it has been checked.

mod attempt;
mod envelope;
mod error;
mod page;
mod path;
mod retry;

use std::fmt;
use std::time::{Duration, Instant};

use actix_rt::time::{sleep, timeout};
use awc::http::header::{ACCEPT_ENCODING, HeaderValue, USER_AGENT};
use awc::http::{Uri, Version};
use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use tickgate_actors::Clock;
use tickgate_actors::quota::{Permit, Quota};
use tickgate_core::budget::{BudgetView, Outcome, Payer};
use tickgate_core::market::Source;
use tickgate_core::ports::{UpstreamError, UpstreamErrorKind};
use tickgate_core::time::Millis;
use url::Url;

use super::market_data::Memory;
use super::metrics::UpstreamMetrics;
use super::plan::Plan;
use attempt::{Question, Received};
use error::{Failure, Quoting};
use retry::Retries;

pub(super) use error::invalid_response;
pub use page::NextPage;
pub use path::Path;

/// Longest wait for a connection, and again for its TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest attempt: half of what a poll allows, so that one hung connection leaves time for another try.
const ATTEMPT_MS: u64 = 5_000;

/// Least time that an attempt is worth making for: a turn that comes later is no use.
const LEAST_ATTEMPT_MS: u64 = 500;

/// An attempt that had less time and got no answer says nothing of the upstream.
const JUDGED_ATTEMPT_MS: u64 = 2_000;
/// The base URL of a market that is a recording and cannot be asked.
pub(crate) const RECORDING_URL: &str = "replay:recording";

/// Which upstream, and what may be asked of it.
#[derive(Clone, Debug)]
pub struct PolygonSettings {
    /// Scheme, host and port, and a path if the API lies behind one. Anything else in it is ignored.
    pub base_url: Url,
    /// Sent as a bearer token and shown nowhere.
    pub key: SecretString,
    /// What the key allows.
    pub plan: Plan,
    /// How numbers of this upstream are marked: `Poll`, or `Simulated` for the simulator.
    pub source: Source,
}

/// One question.
#[derive(Clone, Debug)]
pub struct UpstreamCall {
    /// Where.
    pub path: Path,
    /// What, unencoded.
    pub query: Vec<(&'static str, String)>,
    /// On whose account.
    pub payer: Payer,
    /// Until when all attempts must be over.
    pub deadline: Millis,
    /// The id of the request that this belongs to; sent along.
    pub request_id: Option<String>,
}

/// A question for the next page of an answer.
#[derive(Clone, Debug)]
pub struct PageCall {
    /// Where it lies.
    pub next: NextPage,
    /// Who it is for.
    pub payer: Payer,
    /// Until when all attempts must be over.
    pub deadline: Millis,
    /// The id of the request that this belongs to; sent along.
    pub request_id: Option<String>,
}

/// A good answer: its body is valid JSON and says of itself that it is no error.
#[derive(Clone, Debug)]
pub struct UpstreamAnswer {
    /// The body as it came, decompressed; at most 16 MiB.
    pub body: Bytes,
    /// Whether the data is late: the answer says so, or the plan.
    pub delayed: bool,
    /// The next page, if there is one.
    pub next: Option<NextPage>,
    /// The upstream's own id of the request.
    pub upstream_request_id: Option<String>,
    /// When it came.
    pub fetched: Millis,
}

/// A client of the upstream. It stays on its thread: make one per worker.
pub struct PolygonClient {
    pub(super) settings: PolygonSettings,
    pub(super) clock: Clock,
    pub(super) memory: Memory,
    base: String,
    authorization: Option<HeaderValue>,
    quoting: Quoting,
    http: awc::Client,
    pub(super) quota: Quota,
    metrics: UpstreamMetrics,
    /// Which caller's own key it asks with; none for the gateway's.
    owner: Option<u64>,
}

impl fmt::Debug for PolygonClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolygonClient").field("plan", &self.settings.plan).finish_non_exhaustive()
    }
}

impl PolygonClient {
    /// A client for this thread. `quota` is the budget that all clients of the key share.
    #[must_use]
    pub fn new(settings: PolygonSettings, quota: Quota, clock: Clock, metrics: UpstreamMetrics) -> Self {
        let host = settings.base_url.host_str().unwrap_or_default();
        let quoting = Quoting::new(settings.key.clone(), host);
        let origin = settings.base_url.origin().ascii_serialization();
        let base = format!("{origin}{}", settings.base_url.path().trim_end_matches('/'));
        let authorization = bearer(&settings.key);
        let (memory, http) = (Memory::default(), http_client());
        Self { settings, clock, memory, base, authorization, quoting, http, quota, metrics, owner: None }
    }

    /// A client that asks the same upstream over the same connections with a caller's own key. `owner`: a number that no other key
    /// has, and none that this caller had before.
    #[must_use]
    pub fn with_key(&self, key: SecretString, plan: Plan, owner: u64, quota: Quota) -> Self {
        let settings = PolygonSettings { base_url: self.settings.base_url.clone(), key, plan, source: self.settings.source };
        let host = settings.base_url.host_str().unwrap_or_default();
        Self {
            clock: self.clock,
            memory: Memory::default(),
            base: self.base.clone(),
            authorization: bearer(&settings.key),
            quoting: Quoting::new(settings.key.clone(), host),
            http: self.http.clone(),
            quota,
            metrics: self.metrics.clone(),
            owner: Some(owner),
            settings,
        }
    }

    /// Which caller's own key it asks with; none for the gateway's. Answers are kept apart by it.
    pub(in crate::upstream) const fn owner(&self) -> Option<u64> {
        self.owner
    }

    /// The time.
    pub(in crate::upstream) fn now(&self) -> Millis {
        self.clock.now()
    }

    /// The plan of its key.
    #[must_use]
    pub const fn plan(&self) -> Plan {
        self.settings.plan
    }

    /// How the budget of this client's key stands; nothing for a recording, which nobody is asked for.
    #[must_use]
    pub fn budget(&self) -> Option<BudgetView> {
        (!self.is_a_recording()).then(|| self.quota.view())
    }

    /// Asks the upstream.
    ///
    /// # Errors
    /// Every kind; the message is worded for the caller. `RateLimited`, `Budget` and what is refused because the upstream keeps
    /// failing say when to try again.
    pub async fn get(&self, call: UpstreamCall) -> Result<UpstreamAnswer, UpstreamError> {
        let UpstreamCall { path, query, payer, deadline, request_id } = call;
        self.fetch(&path.with_query(&query), &payer, deadline, request_id.as_deref()).await.map_err(|error| self.told(error))
    }

    /// Asks for the next page of an answer, from this client's own upstream whatever host the page was said to lie on.
    ///
    /// # Errors
    /// As [`PolygonClient::get`].
    pub async fn get_page(&self, call: PageCall) -> Result<UpstreamAnswer, UpstreamError> {
        let answered = self.fetch(call.next.as_str(), &call.payer, call.deadline, call.request_id.as_deref()).await;
        answered.map_err(|error| self.told(error))
    }

    /// What is wrong with a caller's own key is told to the caller, who can mend it; with the gateway's, only its operator can.
    fn told(&self, error: UpstreamError) -> UpstreamError {
        let message = match error.kind {
            _ if self.owner.is_none() || self.is_a_recording() => return error,
            UpstreamErrorKind::Auth => {
                "the upstream refused your own upstream key: set a valid one (PUT /api/user/upstream-key), or delete it (DELETE) to use the gateway's again"
            }
            UpstreamErrorKind::NotEntitled => {
                "the plan of your own upstream key does not include this data: ask for other data, or set a key with a larger plan (PUT /api/user/upstream-key), or delete it (DELETE) to use the gateway's again"
            }
            _ => return error,
        };
        UpstreamError { message: message.into(), ..error }
    }

    /// Whether there is no upstream to ask.
    #[must_use]
    pub fn is_a_recording(&self) -> bool {
        self.settings.base_url.as_str() == RECORDING_URL
    }

    async fn fetch(
        &self,
        target: &str,
        payer: &Payer,
        deadline: Millis,
        request_id: Option<&str>,
    ) -> Result<UpstreamAnswer, UpstreamError> {
        if self.is_a_recording() {
            return Err(UpstreamError::new(
                UpstreamErrorKind::NotEntitled,
                "the market is a recording: it has streams of prices and news and answers nothing else; run against a live or simulated market",
            ));
        }
        let question = self.question(target, request_id).map_err(|failure| failure.error)?;
        let mut retries = Retries::default();
        let mut last = None;
        loop {
            let permit = match self.reserve(payer, deadline).await {
                Ok(permit) => permit,
                // What went wrong says more than that there is no time or budget to try again.
                Err(refused) => return Err(last.unwrap_or(refused)),
            };
            let failure = match self.attempt(permit, &question, deadline).await {
                Ok(received) => return Ok(self.answer(received, request_id)),
                Err(failure) => failure,
            };
            let random = getrandom::u64().unwrap_or(u64::MAX);
            let Some(wait_ms) = retries.next(failure.retry, random, self.clock.now(), deadline) else {
                return Err(failure.error);
            };
            tracing::debug!(error.kind = failure.error.kind.as_str(), wait_ms, "an upstream request failed: trying again");
            if wait_ms > 0 {
                sleep(Duration::from_millis(wait_ms)).await;
            }
            self.metrics.retried();
            last = Some(failure.error);
        }
    }

    fn question(&self, target: &str, request_id: Option<&str>) -> Result<Question, Failure> {
        let authorization = self.authorization.clone().ok_or_else(Failure::unusable_key)?;
        let uri: Uri = format!("{}{target}", self.base).parse().map_err(|_| Failure::unsendable())?;
        let request_id = request_id.and_then(|id| HeaderValue::from_str(id).ok());
        Ok(Question { uri, authorization, request_id })
    }

    /// Waits for a turn, as long as there is time for an attempt after it.
    async fn reserve(&self, payer: &Payer, deadline: Millis) -> Result<Permit, UpstreamError> {
        let left = deadline.since(self.clock.now());
        let reserved = if left > 0 {
            self.quota.reserve(payer.clone(), deadline.minus(LEAST_ATTEMPT_MS.min(left / 2))).await
        } else {
            Err(Failure::timeout().error)
        };
        reserved.inspect_err(|error| self.metrics.refused(error.kind))
    }

    async fn attempt(&self, permit: Permit, question: &Question, deadline: Millis) -> Result<Received, Failure> {
        let started = Instant::now();
        let now = self.clock.now();
        let longest_ms = deadline.since(now).clamp(1, ATTEMPT_MS);
        let asking = Box::pin(question.ask(&self.http, &self.quoting, now));
        let answered = timeout(Duration::from_millis(longest_ms), asking).await;
        let was_judged = answered.is_ok() || longest_ms >= JUDGED_ATTEMPT_MS;
        let mut received = answered.unwrap_or_else(|_| Err(Failure::timeout()));
        let error = received.as_mut().err().map(|failure| &mut failure.error);
        let kind = error.as_ref().map(|error| error.kind);
        self.metrics.asked(kind, started.elapsed());
        let asked_ms = error.as_ref().and_then(|error| error.retry_after_ms);
        let pause_ms = permit.settle(if was_judged { Outcome::of(kind, asked_ms) } else { Outcome::Unknown }).await;
        if let (Some(error), Some(_)) = (error, pause_ms) {
            error.retry_after_ms = pause_ms;
        }
        received
    }

    fn answer(&self, received: Received, request_id: Option<&str>) -> UpstreamAnswer {
        let Received { body, envelope, request_id: upstream_request_id } = received;
        tracing::debug!(
            request.id = request_id,
            upstream.request_id = upstream_request_id,
            bytes = body.len(),
            "the upstream answered"
        );
        let delayed = self.settings.plan.delayed() || envelope.status.as_deref() == Some("DELAYED");
        let next = envelope.next_url.as_deref().and_then(NextPage::parse);
        UpstreamAnswer { body, delayed, next, upstream_request_id, fetched: self.clock.now() }
    }
}

/// Makes the header that carries the key; `None` when no header can.
fn bearer(key: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn http_client() -> awc::Client {
    // HTTP/1.1 only: a lost connection then fails one request and not all that share it.
    let connector =
        awc::Connector::new().max_http_version(Version::HTTP_11).timeout(CONNECT_TIMEOUT).handshake_timeout(CONNECT_TIMEOUT);
    awc::Client::builder()
        .connector(connector)
        .disable_redirects()
        // Attempts are bounded as a whole, their bodies included.
        .disable_timeout()
        .add_default_header((ACCEPT_ENCODING, HeaderValue::from_static("gzip")))
        .add_default_header((USER_AGENT, HeaderValue::from_static(concat!("tickgate/", env!("CARGO_PKG_VERSION")))))
        .finish()
}
