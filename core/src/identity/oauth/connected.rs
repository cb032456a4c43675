//! Which clients may act for a person: those that they agreed to, and those that are signed in?
//!
//! A client on the person's own machine is asked about each time, so what counts of it is that it is signed in; one with a site may
//! come back without a question for as long as the consent is kept. People see both as one thing.

use super::consent::Consent;
use super::scopes::ScopeSet;
use crate::access::Principal;
use crate::identity::ConnectionId;
use crate::identity::refresh::RefreshFamily;
use crate::time::Millis;

/// A client that may act for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectedClient {
    /// Its name among this person's clients: [`Consent::record_name`].
    pub id: ConnectionId,
    /// What it calls itself to us.
    pub client_id: String,
    /// Where it led when they agreed; `None` when their consent is not kept any more.
    pub place: Option<String>,
    /// What it may do at most.
    pub scopes: ScopeSet,
    /// When they last agreed; without a consent, when it first signed in of what is signed in now.
    pub agreed: Millis,
    /// When it last got a token.
    pub last_used: Option<Millis>,
    /// How many sign-ins of it are good now.
    pub signed_in: usize,
}

impl ConnectedClient {
    /// The clients of a person by what is kept of them: those that are signed in first, then by when they agreed, the newest first.
    /// What is another's is left out.
    #[must_use]
    pub fn all(principal: &Principal, consents: &[Consent], families: &[RefreshFamily], now: Millis) -> Vec<Self> {
        let mut clients: Vec<Self> = Vec::new();
        for consent in consents.iter().filter(|consent| consent.principal == *principal) {
            let client = Self::new(principal, &consent.client_id, consent.given);
            clients.push(Self { place: Some(consent.place.clone()), scopes: consent.scopes, ..client });
        }
        let is_good = |family: &&RefreshFamily| family.is_alive() && now < family.expires();
        for family in families.iter().filter(|family| family.terms.principal == *principal).filter(is_good) {
            let known = clients.iter().position(|client| client.client_id == family.terms.client);
            let at = known.unwrap_or_else(|| {
                clients.push(Self::new(principal, &family.terms.client, family.created));
                clients.len() - 1
            });
            clients[at].add(family);
        }
        clients.sort_by_key(|client| (client.signed_in == 0, std::cmp::Reverse(client.agreed)));
        clients
    }

    fn new(principal: &Principal, client_id: &str, agreed: Millis) -> Self {
        let id = ConnectionId(Consent::record_name(principal, client_id));
        let client_id = client_id.to_owned();
        Self { id, client_id, place: None, scopes: ScopeSet::default(), agreed, last_used: None, signed_in: 0 }
    }

    fn add(&mut self, family: &RefreshFamily) {
        self.signed_in += 1;
        self.last_used = self.last_used.max(Some(family.rotated));
        self.scopes = family.terms.scopes.iter().fold(self.scopes, ScopeSet::with);
        if self.place.is_none() {
            self.agreed = self.agreed.min(family.created);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::UserId;
    use crate::identity::hash::{HashKey, HashKeys};
    use crate::identity::refresh::{FamilyEnd, FamilyTerms, RefreshRandom};

    const NOW: Millis = Millis(1_773_167_467_294);
    const HOUR_MS: u64 = 3_600_000;

    fn ada() -> Principal {
        UserId(7).principal()
    }

    fn consent(client: &str, scopes: &str, given: Millis) -> Consent {
        let place = "client.example".to_owned();
        Consent { principal: ada(), client_id: client.to_owned(), place, scopes: ScopeSet::read(scopes), given }
    }

    fn family(principal: Principal, client: &str, scopes: &str, created: Millis) -> RefreshFamily {
        let terms = FamilyTerms {
            principal,
            client: client.to_owned(),
            resource: "https://gate.example/mcp".to_owned(),
            scopes: ScopeSet::read(scopes),
            absolute_ms: 10 * HOUR_MS,
            idle_ms: 10 * HOUR_MS,
        };
        let random = RefreshRandom { family: u128::from(created.0), token: [1; 16] };
        RefreshFamily::begin(terms, &random, &HashKeys::new(HashKey::new([0; 32]), Vec::new()), created).0
    }

    fn all(consents: &[Consent], families: &[RefreshFamily]) -> Vec<ConnectedClient> {
        ConnectedClient::all(&ada(), consents, families, NOW)
    }

    #[test]
    fn a_consent_and_the_sign_ins_of_its_client_are_one_client() {
        let (first, second) = (NOW.minus(2 * HOUR_MS), NOW.minus(HOUR_MS));
        let families = [family(ada(), "one", "read", first), family(ada(), "one", "read write", second)];
        let clients = all(&[consent("one", "read", first)], &families);
        let [client] = &clients[..] else { panic!("{clients:?}") };
        assert_eq!((client.signed_in, client.last_used, client.agreed), (2, Some(second), first));
        assert_eq!((client.place.as_deref(), client.scopes), (Some("client.example"), ScopeSet::read("read write")));
        assert_eq!(client.id.0, Consent::record_name(&ada(), "one"));
    }

    #[test]
    fn a_client_that_is_signed_in_is_shown_without_a_consent_and_one_with_a_consent_without_a_sign_in() {
        let (first, second) = (NOW.minus(2 * HOUR_MS), NOW.minus(HOUR_MS));
        let families = [family(ada(), "local", "read", second), family(ada(), "local", "read", first)];
        let clients = all(&[consent("site", "read", NOW)], &families);
        let shown: Vec<_> = clients.iter().map(|client| (client.client_id.as_str(), client.signed_in, client.agreed)).collect();
        assert_eq!(shown, [("local", 2, first), ("site", 0, NOW)], "who is signed in stands first");
        assert_eq!((clients[0].place.as_deref(), clients[1].last_used), (None, None));
    }

    #[test]
    fn what_has_ended_expired_or_is_anothers_is_no_client_of_theirs() {
        let ended = family(ada(), "ended", "read", NOW.minus(HOUR_MS)).end(FamilyEnd::GivenBack, NOW);
        let expired = family(ada(), "expired", "read", NOW.minus(10 * HOUR_MS));
        let others = family(UserId(8).principal(), "others", "read", NOW);
        let foreign = Consent { principal: UserId(8).principal(), ..consent("foreign", "read", NOW) };
        assert_eq!(all(&[foreign], &[ended, expired, others]), []);
    }
}
