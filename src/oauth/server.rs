//! What does the authorization server work with, and what does it say of itself?

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use tickgate_actors::Clock;
use tickgate_core::identity::oauth::{AuthorizationServerMetadata, OAuthCode, OAuthError, ProtectedResourceMetadata, Resource};
use tickgate_core::identity::{HashKeys, OnceRandom};
use tickgate_core::ports::{Store, StoreError};

use super::documents::Documents;
use crate::auth::{BrowserSessions, JwtAuthority};
use crate::identity::{AuditWriter, Directory};

/// What people read who look for the documentation.
const DOCUMENTATION: &str = "/docs";
/// What the resource is called (RFC 9728 §2).
const RESOURCE_NAME: &str = "tickgate";

/// What an authorization server is made of.
pub struct ServerParts {
    /// `PUBLIC_URL`, without a slash at its end: the issuer.
    pub public_url: String,
    /// Makes access tokens.
    pub tokens: JwtAuthority,
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// Under which secrets are hashed.
    pub keys: HashKeys,
    /// Who is signed in.
    pub browsers: Arc<BrowserSessions>,
    /// How documents of clients are fetched.
    pub documents: Documents,
    /// The audit log.
    pub audit: AuditWriter,
    /// Who is known now: it hears at once of tokens that end.
    pub directory: Directory,
    /// `ACCESS_TOKEN_SECS` and `REFRESH_TOKEN_SECS`, in ms.
    pub lives: (u64, u64),
    /// The time.
    pub clock: Clock,
}

/// The documents by which clients find everything else, written once.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// RFC 9728.
    pub resource: Bytes,
    /// RFC 8414.
    pub server: Bytes,
    /// OpenID Connect Discovery.
    pub open_id: Bytes,
    /// RFC 7517.
    pub keys: Bytes,
}

/// The authorization server. Shared by all workers.
pub struct AuthorizationServer {
    pub(super) issuer: String,
    pub(super) resource: Resource,
    pub(super) tokens: JwtAuthority,
    pub(super) store: Arc<dyn Store>,
    pub(super) keys: HashKeys,
    pub(super) browsers: Arc<BrowserSessions>,
    pub(super) documents: Documents,
    pub(super) audit: AuditWriter,
    pub(super) directory: Directory,
    pub(super) access_ms: u64,
    pub(super) refresh_ms: u64,
    pub(super) clock: Clock,
    discovery: Discovery,
}

impl AuthorizationServer {
    /// A server of these parts.
    #[must_use]
    pub fn new(parts: ServerParts) -> Self {
        let ServerParts { public_url: issuer, tokens, store, keys, browsers, documents, audit, directory, lives, clock } = parts;
        let resource = Resource::new(&format!("{issuer}/mcp"));
        let documentation = Some(format!("{issuer}{DOCUMENTATION}"));
        let server = AuthorizationServerMetadata::new(&issuer, documentation.clone(), true);
        let discovery = Discovery {
            resource: written(&ProtectedResourceMetadata::new(&resource, &issuer, RESOURCE_NAME, documentation)),
            server: written(&server),
            open_id: written(&server.into_open_id()),
            keys: written(&tokens.key_set()),
        };
        let (access_ms, refresh_ms) = lives;
        Self {
            issuer,
            resource,
            tokens,
            store,
            keys,
            browsers,
            documents,
            audit,
            directory,
            access_ms,
            refresh_ms,
            clock,
            discovery,
        }
    }

    /// The discovery documents.
    #[must_use]
    pub const fn discovery(&self) -> &Discovery {
        &self.discovery
    }
}

fn written(document: &impl Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(document).expect("a document of strings can be written"))
}

/// What a client is told when the store fails.
pub(super) fn unavailable(error: &StoreError) -> OAuthError {
    tracing::error!(error = %error, "the authorization server cannot reach its store");
    OAuthError::told(OAuthCode::TemporarilyUnavailable, "the server cannot do it now: try again")
}

/// Fresh random bits for a one-time secret.
pub(super) fn once_random() -> OnceRandom {
    OnceRandom { name: tickgate_actors::clock::random_u128(), secret: random_bytes() }
}

/// 256 random bits.
pub(super) fn random_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
