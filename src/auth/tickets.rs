//! May this event stream be opened with a ticket, or with the cookie that a redeemed one left?
//!
//! EventSource sends no header and comes back by itself with the address that it has, ticket and all. So the first use takes
//! the ticket from the store and sets a cookie for the stream's path, sealed and naming the ticket; later ones come in by it.

use std::sync::Arc;

use actix_web::cookie::time::Duration as CookieAge;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::HeaderMap;
use bytes::Bytes;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tickgate_actors::Clock;
use tickgate_actors::clock::random_u128;
use tickgate_core::identity::{HashKeys, Once, OnceRandom, PresentedOnce, StreamPass, StreamTicket};
use tickgate_core::ports::{Record, Shelf, Store, StoreError};

use super::browser::{BrowserSessions, only_cookie};
use crate::sealing::Purpose;

/// To whom tickets belong in the store: they are found by name, by whoever presents them.
const NOBODY: &str = "flow:stream-ticket";

/// Gives tickets and takes them. Shared by all workers.
pub struct StreamTickets {
    store: Arc<dyn Store>,
    browsers: Arc<BrowserSessions>,
    keys: HashKeys,
    clock: Clock,
}

/// What the cookie of a redeemed ticket says.
#[derive(Serialize, Deserialize)]
struct Left {
    ticket: String,
    pass: StreamPass,
}

/// A ticket that was good.
#[derive(Debug)]
pub struct Redeemed {
    /// What it is good for.
    pub pass: StreamPass,
    /// With what the browser comes back; `None` when it came by that already.
    pub cookie: Option<Cookie<'static>>,
}

impl StreamTickets {
    /// Tickets in this store, hashed under `keys`; cookies are sealed as the browsers' sessions are.
    #[must_use]
    pub const fn new(store: Arc<dyn Store>, browsers: Arc<BrowserSessions>, keys: HashKeys, clock: Clock) -> Self {
        Self { store, browsers, keys, clock }
    }

    /// Gives a ticket for this.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn give(&self, pass: StreamPass) -> Result<SecretString, StoreError> {
        let mut random = OnceRandom { name: random_u128(), secret: [0; 32] };
        getrandom::fill(&mut random.secret).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let (ticket, text) = StreamTicket::create(pass, &random, &self.keys, self.clock.now());
        let body = serde_json::to_vec(&ticket).map_err(|error| StoreError::Unreadable(error.to_string()))?;
        let expires = Some(ticket.expires());
        let record = Record { id: random.name, principal: NOBODY.to_owned(), expires, body: Bytes::from(body) };
        self.store.put(Shelf::AuthFlows, vec![record]).await?;
        Ok(text)
    }

    /// What a request for a stream may do by its `ticket` parameter, if it has one, and its cookie.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn redeem(&self, ticket: Option<&str>, path: &str, headers: &HeaderMap) -> Result<Option<Redeemed>, StoreError> {
        let presented = ticket.map(|text| PresentedOnce::read(Once::Ticket, text));
        let name = match presented {
            Some(None) => return Ok(None),
            Some(Some(presented)) => Some(name_of(&presented)),
            None => None,
        };
        if let Some(pass) = self.left(name.as_deref(), path, headers) {
            return Ok(Some(Redeemed { pass, cookie: None }));
        }
        let Some(presented) = presented.flatten() else { return Ok(None) };
        let now = self.clock.now();
        let Some(taken) = self.store.take(Shelf::AuthFlows, presented.name, NOBODY, now).await? else { return Ok(None) };
        let ticket: Option<StreamTicket> = serde_json::from_slice(&taken.body).ok();
        let pass = ticket.and_then(|ticket| ticket.redeem(&presented, path, &self.keys, now));
        Ok(pass.map(|pass| Redeemed { cookie: Some(self.cookie(&pass, name_of(&presented))), pass }))
    }

    /// The pass of the cookie, if it is good here now and of the ticket that the address has: another ticket wants another.
    fn left(&self, ticket: Option<&str>, path: &str, headers: &HeaderMap) -> Option<StreamPass> {
        let value = only_cookie(headers, self.cookie_name())?;
        let plain = self.browsers.sealer().open(Purpose::StreamPass, &[path.as_bytes()], value).ok()?;
        let left: Left = serde_json::from_slice(&plain).ok()?;
        let same = ticket.is_none_or(|ticket| ticket == left.ticket);
        (same && left.pass.opens(path, self.clock.now())).then_some(left.pass)
    }

    fn cookie(&self, pass: &StreamPass, ticket: String) -> Cookie<'static> {
        let secs = pass.expires.since(self.clock.now()) / 1_000;
        let path = pass.path.clone();
        let plain = serde_json::to_vec(&Left { ticket, pass: pass.clone() }).unwrap_or_default();
        let value = self.browsers.sealer().seal(Purpose::StreamPass, &[path.as_bytes()], &plain);
        Cookie::build(self.cookie_name(), value)
            .http_only(true)
            .secure(self.browsers.is_secure())
            .same_site(SameSite::Lax)
            .path(path)
            .max_age(CookieAge::seconds(i64::try_from(secs).unwrap_or(i64::MAX)))
            .finish()
    }

    /// It is for one path, so it cannot have the prefix `__Host-`.
    fn cookie_name(&self) -> &'static str {
        if self.browsers.is_secure() { "__Secure-tickgate-stream" } else { "tickgate-stream" }
    }
}

fn name_of(presented: &PresentedOnce) -> String {
    format!("{:032x}", presented.name)
}
