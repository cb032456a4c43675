//! Who may make and manage whose keys?

use super::record::ApiKey;
use crate::access::{Caller, CredentialId, Principal, Scope};

/// Why a caller may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyForbidden {
    /// They showed no credential: a key must be somebody's.
    #[error("keys belong to somebody: sign in first")]
    Anonymous,
    /// They are an MCP client that a person let in: a key would outlive their taking it back.
    #[error("an MCP client is given no keys: its person makes them at /account")]
    Client,
    /// They need this scope: 403 `insufficient_scope`.
    #[error("this needs the scope {0}")]
    NeedsScope(Scope),
    /// The key would be able to do more than its maker: `insufficient_scope` too, with the scope that is wanted.
    #[error("a key cannot have the scope {0}, which its maker does not have")]
    AboveMaker(Scope),
    /// It is another's: the same answer as for a key that does not exist.
    #[error("there is no such key")]
    NotFound,
}

/// Whether a caller may be given a key or a new secret. What a person let a client do ends when they disconnect it; a key would go
/// on. An admin's client has links for that, which a person opens.
///
/// # Errors
/// When it is a client.
pub const fn may_be_given_keys(caller: &Caller) -> Result<(), KeyForbidden> {
    if matches!(caller.credential, CredentialId::Family(_)) { Err(KeyForbidden::Client) } else { Ok(()) }
}

/// Whether a caller may make a key of this scope for this owner: own ones with `write`, others' with `admin`, and none that
/// can do more than they can (requirement B10, DESIGN §5).
///
/// # Errors
/// Why not.
pub fn may_create(caller: &Caller, owner: &Principal, scope: Scope) -> Result<(), KeyForbidden> {
    if !caller.authenticated {
        return Err(KeyForbidden::Anonymous);
    }
    let needed = if caller.principal == *owner { Scope::Write } else { Scope::Admin };
    if !caller.scope.allows(needed) {
        return Err(KeyForbidden::NeedsScope(needed));
    }
    if !caller.scope.allows(scope) {
        return Err(KeyForbidden::AboveMaker(scope));
    }
    Ok(())
}

/// Whether a caller may see, revoke or rotate a key: their own with `write`, others' with `admin`. A key of more scope than the
/// caller has may be seen and revoked, but `rotate` would hand it to them.
///
/// # Errors
/// Why not; another's key is not found.
pub fn may_manage(caller: &Caller, key: &ApiKey, rotate: bool) -> Result<(), KeyForbidden> {
    if !caller.authenticated {
        return Err(KeyForbidden::Anonymous);
    }
    if caller.principal != key.owner && !caller.scope.allows(Scope::Admin) {
        return Err(KeyForbidden::NotFound);
    }
    if !caller.scope.allows(Scope::Write) {
        return Err(KeyForbidden::NeedsScope(Scope::Write));
    }
    if rotate && !caller.scope.allows(key.scope) {
        return Err(KeyForbidden::AboveMaker(key.scope));
    }
    Ok(())
}
