//! Our own access tokens (DESIGN §8): EdDSA, with the key pair derived from `JWT_SECRET_KEY`. No other algorithm is accepted.

use std::io;
use std::path::Path;

use base64::Engine as _;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tickgate_core::access::{Caller, CredentialId, Principal, Scope};
use tickgate_core::identity::FamilyId;
use tickgate_core::time::Millis;

use crate::settings::secret_bytes;
use crate::storage::kept_secret;

/// Clocks of two machines may differ by this much, in seconds.
const LEEWAY_SECS: u64 = 30;

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Who made it: our public URL.
    pub iss: String,
    /// For whom: our MCP endpoint.
    pub aud: String,
    /// Whose it is.
    pub sub: String,
    /// What it allows, words with blanks between.
    pub scope: String,
    /// When it ends, Unix seconds.
    pub exp: u64,
    /// When it was made, Unix seconds.
    pub iat: u64,
    /// Its own name.
    pub jti: String,
    /// The family of refresh tokens that it came with: the token dies with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<FamilyId>,
}

impl Claims {
    /// Whose token it is. It ends when it says so, to the second; the leeway for other clocks is for showing it only.
    fn caller(&self) -> Caller {
        let alone = || {
            let hash: [u8; 32] = Sha256::digest(self.jti.as_bytes()).into();
            CredentialId::Token(u128::from_be_bytes(hash[..16].try_into().expect("16 bytes of 32")))
        };
        let scope = Scope::greatest_of(&self.scope).unwrap_or(Scope::Read);
        Caller {
            credential: self.family.map_or_else(alone, |family| CredentialId::Family(family.0)),
            expires: Some(Millis(self.exp.saturating_mul(1_000))),
            ..Caller::trusted(Principal::new("user", &self.sub), scope)
        }
    }
}

/// Why a token is not good.
#[derive(Debug, thiserror::Error)]
pub enum JwtError {
    /// No secret is configured.
    #[error(
        "there is no JWT_SECRET_KEY to sign with: set it, or, in development, set AUTH to required or optional and one is made"
    )]
    NoSecret,
    /// The key pair or the token could not be made.
    #[error("the token could not be made: {0}")]
    Unmade(String),
    /// It is forged, expired or for someone else.
    #[error("the token is not valid: {0}")]
    Invalid(#[from] jsonwebtoken::errors::Error),
}

struct KeyPair {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// Makes and checks tokens.
pub struct JwtAuthority {
    keys: Vec<KeyPair>,
    issuer: String,
    audience: String,
}

impl JwtAuthority {
    /// An authority for these secrets: the first signs, all are accepted. `public_url` has no trailing slash.
    ///
    /// # Errors
    /// When a key pair cannot be derived.
    pub fn new(secrets: &[SecretString], public_url: &str) -> Result<Self, JwtError> {
        let keys = secrets.iter().map(|secret| key_pair(&secret_bytes(secret))).collect::<Result<_, _>>()?;
        Ok(Self { keys, issuer: public_url.to_owned(), audience: format!("{public_url}/mcp") })
    }

    /// Makes a token for a user and scope, good for `secs` seconds from `now` on.
    ///
    /// # Errors
    /// When no secret is configured.
    pub fn issue(&self, user: &str, scope: Scope, secs: u64, now: Millis) -> Result<String, JwtError> {
        let key = self.keys.first().ok_or(JwtError::NoSecret)?;
        let issued = now.0 / 1_000;
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: user.to_owned(),
            scope: scope.as_str().to_owned(),
            exp: issued + secs,
            iat: issued,
            jti: format!("{:032x}", tickgate_actors::clock::random_u128()),
            family: None,
        };
        Ok(encode(&Header::new(Algorithm::EdDSA), &claims, &key.encoding)?)
    }

    /// Whose token it is, what it allows and when it ends.
    ///
    /// # Errors
    /// When it is not one of ours, or no longer good.
    pub fn verify(&self, token: &str) -> Result<Caller, JwtError> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        validation.leeway = LEEWAY_SECS;
        let mut refused = JwtError::NoSecret;
        for key in &self.keys {
            match decode::<Claims>(token, &key.decoding, &validation) {
                Ok(data) => {
                    return Ok(data.claims.caller());
                }
                Err(error) => refused = error.into(),
            }
        }
        Err(refused)
    }
}

fn key_pair(secret: &[u8]) -> Result<KeyPair, JwtError> {
    let mut seed = Sha256::new();
    seed.update(b"tickgate jwt ed25519 v1\0");
    seed.update(secret);
    let signing = SigningKey::from_bytes(&seed.finalize().into());
    let private = signing.to_pkcs8_der().map_err(|error| JwtError::Unmade(error.to_string()))?;
    let public = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(signing.verifying_key().as_bytes());
    Ok(KeyPair { encoding: EncodingKey::from_ed_der(private.as_bytes()), decoding: DecodingKey::from_ed_components(&public)? })
}

/// The secret of a development machine: made once and kept in `DATA_DIR`, readable by its owner only.
///
/// # Errors
/// When the folder or the file cannot be written or read, or the file holds no secret.
pub fn development_secret(data_dir: &Path) -> io::Result<SecretString> {
    kept_secret(data_dir, "jwt-secret-key")
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn authority(secret: &str, url: &str) -> JwtAuthority {
        JwtAuthority::new(&[SecretString::from(STANDARD.encode(secret.repeat(4)))], url).unwrap()
    }

    fn now() -> Millis {
        tickgate_actors::clock::process_clock().now()
    }

    #[test]
    fn a_token_is_good_for_its_user_scope_and_time_and_for_nobody_elses_gateway() {
        let ours = authority("0123456789ab", "https://gate.example");
        let token = ours.issue("ada", Scope::Read, 60, now()).unwrap();
        let caller = ours.verify(&token).unwrap();
        assert_eq!((caller.principal.as_str(), caller.scope), ("user:ada", Scope::Read));
        assert!(authority("0123456789ab", "https://other.example").verify(&token).is_err());
        assert!(authority("another-secret", "https://gate.example").verify(&token).is_err());
        let old = ours.issue("ada", Scope::Read, 60, now().minus(200_000)).unwrap();
        assert!(ours.verify(&old).is_err());
    }

    #[test]
    fn a_forged_token_is_refused() {
        let ours = authority("0123456789ab", "https://gate.example");
        let token = ours.issue("ada", Scope::Read, 60, now()).unwrap();
        let (head, rest) = token.split_once('.').unwrap();
        let (claims, signature) = rest.split_once('.').unwrap();
        let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let none = encode(r#"{"alg":"none","typ":"JWT"}"#);
        let hs256 = encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        for forged in [
            format!("{none}.{claims}."),
            format!("{none}.{claims}.{signature}"),
            format!("{hs256}.{claims}.{signature}"),
            format!("{head}.{}.{signature}", encode(r#"{"sub":"eve","scope":"admin"}"#)),
            format!("{head}.{claims}.{}", signature.chars().rev().collect::<String>()),
            "a.b.c".to_owned(),
        ] {
            assert!(ours.verify(&forged).is_err(), "{forged}");
        }
    }

    #[test]
    fn a_rotated_secret_still_verifies_and_the_first_signs() {
        let secret = |text: &str| SecretString::from(STANDARD.encode(text.repeat(4)));
        let old = JwtAuthority::new(&[secret("0123456789ab")], "https://gate.example").unwrap();
        let both = JwtAuthority::new(&[secret("another-secret"), secret("0123456789ab")], "https://gate.example").unwrap();
        let token = old.issue("ada", Scope::Read, 60, now()).unwrap();
        assert!(both.verify(&token).is_ok());
        assert!(old.verify(&both.issue("ada", Scope::Read, 60, now()).unwrap()).is_err());
    }
}
