//! The authorization server for MCP clients, where there is one.

use std::sync::Arc;

use super::identity::Identity;
use super::jwt_authority;
use super::parts::Kept;
use crate::auth::BrowserSessions;
use crate::oauth::{AuthorizationServer, DocumentSettings, Documents, ServerParts};
use crate::settings::{AuthMode, Settings};

/// Builds it; `None` where credentials are not looked at, nobody can sign in, or nothing can be signed: then clients are told of none.
///
/// # Errors
/// When the secret of development cannot be kept.
pub(super) fn authorization_server(
    settings: &Settings,
    kept: &Kept,
    identity: &Identity,
    public_url: &str,
    browsers: Option<&Arc<BrowserSessions>>,
) -> anyhow::Result<Option<AuthorizationServer>> {
    let (access, clock) = (&settings.access, identity.clock);
    let (Some(browsers), Some(_)) = (browsers, &access.sign_in) else { return Ok(None) };
    if matches!(access.mode, AuthMode::Off | AuthMode::InsecureOff) {
        return Ok(None);
    }
    let tokens = jwt_authority(access, &settings.listen, public_url)?;
    if !tokens.can_sign() {
        tracing::warn!("people can sign in, but their MCP clients get no tokens: JWT_SECRET_KEY is not set");
        return Ok(None);
    }
    let documents = DocumentSettings { allowed_hosts: access.cimd_allowed_hosts.clone() };
    Ok(Some(AuthorizationServer::new(ServerParts {
        public_url: public_url.to_owned(),
        tokens,
        store: Arc::clone(&kept.store),
        keys: identity.hashing.clone(),
        browsers: Arc::clone(browsers),
        documents: Documents::new(documents, clock),
        audit: identity.audit.clone(),
        directory: identity.directory.clone(),
        lives: (access.access_token_secs * 1_000, access.refresh_token_secs * 1_000),
        clock,
    })))
}
