//! May an event stream be opened with this ticket?
//!
//! EventSource can send no header, and a credential in an address ends up in logs. So a caller gets a ticket that is good for
//! one stream on one path within a minute (DESIGN §5); its redemption sets a cookie for that path, with which EventSource comes
//! back by itself.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::hash::HashKeys;
use super::id;
use super::once::{Once, OnceRandom, OnceRecord, PresentedOnce};
use crate::access::{Principal, Scope};
use crate::time::Millis;

/// How long the cookie of a redeemed ticket is good, in ms: an hour of automatic reconnects, and less when the credential ends
/// before.
pub const PASS_MS: u64 = 3_600_000;

/// For whom and for what a ticket or its cookie is good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamPass {
    /// Who asked for it.
    #[serde(with = "id::principal")]
    pub principal: Principal,
    /// What they may do.
    pub scope: Scope,
    /// The credential that they showed, by its name: what ends it ends this too.
    pub credential: String,
    /// The path of the stream.
    pub path: String,
    /// When the credential ends.
    #[serde(default)]
    pub credential_expires: Option<Millis>,
    /// From when on it is worth nothing.
    pub expires: Millis,
}

/// A ticket, as the store keeps it until it is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamTicket {
    once: OnceRecord,
    pass: StreamPass,
}

impl StreamPass {
    /// What a caller may do on a path, until their credential ends.
    #[must_use]
    pub fn new(caller: (Principal, Scope), credential: String, path: String, ends: Option<Millis>) -> Self {
        let expires = ends.unwrap_or(Millis(u64::MAX));
        Self { principal: caller.0, scope: caller.1, credential, path, credential_expires: ends, expires }
    }

    /// Whether it opens a path now.
    #[must_use]
    pub fn opens(&self, path: &str, now: Millis) -> bool {
        self.path == path && now < self.expires
    }

    fn until(self, latest: Millis) -> Self {
        let expires = self.credential_expires.map_or(latest, |ends| ends.min(latest));
        Self { expires, ..self }
    }
}

impl StreamTicket {
    /// Makes a ticket, good for at most a minute. The record belongs under `random.name` and is *taken* when it is presented.
    #[must_use]
    pub fn create(pass: StreamPass, random: &OnceRandom, keys: &HashKeys, now: Millis) -> (Self, SecretString) {
        let (once, text) = OnceRecord::create(Once::Ticket, random, u64::MAX, keys, now);
        let pass = pass.until(once.expires);
        (Self { once, pass }, text)
    }

    /// What a ticket that was taken out of the store is good for: the stream, and the cookie for coming back. `None` when it is
    /// another one's, too late, or for another path; then it is lost too.
    #[must_use]
    pub fn redeem(self, presented: &PresentedOnce, path: &str, keys: &HashKeys, now: Millis) -> Option<StreamPass> {
        let good = self.once.is_of(presented, keys) && self.pass.opens(path, now);
        good.then(|| self.pass.until(now.plus(PASS_MS)))
    }

    /// When the record may be forgotten.
    #[must_use]
    pub const fn expires(&self) -> Millis {
        self.once.expires
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::HashKey;
    use crate::identity::token_text::exposed;

    const NOW: Millis = Millis(1_773_167_467_294);

    fn keys() -> HashKeys {
        HashKeys::new(HashKey::new([1; 32]), vec![])
    }

    fn ticket(ends: Option<Millis>) -> (StreamTicket, PresentedOnce) {
        let pass = StreamPass::new((Principal::new("user", "ada"), Scope::Read), "key:1".into(), "/events".into(), ends);
        let (ticket, text) = StreamTicket::create(pass, &OnceRandom { name: 1, secret: [2; 32] }, &keys(), NOW);
        (ticket, PresentedOnce::read(Once::Ticket, exposed(&text)).unwrap())
    }

    #[test]
    fn a_ticket_opens_its_path_for_a_minute_and_the_cookie_for_an_hour() {
        let (ticket, presented) = ticket(None);
        assert_eq!(ticket.expires(), NOW.plus(60_000));
        let pass = ticket.clone().redeem(&presented, "/events", &keys(), NOW.plus(59_999)).unwrap();
        assert!(pass.opens("/events", NOW.plus(PASS_MS)) && !pass.opens("/events", NOW.plus(59_999 + PASS_MS)));
        assert!(!pass.opens("/api/mcp/stream-news", NOW));
        assert_eq!(ticket.clone().redeem(&presented, "/events", &keys(), NOW.plus(60_000)), None);
        assert_eq!(ticket.redeem(&presented, "/mcp", &keys(), NOW), None);
    }

    #[test]
    fn neither_outlives_the_credential() {
        let (ticket, presented) = ticket(Some(NOW.plus(30_000)));
        let pass = ticket.clone().redeem(&presented, "/events", &keys(), NOW).unwrap();
        assert_eq!(pass.expires, NOW.plus(30_000));
        assert_eq!(ticket.redeem(&presented, "/events", &keys(), NOW.plus(30_000)), None);
    }

    #[test]
    fn another_ticket_does_not_open_it() {
        let (ticket, _) = ticket(None);
        let (_, text) = OnceRecord::create(Once::Ticket, &OnceRandom { name: 1, secret: [3; 32] }, 1, &keys(), NOW);
        let other = PresentedOnce::read(Once::Ticket, exposed(&text)).unwrap();
        assert_eq!(ticket.redeem(&other, "/events", &keys(), NOW), None);
    }
}
