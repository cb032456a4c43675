//! Our own access tokens (DESIGN §8): EdDSA, with the key pair derived from `JWT_SECRET_KEY`. No other algorithm is accepted.

use std::io;
use std::path::Path;

use base64::Engine as _;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tickgate_core::access::{Caller, CredentialId, Principal, Scope};
use tickgate_core::identity::oauth::ScopeSet;
use tickgate_core::identity::{BrowserSession, FamilyId, SessionId, UserId};
use tickgate_core::time::Millis;

use crate::settings::secret_bytes;
use crate::storage::kept_secret;

/// What the header says that it is (RFC 9068 §2.1): an access token, which no other kind of JWT can be taken for.
const TYPE: &str = "at+jwt";
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
    /// The MCP client that has it (RFC 9068 §2.2); tokens of the command line have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The family of refresh tokens that it came with, and dies with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<FamilyId>,
    /// The browser's session with which it was made, and with which it ends (OpenID Connect Front-Channel Logout §3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
}

/// What an MCP client's access token is to say.
#[derive(Clone, Copy, Debug)]
pub struct AccessGrant<'a> {
    /// Whose it is.
    pub user: UserId,
    /// Which client gets it.
    pub client: &'a str,
    /// What it allows.
    pub scopes: ScopeSet,
    /// The family that it belongs to.
    pub family: FamilyId,
    /// Its name. The same grant gives the same token.
    pub jti: u128,
    /// When it was made.
    pub issued: Millis,
    /// When it ends.
    pub ends: Millis,
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
            credential: match (self.family, self.sid) {
                (Some(family), _) => CredentialId::Family(family.0),
                (None, Some(session)) => CredentialId::BrowserSession(session.0),
                (None, None) => alone(),
            },
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
    /// Its name: the thumbprint of the public half (RFC 7638).
    id: String,
    /// The public half, as `x` of a JWK has it.
    public: String,
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
        self.sign(&self.claims(user, scope, secs, now))
    }

    /// The same for the page of a browser that has signed in: the token ends with the session, if not before.
    ///
    /// # Errors
    /// When no secret is configured.
    pub fn issue_in(&self, session: &BrowserSession, scope: Scope, secs: u64, now: Millis) -> Result<String, JwtError> {
        let claims = self.claims(&session.user.to_string(), scope, secs, now);
        self.sign(&Claims { sid: Some(session.id), ..claims })
    }

    fn claims(&self, user: &str, scope: Scope, secs: u64, now: Millis) -> Claims {
        let issued = now.0 / 1_000;
        Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: user.to_owned(),
            scope: scope.as_str().to_owned(),
            exp: issued + secs,
            iat: issued,
            jti: format!("{:032x}", tickgate_actors::clock::random_u128()),
            client_id: None,
            family: None,
            sid: None,
        }
    }

    /// Makes the access token of an MCP client.
    ///
    /// # Errors
    /// When no secret is configured.
    pub fn grant(&self, grant: &AccessGrant<'_>) -> Result<SecretString, JwtError> {
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: grant.user.to_string(),
            scope: grant.scopes.to_string(),
            exp: grant.ends.0 / 1_000,
            iat: grant.issued.0 / 1_000,
            jti: format!("{:032x}", grant.jti),
            client_id: Some(grant.client.to_owned()),
            family: Some(grant.family),
            sid: None,
        };
        self.sign(&claims).map(SecretString::from)
    }

    fn sign(&self, claims: &Claims) -> Result<String, JwtError> {
        let key = self.keys.first().ok_or(JwtError::NoSecret)?;
        let header = Header { typ: Some(TYPE.to_owned()), kid: Some(key.id.clone()), ..Header::new(Algorithm::EdDSA) };
        Ok(encode(&header, claims, &key.encoding)?)
    }

    /// Whether there is a key to sign with.
    #[must_use]
    pub const fn can_sign(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The public keys (RFC 7517, RFC 8037), the one that signs first.
    #[must_use]
    pub fn key_set(&self) -> Value {
        let keys: Vec<Value> = self
            .keys
            .iter()
            .map(|key| json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.id, "x": key.public}))
            .collect();
        json!({ "keys": keys })
    }

    /// Whose token it is, what it allows and when it ends.
    ///
    /// # Errors
    /// When it is not one of ours, or no longer good.
    pub fn verify(&self, token: &str) -> Result<Caller, JwtError> {
        self.read(token).map(|claims| claims.caller())
    }

    /// What a token says.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn read(&self, token: &str) -> Result<Claims, JwtError> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        validation.leeway = LEEWAY_SECS;
        let mut refused = JwtError::NoSecret;
        for key in &self.keys {
            match decode::<Claims>(token, &key.decoding, &validation) {
                Ok(data) => {
                    return Ok(data.claims);
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
    let decoding = DecodingKey::from_ed_components(&public)?;
    Ok(KeyPair { encoding: EncodingKey::from_ed_der(private.as_bytes()), decoding, id: thumbprint(&public), public })
}

/// RFC 7638 §3 and RFC 8037 §2: SHA-256 over the members that matter, in this order and without blanks.
fn thumbprint(public: &str) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}"#);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(members))
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
    use secrecy::ExposeSecret as _;

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

    #[test]
    fn a_clients_token_names_client_and_family_and_the_same_grant_gives_the_same_token() {
        let ours = authority("0123456789ab", "https://gate.example");
        let issued = now();
        let grant = AccessGrant {
            user: UserId(7),
            client: "client-x",
            scopes: ScopeSet::read("read write"),
            family: FamilyId(8),
            jti: 9,
            issued,
            ends: issued.plus(60_000),
        };
        let text = |grant: &AccessGrant<'_>| ours.grant(grant).unwrap().expose_secret().to_owned();
        let claims = ours.read(&text(&grant)).unwrap();
        assert_eq!((claims.family, claims.client_id.as_deref()), (Some(FamilyId(8)), Some("client-x")));
        let caller = ours.verify(&text(&grant)).unwrap();
        assert_eq!((caller.principal, caller.scope), (UserId(7).principal(), Scope::Write));
        assert_eq!(caller.credential, CredentialId::Family(8));
        assert_eq!(text(&grant), text(&grant), "a reply that was lost is given again");
        assert_ne!(text(&grant), text(&AccessGrant { jti: 10, ..grant }));
    }

    /// RFC 8037 appendix A.3 has the thumbprint of the key of appendix A.1.
    #[test]
    fn a_key_is_named_by_its_thumbprint_and_every_token_says_which_key_signed_it() {
        assert_eq!(thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let ours = authority("0123456789ab", "https://gate.example");
        let header = jsonwebtoken::decode_header(ours.issue("ada", Scope::Read, 60, now()).unwrap()).unwrap();
        let set = ours.key_set();
        assert_eq!((header.kid.as_deref(), header.typ.as_deref()), (set["keys"][0]["kid"].as_str(), Some("at+jwt")));
        assert!(set["keys"][0].get("d").is_none(), "only the public half");
    }
}
