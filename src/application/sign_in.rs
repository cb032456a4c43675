//! How browsers are known: their sessions, their sign-in, their tickets for streams.

use std::sync::Arc;

use anyhow::Context as _;
use secrecy::SecretString;
use tickgate_core::identity::AdminEmails;
use tickgate_core::identity::oidc::Provider;
use tickgate_core::ports::Store;

use super::identity::Identity;
use crate::auth::{BrowserSessions, StreamTickets, development_session_secret, once_keys};
use crate::oidc::{Accounts, OidcProvider, RelyingParty, SignIn};
use crate::settings::{Environment, Settings, SignInSettings};

/// Google's issuer, and how some of its tokens write it.
const GOOGLE: (&str, &str) = ("https://accounts.google.com", "accounts.google.com");

/// What there is for browsers.
pub(super) struct Browsers {
    pub(super) browsers: Option<Arc<BrowserSessions>>,
    pub(super) tickets: Option<StreamTickets>,
    pub(super) sign_in: Option<SignIn>,
}

impl Browsers {
    /// As the settings say; nothing without `SESSION_SECRET_KEY` outside development.
    ///
    /// # Errors
    /// When the secret of development cannot be kept, or a secret is none.
    pub(super) fn open(
        settings: &Settings,
        public_url: &str,
        store: &Arc<dyn Store>,
        identity: &Identity,
    ) -> anyhow::Result<Self> {
        let secrets = secrets(settings)?;
        if secrets.is_empty() {
            return Ok(Self { browsers: None, tickets: None, sign_in: None });
        }
        let clock = identity.clock;
        let browsers = Arc::new(BrowserSessions::new(&secrets, public_url, Arc::clone(store), clock)?);
        let keys = once_keys(&secrets)?;
        let tickets = StreamTickets::new(Arc::clone(store), Arc::clone(&browsers), keys.clone(), clock);
        let sign_in = settings.access.sign_in.as_ref().map(|said| {
            let admins = AdminEmails::new(said.admin_emails.iter().map(String::as_str));
            let provider = OidcProvider::new(party(said, public_url), clock);
            let accounts = Accounts::new(Arc::clone(store), admins, identity.directory.clone());
            SignIn::new(provider, Arc::clone(&browsers), keys, Arc::clone(store), accounts, clock)
        });
        Ok(Self { browsers: Some(browsers), tickets: Some(tickets), sign_in })
    }
}

fn party(said: &SignInSettings, public_url: &str) -> RelyingParty {
    let also = if said.issuer == GOOGLE.0 { vec![GOOGLE.1.to_owned()] } else { Vec::new() };
    let redirect_uri = said.redirect_uri.as_ref().map_or_else(|| format!("{public_url}/auth/callback"), ToString::to_string);
    RelyingParty {
        provider: Provider {
            issuer: said.issuer.clone(),
            also,
            client_id: said.client_id.clone(),
            hosted_domain: said.hosted_domain.clone(),
        },
        secret: said.client_secret.clone(),
        redirect_uri,
    }
}

/// `SESSION_SECRET_KEY`, or in development one that is made once and kept in `DATA_DIR`.
fn secrets(settings: &Settings) -> anyhow::Result<Vec<SecretString>> {
    let said = &settings.access.session_secrets;
    if !said.is_empty() || settings.listen.environment != Environment::Development {
        return Ok(said.clone());
    }
    let folder = &settings.listen.data_dir;
    let kept = development_session_secret(folder);
    Ok(vec![kept.with_context(|| format!("the session secret of development cannot be kept in {}", folder.display()))?])
}
