//! `MCP_API_KEYS`: keys that the configuration names.

use std::collections::HashMap;

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tickgate_core::access::{Caller, CredentialId, Principal};

use crate::settings::StaticKey;

/// The configured keys, by their hash: looking one up tells nothing about another.
#[derive(Debug, Default)]
pub(super) struct StaticKeys(HashMap<[u8; 32], Caller>);

impl StaticKeys {
    pub(super) fn new(keys: &[StaticKey]) -> Self {
        let entry = |key: &StaticKey| {
            let hash = hash(key.key.expose_secret());
            // Keys without a user of their own are told apart by a part of their hash.
            let principal = if key.user == "static" {
                Principal::new("key", &hex::encode(&hash[..4]))
            } else {
                Principal::new("user", &key.user)
            };
            let id = u64::from_be_bytes(hash[..8].try_into().expect("8 bytes of 32"));
            (hash, Caller { credential: CredentialId::StaticKey(id), ..Caller::trusted(principal, key.scope) })
        };
        Self(keys.iter().map(entry).collect())
    }

    /// Whose key has this hash.
    pub(super) fn find(&self, hash: &[u8; 32]) -> Option<Caller> {
        self.0.get(hash).cloned()
    }
}

pub(super) fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}
