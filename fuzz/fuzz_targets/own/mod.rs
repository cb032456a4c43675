//! The product's own sealing, taken in as it is: without the product's dependencies, which would take long to build.

use std::sync::OnceLock;

use secrecy::SecretString;

#[expect(dead_code, reason = "only texts are sealed here")]
#[path = "../../../src/sealing/mod.rs"]
pub mod sealing;

/// A sealer whose key a fuzzer does not know.
pub fn sealer() -> &'static sealing::Sealer {
    static SEALER: OnceLock<sealing::Sealer> = OnceLock::new();
    SEALER.get_or_init(|| sealing::Sealer::new(&[SecretString::from("5a".repeat(32))]).expect("a good key"))
}

/// As in the product's settings, for keys in hex.
pub fn secret_bytes(secret: &SecretString) -> Vec<u8> {
    hex::decode(secrecy::ExposeSecret::expose_secret(secret)).unwrap_or_default()
}
