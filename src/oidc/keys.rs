//! With which keys does the provider sign, and is this token signed with one of them? RS256 and nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;
use tickgate_core::identity::oidc::IdClaims;

/// Most keys that are looked at; Google has two.
const MAX_KEYS: usize = 50;
/// Longest name of a key, in bytes.
const MAX_KID_BYTES: usize = 256;
/// Longest token, in bytes; Google's have about 1,200.
const MAX_TOKEN_BYTES: usize = 16_384;
/// Bytes of a modulus: 2,048 bits at least (RFC 7518 §3.3), 8,192 at most, because a check costs time.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;
/// Longest exponent, in bytes: a check with a long one takes very long.
const MAX_EXPONENT_BYTES: usize = 4;

/// The keys of one issuer.
pub struct KeySet(Vec<(Option<String>, DecodingKey)>);

/// Why a token's signature is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// The keys cannot be read.
    #[error("the provider's keys cannot be read")]
    Unreadable,
    /// The token is none.
    #[error("the ID token is malformed")]
    Malformed,
    /// Another algorithm than RS256, or something in the head that has to be understood.
    #[error("the ID token is signed in a way that is not accepted")]
    Algorithm,
    /// Signed with a key that is not among these.
    #[error("the ID token is signed with an unknown key")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the signature of the ID token is wrong")]
    Signature,
    /// The claims cannot be read.
    #[error("the claims of the ID token cannot be read")]
    Claims,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Key {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    n: String,
    e: String,
}

impl KeySet {
    /// Reads a JWK set (RFC 7517 §5). Keys of other kinds, for other uses or of a bad size are skipped.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(body: &[u8]) -> Result<Self, KeyFault> {
        let document: Document = serde_json::from_slice(body).map_err(|_| KeyFault::Unreadable)?;
        Ok(Self(document.keys.into_iter().take(MAX_KEYS).filter_map(usable).collect()))
    }

    /// The claims of a token that is signed with one of these keys.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn claims(&self, token: &str) -> Result<IdClaims, KeyFault> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(KeyFault::Malformed);
        }
        let head = decode_header(token).map_err(|error| match error.kind() {
            // A word for an algorithm that jsonwebtoken does not know, `none` among them.
            jsonwebtoken::errors::ErrorKind::Json(_) => KeyFault::Algorithm,
            _ => KeyFault::Malformed,
        })?;
        if head.alg != Algorithm::RS256 || head.crit.is_some() {
            return Err(KeyFault::Algorithm);
        }
        // Only the name is taken from the head: keys and addresses in it are the sender's own words.
        let key = self.find(head.kid.as_deref()).ok_or(KeyFault::UnknownKey)?;
        let mut validation = Validation::new(Algorithm::RS256);
        // Times, audience and issuer are judged by the core, with our clock.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let decoded = decode::<IdClaims>(token, key, &validation);
        decoded.map(|token| token.claims).map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::Json(_) => KeyFault::Claims,
            _ => KeyFault::Signature,
        })
    }

    /// A token may leave out the name when there is no choice (OpenID Connect Core §10.1).
    fn find(&self, kid: Option<&str>) -> Option<&DecodingKey> {
        match kid {
            Some(kid) => {
                let mut named = self.0.iter().filter(|(name, _)| name.as_deref() == Some(kid));
                let (_, key) = named.next()?;
                // Two keys of one name: the document says nothing about which.
                named.next().is_none().then_some(key)
            }
            None => self.0.first().filter(|_| self.0.len() == 1).map(|(_, key)| key),
        }
    }
}

fn usable(key: Value) -> Option<(Option<String>, DecodingKey)> {
    let key: Key = serde_json::from_value(key).ok()?;
    let fits = |said: &Option<String>, wanted: &str| said.as_deref().is_none_or(|said| said == wanted);
    let size = |text: &str| URL_SAFE_NO_PAD.decode(text).map_or(0, |bytes| bytes.len());
    let good = key.kty == "RSA"
        && fits(&key.usage, "sig")
        && fits(&key.alg, "RS256")
        && MODULUS_BYTES.contains(&size(&key.n))
        && (1..=MAX_EXPONENT_BYTES).contains(&size(&key.e))
        && key.kid.as_ref().is_none_or(|kid| kid.len() <= MAX_KID_BYTES);
    if !good {
        return None;
    }
    Some((key.kid, DecodingKey::from_rsa_components(&key.n, &key.e).ok()?))
}
