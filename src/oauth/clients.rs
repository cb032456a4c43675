//! Which client is that, and what becomes of its registration?

use bytes::Bytes;
use serde_json::Value;
use tickgate_actors::clock::random_u128;
use tickgate_core::identity::audit::{AuditAction, Outcome};
use tickgate_core::identity::oauth::{
    Client, ClientCredentials, ClientKind, ClientUrl, NewClient, OAuthCode, OAuthError, Registration, RegistrationAnswer,
    authenticate,
};
use tickgate_core::ports::{Record, Shelf, Version};

use super::notes::{Asker, Note};
use super::server::{AuthorizationServer, random_bytes, unavailable};

/// To whom registrations belong: they are nobody's, anybody may make one.
const NOBODYS: &str = "oauth:clients";

impl AuthorizationServer {
    /// Registers a client (RFC 7591).
    ///
    /// # Errors
    /// `invalid_redirect_uri`, `invalid_client_metadata`, or that the store fails.
    pub async fn register(&self, body: &Value, asker: &Asker) -> Result<RegistrationAnswer, OAuthError> {
        let new = NewClient { id: random_u128(), secret: random_bytes() };
        let (client, answer) = Registration::read(body)?.accept(&new, &self.keys, self.clock.now());
        let put = self.store.put(Shelf::OauthClients, vec![record_of(&client)]);
        put.await.map_err(|error| unavailable(&error))?;
        let (client, details) = (answer.client_id(), Vec::new());
        let note = Note { action: AuditAction::ClientRegister, client, person: None, outcome: Outcome::Done, details };
        self.note(asker, note);
        Ok(answer)
    }

    /// The client of this id: its document's, or one that registered.
    ///
    /// # Errors
    /// When its document will not do, or the store fails.
    pub(super) async fn client(&self, id: &str, asker: &Asker) -> Result<Option<Client>, OAuthError> {
        if ClientUrl::is_wanted(id) {
            let url = ClientUrl::read(id).map_err(|fault| OAuthError::told(OAuthCode::InvalidClient, told(fault)))?;
            return self.documents.find(&url).await.map(Some).inspect_err(|error| {
                let details = vec![("reason", error.description.to_string())];
                let action = AuditAction::ClientRefuse;
                self.note(asker, Note { action, client: id, person: None, outcome: Outcome::Refused, details });
            });
        }
        Ok(self.registered(id).await?.map(|(client, _)| client))
    }

    pub(super) async fn registered(&self, id: &str) -> Result<Option<(Client, Version)>, OAuthError> {
        let found = self.store.find(Shelf::OauthClients, Client::record_name(id), self.clock.now());
        let Some(found) = found.await.map_err(|error| unavailable(&error))? else { return Ok(None) };
        let client = serde_json::from_slice::<Client>(&found.record.body).ok().filter(|client| client.id == id);
        Ok(client.map(|client| (client, found.version)))
    }

    /// Whether a client is the one that it says it is. A client with a document is public: what it shows belongs to its id, so its
    /// document need not be fetched for each token.
    ///
    /// # Errors
    /// `invalid_client`, on which clients register anew, or that the store fails.
    pub(super) async fn authenticated(&self, credentials: &ClientCredentials) -> Result<(), OAuthError> {
        if ClientUrl::is_wanted(&credentials.id) {
            let is_one = ClientUrl::read(&credentials.id).is_ok() && credentials.secret.is_none();
            return if is_one {
                Ok(())
            } else {
                Err(OAuthError { with_basic: credentials.with_basic, ..OAuthError::unknown_client() })
            };
        }
        let found = self.registered(&credentials.id).await?;
        authenticate(found.as_ref().map(|(client, _)| client), credentials, &self.keys)
    }

    /// Notes that a registration is used, so that it is not forgotten. That it fails harms nobody today.
    pub(super) async fn note_use(&self, id: &str) {
        let Ok(Some((mut client, version))) = self.registered(id).await else { return };
        let now = self.clock.now();
        if client.kind == ClientKind::Registered && client.used(now) {
            let swapped = self.store.swap(Shelf::OauthClients, record_of(&client), Some(version), now).await;
            if let Err(error) = swapped {
                tracing::warn!(error = %error, "the use of a client cannot be written down");
            }
        }
    }
}

fn record_of(client: &Client) -> Record {
    Record {
        id: Client::record_name(&client.id),
        principal: NOBODYS.to_owned(),
        expires: Some(client.expires()),
        body: Bytes::from(serde_json::to_vec(client).unwrap_or_default()),
    }
}

/// The fault of an address that is a client's id.
const fn told(fault: tickgate_core::identity::oauth::ClientUrlFault) -> &'static str {
    use tickgate_core::identity::oauth::ClientUrlFault::{Extra, NoPath, NotHttps, NotNormal};
    match fault {
        NotHttps => "the client_id must be an https address of at most 1024 bytes",
        NoPath => "the client_id must have a path",
        Extra => "the client_id must have neither fragment nor user",
        NotNormal => "the client_id must be written in its normal form, without dot segments and default port",
    }
}
