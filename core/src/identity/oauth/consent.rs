//! What did a person agree to, and must they be asked again?

use serde::{Deserialize, Serialize};

use super::authorize::AuthorizationRequest;
use super::client::Client;
use super::redirect_uri::RedirectKind;
use super::scopes::ScopeSet;
use crate::access::Principal;
use crate::identity::hash::{digest, name_of};
use crate::identity::id;
use crate::time::Millis;

/// What one person let one client do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The person.
    #[serde(with = "id::principal")]
    pub principal: Principal,
    /// The client.
    pub client_id: String,
    /// Where it led.
    pub place: String,
    /// What they agreed to.
    pub scopes: ScopeSet,
    /// When.
    pub given: Millis,
}

/// What the consent page shows. Everything of the client is its own claim: the page escapes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsentPage {
    /// What the client calls itself.
    pub client_name: String,
    /// Where the answer goes: a host, this computer, or an app's scheme. The one thing that cannot be made up.
    pub place: String,
    /// Whether a warning is due: any program on this machine could pose as the client.
    pub is_local_only: bool,
    /// What it would be allowed to do.
    pub scopes: ScopeSet,
}

impl ConsentPage {
    /// The page for a request of a client, with the scopes that this person can give.
    #[must_use]
    pub fn new(client: &Client, request: &AuthorizationRequest, scopes: ScopeSet) -> Self {
        let place = request.redirect_uri.shown();
        Self { client_name: client.name.clone(), place, is_local_only: client.is_local_only(), scopes }
    }
}

impl Consent {
    /// A consent to what was asked.
    #[must_use]
    pub fn given(principal: &Principal, request: &AuthorizationRequest, scopes: ScopeSet, now: Millis) -> Self {
        let place = request.redirect_uri.shown();
        Self { principal: principal.clone(), client_id: request.client_id.clone(), place, scopes, given: now }
    }

    /// The name of the record for this person and client.
    #[must_use]
    pub fn record_name(principal: &Principal, client_id: &str) -> u128 {
        name_of(&digest("tickgate consent", &[principal.as_str().as_bytes(), client_id.as_bytes()]))
    }

    /// Whether it covers a request, so that the person need not be asked. Never for what leads to their own machine or to an app
    /// (RFC 8252 §8.6: nobody can tell who listens there), nor to another place than before, nor for more, nor when the client
    /// wants them to be asked.
    #[must_use]
    pub fn covers(&self, principal: &Principal, request: &AuthorizationRequest, scopes: ScopeSet) -> bool {
        self.principal == *principal
            && self.client_id == request.client_id
            && request.redirect_uri.kind() == RedirectKind::Https
            && self.place == request.redirect_uri.shown()
            && scopes.is_covered_by(self.scopes)
            && !request.prompt.consent
    }
}
