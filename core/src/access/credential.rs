//! By which credential somebody is known: what ends when it is revoked.

/// The credential of a caller. Never a secret; two callers with the same id showed the same credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialId {
    /// None: an address, or the process that started us.
    None,
    /// A key of the configuration, by a part of its hash. It lives as long as the process.
    StaticKey(u64),
    /// A stored API key, by its name.
    ApiKey(u128),
    /// A family of refresh tokens: each access token of it.
    Family(u128),
    /// An access token that belongs to no family, by a part of its hash.
    Token(u128),
    /// A browser's session, by its name.
    BrowserSession(u128),
}
