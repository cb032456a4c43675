//! One key of `DATA_ENCRYPTION_KEY` and the subkeys that come from it, by HKDF-SHA256.

use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use hkdf::Hkdf;
use secrecy::SecretString;
use sha2::Sha256;
use tickgate_core::ports::Shelf;

use super::{Purpose, SealerError};
use crate::settings::secret_bytes;

/// Bytes of a key's id: enough to tell a handful of keys apart.
pub(super) const ID_BYTES: usize = 4;
/// Least strength of a key, in bytes.
pub(super) const MIN_KEY_BYTES: usize = 32;
/// Keeps our keys apart from those that others make of the same secret.
pub(super) const SALT: &[u8] = b"tickgate sealing v1";

/// A subkey per purpose. Fields and not a map, so that a new purpose cannot be forgotten.
pub(super) struct SealingKey {
    /// Names the key and tells nothing about it.
    pub(super) id: [u8; ID_BYTES],
    request_state: XChaCha20Poly1305,
    cursor: XChaCha20Poly1305,
    key_page: XChaCha20Poly1305,
    tasks: XChaCha20Poly1305,
    alerts: XChaCha20Poly1305,
    sessions: XChaCha20Poly1305,
    upstream_keys: XChaCha20Poly1305,
    users: XChaCha20Poly1305,
    api_keys: XChaCha20Poly1305,
    refresh_families: XChaCha20Poly1305,
    oauth_clients: XChaCha20Poly1305,
    grants: XChaCha20Poly1305,
    browser_sessions: XChaCha20Poly1305,
    auth_flows: XChaCha20Poly1305,
    audit_subjects: XChaCha20Poly1305,
    audit_row: XChaCha20Poly1305,
    audit_mark: XChaCha20Poly1305,
    browser_cookie: XChaCha20Poly1305,
    stream_pass: XChaCha20Poly1305,
}

impl SealingKey {
    pub(super) fn derive(secret: &SecretString) -> Result<Self, SealerError> {
        let bytes = secret_bytes(secret);
        if bytes.len() < MIN_KEY_BYTES {
            return Err(SealerError::WeakKey);
        }
        let root = Hkdf::<Sha256>::new(Some(SALT), &bytes);
        let cipher = |purpose| XChaCha20Poly1305::new(&expand::<32>(&root, label(purpose)).into());
        Ok(Self {
            id: expand(&root, "key id"),
            request_state: cipher(Purpose::RequestState),
            cursor: cipher(Purpose::Cursor),
            key_page: cipher(Purpose::KeyPage),
            tasks: cipher(Purpose::Record(Shelf::Tasks)),
            alerts: cipher(Purpose::Record(Shelf::Alerts)),
            sessions: cipher(Purpose::Record(Shelf::Sessions)),
            upstream_keys: cipher(Purpose::Record(Shelf::UpstreamKeys)),
            users: cipher(Purpose::Record(Shelf::Users)),
            api_keys: cipher(Purpose::Record(Shelf::ApiKeys)),
            refresh_families: cipher(Purpose::Record(Shelf::RefreshFamilies)),
            oauth_clients: cipher(Purpose::Record(Shelf::OauthClients)),
            grants: cipher(Purpose::Record(Shelf::Grants)),
            browser_sessions: cipher(Purpose::Record(Shelf::BrowserSessions)),
            auth_flows: cipher(Purpose::Record(Shelf::AuthFlows)),
            audit_subjects: cipher(Purpose::Record(Shelf::AuditSubjects)),
            audit_row: cipher(Purpose::AuditRow),
            audit_mark: cipher(Purpose::AuditMark),
            browser_cookie: cipher(Purpose::BrowserCookie),
            stream_pass: cipher(Purpose::StreamPass),
        })
    }

    pub(super) fn id_text(&self) -> String {
        hex::encode(self.id)
    }

    pub(super) const fn cipher(&self, purpose: Purpose) -> &XChaCha20Poly1305 {
        match purpose {
            Purpose::RequestState => &self.request_state,
            Purpose::Cursor => &self.cursor,
            Purpose::KeyPage => &self.key_page,
            Purpose::Record(Shelf::Tasks) => &self.tasks,
            Purpose::Record(Shelf::Alerts) => &self.alerts,
            Purpose::Record(Shelf::Sessions) => &self.sessions,
            Purpose::Record(Shelf::UpstreamKeys) => &self.upstream_keys,
            Purpose::Record(Shelf::Users) => &self.users,
            Purpose::Record(Shelf::ApiKeys) => &self.api_keys,
            Purpose::Record(Shelf::RefreshFamilies) => &self.refresh_families,
            Purpose::Record(Shelf::OauthClients) => &self.oauth_clients,
            Purpose::Record(Shelf::Grants) => &self.grants,
            Purpose::Record(Shelf::BrowserSessions) => &self.browser_sessions,
            Purpose::Record(Shelf::AuthFlows) => &self.auth_flows,
            Purpose::Record(Shelf::AuditSubjects) => &self.audit_subjects,
            Purpose::AuditRow => &self.audit_row,
            Purpose::AuditMark => &self.audit_mark,
            Purpose::BrowserCookie => &self.browser_cookie,
            Purpose::StreamPass => &self.stream_pass,
        }
    }
}

/// What HKDF is told to make the subkey of a purpose. A label that changes makes everything unreadable that was sealed under it.
const fn label(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::RequestState => "request state",
        Purpose::Cursor => "cursor",
        Purpose::KeyPage => "key page",
        Purpose::Record(Shelf::Tasks) => "record of tasks",
        Purpose::Record(Shelf::Alerts) => "record of alerts",
        Purpose::Record(Shelf::Sessions) => "record of sessions",
        Purpose::Record(Shelf::UpstreamKeys) => "record of upstream keys",
        Purpose::Record(Shelf::Users) => "record of users",
        Purpose::Record(Shelf::ApiKeys) => "record of API keys",
        Purpose::Record(Shelf::RefreshFamilies) => "record of refresh families",
        Purpose::Record(Shelf::OauthClients) => "record of OAuth clients",
        Purpose::Record(Shelf::Grants) => "record of grants",
        Purpose::Record(Shelf::BrowserSessions) => "record of browser sessions",
        Purpose::Record(Shelf::AuthFlows) => "record of authorizations under way",
        Purpose::Record(Shelf::AuditSubjects) => "record of audit subjects",
        Purpose::AuditRow => "row of the audit log",
        Purpose::AuditMark => "mark of the audit log",
        Purpose::BrowserCookie => "cookie of a browser",
        Purpose::StreamPass => "cookie of a stream ticket",
    }
}

pub(super) fn expand<const N: usize>(root: &Hkdf<Sha256>, label: &str) -> [u8; N] {
    let mut output = [0; N];
    root.expand(label.as_bytes(), &mut output).expect("HKDF-SHA256 gives up to 8160 bytes");
    output
}
