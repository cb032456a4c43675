//! Sealing: what leaves our hands (request state, cursors, rows of a database) and comes back can be read and made by us only.
//!
//! XChaCha20-Poly1305 with random nonces, under a subkey per [`Purpose`], with a `context` that is authenticated but not stored.
//! Why: `docs/decisions/0010-storage-and-sealing.md`.

mod hashing;
mod keys;

#[cfg(test)]
mod tests;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::{AeadInOut as _, Tag, XNonce};
use secrecy::SecretString;
use tickgate_core::ports::{Seal, Sealed, Shelf};

pub use self::hashing::hash_keys;
use self::keys::{ID_BYTES, SealingKey};

/// Bytes of a nonce; at 24 random ones will not repeat under one key.
const NONCE_BYTES: usize = 24;
/// Bytes of a tag.
const TAG_BYTES: usize = 16;
/// How a sealed text begins.
const TEXT_VERSION: &str = "v1";
/// How sealed bytes begin.
const BYTE_VERSION: u8 = 1;

/// What is sealed. A thing sealed for one purpose cannot be opened for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// State of a request that the client carries between its rounds.
    RequestState,
    /// Where a list goes on.
    Cursor,
    /// What a page is to do with a key, for one person.
    KeyPage,
    /// The body of a record in the store.
    Record(Shelf),
    /// The body of a row of the audit log.
    AuditRow,
    /// A place in the audit log that we vouch for: nothing is sealed, and the context says which place, so that it is a signature.
    AuditMark,
    /// The cookie of a browser that has signed in, under `SESSION_SECRET_KEY`.
    BrowserCookie,
    /// The cookie of a redeemed stream ticket, under `SESSION_SECRET_KEY`.
    StreamPass,
}

/// Why there is no [`Sealer`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealerError {
    /// Nothing to seal with.
    #[error("there is no DATA_ENCRYPTION_KEY to seal with: `tickgate secrets` prints a good one")]
    NoKey,
    /// A key that is no key.
    #[error("a key of DATA_ENCRYPTION_KEY is neither hex nor base64 of at least 32 bytes: `tickgate secrets` prints a good one")]
    WeakKey,
}

/// It cannot be opened: damaged, forged, for another purpose or context, or under a key that is not known. Which, is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not ours, was changed, or belongs elsewhere")]
pub struct SealError;

/// Seals with the first of its keys and opens with all. Made once: the subkeys are derived then.
pub struct Sealer {
    sealing: SealingKey,
    /// Earlier keys, which only open.
    opening: Vec<SealingKey>,
}

impl Sealer {
    /// A sealer for these keys, as `DATA_ENCRYPTION_KEY` lists them: the first seals, all open.
    ///
    /// # Errors
    /// When there is none, or one is not hex or base64 of at least 32 bytes.
    pub fn new(keys: &[SecretString]) -> Result<Self, SealerError> {
        let mut keys = keys.iter().map(SealingKey::derive);
        let sealing = keys.next().ok_or(SealerError::NoKey)??;
        Ok(Self { sealing, opening: keys.collect::<Result<_, _>>()? })
    }

    /// Seals into text that can stand in a URL or a header: `v1.<key id>.<base64url>`, about 4/3 of `plain` and 68 more characters.
    ///
    /// `context` says where the text belongs (whose, for which method and parameters); the same must be said to open it.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, context: &[&[u8]], plain: &[u8]) -> String {
        let sealed = self.sealing.seal(purpose, context, plain, &[]);
        format!("{TEXT_VERSION}.{}.{}", self.sealing.id_text(), URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what [`Self::seal`] made. A sealed text has one spelling only.
    ///
    /// # Errors
    /// When it is not ours, was changed, or was sealed for another purpose or context.
    pub fn open(&self, purpose: Purpose, context: &[&[u8]], text: &str) -> Result<Vec<u8>, SealError> {
        let mut parts = text.splitn(3, '.');
        let (Some(TEXT_VERSION), Some(id), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(SealError);
        };
        let keys: Vec<&SealingKey> = self.keys().filter(|key| key.id_text() == id).collect();
        if keys.is_empty() {
            return Err(SealError);
        }
        let sealed = URL_SAFE_NO_PAD.decode(body).map_err(|_| SealError)?;
        open_with(keys, purpose, context, &sealed)
    }

    /// Seals into bytes, 45 more than `plain`.
    #[must_use]
    pub fn seal_bytes(&self, purpose: Purpose, context: &[&[u8]], plain: &[u8]) -> Vec<u8> {
        let [a, b, c, d] = self.sealing.id;
        self.sealing.seal(purpose, context, plain, &[BYTE_VERSION, a, b, c, d])
    }

    /// Opens what [`Self::seal_bytes`] made.
    ///
    /// # Errors
    /// When it is not ours, was changed, or was sealed for another purpose or context.
    pub fn open_bytes(&self, purpose: Purpose, context: &[&[u8]], bytes: &[u8]) -> Result<Vec<u8>, SealError> {
        let (&version, rest) = bytes.split_first().ok_or(SealError)?;
        let (id, sealed) = rest.split_first_chunk::<ID_BYTES>().ok_or(SealError)?;
        if version != BYTE_VERSION {
            return Err(SealError);
        }
        open_with(self.keys().filter(|key| key.id == *id), purpose, context, sealed)
    }

    fn keys(&self) -> impl Iterator<Item = &SealingKey> {
        std::iter::once(&self.sealing).chain(&self.opening)
    }
}

/// Shows which keys there are, not what they are.
impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys().map(SealingKey::id_text)).finish()
    }
}

/// Tries keys that have the same id: ids are short, so two keys of a list may share one.
fn open_with<'a>(
    keys: impl IntoIterator<Item = &'a SealingKey>,
    purpose: Purpose,
    context: &[&[u8]],
    sealed: &[u8],
) -> Result<Vec<u8>, SealError> {
    keys.into_iter().find_map(|key| key.open(purpose, context, sealed)).ok_or(SealError)
}

impl SealingKey {
    /// `head`, which is not sealed, then nonce, ciphertext and tag.
    fn seal(&self, purpose: Purpose, context: &[&[u8]], plain: &[u8], head: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).expect("the operating system gives random bytes");
        let mut sealed = Vec::with_capacity(head.len() + NONCE_BYTES + plain.len() + TAG_BYTES);
        sealed.extend_from_slice(head);
        sealed.extend_from_slice(&nonce);
        let begin = sealed.len();
        sealed.extend_from_slice(plain);
        let tag = self
            .cipher(purpose)
            .encrypt_inout_detached(&XNonce::from(nonce), &self.authenticated(context), (&mut sealed[begin..]).into())
            .expect("a text in memory is shorter than the cipher's 256 GiB");
        sealed.extend_from_slice(&tag);
        sealed
    }

    fn open(&self, purpose: Purpose, context: &[&[u8]], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG_BYTES>()?;
        let mut plain = ciphertext.to_vec();
        self.cipher(purpose)
            .decrypt_inout_detached(
                &XNonce::from(*nonce),
                &self.authenticated(context),
                plain.as_mut_slice().into(),
                &Tag::from(*tag),
            )
            .ok()?;
        Some(plain)
    }

    /// What is authenticated beside the text: the key's id, then the parts of the context, each after its length, so that
    /// `["ab", "c"]` is not `["a", "bc"]`.
    fn authenticated(&self, context: &[&[u8]]) -> Vec<u8> {
        let mut bytes = self.id.to_vec();
        for part in context {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

impl Seal for Sealer {
    fn seal(&self, what: Sealed, context: &[&[u8]], plain: &[u8]) -> String {
        Self::seal(self, what.into(), context, plain)
    }

    fn open(&self, what: Sealed, context: &[&[u8]], sealed: &str) -> Option<Vec<u8>> {
        Self::open(self, what.into(), context, sealed).ok()
    }
}

impl From<Sealed> for Purpose {
    fn from(what: Sealed) -> Self {
        match what {
            Sealed::RequestState => Self::RequestState,
            Sealed::Cursor => Self::Cursor,
            Sealed::KeyPage => Self::KeyPage,
        }
    }
}
