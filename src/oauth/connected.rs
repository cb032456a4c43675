//! Which clients may act for a person, and how does that end?
//!
//! To disconnect a client, its consent is deleted first and then every sign-in of it is ended, each by a swap: a refresh that is under
//! way gets on before, and is ended, or reads again and is refused. A code that is being used looks for the consent once its family
//! lies there (`tokens`). So whatever the order, nothing of the client is good afterwards; and what failed half-way can be repeated.

use serde::de::DeserializeOwned;
use tickgate_core::access::Principal;
use tickgate_core::identity::ConnectionId;
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::identity::oauth::{ClientUrl, ConnectedClient, Consent, OAuthError};
use tickgate_core::identity::refresh::{FamilyEnd, RefreshFamily};
use tickgate_core::ports::Shelf;

use super::notes::{Asker, Note};
use super::server::{AuthorizationServer, unavailable};

/// Most clients that are shown: some register anew for each connection. The others come up when those are disconnected.
const MAX_SHOWN: usize = 100;

/// A client that may act for a person, as they see it.
#[derive(Clone, Debug)]
pub struct Connected {
    /// What is known of it.
    pub client: ConnectedClient,
    /// What it calls itself, for people: its own claim, or the host of its document.
    pub shown_as: String,
}

/// Why a client is not disconnected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectedFault {
    /// None of this person's has this name.
    #[error("there is no such client; GET /api/user/clients lists yours")]
    NotFound,
    /// The store fails, or the client is quicker than we; it can be tried again.
    #[error("the clients cannot be looked up or disconnected now: try again in a moment")]
    Unavailable,
}

impl From<OAuthError> for ConnectedFault {
    /// What it was stands in the log already.
    fn from(_: OAuthError) -> Self {
        Self::Unavailable
    }
}

impl AuthorizationServer {
    /// The clients that may act for this person, at most a hundred. A registration that was forgotten leaves a consent that nobody
    /// can use: it is not shown.
    ///
    /// # Errors
    /// [`ConnectedFault::Unavailable`].
    pub async fn connected(&self, person: &Principal) -> Result<Vec<Connected>, ConnectedFault> {
        let mut shown = Vec::new();
        for client in self.clients_of(person).await?.into_iter().take(MAX_SHOWN) {
            let name = self.name_of(&client.client_id).await?;
            if name.is_some() || client.signed_in > 0 {
                let shown_as = name.unwrap_or_else(|| client.client_id.clone());
                shown.push(Connected { client, shown_as });
            }
        }
        Ok(shown)
    }

    /// Takes a person's consent to a client back: it has to ask again, its tokens are worth nothing, and what it opened ends.
    ///
    /// # Errors
    /// [`ConnectedFault`]. After `Unavailable` some of it may be done; it can be asked for again.
    pub async fn disconnect(&self, person: &Principal, id: ConnectionId, asker: &Asker) -> Result<(), ConnectedFault> {
        let known = self.clients_of(person).await?.into_iter().find(|client| client.id == id);
        let client = known.ok_or(ConnectedFault::NotFound)?.client_id;
        let ended = self.withdraw(person, &client, asker).await;
        let (outcome, count) = ended.as_ref().map_or((Outcome::Failed, 0), |count| (Outcome::Done, *count));
        let details = vec![("signed_in", count.to_string())];
        let note = Note { action: AuditAction::ConsentWithdraw, client: &client, person: Some(person), outcome, details };
        self.write_down(asker, note).await;
        Ok(ended.map(drop)?)
    }

    /// Says how many sign-ins were ended.
    async fn withdraw(&self, person: &Principal, client: &str, asker: &Asker) -> Result<usize, OAuthError> {
        let deleted = self.store.delete(Shelf::Grants, Consent::record_name(person, client)).await;
        deleted.map_err(|error| unavailable(&error))?;
        let families: Vec<RefreshFamily> = self.kept_of(Shelf::RefreshFamilies, person).await?;
        let of_client = |family: &&RefreshFamily| family.terms.client == client && family.is_alive();
        let mut ended = 0;
        for family in families.iter().filter(of_client) {
            self.end_family(family.id, FamilyEnd::Withdrawn, asker).await?;
            ended += 1;
        }
        Ok(ended)
    }

    async fn clients_of(&self, person: &Principal) -> Result<Vec<ConnectedClient>, OAuthError> {
        let consents = self.kept_of::<Consent>(Shelf::Grants, person).await?;
        let families = self.kept_of::<RefreshFamily>(Shelf::RefreshFamilies, person).await?;
        Ok(ConnectedClient::all(person, &consents, &families, self.clock.now()))
    }

    /// What makes no sense is nobody's client.
    async fn kept_of<T: DeserializeOwned>(&self, shelf: Shelf, person: &Principal) -> Result<Vec<T>, OAuthError> {
        let found = self.store.of(shelf, person.as_str(), self.clock.now()).await.map_err(|error| unavailable(&error))?;
        Ok(found.iter().filter_map(|found| serde_json::from_slice(&found.record.body).ok()).collect())
    }

    /// What a client calls itself, as far as that is known without asking it; `None` for a registration that was forgotten.
    async fn name_of(&self, client_id: &str) -> Result<Option<String>, OAuthError> {
        match ClientUrl::read(client_id) {
            Ok(url) => Ok(Some(self.documents.last_name(&url).unwrap_or_else(|| url.host()))),
            Err(_) => Ok(self.registered(client_id).await?.map(|(client, _)| client.name)),
        }
    }
}
