//! How does a browser come to be signed in: away to the provider, and back with a code?
//!
//! What waits for the callback lies in the store and is taken from it, once. A cookie of its own binds each sign-in to the
//! browser that began it, so that two tabs do not disturb each other.

use std::sync::Arc;

use actix_web::cookie::time::Duration as CookieAge;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::HeaderMap;
use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use tickgate_actors::Clock;
use tickgate_actors::clock::random_u128;
use tickgate_core::identity::oauth::Params;
use tickgate_core::identity::oidc::{Callback, CallbackFault, PendingSignIn, SignInSecrets};
use tickgate_core::identity::{HashKeys, Once, PresentedOnce, SessionId, User};
use tickgate_core::ports::{Record, Shelf, Store, StoreError};
use url::Url;

use super::accounts::{AccountFault, Accounts};
use super::fetch::ProviderClient;
use super::provider::{OidcProvider, ProviderFault};
use crate::auth::{BrowserSessions, only_cookie};

/// To whom a sign-in belongs that waits for its callback: nobody yet.
const NOBODY: &str = "flow:sign-in";
/// How long a browser keeps the cookie of a sign-in, in seconds: as long as the sign-in may take.
const COOKIE_SECS: i64 = 600;

/// Signs browsers in. Shared by all workers.
pub struct SignIn {
    provider: OidcProvider,
    browsers: Arc<BrowserSessions>,
    once: HashKeys,
    store: Arc<dyn Store>,
    accounts: Accounts,
    clock: Clock,
}

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes.
    pub address: Url,
    /// What binds it to this browser.
    pub cookie: Cookie<'static>,
}

/// A sign-in that is done.
#[derive(Debug)]
pub struct SignedIn {
    /// Who it is.
    pub user: User,
    /// The session's cookie, and the end of the sign-in's.
    pub cookies: [Cookie<'static>; 2],
    /// Where the browser goes on: a path of ours.
    pub return_to: String,
    /// The session that this browser had before.
    pub ended: Option<SessionId>,
}

/// Why nobody is signed in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInFault {
    /// The callback leads nowhere.
    #[error(transparent)]
    Callback(#[from] CallbackFault),
    /// The provider fails, or is not believed.
    #[error(transparent)]
    Provider(#[from] ProviderFault),
    /// The account may not come in, or the store fails.
    #[error(transparent)]
    Account(#[from] AccountFault),
}

impl From<StoreError> for SignInFault {
    fn from(error: StoreError) -> Self {
        Self::Account(error.into())
    }
}

impl SignIn {
    /// Signs in at this provider; `once` hashes what goes through the browser.
    #[must_use]
    pub fn new(
        provider: OidcProvider,
        browsers: Arc<BrowserSessions>,
        once: HashKeys,
        store: Arc<dyn Store>,
        accounts: Accounts,
        clock: Clock,
    ) -> Self {
        Self { provider, browsers, once, store, accounts, clock }
    }

    /// Begins: `return_to` is where the browser goes afterwards, if it is a path of ours.
    ///
    /// # Errors
    /// When the provider's endpoints cannot be had, or the store fails.
    pub async fn begin(&self, client: &ProviderClient, return_to: &str) -> Result<Begun, SignInFault> {
        let metadata = self.provider.metadata(client).await?;
        let secrets = secrets()?;
        let now = self.clock.now();
        let (pending, state, cookie) = PendingSignIn::begin(self.provider.provider(), return_to, &secrets, &self.once, now);
        let body = serde_json::to_vec(&pending).map_err(|error| StoreError::Unreadable(error.to_string()))?;
        let record =
            Record { id: secrets.name, principal: NOBODY.to_owned(), expires: Some(pending.expires()), body: Bytes::from(body) };
        self.store.put(Shelf::AuthFlows, vec![record]).await?;
        let address = self.provider.address(&metadata, &pending, &state);
        Ok(Begun { address, cookie: self.cookie(secrets.name, &cookie, COOKIE_SECS) })
    }

    /// Ends it: `query` is the callback's, `headers` are the browser's. Whatever is wrong, this sign-in is over.
    ///
    /// # Errors
    /// Why nobody is signed in.
    pub async fn finish(&self, client: &ProviderClient, query: &str, headers: &HeaderMap) -> Result<SignedIn, SignInFault> {
        let params = Params::read(query).map_err(|_| CallbackFault::Malformed)?;
        let state = PendingSignIn::state_of(&params).ok_or(CallbackFault::State)?;
        let now = self.clock.now();
        let taken = self.store.take(Shelf::AuthFlows, state.name, NOBODY, now).await?.ok_or(CallbackFault::State)?;
        let pending: PendingSignIn = serde_json::from_slice(&taken.body).map_err(|_| CallbackFault::State)?;
        let browser =
            only_cookie(headers, &self.cookie_name(state.name)).and_then(|text| PresentedOnce::read(Once::Browser, text));
        let metadata = self.provider.metadata(client).await?;
        let callback = Callback { params: &params, browser: browser.as_ref(), sends_issuer: metadata.sends_issuer };
        let code = pending.code(&callback, self.provider.provider(), &self.once, now)?;
        let identity = Box::pin(self.provider.identify(client, &code, &pending)).await?;
        let user = self.accounts.signed_in(&identity, self.clock.now()).await?;
        let ended = self.browsers.named(headers);
        let (_, session) = self.browsers.begin(user.id, headers).await?;
        let over = self.cookie(state.name, &SecretString::default(), 0);
        Ok(SignedIn { user, cookies: [session, over], return_to: pending.return_to, ended })
    }

    /// Each sign-in has a cookie of its own.
    fn cookie_name(&self, name: u128) -> String {
        let prefix = if self.browsers.is_secure() { "__Host-" } else { "" };
        format!("{prefix}tickgate-signin-{:08x}", name >> 96)
    }

    fn cookie(&self, name: u128, value: &SecretString, secs: i64) -> Cookie<'static> {
        Cookie::build(self.cookie_name(name), value.expose_secret().to_owned())
            .http_only(true)
            .secure(self.browsers.is_secure())
            // The provider sends the browser here from its own site: with Strict the cookie would not come.
            .same_site(SameSite::Lax)
            .path("/")
            .max_age(CookieAge::seconds(secs))
            .finish()
    }
}

fn secrets() -> Result<SignInSecrets, StoreError> {
    let mut bytes = [[0; 32]; 4];
    for secret in &mut bytes {
        getrandom::fill(secret).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    }
    let [state, browser, nonce, verifier] = bytes;
    Ok(SignInSecrets { name: random_u128(), state, browser, nonce, verifier })
}
