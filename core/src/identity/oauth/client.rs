//! What is kept of a client, and did it show its secret?

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::redirect_uri::{RedirectKind, RedirectUri};
use crate::identity::base62;
use crate::identity::hash::{HashKeys, SecretHash, digest, name_of};
use crate::identity::token_text;
use crate::time::Millis;

/// Longest name of a client, in characters: it stands on the consent page.
pub const MAX_CLIENT_NAME_CHARS: usize = 100;
/// How long a registration that nobody signed in with is kept, in ms: a day. Some clients register anew for each connection.
pub const UNUSED_CLIENT_MS: u64 = 86_400_000;
/// How long one is kept after its last use, in ms: ninety days, longer than any refresh token lives by default.
const USED_CLIENT_MS: u64 = 90 * 86_400_000;
/// How much later a use must be than the last recorded one to be worth a write, in ms.
const USE_STEP_MS: u64 = 3_600_000;
/// What the id of a registered client begins with.
const ID_BEGIN: &str = "client-";
const SECRET_KIND: &str = "tgs";

/// How a client shows who it is at `/token` (RFC 7591 §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// Not at all: a public client, which PKCE protects.
    #[default]
    None,
    /// A secret in the form.
    ClientSecretPost,
    /// A secret by HTTP Basic.
    ClientSecretBasic,
}

impl AuthMethod {
    /// Reads the word of a registration.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::None),
            "client_secret_post" => Some(Self::ClientSecretPost),
            "client_secret_basic" => Some(Self::ClientSecretBasic),
            _ => None,
        }
    }
}

/// How we know a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// It registered itself (RFC 7591): anybody may, under any name.
    Registered,
    /// Its id is the address of its metadata document.
    Document,
}

/// A client, as the store or the cache keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// What it calls itself at `/authorize` and `/token`.
    pub id: String,
    /// How we know it.
    pub kind: ClientKind,
    /// For people. Cleaned; still the client's own claim, so pages escape it and show where it leads beside it.
    pub name: String,
    /// Where people may be sent back to; at least one.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it shows who it is.
    #[serde(default)]
    pub auth_method: AuthMethod,
    /// Of its secret, if it has one.
    #[serde(default)]
    pub secret: Option<SecretHash>,
    /// Its home page, https or http.
    #[serde(default)]
    pub client_uri: Option<String>,
    /// When it registered, or its document was read.
    pub created: Millis,
    /// When somebody last agreed to it or it last got a token, to about an hour.
    #[serde(default)]
    pub last_used: Option<Millis>,
}

/// A client's secret as it sent it. Not shown by `Debug`.
#[derive(Clone, Debug)]
pub struct ClientSecret(pub SecretString);

impl Client {
    /// The id of a registered client out of 128 random bits.
    #[must_use]
    pub(super) fn id_of(random: u128) -> String {
        format!("{ID_BEGIN}{}", base62::write_number(random, base62::CHARS_OF_16))
    }

    /// The name of the record of a client with this id: the random bits of a registered one, a digest of an address.
    #[must_use]
    pub fn record_name(id: &str) -> u128 {
        let registered = id.strip_prefix(ID_BEGIN).filter(|name| name.len() == base62::CHARS_OF_16);
        let number = registered.and_then(base62::read_number);
        number.unwrap_or_else(|| name_of(&digest("tickgate client", &[id.as_bytes()])))
    }

    /// The text of a new secret and what is kept of it.
    pub(super) fn new_secret(id: &str, secret: &[u8; 32], keys: &HashKeys) -> (SecretString, SecretHash) {
        let name = base62::write_number(Self::record_name(id), base62::CHARS_OF_16);
        let text = token_text::write(SECRET_KIND, &name, secret);
        let hash = SecretHash::of(SECRET_KIND, text.expose_secret().as_bytes(), keys);
        (text, hash)
    }

    /// Whether this is its secret, in constant time; a client without a secret has none that fits.
    #[must_use]
    pub fn has_secret(&self, secret: &ClientSecret, keys: &HashKeys) -> bool {
        let hash = self.secret.unwrap_or(SecretHash::NOBODYS);
        hash.is_of(SECRET_KIND, secret.0.expose_secret().as_bytes(), keys) && self.secret.is_some()
    }

    /// The presented redirect address, if it is one of the client's: the same text, or a loopback one with another port.
    #[must_use]
    pub fn redirect(&self, presented: &str) -> Option<RedirectUri> {
        let known = self.redirect_uris.iter().any(|registered| registered.is_meant_by(presented));
        known.then(|| RedirectUri::read(presented).ok()).flatten()
    }

    /// Whether it can only be sent back to the person's own machine: any program there could be it, so the consent page warns.
    #[must_use]
    pub fn is_local_only(&self) -> bool {
        self.redirect_uris.iter().all(|uri| uri.kind() == RedirectKind::Loopback)
    }

    /// Notes a use. Says whether it is worth a write.
    pub fn used(&mut self, at: Millis) -> bool {
        let worth = self.last_used.is_none_or(|last| at.since(last) >= USE_STEP_MS);
        if worth {
            self.last_used = Some(at);
        }
        worth
    }

    /// When the registration may be forgotten.
    #[must_use]
    pub fn expires(&self) -> Millis {
        self.last_used.map_or_else(|| self.created.plus(UNUSED_CLIENT_MS), |used| used.plus(USED_CLIENT_MS))
    }
}
