//! Who is calling, what may they do. Genuine or not is decided in the edge; this is only what follows.

mod caller;
mod credential;
mod scope;

pub use caller::{Caller, Principal};
pub use credential::CredentialId;
pub use scope::{Scope, ScopeError};
