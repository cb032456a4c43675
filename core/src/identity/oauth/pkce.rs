//! Does the verifier fit the challenge (RFC 7636)?

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::identity::hash::same;

/// Characters of a challenge: SHA-256 in base64url without padding (§4.2).
const CHALLENGE_CHARS: usize = 43;

/// A challenge of the method S256, the only one there is here: `plain` shows the secret to whoever sees the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PkceChallenge(String);

impl PkceChallenge {
    /// Reads a challenge; `None` when it is no SHA-256 in base64url.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let bytes = (text.len() == CHALLENGE_CHARS).then(|| BASE64_URL_SAFE_NO_PAD.decode(text).ok()).flatten()?;
        (bytes.len() == 32).then(|| Self(text.to_owned()))
    }

    /// Whether a verifier fits, in constant time. One that is not 43 to 128 unreserved characters (§4.1) fits nothing.
    #[must_use]
    pub fn fits(&self, verifier: &str) -> bool {
        is_verifier(verifier) && same(&challenge_of(verifier), &self.0)
    }
}

impl TryFrom<String> for PkceChallenge {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::read(&text).ok_or("not a PKCE challenge")
    }
}

impl From<PkceChallenge> for String {
    fn from(challenge: PkceChallenge) -> Self {
        challenge.0
    }
}

/// The S256 challenge of a verifier; for our own sign-in at the provider.
#[must_use]
pub fn challenge_of(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_' | b'~'))
}
