//! Whose is this authorization code? Discovery and keys are kept for a while and shared by all workers; each asks with its own client.

use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tickgate_actors::Clock;
use tickgate_core::identity::Identity;
use tickgate_core::identity::oidc::{Expected, IdClaims, IdTokenFault, PendingSignIn, Provider, check_claims};
use tickgate_core::time::Millis;
use url::Url;

use super::fetch::{FetchError, Fetched, ProviderClient};
use super::keys::{KeyFault, KeySet};
use super::metadata::{Metadata, MetadataFault};

/// How long the discovery document is kept, in ms: endpoints move once in years, and an hour is short enough to repair a fault.
const METADATA_MS: u64 = 3_600_000;
/// Bounds of how long keys are kept, in ms, whatever the provider says: a key that it withdrew is believed for an hour at most.
const KEYS_MS: std::ops::RangeInclusive<u64> = 60_000..=3_600_000;
/// How long keys are kept when the provider says nothing, in ms.
const KEYS_DEFAULT_MS: u64 = 600_000;
/// A token with an unknown key has the keys fetched again at most this often, in ms, so that made-up tokens ask nobody much.
const REFRESH_EVERY_MS: u64 = 30_000;

/// What we are to the provider.
#[derive(Debug)]
pub struct RelyingParty {
    /// The provider and our name there.
    pub provider: Provider,
    /// Our secret there.
    pub secret: SecretString,
    /// Where it sends browsers back to.
    pub redirect_uri: String,
}

/// A provider and what is known of it.
pub struct OidcProvider {
    party: RelyingParty,
    known: Mutex<Known>,
    clock: Clock,
}

#[derive(Default)]
struct Known {
    metadata: Option<(Arc<Metadata>, Millis)>,
    keys: Option<(Arc<KeySet>, Millis)>,
    refreshed: Option<Millis>,
}

/// Why nobody is identified. Fit for logs: no token and no secret is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderFault {
    /// The discovery document cannot be had.
    #[error("the discovery document of the provider: {0}")]
    Discovery(FetchError),
    /// It cannot be used.
    #[error("the discovery document of the provider: {0}")]
    Metadata(#[from] MetadataFault),
    /// The keys cannot be had.
    #[error("the keys of the provider: {0}")]
    Keys(FetchError),
    /// The code was not exchanged.
    #[error("the token endpoint of the provider: {0}")]
    Exchange(FetchError),
    /// The exchange gave no ID token.
    #[error("the provider's answer has no ID token")]
    NoIdToken,
    /// Its signature is not believed.
    #[error(transparent)]
    Signature(#[from] KeyFault),
    /// Its claims are not believed.
    #[error(transparent)]
    Claims(#[from] IdTokenFault),
}

/// Only the ID token is read; the provider's other tokens are dropped here and never leave.
#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    id_token: Option<String>,
}

impl OidcProvider {
    /// A provider of which nothing is known yet.
    #[must_use]
    pub fn new(party: RelyingParty, clock: Clock) -> Self {
        Self { party, known: Mutex::default(), clock }
    }

    /// The provider as the core knows it.
    #[must_use]
    pub const fn provider(&self) -> &Provider {
        &self.party.provider
    }

    /// Its endpoints.
    ///
    /// # Errors
    /// When the discovery document cannot be had or used.
    pub async fn metadata(&self, client: &ProviderClient) -> Result<Arc<Metadata>, ProviderFault> {
        let kept = self.known(|known| known.metadata.clone());
        if let Some((metadata, until)) = kept
            && self.clock.now() < until
        {
            return Ok(metadata);
        }
        let issuer = &self.party.provider.issuer;
        let address = Metadata::address(issuer).map_err(|_| MetadataFault::Malformed)?;
        let fetched = client.get(&address).await.map_err(ProviderFault::Discovery)?;
        let metadata = Arc::new(Metadata::read(&fetched.body, issuer)?);
        let until = self.clock.now().plus(METADATA_MS);
        self.known(|known| known.metadata = Some((Arc::clone(&metadata), until)));
        Ok(metadata)
    }

    /// Where the browser goes to sign in.
    #[must_use]
    pub fn address(&self, metadata: &Metadata, pending: &PendingSignIn, state: &SecretString) -> Url {
        let provider = &self.party.provider;
        let mut address = metadata.authorization.clone();
        let mut query = address.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &provider.client_id)
            .append_pair("redirect_uri", &self.party.redirect_uri)
            .append_pair("scope", "openid email profile")
            .append_pair("state", state.expose_secret())
            .append_pair("nonce", &pending.nonce)
            .append_pair("code_challenge", &pending.challenge())
            .append_pair("code_challenge_method", "S256")
            // Else whoever has signed out is signed in again without being asked, and nobody can change accounts.
            .append_pair("prompt", "select_account");
        if let Some(domain) = &provider.hosted_domain {
            query.append_pair("hd", domain);
        }
        drop(query);
        address
    }

    /// Who signed in: the code is exchanged and the ID token checked.
    ///
    /// # Errors
    /// Why nobody is identified.
    pub async fn identify(
        &self,
        client: &ProviderClient,
        code: &str,
        pending: &PendingSignIn,
    ) -> Result<Identity, ProviderFault> {
        let metadata = self.metadata(client).await?;
        let fetched = self.exchange(client, &metadata, code, &pending.verifier).await.map_err(ProviderFault::Exchange)?;
        let tokens: Tokens = serde_json::from_slice(&fetched.body).map_err(|_| ProviderFault::NoIdToken)?;
        let token = tokens.id_token.ok_or(ProviderFault::NoIdToken)?;
        let claims = self.claims(client, &metadata, &token).await?;
        let expected = Expected { provider: &self.party.provider, nonce: &pending.nonce, now: self.clock.now() };
        Ok(check_claims(&claims, &expected)?)
    }

    async fn exchange(
        &self,
        client: &ProviderClient,
        metadata: &Metadata,
        code: &str,
        verifier: &str,
    ) -> Result<Fetched, FetchError> {
        let RelyingParty { provider, secret, redirect_uri } = &self.party;
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("code_verifier", verifier);
        let mut basic = Some((provider.client_id.as_str(), secret));
        if metadata.secret_in_form {
            form.append_pair("client_id", &provider.client_id).append_pair("client_secret", secret.expose_secret());
            basic = None;
        }
        client.post(&metadata.token, form.finish(), basic).await
    }

    async fn claims(&self, client: &ProviderClient, metadata: &Metadata, token: &str) -> Result<IdClaims, ProviderFault> {
        let now = self.clock.now();
        let kept = self.known(|known| known.keys.clone()).filter(|(_, until)| now < *until);
        let was_kept = kept.is_some();
        let keys = match kept {
            Some((keys, _)) => keys,
            None => self.fetch_keys(client, metadata).await?,
        };
        match keys.claims(token) {
            // The provider may have changed its keys.
            Err(KeyFault::UnknownKey) if was_kept && self.may_refresh(now) => {
                Ok(self.fetch_keys(client, metadata).await?.claims(token)?)
            }
            claims => Ok(claims?),
        }
    }

    async fn fetch_keys(&self, client: &ProviderClient, metadata: &Metadata) -> Result<Arc<KeySet>, ProviderFault> {
        let fetched = client.get(&metadata.keys).await.map_err(ProviderFault::Keys)?;
        let keys = Arc::new(KeySet::read(&fetched.body)?);
        let said = fetched.max_age_secs.map_or(KEYS_DEFAULT_MS, |secs| secs.saturating_mul(1_000));
        let until = self.clock.now().plus(said.clamp(*KEYS_MS.start(), *KEYS_MS.end()));
        self.known(|known| known.keys = Some((Arc::clone(&keys), until)));
        Ok(keys)
    }

    fn may_refresh(&self, now: Millis) -> bool {
        self.known(|known| {
            let may = known.refreshed.is_none_or(|last| now.since(last) >= REFRESH_EVERY_MS);
            if may {
                known.refreshed = Some(now);
            }
            may
        })
    }

    /// Looks at what is known, or changes it; never held over a wait.
    fn known<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
