//! Is this credential genuine? What it allows is decided by `tickgate_core::access`.

mod authenticator;
mod browser;
mod jwt;
mod known;
mod static_keys;
mod tickets;

pub use authenticator::{AuthError, Authenticator, Credential, MAX_CREDENTIAL_BYTES};
pub use browser::{BrowserSessions, development_session_secret, once_keys, only_cookie};
pub use jwt::{AccessGrant, Claims, JwtAuthority, JwtError, development_secret};
pub use tickets::{Redeemed, StreamTickets};
