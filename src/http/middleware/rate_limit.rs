//! Rate limits (actix-governor): by address before anything is read, by caller once it is known.
//!
//! A credential found good a moment ago is charged to its caller's one bucket where it lets them in, everything else to the address.

use std::net::IpAddr;
use std::time::Duration;

use actix_governor::governor::NotUntil;
use actix_governor::governor::clock::{Clock as _, DefaultClock, QuantaInstant};
use actix_governor::governor::middleware::NoOpMiddleware;
use actix_governor::{GovernorConfig, GovernorConfigBuilder, KeyExtractor};
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpMessage, HttpResponse, HttpResponseBuilder};
use tickgate_core::access::{Caller, CredentialId, Principal};
use tickgate_core::tape::Position;

use super::authenticate::needed;
use crate::auth::Authenticator;
use crate::http::endpoints::cursor_of;
use crate::http::gateway::{client_ip, worker};
use crate::http::route::{Kind, RouteSpec};
use crate::settings::RateLimit;

/// A configured limiter.
pub(in crate::http) type Limiter = GovernorConfig<ChargeTo, NoOpMiddleware<QuantaInstant>>;

/// What a limiter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Counts {
    /// Requests to `/mcp` and `/api`.
    Requests,
    /// Streams opened.
    Streams,
    /// Streams resumed after a cursor that can be replayed.
    Resumes,
    /// Requests by which somebody signs in, registers, or manages keys.
    SignIns,
    /// Requests of a known caller, of any kind.
    Caller,
    /// Nothing: the limit is switched off.
    Nothing,
}

/// Whom a request is charged to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::http) enum Account {
    /// Nobody: this limiter does not count it.
    Free,
    /// An address; of IPv6 the network of a customer, which has many.
    Address(IpAddr),
    /// A caller.
    Caller(Principal),
    /// A stored key: its owner bounds how many there are.
    Key(u128),
}

/// Decides whom to charge.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct ChargeTo(Counts);

/// A limiter that counts `counts` up to `limit`, times `times`.
pub(in crate::http) fn limiter(counts: Counts, limit: RateLimit, times: u32) -> Limiter {
    let burst = limit.burst.saturating_mul(times);
    let counts = if burst == 0 { Counts::Nothing } else { counts };
    let burst = burst.max(1);
    let period = Duration::from_secs(limit.period_secs.max(1)) / burst;
    GovernorConfigBuilder::default()
        .period(period.max(Duration::from_nanos(1)))
        .burst_size(burst)
        .key_extractor(ChargeTo(counts))
        .finish()
        .expect("a burst and a period above 0 make a quota")
}

impl KeyExtractor for ChargeTo {
    type Key = Account;
    type KeyExtractionError = actix_governor::SimpleKeyExtractionError<&'static str>;

    fn extract(&self, request: &ServiceRequest) -> Result<Account, Self::KeyExtractionError> {
        Ok(match self.0 {
            Counts::Nothing => Account::Free,
            Counts::Caller => {
                let extensions = request.extensions();
                let caller = extensions.get::<Caller>().filter(|caller| caller.authenticated);
                caller.map_or(Account::Free, |caller| account_of(caller, request))
            }
            counts if counted(request) == Some(counts) => {
                if is_charged_inside(request) {
                    Account::Free
                } else {
                    let worker = worker(request.request());
                    Account::Address(network_of(client_ip(request.request(), &worker.gateway.settings)))
                }
            }
            _ => Account::Free,
        })
    }

    fn exceed_rate_limit_response(&self, negative: &NotUntil<QuantaInstant>, response: HttpResponseBuilder) -> HttpResponse {
        let wait = negative.wait_time_from(DefaultClock::default().now());
        spent(negative.quota().burst_size().get(), wait, response)
    }

    fn whitelisted_keys(&self) -> Vec<Account> {
        vec![Account::Free]
    }
}

/// The refusal of a limit of so many requests that is spent for so long. It has no body: the layer outside gives it the form of the
/// place that was asked.
pub(super) fn spent(limit: u32, wait: Duration, mut response: HttpResponseBuilder) -> HttpResponse {
    let secs = (u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).div_ceil(1_000)).max(1);
    response.insert_header((RETRY_AFTER, secs.to_string()));
    response.insert_header(("ratelimit-limit", limit.to_string()));
    response.insert_header(("ratelimit-remaining", "0"));
    response.insert_header(("ratelimit-reset", secs.to_string()));
    response.finish()
}

/// What a request counts as; preflight, health, metrics and pages count as nothing.
fn counted(request: &ServiceRequest) -> Option<Counts> {
    if request.method() == Method::OPTIONS {
        return None;
    }
    let settings = &worker(request.request()).gateway.settings;
    let spec = RouteSpec::of(request.path()).filter(|spec| spec.is_served(settings));
    let by_kind = spec.and_then(|spec| match spec.kind {
        Kind::Page | Kind::Probe | Kind::Operations | Kind::Discovery => None,
        Kind::Auth | Kind::Consent | Kind::Token => Some(Counts::SignIns),
        Kind::Stream => Some(if resumes(request) { Counts::Resumes } else { Counts::Streams }),
        Kind::McpStream => Some(Counts::Streams),
        Kind::Mcp | Kind::Tools | Kind::Api | Kind::Admin => Some(Counts::Requests),
    });
    // Nowhere can a credential be guessed without end, nor at a path of nothing, which says whether it is good as well.
    let is_tried = || needed(request, settings).is_some() && Authenticator::credential(request.headers()).is_some();
    by_kind.or_else(|| is_tried().then_some(Counts::SignIns))
}

/// Whether the layer inside charges a caller for it: one whose credential is known, and good for this route. Through an open door
/// comes whoever likes, and who may not come in is sent away before; neither is charged to anybody there.
fn is_charged_inside(request: &ServiceRequest) -> bool {
    let gateway = &worker(request.request()).gateway;
    let may = |scope| gateway.authenticator.known(request.headers()).is_some_and(|caller| caller.scope.allows(scope));
    needed(request, &gateway.settings).is_some_and(may)
}

/// Whether a stream goes on after a position of this tape.
fn resumes(request: &ServiceRequest) -> bool {
    let epoch = worker(request.request()).context.window.position().epoch;
    let replayable = cursor_of(request.request()).and_then(|cursor| cursor.split('~').next()?.parse::<Position>().ok());
    replayable.is_some_and(|position| position.epoch == epoch)
}

/// Whom a known caller's request is charged to: a stored key has a bucket of its own, and one with a limit of its own was charged by
/// the layer before.
fn account_of(caller: &Caller, request: &ServiceRequest) -> Account {
    let CredentialId::ApiKey(id) = caller.credential else { return Account::Caller(caller.principal.clone()) };
    let own = worker(request.request()).gateway.directory.key(id).is_some_and(|entry| entry.has_limit());
    if own { Account::Free } else { Account::Key(id) }
}

/// A customer has one IPv4 address but a whole /56 of IPv6.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 72)).into()),
    }
}
