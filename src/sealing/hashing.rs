//! The subkeys of `DATA_ENCRYPTION_KEY` under which secrets that are only ever compared are hashed: API keys, codes, refresh tokens.

use hkdf::Hkdf;
use secrecy::SecretString;
use sha2::Sha256;
use tickgate_core::identity::{HashKey, HashKeys};

use super::SealerError;
use super::keys::{MIN_KEY_BYTES, SALT, expand};
use crate::settings::secret_bytes;

/// What HKDF is told. A label that changes makes every key and token worthless that was given out.
const LABEL: &str = "hash of secrets";

/// The subkeys of these keys, as `DATA_ENCRYPTION_KEY` lists them: the first is used, all are known.
///
/// # Errors
/// When there is none, or one is too short.
pub fn hash_keys(secrets: &[SecretString]) -> Result<HashKeys, SealerError> {
    let mut keys = secrets.iter().map(|secret| {
        let bytes = secret_bytes(secret);
        if bytes.len() < MIN_KEY_BYTES {
            return Err(SealerError::WeakKey);
        }
        Ok(HashKey::new(expand(&Hkdf::<Sha256>::new(Some(SALT), &bytes), LABEL)))
    });
    let first = keys.next().ok_or(SealerError::NoKey)??;
    Ok(HashKeys::new(first, keys.collect::<Result<_, _>>()?))
}
