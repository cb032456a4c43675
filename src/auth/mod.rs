//! Is this credential genuine? What it allows is decided by `tickgate_core::access`.

mod authenticator;
mod jwt;
mod known;
mod static_keys;

pub use authenticator::{AuthError, Authenticator, Credential};
pub use jwt::{Claims, JwtAuthority, JwtError, development_secret};
