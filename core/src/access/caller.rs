//! The caller of a request, as authentication found it.

use std::fmt;
use std::sync::Arc;

use super::credential::CredentialId;
use super::scope::Scope;
use crate::time::Millis;

/// To whom sessions, streams and limits belong: a user, a key, or an address. Never a secret; fit for logs.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Principal(Arc<str>);

impl Principal {
    /// Names a principal, e.g. `user:ada`, `key:5f3a`, `ip:127.0.0.1`.
    #[must_use]
    pub fn new(kind: &str, name: &str) -> Self {
        Self(format!("{kind}:{name}").into())
    }

    /// A principal as it was written down by [`Self::as_str`].
    #[must_use]
    pub fn restored(text: &str) -> Self {
        Self(text.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who is calling and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// To whom what they make belongs.
    pub principal: Principal,
    /// What they may do.
    pub scope: Scope,
    /// Whether a credential was shown; else the caller is an address.
    pub authenticated: bool,
    /// Which credential it was: when it is revoked, what was opened with it ends.
    pub credential: CredentialId,
    /// When it ends by itself; never when `None`.
    pub expires: Option<Millis>,
}

impl Caller {
    /// Somebody who showed nothing: an address.
    #[must_use]
    pub const fn anonymous(principal: Principal, scope: Scope) -> Self {
        Self { principal, scope, authenticated: false, credential: CredentialId::None, expires: None }
    }

    /// Somebody who is known without a credential that could end: the process that started us, or the owner of kept work.
    #[must_use]
    pub fn trusted(principal: Principal, scope: Scope) -> Self {
        Self { authenticated: true, ..Self::anonymous(principal, scope) }
    }
}
