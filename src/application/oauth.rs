//! The authorization server for MCP clients, where there is one.

use std::sync::Arc;

use anyhow::Context as _;

use super::identity::Identity;
use super::jwt_authority;
use super::parts::Kept;
use crate::auth::{BrowserSessions, development_session_secret};
use crate::oauth::{AuthorizationServer, DocumentSettings, Documents, ServerParts};
use crate::settings::{AuthMode, Environment, Settings};

/// Builds it; `None` where credentials are not looked at, or nothing can be signed or sealed: then clients are told of none.
///
/// # Errors
/// When the secrets of development cannot be kept, or one is no secret.
pub(super) fn authorization_server(
    settings: &Settings,
    kept: &Kept,
    identity: &Identity,
    public_url: &str,
) -> anyhow::Result<Option<AuthorizationServer>> {
    let (access, clock) = (&settings.access, identity.clock);
    if matches!(access.mode, AuthMode::Off | AuthMode::InsecureOff) {
        return Ok(None);
    }
    let tokens = jwt_authority(access, &settings.listen, public_url)?;
    let mut secrets = access.session_secrets.clone();
    if secrets.is_empty() && settings.listen.environment == Environment::Development {
        let folder = &settings.listen.data_dir;
        let secret = development_session_secret(folder);
        secrets.push(secret.with_context(|| format!("the session secret cannot be kept in {}", folder.display()))?);
    }
    if secrets.is_empty() || !tokens.can_sign() {
        return Ok(None);
    }
    let browsers = BrowserSessions::new(&secrets, public_url, Arc::clone(&kept.store), clock)?;
    let documents = DocumentSettings { allowed_hosts: access.cimd_allowed_hosts.clone() };
    Ok(Some(AuthorizationServer::new(ServerParts {
        public_url: public_url.to_owned(),
        tokens,
        store: Arc::clone(&kept.store),
        keys: identity.hashing.clone(),
        browsers: Arc::new(browsers),
        documents: Documents::new(documents, clock),
        audit: identity.audit.clone(),
        lives: (access.access_token_secs * 1_000, access.refresh_token_secs * 1_000),
        clock,
    })))
}
